"""A change of state becomes a folder of pictures and the numbers that decided it; trouble is counted, nothing waits."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest
from places import ROOT

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.ground import atomic
from dgiqa_edge.runtime.watch.event import FrameEvent, Presence, event_record
from dgiqa_edge.runtime.watch.sinks import create

Scored = Callable[..., FrameEvent]
SCHEMA = json.loads((ROOT / "runtime" / "schemas" / "incident.schema.json").read_text())
EVENTS = json.loads((ROOT / "runtime" / "schemas" / "frame_event.schema.json").read_text())


def made(folder: Path, **options: Any) -> Any:
    return create({"type": "evidence", "path": "proof", "queue": 1000, **options}, "sinks.0", folder=folder)


def incidents(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The folder and the record of each, by time."""
    found = sorted((folder / "proof").glob("*/*"), key=lambda path: path.name)
    return [(path, json.loads((path / "incident.json").read_text())) for path in found]


def test_a_rejection_and_its_end_with_pictures_before_and_after(scored: Scored, tmp_path: Path) -> None:
    sink = made(tmp_path, before_s=3, after_s=2)
    reject, good = scored(10, State.REJECT, changed=True), scored(14, State.PASS, changed=True)
    for index in range(10):
        sink.put(scored(index))
    for event in (reject, *(scored(index, State.REJECT) for index in range(11, 14)), good, scored(15), scored(16)):
        sink.put(event)
    stats = sink.close(20.0)
    assert (stats.offered, stats.delivered, stats.failed, stats.missed) == (17, 17, 0, 0)
    (dark, dark_record), (over, over_record) = incidents(tmp_path)
    assert dark.relative_to(tmp_path).as_posix() == "proof/front/20251009T085330.250Z-too_dark"
    assert over.name == "20251009T085334.250Z-good"
    for path, record in incidents(tmp_path):
        jsonschema.validate(record, SCHEMA)
        for one in record["records"]:
            jsonschema.validate(one, EVENTS)
        assert {file.name for file in path.iterdir()} == {"incident.json", *(it["file"] for it in record["frames"])}
    assert dark_record["records"] == [event_record(reject)]
    assert [frame["offset_s"] for frame in dark_record["frames"]] == [-3, -2, -1, 0, 1, 2]
    assert [frame["verdict"]["state"] for frame in dark_record["frames"]] == ["pass"] * 3 + ["reject"] * 3
    assert [frame["index"] for frame in over_record["frames"]] == [11, 12, 13, 14, 15, 16]
    assert dark_record["frames"][0]["file"] == "000_-3.000s.jpg"
    for frame in dark_record["frames"]:
        picture = cv2.imread(str(dark / frame["file"]))
        assert abs(float(picture.mean()) - frame["index"]) < 2.0  # every pixel holds the frame's number


def test_pictures_are_small_and_no_more_than_every_so_many_seconds(scored: Scored, tmp_path: Path) -> None:
    sink = made(tmp_path, before_s=5, after_s=0, every_s=3, longest_side=32)
    for index in range(11):
        sink.put(scored(index, changed=index == 10))
    stats = sink.close(20.0)
    ((path, record),) = incidents(tmp_path)
    assert [frame["offset_s"] for frame in record["frames"]] == [-4, -1, 0]  # what tells the state is always there
    assert all(cv2.imread(str(file)).shape == (24, 32, 3) for file in path.glob("*.jpg"))
    assert (stats.delivered, stats.ignored) == (5, 6)


def test_a_camera_that_is_lost_and_returns(scored: Scored, presence: Scored, tmp_path: Path) -> None:
    sink = made(tmp_path, before_s=5, after_s=1)
    sink.put(presence(Presence.STARTING, 0))
    sink.put(scored(1))
    sink.put(presence(Presence.LOST, 3, error="no answer"))
    sink.put(presence(Presence.RETURNED, 9))
    sink.put(scored(9))
    sink.put(scored(12))
    sink.put(presence(Presence.ENDED, 13))
    sink.close(20.0)
    found = [(record["kind"], [frame["offset_s"] for frame in record["frames"]]) for _, record in incidents(tmp_path)]
    assert found == [("lost", [-2]), ("returned", [0]), ("ended", [-4, -1])]
    assert incidents(tmp_path)[0][1]["records"][0]["error"] == "no answer"


def test_only_the_cameras_that_are_named(scored: Scored, tmp_path: Path) -> None:
    sink = made(tmp_path, cameras=["rear"])
    for camera in ("front", "rear"):
        sink.put(scored(0, State.REJECT, camera, changed=True))
    stats = sink.close(20.0)
    assert [path.parent.name for path, _ in incidents(tmp_path)] == ["rear"]
    assert (stats.delivered, stats.ignored) == (1, 1)


def noisy(event: FrameEvent, seed: int) -> FrameEvent:
    assert event.frame is not None
    event.frame[:] = np.random.default_rng(seed).integers(0, 255, event.frame.shape, np.uint8)
    return event


def test_the_limit_on_memory_holds_and_costs_the_oldest_pictures(scored: Scored, tmp_path: Path) -> None:
    sink = made(tmp_path, before_s=600, after_s=0, every_s=0, memory_mib=0.1)
    roll, largest = sink._target._roll, 0
    for index in range(40):
        sink.put(noisy(scored(index, camera=("front", "rear")[index % 2], size=(96, 128)), index))
        while sink.stats().delivered <= index:
            time.sleep(0.001)
        largest = max(largest, roll.size)
    assert 0.08 * 2**20 < largest <= 0.1 * 2**20
    sink.put(noisy(scored(40, State.REJECT, "front", changed=True, size=(96, 128)), 40))
    sink.close(20.0)
    ((_, record),) = incidents(tmp_path)
    kept = [frame["index"] for frame in record["frames"]]
    assert kept == list(range(kept[0], 41, 2)) and 1 < len(kept) < 20


def test_an_incident_larger_than_memory_is_written_in_pieces(scored: Scored, tmp_path: Path) -> None:
    sink = made(tmp_path, before_s=0, after_s=60, every_s=0, memory_mib=0.1)
    for index in range(30):
        sink.put(noisy(scored(index, State.REJECT, changed=True, size=(96, 128)), index))
    stats = sink.close(20.0)
    assert (stats.delivered, stats.failed) == (30, 0)
    seen = [record["index"] for _, incident in incidents(tmp_path) for record in incident["records"]]
    assert seen == list(range(30)) and len(incidents(tmp_path)) > 2


def full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_the_watch_goes_on_and_the_incident_is_written_once_it_can_be(
    scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str, wait_for: Callable[..., Any]
) -> None:
    sink = made(tmp_path, before_s=5, after_s=0, every_s=0)
    if trouble == "full":
        monkeypatch.setattr(atomic, "_sync", full)
    else:  # as root all folders can be written: a file in the folder's place cannot hold any
        (tmp_path / "proof").rmdir()
        (tmp_path / "proof").touch()
    sink.put(scored(0, State.REJECT, changed=True))
    sink.put(scored(1, State.REJECT))
    wait_for(lambda: sink.stats().failed)
    stats = sink.stats()
    assert "cannot be written" in stats.last_error and sink.describe()["written"] == 0
    assert not list(tmp_path.glob("proof/*/*"))  # and no half of it
    monkeypatch.undo()
    if trouble == "read-only":
        (tmp_path / "proof").unlink()
    sink.put(scored(2, State.REJECT))
    wait_for(lambda: sink.describe()["written"])
    stats = sink.close(20.0)
    assert stats.offered == stats.delivered + stats.failed == 3
    assert [record["kind"] for _, record in incidents(tmp_path)] == ["too_dark"]


def test_a_folder_that_is_removed_meanwhile_is_made_again(
    scored: Scored, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    sink = made(tmp_path, before_s=0, after_s=0, every_s=0, disk_mib=0.1, memory_mib=0.1)
    for index in range(40):  # more than there is room for
        sink.put(noisy(scored(index, State.REJECT, changed=True, size=(96, 128)), index))
        if index == 20:
            wait_for(lambda: sink.stats().delivered == 21)
            shutil.rmtree(tmp_path / "proof")
    stats = sink.close(20.0)
    assert (stats.delivered, stats.failed) == (40, 0)
    facts = sink.describe()
    assert facts["written"] == 40 and len(incidents(tmp_path)) == facts["incidents"] > 1


def test_what_cannot_be_written_in_the_end_is_counted(
    scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = made(tmp_path, before_s=0, after_s=0, every_s=0, memory_mib=0.1)
    monkeypatch.setattr(atomic, "_sync", full)
    for index in range(12):
        sink.put(noisy(scored(index, State.REJECT, changed=True, size=(96, 128)), index))
        assert sink._target._roll.size <= 0.1 * 2**20
    sink.close(3.0)
    facts = sink.describe()
    assert facts["lost"] > 0 and facts["written"] == facts["bytes"] == 0


def test_a_disk_smaller_than_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"sinks\.0\.disk_mib is 8, less than memory_mib \(16\)"):
        made(tmp_path, disk_mib=8)


WRITER = """
import sys
import numpy as np
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome
from dgiqa_edge.runtime.watch.sinks import create
from dgiqa_edge.runtime.gate.verdict import State, Verdict
section = {"type": "evidence", "path": sys.argv[1], "before_s": 1, "after_s": 1, "disk_mib": 0.5, "memory_mib": 0.5}
sink = create(section, "sinks.0")
frame = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
index = 0
while True:
    state = (State.PASS, State.REJECT)[index % 2]
    sink.put(FrameEvent("front", index, index, Outcome.SCORED, Verdict(state, "good", changed=index % 5 == 0), frame))
    index += 1
    if sink.describe()["removed"] > 3:
        print("ready", flush=True)
"""


def test_a_killed_watch_leaves_whole_incidents_alone(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "proof")], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    made(tmp_path, disk_mib=0.5, memory_mib=0.5).close(5.0)
    files = [path for path in (tmp_path / "proof").rglob("*") if path.is_file()]
    assert not [path for path in files if ".partial" in str(path)]
    assert 0 < sum(path.stat().st_size for path in files) <= 2**19
    halved = 0
    for folder in (tmp_path / "proof" / "front").iterdir():
        if not (folder / "incident.json").exists():
            halved += 1  # it was being removed
            continue
        record = json.loads((folder / "incident.json").read_text())
        there = [frame["file"] for frame in record["frames"] if (folder / frame["file"]).exists()]
        halved += len(there) < len(record["frames"])
        assert all(cv2.imread(str(folder / file)) is not None for file in there)
    assert halved <= 1
    shutil.rmtree(tmp_path / "proof")
