"""What a person says a frame was: files that ``gate tune`` takes, bounded, atomic, from our own page alone."""

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, MachineError
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.gate.vocabulary import FAULTS
from dgiqa_edge.runtime.watch.dashboard import Dashboard
from dgiqa_edge.runtime.watch.dashboard.labels import TRUTHS, Labels, Said
from dgiqa_edge.runtime.watch.event import FrameEvent, event_record

Start = Callable[..., Dashboard]
Scored = Callable[..., FrameEvent]
TIME = "20251009T085321.250Z"


def said(event: FrameEvent) -> Said:
    assert event.frame is not None
    return Said(event_record(event), event.frame)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]


def test_a_label_is_a_whole_frame_in_the_folder_of_what_it_was(tmp_path: Path, scored: Scored) -> None:
    labels = Labels(tmp_path, 10)
    event = scored(1, State.REJECT, camera="front/door")
    line = labels.write(said(event), "good")
    assert files(tmp_path) == [f"good/front%2Fdoor-{TIME}.png", "labels.jsonl"]
    assert np.array_equal(cv2.imread(str(tmp_path / line["file"])), event.frame)
    assert lines(tmp_path) == [line]
    assert (line["truth"], line["camera"], line["index"], line["reduced"]) == ("good", "front/door", 1, False)
    assert line["verdict"]["reason"] == "too dark"
    assert line["size"] == line["frame_size"] == [64, 48]


def test_a_frame_has_one_label_and_a_label_can_be_taken_back(tmp_path: Path, scored: Scored) -> None:
    labels = Labels(tmp_path, 10)
    for index, truth in ((2, "noisy"), (0, "too_dark"), (1, "good")):
        labels.write(said(scored(index)), truth)
    again = labels.write(said(scored(1)), "blurred")
    assert again["file"] == f"bad/blurred/front-{TIME}.png"
    assert [line["truth"] for line in lines(tmp_path)] == ["too_dark", "blurred", "noisy"]  # in the order of time
    assert len(files(tmp_path)) == 4
    assert labels.undo(again["file"])
    assert [line["truth"] for line in lines(tmp_path)] == ["too_dark", "noisy"]
    assert len(files(tmp_path)) == 3
    assert not labels.undo("good/nothing.png")


def test_only_what_was_labelled_since_the_start_is_taken_back(tmp_path: Path, scored: Scored) -> None:
    file = Labels(tmp_path, 10).write(said(scored(0)), "good")["file"]
    assert not Labels(tmp_path, 10).undo(file)
    assert (tmp_path / file).exists()


def test_lines_of_somebody_else_stay(tmp_path: Path, scored: Scored) -> None:
    (tmp_path / "labels.jsonl").write_text('no JSON\n[1]\n{"file": 3}\n{"file": "x", "time": 3}\n\n')
    labels = Labels(tmp_path, 10)
    labels.undo(labels.write(said(scored(0)), "good")["file"])
    assert (tmp_path / "labels.jsonl").read_text() == 'no JSON\n[1]\n{"file": 3}\n{"file": "x", "time": 3}\n'


def test_a_full_folder_says_so_and_keeps_what_it_has(tmp_path: Path, scored: Scored) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "of mine.png").write_bytes(bytes(1 << 20))
    labels = Labels(tmp_path, 1)
    with pytest.raises(MachineError, match=r"raise dashboard\.labels_mib"):
        labels.write(said(scored(0)), "good")
    assert files(tmp_path) == ["good/of mine.png"]


@pytest.mark.parametrize("truth", ["", "recovering", "no_signal", "../good", "too dark"])
def test_what_no_frame_can_be_is_refused(tmp_path: Path, scored: Scored, truth: str) -> None:
    with pytest.raises(ConfigurationError, match="none of good, blurred"):
        Labels(tmp_path, 10).write(said(scored(0)), truth)
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, scored: Scored) -> None:
    (tmp_path / "labels").write_text("a file")
    with pytest.raises(MachineError, match="labels"):
        Labels(tmp_path / "labels", 10).write(said(scored(0)), "good")


def test_the_choices_are_those_of_the_vocabulary() -> None:
    assert set(TRUTHS) == {"good", *(fault.slug for fault in FAULTS.values())} - {"no_signal"}


class Answer(NamedTuple):
    status: int
    body: bytes


def ask(dashboard: Dashboard, path: str, document: Any = None, **headers: str) -> Answer:
    """GET, or POST of a document."""
    connection = http.client.HTTPConnection(dashboard.url.removeprefix("http://").rstrip("/"), timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = None if document is None else json.dumps(document)
    connection.request("GET" if document is None else "POST", path, body, named)
    response = connection.getresponse()
    answer = Answer(response.status, response.read())
    connection.close()
    return answer


def post(dashboard: Dashboard, path: str, document: Any, **headers: str) -> Answer:
    return ask(dashboard, path, document, **{"Content_Type": "application/json", **headers})


def feed(dashboard: Dashboard, wait_for: Callable[..., Any], event: FrameEvent) -> None:
    dashboard.put(event)
    wait_for(lambda: dashboard.stats().delivered == dashboard.stats().offered)


def test_the_live_frame_is_kept_whole_and_one_of_the_gallery_as_it_is(
    start: Start, scored: Scored, wait_for: Callable[..., Any], tmp_path: Path
) -> None:
    dashboard = start(labels=tmp_path / "labels")
    feed(dashboard, wait_for, scored(0, State.REJECT, size=(720, 1280)))
    assert ask(dashboard, "/api/view?camera=front&hold=1").status == 200
    feed(dashboard, wait_for, scored(1, size=(720, 1280)))
    live = json.loads(post(dashboard, "/api/labels", {"camera": "front", "index": 0, "truth": "good"}).body)
    assert (live["size"], live["reduced"]) == ([1280, 720], False)
    kept = json.loads(post(dashboard, "/api/labels", {"camera": "front", "number": 1, "truth": "too_dark"}).body)
    assert (kept["size"], kept["frame_size"], kept["reduced"]) == ([480, 270], [1280, 720], True)
    assert files(tmp_path / "labels") == [kept["file"], "labels.jsonl"]  # of one frame the last label
    assert post(dashboard, "/api/labels/undo", {"file": kept["file"]}).status == 200
    assert files(tmp_path / "labels") == ["labels.jsonl"]
    assert post(dashboard, "/api/labels/undo", {"file": kept["file"]}).status == 404
    assert post(dashboard, "/api/labels", {"camera": "front", "index": 1, "truth": "good"}).status == 404


GOOD = {"camera": "front", "number": 1, "truth": "good"}


@pytest.mark.parametrize(
    ("document", "headers", "status"),
    [
        (GOOD, {}, 200),
        (GOOD, {"Origin": "http://HOST"}, 200),
        (GOOD, {"Origin": "http://evil.example"}, 403),
        (GOOD, {"Origin": "null"}, 403),
        (GOOD, {"Content_Type": "text/plain"}, 415),
        (GOOD, {"Content_Type": "application/x-www-form-urlencoded"}, 415),
        (GOOD, {"Content_Type": "application/json; charset=utf-8"}, 200),
        ({**GOOD, "truth": "../.."}, {}, 400),
        ({**GOOD, "truth": ["good"]}, {}, 400),
        ([GOOD], {}, 400),
        ({**GOOD, "camera": 7}, {}, 404),
        ({**GOOD, "camera": "absent"}, {}, 404),
        ({**GOOD, "number": "1"}, {}, 404),
        ({**GOOD, "more": "x" * 600_000}, {}, 400),
    ],
)
def test_only_our_own_page_labels_and_only_what_there_is(
    start: Start,
    scored: Scored,
    wait_for: Callable[..., Any],
    tmp_path: Path,
    document: Any,
    headers: dict[str, str],
    status: int,
) -> None:
    dashboard = start(labels=tmp_path)
    feed(dashboard, wait_for, scored(0, State.REJECT))
    host = dashboard.url.removeprefix("http://").rstrip("/")
    sent = {name: value.replace("HOST", host) for name, value in headers.items()}
    assert post(dashboard, "/api/labels", document, **sent).status == status
    assert bool(files(tmp_path)) == (status == 200)


def test_without_a_folder_it_says_how_to_set_one(start: Start, scored: Scored, wait_for: Callable[..., Any]) -> None:
    dashboard = start()
    feed(dashboard, wait_for, scored(0, State.REJECT))
    answer = post(dashboard, "/api/labels", GOOD)
    assert answer.status == 409
    assert b'labels = "labels"' in answer.body


def test_a_full_folder_is_told_to_the_page(
    start: Start, scored: Scored, wait_for: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "mine.png").write_bytes(bytes(1 << 20))
    dashboard = start(labels=tmp_path, labels_mib=1.0)
    feed(dashboard, wait_for, scored(0, State.REJECT))
    answer = post(dashboard, "/api/labels", GOOD)
    assert answer.status == 507
    assert b"raise dashboard.labels_mib" in answer.body
