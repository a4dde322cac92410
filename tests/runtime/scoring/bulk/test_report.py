"""A report's figures against numpy's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.scoring.bulk.block_scorer import as_parquet
from dgiqa_edge.runtime.scoring.bulk.report import read_report

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: extra bulk")


def rows(count: int, seed: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        row: dict[str, Any] = {"image": f"{'ab'[number % 2]}/x/{seed}-{number}.jpg"}
        if number % 10 == 0:
            row["error"] = f"{row['image']} is empty" if number % 20 else "gone"
        else:
            row |= {"score": float(random.random()), "fault_dark": float(random.random())}
        made.append(row)
    return made


def test_figures_are_those_of_all_rows(tmp_path: Path) -> None:
    made = [rows(300, 1), rows(501, 2), [{"image": "top.jpg", "score": 1.0}, {"image": "zero.jpg", "score": 0.0}]]
    for number, part in enumerate(made):
        (tmp_path / f"{number}.parquet").write_bytes(as_parquet(part, ["dark"]))
    (tmp_path / "_run.json").write_text("{}")
    (tmp_path / "_work").mkdir()
    (tmp_path / "_work" / "note").touch()
    every = [row for part in made for row in part]
    good = [row for row in every if "score" in row]
    scores = np.array([row["score"] for row in good], np.float32)
    report = read_report(str(tmp_path), 7)
    said = report.to_dict()
    assert (said["scored"], said["failed"]) == (len(good), len(every) - len(good))
    assert said["mean"] == pytest.approx(scores.mean())
    for share in (10, 50, 90):
        assert said[f"p{share}"] == pytest.approx(np.percentile(scores, share), abs=0.011)
    counts, _ = np.histogram(scores, np.linspace(0, 1, 11))
    assert [part["pictures"] for part in said["histogram"]] == counts.tolist()
    lowest = sorted((np.float32(row["score"]), row["image"]) for row in good)[:7]
    assert [(one["score"], one["image"]) for one in said["worst"]] == lowest
    assert {one["folder"]: one["scored"] + one["failed"] for one in said["folders"]} == {"": 2, "a/x": 401, "b/x": 400}
    assert sum(one["pictures"] for one in said["errors"]) == said["failed"]
    assert {one["error"] for one in said["errors"]} == {"gone", "is empty"}
    assert said["faults"] == {"dark": sum(row.get("fault_dark", 0) >= 0.5 for row in good)}


def test_results_without_a_score_are_reported(tmp_path: Path) -> None:
    (tmp_path / "1.parquet").write_bytes(as_parquet([{"image": "a.jpg", "error": "a.jpg is empty"}], []))
    said = read_report(str(tmp_path), 5).to_dict()
    assert (said["scored"], said["failed"], said["mean"], said["p50"], said["worst"]) == (0, 1, None, None, [])


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "holds no results"), ({}, "holds no results"), ({"1.parquet": b"no"}, "cannot be read as Parquet")],
)
def test_what_is_no_result_is_said(tmp_path: Path, content: dict[str, bytes] | None, words: str) -> None:
    place = tmp_path / "out"
    if content is not None:
        place.mkdir()
        for name, text in content.items():
            (place / name).write_bytes(text)
    with pytest.raises(SourceError, match=words):
        read_report(str(place), 5)


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x": [1]}), tmp_path / "1.parquet")
    with pytest.raises(SourceError, match="is no result of score-many"):
        read_report(str(tmp_path), 5)
