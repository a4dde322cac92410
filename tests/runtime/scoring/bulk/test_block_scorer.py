"""A block as a file of rows: what ``score`` says of its pictures, and what becomes of one that ends the process."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.errors import FidelityError, MachineError
from dgiqa_edge.runtime.hashing import sha256_file
from dgiqa_edge.runtime.scoring.bulk import block_scorer
from dgiqa_edge.runtime.scoring.bulk.block_scorer import MOST_DEATHS, WORK, BlockScorer, Deaths, Job, Outcome
from dgiqa_edge.runtime.scoring.bulk.plan import RESULT, Block

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: extra bulk")

LIVES = """
import os, signal, sys
import cv2
real = cv2.imdecode
def imdecode(content, flags):
    if b"POISON" in content.tobytes():
        os.kill(os.getpid(), signal.SIGKILL)
    return real(content, flags)
cv2.imdecode = imdecode
from dgiqa_edge.runtime.scoring.bulk.block_scorer import BlockScorer, Job
from dgiqa_edge.runtime.scoring.bulk.plan import Block
bundle, out, root, *paths = sys.argv[1:]
with BlockScorer(Job(bundle, out, root, "bundle", ())) as scorer:
    print(scorer.score(Block("block", tuple(paths))))
"""


@pytest.fixture
def photos(tmp_path: Path, make_photo: Any) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), make_photo(seed=number))
    cv2.imwrite(str(folder / "deep.png"), make_photo(seed=9).astype("uint16") * 257)
    whole = cv2.imencode(".jpg", make_photo(seed=4))[1].tobytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("no picture")
    return folder


def rows_of(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return rows


def job_of(bundle: Path, tmp_path: Path, faults: tuple[str, ...] = ()) -> Job:
    return Job(str(bundle), str(tmp_path / "out"), str(tmp_path / "photos"), "bundle's hash", faults)


def test_rows_say_what_score_says(make_bundle: Callable[..., Path], photos: Path, tmp_path: Path) -> None:
    bundle = make_bundle(faults=True)
    paths = ("2.png", "cut.jpg", "deep.png", "empty.jpg", "gone.jpg", "0.png", "text.jpg", str(photos / "1.png"))
    told: list[int] = []
    with BlockScorer(job_of(bundle, tmp_path, ("dark", "over-exposed"))) as scorer:
        outcome = scorer.score(Block("block", paths), told.append)
    assert outcome == Outcome(scored=4, failed=4)
    assert told == list(range(1, 9))
    rows = rows_of(tmp_path / "out" / f"block{RESULT}")
    assert [row["image"] for row in rows] == list(paths)
    with Scorer(bundle) as scorer:
        expected = list(scorer.score_many([photos / path for path in paths]))
    for row, result in zip(rows, expected, strict=True):
        said = result.to_dict()
        assert row["score"] == said.get("score")
        assert row["fault_dark"] == pytest.approx(said["faults"]["dark"]) if "faults" in said else True
        assert (row["width"], row["height"]) == (said.get("width"), said.get("height"))
        assert row["error"] == (said["error"].replace(f"{photos}{os.sep}", "") if "error" in said else None)
        file = photos / row["image"]
        assert row["sha256"] == (sha256_file(file) if file.exists() and file.stat().st_size else None)
        assert row["bundle"] == "bundle's hash"
    assert not any((tmp_path / "out" / WORK).iterdir())


def test_columns_are_the_same_where_all_has_failed(bundle_dir: Path, photos: Path, tmp_path: Path) -> None:
    with BlockScorer(job_of(bundle_dir, tmp_path, ("dark",))) as scorer:
        assert scorer.score(Block("good", ("0.png",))) == Outcome(1, 0)
        assert scorer.score(Block("bad", ("gone.jpg", "empty.jpg"))) == Outcome(0, 2)
    good, bad = (pq.read_schema(tmp_path / "out" / f"{name}{RESULT}") for name in ("good", "bad"))
    assert good == bad


def test_a_block_that_is_there_is_not_scored_again(bundle_dir: Path, photos: Path, tmp_path: Path) -> None:
    with BlockScorer(job_of(bundle_dir, tmp_path)) as scorer:
        block = Block("block", ("0.png", "gone.jpg"))
        first = scorer.score(block)
        before = (tmp_path / "out" / f"block{RESULT}").stat()
        (photos / "0.png").unlink()
        assert scorer.score(block) == first == Outcome(1, 1)
        assert (tmp_path / "out" / f"block{RESULT}").stat() == before


@pytest.mark.parametrize("error", [FidelityError("not a number"), MachineError("store"), KeyboardInterrupt()])
def test_what_ends_all_scoring_leaves_nothing_of_the_block(
    bundle_dir: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(place: str) -> bytes:
        raise error

    with BlockScorer(job_of(bundle_dir, tmp_path)) as scorer:
        monkeypatch.setattr(block_scorer, "read_picture", fail)
        with pytest.raises(type(error)):
            scorer.score(Block("block", ("0.png", "1.png")))
    assert [path.name for path in (tmp_path / "out").rglob("*")] == [WORK]


def test_a_picture_that_ends_the_process_has_failed_in_the_end(bundle_dir: Path, photos: Path, tmp_path: Path) -> None:
    """Three processes end on it, the fourth gives up on it alone; two such pictures take five."""
    poison = cv2.imencode(".png", cv2.imread(str(photos / "0.png")))[1].tobytes() + b"POISON"
    for name in ("one.png", "two.png"):
        (photos / name).write_bytes(poison)
    arguments = [bundle_dir, tmp_path / "out", photos, "0.png", "one.png", "1.png", "two.png", "empty.jpg"]
    ends = []
    for _ in range(8):
        done = subprocess.run([sys.executable, "-c", LIVES, *map(str, arguments)], capture_output=True, check=False)
        ends.append(done.returncode)
        if done.returncode == 0:
            break
        assert not (tmp_path / "out" / f"block{RESULT}").exists()
    assert ends == [-9] * (1 + 2 * MOST_DEATHS) + [0], done.stderr
    rows = {row["image"]: row for row in rows_of(tmp_path / "out" / f"block{RESULT}")}
    assert [name for name, row in rows.items() if row["score"] is not None] == ["0.png", "1.png"]
    for name in ("one.png", "two.png"):
        assert rows[name]["error"].startswith(f"{name} ended the process that read it, {MOST_DEATHS} times")
    assert "is empty" in rows["empty.jpg"]["error"]
    assert not any((tmp_path / "out" / WORK).iterdir())


@pytest.mark.parametrize(
    ("note", "deaths"),
    [
        (Deaths(Counter()).note(), {}),
        (Deaths(Counter()).note(at=3), {3: 1}),
        (Deaths(Counter({3: 1, 5: 2})).note(at=3), {3: 2, 5: 2}),
        (b"", {}),
        (b'{"dea', {}),
        (b"\xff", {}),
    ],
)
def test_a_note_says_on_what_a_process_ended(note: bytes, deaths: dict[int, int]) -> None:
    assert Deaths.read(note).of == deaths
