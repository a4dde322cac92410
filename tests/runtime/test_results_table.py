"""Results as a table: one row each, whatever they are, in CSV and in what data frames are made of."""

import csv
import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dgiqa_edge.runtime import Verdict, to_csv, to_frame
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.results_table import LIBRARIES


class Told:
    """A result that tells this."""

    def __init__(self, **facts: Any) -> None:
        self._facts = facts

    def to_dict(self) -> dict[str, Any]:
        return self._facts


RESULTS = [
    Told(image="a, b.png", error="is empty"),
    Told(image="c.png", score=0.5, crop_scores=[0.4, 0.6], faults={"blurred": 0.25}, coverage={}),
    Told(image="\udce9.png", score=0.75, faults={"blurred": 0.0}),
]
COLUMNS = {
    "image": ["a, b.png", "c.png", "\udce9.png"],
    "score": [None, 0.5, 0.75],
    "fault_blurred": [None, 0.25, 0.0],
    "error": ["is empty", None, None],
}


def test_csv(tmp_path: Path) -> None:
    file = tmp_path / "new" / "scores.csv"
    to_csv(iter(RESULTS), file)
    with file.open(newline="", encoding="utf-8") as stream:
        assert list(csv.reader(stream)) == [
            ["image", "score", "fault_blurred", "error"],
            ["a, b.png", "", "", "is empty"],
            ["c.png", "0.5", "0.25", ""],
            ["\\xe9.png", "0.75", "0.0", ""],
        ]
    to_csv([], str(file))
    assert file.read_text() == "\n"


def test_csv_of_verdicts(tmp_path: Path) -> None:
    to_csv([Verdict(State.REJECT, "too dark", score=0.25, changed=True)], tmp_path / "verdicts.csv")
    (record,) = csv.DictReader((tmp_path / "verdicts.csv").open(encoding="utf-8"))
    assert (record["state"], record["reason"], record["score"], record["changed"]) == (
        "reject",
        "too dark",
        "0.25",
        "True",
    )


def test_a_csv_that_cannot_be_written_is_an_error(full_device: Path) -> None:
    with pytest.raises(MachineError, match="full"):
        to_csv(RESULTS, full_device)


@pytest.mark.parametrize("here", [["pandas"], ["polars"], ["pandas", "polars"]])
@pytest.mark.parametrize("asked", [None, "pandas", "polars"])
def test_a_data_frame_of_the_library_that_is_there(
    monkeypatch: pytest.MonkeyPatch, here: list[str], asked: Any
) -> None:
    for name in LIBRARIES:
        made = SimpleNamespace(DataFrame=lambda columns, name=name: (name, columns)) if name in here else None
        monkeypatch.setitem(sys.modules, name, made)  # type: ignore[arg-type]
    if asked not in (None, *here):
        with pytest.raises(MachineError, match=f"needs {asked}: pip install {asked}, or write CSV"):
            to_frame(RESULTS, asked)
    else:
        assert to_frame(RESULTS, asked) == (asked or here[0], COLUMNS)


def test_without_either_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LIBRARIES:
        monkeypatch.setitem(sys.modules, name, None)  # type: ignore[arg-type]
    with pytest.raises(MachineError, match="needs pandas or polars: pip install pandas"):
        to_frame(RESULTS)
    with pytest.raises(ConfigurationError, match="library is 'dask': give pandas or polars"):
        to_frame(RESULTS, "dask")  # type: ignore[arg-type]


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_real_library_takes_it(library: Any) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")
    results = [RESULTS[0], RESULTS[1]]
    frame = to_frame(results, library)
    assert type(frame) is importlib.import_module(library).DataFrame
    assert frame.shape == (2, 4)
    assert list(frame["image"]) == ["a, b.png", "c.png"]
    assert frame["score"].mean() == 0.5
