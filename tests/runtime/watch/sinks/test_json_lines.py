"""Whole lines only, rotation within its limits, and nothing done to a file that is not ours."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from places import ROOT

from dgiqa_edge.runtime.errors import SinkError
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome
from dgiqa_edge.runtime.watch.sinks import create, json_lines
from dgiqa_edge.runtime.watch.sinks.event_filter import EventFilter
from dgiqa_edge.runtime.watch.sinks.json_lines import JsonLinesFile

SCHEMA = json.loads((ROOT / "runtime" / "schemas" / "frame_event.schema.json").read_text())
Scored = Callable[..., FrameEvent]


def records(path: Path) -> list[dict]:
    content = path.read_text()
    assert content.endswith("\n")
    return [json.loads(line) for line in content.splitlines()]


def test_every_outcome_becomes_a_line_of_the_schema(scored: Scored, unscored: Scored, tmp_path: Path) -> None:
    sink = create({"type": "json_lines", "path": "log/events.jsonl"}, "sinks.0", folder=tmp_path)
    for event in (scored(0), unscored(Outcome.SKIPPED, 1), unscored(Outcome.FAILED, 2)):
        sink.put(event)
    stats = sink.close(10.0)
    assert (stats.offered, stats.delivered) == (3, 3)
    found = records(tmp_path / "log" / "events.jsonl")
    assert [record["outcome"] for record in found] == ["scored", "skipped", "failed"]
    for record in found:
        jsonschema.validate(record, SCHEMA)


def test_filters_ignore_and_count(scored: Scored, unscored: Scored, tmp_path: Path) -> None:
    sink = create({"type": "json_lines", "path": "e.jsonl", "outcomes": ["failed"]}, "sinks.0", folder=tmp_path)
    sink.put(scored(0))
    sink.put(unscored(Outcome.FAILED, 1))
    stats = sink.close(10.0)
    assert (stats.offered, stats.ignored, stats.delivered) == (2, 1, 1)


def test_rotation_keeps_every_line_whole_and_removes_the_oldest_files(scored: Scored, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    target = JsonLinesFile(path, max_bytes=1000, keep=3, events=EventFilter())
    for index in range(40):
        line = target.select(scored(index))
        assert line is not None
        target.deliver(line)
    target.close()
    files = [tmp_path / f"events.jsonl.{number}" for number in (3, 2, 1)] + [path]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert all(file.stat().st_size <= 1000 for file in files)
    indexes = [record["index"] for file in files for record in records(file)]
    assert indexes == list(range(indexes[0], 40))  # no line between the oldest kept and the newest is lost


def test_a_torn_last_line_is_cut_off_and_the_rest_is_kept(scored: Scored, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    whole = json_lines.record_text(scored(0)) + "\n"
    path.write_text(whole + whole[: len(whole) // 2])
    JsonLinesFile(path, 1 << 20, 1, EventFilter()).close()
    assert path.read_text() == whole


@pytest.mark.parametrize("content", ["my only copy", "line\nanother without an end"])
def test_a_file_of_somebody_else_is_refused_and_left_alone(content: str, tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text(content)
    with pytest.raises(SinkError, match="choose another path"):
        create({"type": "json_lines", "path": str(path)}, "sinks.0")
    assert path.read_text() == content


def test_a_full_disk_is_a_failure_that_is_counted(scored: Scored, full_device: Path) -> None:
    sink = create({"type": "json_lines", "path": str(full_device)}, "sinks.0")
    sink.put(scored())
    stats = sink.close(15.0)
    assert (stats.offered, stats.failed) == (1, 1)
    assert "/dev/full" in (stats.last_error or "")


WRITER = """
import sys
from pathlib import Path
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome
from dgiqa_edge.runtime.watch.sinks.event_filter import EventFilter
from dgiqa_edge.runtime.watch.sinks.json_lines import JsonLinesFile
target = JsonLinesFile(Path(sys.argv[1]), 20_000, 2, EventFilter())
index = 0
while True:
    target.deliver(target.select(FrameEvent("front", index, 0.0, Outcome.FAILED, error="x" * (index % 700))))
    index += 1
    print(index, flush=True)
"""


def test_a_killed_writer_leaves_at_most_one_unfinished_line_which_the_next_start_cuts_off(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for _ in range(4):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(50):
            writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        *whole, _ = path.read_text().split("\n") if path.exists() else [""]  # it may just be rotated
        JsonLinesFile(path, 1 << 20, 2, EventFilter()).close()
        assert path.read_text() == "".join(f"{line}\n" for line in whole)
        kept = [json.loads(line) for line in whole]
        rotated = [record for file in tmp_path.glob("events.jsonl.*") for record in records(file)]
        assert kept + rotated
