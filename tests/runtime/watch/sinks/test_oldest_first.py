"""What was written first goes first, whatever the clock says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.errors import SinkError
from dgiqa_edge.runtime.watch.event import FrameEvent
from dgiqa_edge.runtime.watch.sinks import create
from dgiqa_edge.runtime.watch.sinks.evidence.store import RECORD, IncidentStore
from dgiqa_edge.runtime.watch.sinks.oldest_first import OldestFirst


def names(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name[:15] for path in folder.glob(pattern))


def test_a_clock_that_was_set_back_does_not_cost_the_newest_incidents(tmp_path: Path) -> None:
    times = ("20380101T000000", "20380101T000001", "20260101T000000", "20260101T000001", "20260101T000002")
    store = IncidentStore(tmp_path, 200)
    for time in times:
        store.keep("front", f"{time}.000Z-too_dark", {RECORD: b"r" * 100})
    assert names(tmp_path, "*/*") == list(times[-2:])


def test_nor_the_newest_frames(scored: Callable[..., FrameEvent], tmp_path: Path) -> None:
    sink = create({"type": "directory", "path": str(tmp_path), "max_files": 2, "queue": 10}, "sinks.0")
    for index in (3, 4, 0, 1, 2):  # a frame a second
        sink.put(scored(index))
    sink.close(10.0)
    assert names(tmp_path, "*/pass/*") == ["20251009T085321", "20251009T085322"]


def test_what_earlier_runs_left_goes_by_its_name(tmp_path: Path) -> None:
    removed: list[Any] = []
    found = [(tmp_path / "b" / "2", 10), (tmp_path / "a" / "3", 10), (tmp_path / "c" / "1", 10)]
    kept = OldestFirst(tmp_path / "made", lambda _: found, removed.append, most_bytes=30, most=3)
    kept.make_room(0)
    assert [path.name for path in removed] == ["1"]  # for one more there are too many
    kept.add(tmp_path / "0", 5)
    kept.make_room(20)
    assert [path.name for path in removed] == ["1", "2", "3"]
    assert (kept.size, len(kept), kept.removed) == (5, 1, 3)


def test_what_cannot_be_removed_counts_still(tmp_path: Path) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    kept = OldestFirst(tmp_path, lambda _: [(tmp_path / "1", 10)], refuse, most_bytes=10)
    with pytest.raises(SinkError, match="1 cannot be removed: Permission denied: check the folder's rights"):
        kept.make_room(1)
    assert (kept.size, len(kept), kept.removed) == (10, 1, 0)
