"""Blocks: every path once, the same blocks of a list that is nearly the same, and what of them is still missing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.ground.names import valid
from dgiqa_edge.runtime.scoring.bulk.plan import RESULT, Plan, Tally
from dgiqa_edge.runtime.scoring.bulk.store import Store

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: extra bulk")

names = st.lists(st.text(st.characters(blacklist_characters="\0"), min_size=1, max_size=6), max_size=60)


class Results(Store):
    """Blocks that are there, in memory."""

    def __init__(self) -> None:
        super().__init__("nowhere")
        self.files: dict[str, tuple[str, ...]] = {}

    def names(self) -> set[str]:
        return {*self.files, "_run.json", "_work", ".partial-x.parquet"}

    def batches(self, name, columns=None):  # type: ignore[no-untyped-def]
        return pa.table({"image": [valid(path) for path in self.files[name]]}).to_batches()

    def run(self, paths: list[str], size: int, most: int = 10**6) -> tuple[Tally, Plan]:
        """Do as a run does that ends behind so many blocks."""
        plan, tally = Plan(paths, self, size), Tally()
        for number, block in enumerate(plan.blocks(tally)):
            if number == most:
                break
            assert block.name + RESULT not in self.files
            self.files[block.name + RESULT] = block.paths
            tally.scored += len(block.paths)
        return tally, plan

    def rows(self) -> list[str]:
        return [valid(path) for paths in self.files.values() for path in paths]


@given(first=names, second=names, size=st.integers(1, 9), other=st.integers(1, 9), most=st.integers(0, 5))
def test_whatever_was_there_each_picture_gets_one_row(
    first: list[str], second: list[str], size: int, other: int, most: int
) -> None:
    """A run that was ended, then another list in blocks of another size, then that list again."""
    results = Results()
    results.run(first, size, most)
    before = results.rows()
    tally, plan = results.run(second, other)
    assert tally.read == plan.total == len(second)
    rows = results.rows()
    assert len(rows) == len(set(rows))
    assert set(rows) == {*before, *map(valid, second)}
    assert plan.stale == len(set(before) - set(map(valid, second)) - whole(results, second, other))
    again, _ = results.run(second, other)
    assert (again.scored, again.skipped) == (0, len(second))


def whole(results: Results, paths: list[str], size: int) -> set[str]:
    """Pictures in files that are whole blocks of the list."""
    named = {block.name + RESULT for block in Plan(paths, Results(), size).blocks(Tally())}
    return {valid(path) for name in named & set(results.files) for path in results.files[name]}


def test_a_picture_more_changes_one_block_and_its_neighbour() -> None:
    paths = [f"camera/{number:05}.jpg" for number in range(5000)]
    blocks = {block.name for block in Plan(paths, Results(), 100).blocks(Tally())}
    changed = {block.name for block in Plan([*paths[:2500], "new.jpg", *paths[2501:]], Results(), 100).blocks(Tally())}
    assert 30 <= len(blocks) <= 100
    assert len(changed - blocks) <= 4


def test_blocks_are_of_half_to_twice_the_size() -> None:
    blocks = list(Plan([f"{number}.jpg" for number in range(20_000)], Results(), 100).blocks(Tally()))
    sizes = [len(block.paths) for block in blocks[:-1]]
    assert min(sizes) >= 50
    assert max(sizes) <= 200
    assert 70 <= sum(sizes) / len(sizes) <= 130


def test_what_is_there_is_known_by_its_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    results, paths = Results(), [f"{number}.jpg" for number in range(1000)]
    results.run(paths, 50)
    monkeypatch.setattr(results, "batches", None)  # nothing is opened
    tally, _ = results.run(paths, 50)
    assert tally == Tally(skipped=1000)


def test_files_of_others_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".partial-1.parquet").write_text("half")
    (tmp_path / "notes.txt").write_text("")
    assert [block.paths for block in Plan(["a"], Store(str(tmp_path)), 5).blocks(Tally())] == [("a",)]
