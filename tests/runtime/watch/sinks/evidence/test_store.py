"""The limit on disk holds to the byte, after restarts as well, and nobody else's file is touched."""

from pathlib import Path

import pytest

from dgiqa_edge.runtime.errors import SinkError
from dgiqa_edge.runtime.watch.sinks.evidence.store import RECORD, IncidentStore, picture_name
from dgiqa_edge.runtime.watch.sinks.queued import RefusedError


def name(second: int) -> str:
    return f"20260131T1200{second:02d}.000Z-too_dark"


def files(size: int = 100) -> dict[str, bytes]:
    return {RECORD: b"r" * (size // 2), picture_name(0, -1.5): b"p" * (size - size // 2)}


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def incidents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*/*"))


@pytest.mark.parametrize("restarts", [False, True])
def test_the_limit_holds_and_the_oldest_go_first(tmp_path: Path, restarts: bool) -> None:
    store = IncidentStore(tmp_path, 1000)
    for second in range(25):
        if restarts:
            store = IncidentStore(tmp_path, 1000)
        store.keep(("front", "rear")[second % 2], name(second), files(90 + second))
        assert store.size == on_disk(tmp_path) <= 1000
    assert incidents(tmp_path) == [name(second) for second in range(25 - len(store), 25)]
    assert len(store) == 9  # 106 to 114 bytes
    assert store.size + 105 > 1000  # none went too early


def test_a_lower_limit_holds_from_the_start(tmp_path: Path) -> None:
    store = IncidentStore(tmp_path, 1000)
    for second in range(9):
        store.keep("front", name(second), files())
    assert IncidentStore(tmp_path, 250).size == on_disk(tmp_path) == 200


def test_an_incident_over_the_limit_is_refused_and_removes_nothing(tmp_path: Path) -> None:
    store = IncidentStore(tmp_path, 250)
    store.keep("front", name(0), files())
    with pytest.raises(RefusedError, match="over disk_mib"):
        store.keep("front", name(1), files(251))
    assert incidents(tmp_path) == [name(0)]


def test_foreign_files_stay_and_are_not_counted(tmp_path: Path) -> None:
    store = IncidentStore(tmp_path, 250)
    store.keep("front", name(0), files())
    mine = {
        tmp_path / "notes.txt": 400,
        tmp_path / "front" / "20260131.jpg": 400,
        tmp_path / "front" / name(0) / "why.txt": 400,  # in the folder of an incident that will go
        tmp_path / "front" / "holiday" / "000_+0.000s.jpg": 400,
        tmp_path / "front" / ".partial-abc" / "draft.txt": 400,
        tmp_path / "front" / name(3) / "mine.txt": 400,  # whose name an incident will want
    }
    for path, size in mine.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"m" * size)
    store = IncidentStore(tmp_path, 250)
    for second in range(1, 6):
        store.keep("front", name(second), files())
    assert (store.size, len(store)) == (200, 2)
    assert all(path.stat().st_size == size for path, size in mine.items())
    assert on_disk(tmp_path) == 200 + sum(mine.values())
    assert [path.name for path in (tmp_path / "front" / name(0)).iterdir()] == ["why.txt"]


def test_a_name_that_is_taken_gets_a_number_and_is_found_again(tmp_path: Path) -> None:
    store = IncidentStore(tmp_path, 1000)
    for _ in range(3):
        store.keep("front", name(0), files())
    assert incidents(tmp_path) == [name(0), f"{name(0)}-2", f"{name(0)}-3"]
    assert len(IncidentStore(tmp_path, 1000)) == 3


def test_half_an_incident_that_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    half = tmp_path / "front" / ".partial-x1y2"
    half.mkdir(parents=True)
    (half / picture_name(0, 0.0)).write_bytes(b"\xff\xd8")
    outside = tmp_path / "elsewhere.jpg"
    outside.write_bytes(b"mine")
    (tmp_path / "front" / name(1)).symlink_to(tmp_path)
    assert IncidentStore(tmp_path, 1000).size == 0
    assert not half.exists() and outside.exists()


def test_an_incident_half_removed_by_a_killed_run_counts_still(tmp_path: Path) -> None:
    IncidentStore(tmp_path, 1000).keep("front", name(0), files())
    (tmp_path / "front" / name(0) / RECORD).unlink()
    store = IncidentStore(tmp_path, 60)
    assert store.size == on_disk(tmp_path) == 50
    store.keep("front", name(1), files(60))
    assert incidents(tmp_path) == [name(1)]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("a file")
    with pytest.raises(SinkError, match="choose another folder"):
        IncidentStore(tmp_path / "here", 1000)


def test_what_somebody_else_has_removed_makes_room_as_well(tmp_path: Path) -> None:
    store = IncidentStore(tmp_path, 250)
    store.keep("front", name(0), files())
    for path in (tmp_path / "front" / name(0)).iterdir():
        path.unlink()
    (tmp_path / "front" / name(0)).rmdir()
    for second in range(1, 4):
        store.keep("front", name(second), files())
    assert incidents(tmp_path) == [name(2), name(3)]
