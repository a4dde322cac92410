"""What is remembered is bounded, honest about the worst, and independent of who watches."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.frames.images import decode_image
from dgiqa_edge.runtime.gate.verdict import State, Verdict
from dgiqa_edge.runtime.watch.dashboard.feed import json_text
from dgiqa_edge.runtime.watch.dashboard.memory.camera_memory import LOG_LENGTH, CameraMemory
from dgiqa_edge.runtime.watch.dashboard.memory.gallery import LONGEST_SIDE, RejectGallery
from dgiqa_edge.runtime.watch.dashboard.memory.history import ScoreHistory
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome, Presence

Scored = Callable[..., FrameEvent]


def verdict(score: float | None, state: State = State.PASS) -> Verdict:
    return Verdict(state, "good", score=score, smoothed=score)


def test_a_second_shows_mean_lowest_last_smoothed_and_the_thresholds_of_its_start() -> None:
    history = ScoreHistory(1.0)
    history.add(100.2, verdict(0.8), {"score.reject": 0.4, "score.accept": 0.5})
    history.add(100.9, verdict(0.2), None)
    history.add(101.1, verdict(None), {"reject": 0.3})
    assert history.rows() == [
        [100.0, 0.5, 0.2, 0.2, 0.4, 0.5, "pass"],
        [101.0, None, None, None, 0.3, None, "pass"],
    ]
    assert history.rows(101.0) == history.rows()[1:]


@pytest.mark.parametrize(
    ("states", "shown"),
    [("PPP", "pass"), ("PRP", "reject"), ("RP", "reject"), ("UP", "unknown"), ("RUP", "unknown"), ("PPR", "reject")],
)
def test_a_second_with_a_frame_that_did_not_pass_does_not_show_as_pass(states: str, shown: str) -> None:
    names = {"P": State.PASS, "R": State.REJECT, "U": State.UNKNOWN}
    history = ScoreHistory(1.0)
    for letter in states:
        history.add(10.0, verdict(0.5, names[letter]), {})
    assert history.rows()[0][-1] == shown


@given(times=st.lists(st.floats(0, 1e4), max_size=60))
def test_points_are_bounded_in_order_and_complete_whatever_the_clock_does(times: list[float]) -> None:
    history = ScoreHistory(0.5)
    for moment in times:
        history.add(moment, verdict(0.5), {})
    starts = [row[0] for row in history.rows()]
    assert len(starts) <= 30
    assert starts == sorted(set(starts))
    for since in starts:
        assert history.rows(since) == [row for row in history.rows() if row[0] >= since]


def test_a_clock_that_went_back_restarts_the_curve_there() -> None:
    history = ScoreHistory(60.0)
    for second in range(10):
        history.add(1e6 + second, verdict(0.8), {})
    history.add(1e6 - 51.0, verdict(0.2), {})  # a minute: the newest point takes it
    assert len(history.rows()) == 10
    for second in range(600):
        history.add(1e6 - 7196.0 + second, verdict(0.4), {"reject": 0.3})
    assert [row[0] for row in history.rows()] == [1e6 - 7196.0 + second for second in range(600)]
    assert {(row[1], row[4]) for row in history.rows()} == {(0.4, 0.3)}
    assert history.rows(1e6 + 9.0) == history.rows(), "a page that knows the points of before gets all"
    assert history.rows(1e6 - 6596.0) == [], "a page that is up to date gets no more than is new"
    history.add(1e6 - 7000.0, verdict(0.1), {})
    assert [row[0] for row in history.rows()][-2:] == [1e6 - 7001.0, 1e6 - 7000.0], "what lies before stays"


def test_the_gallery_keeps_the_first_of_each_reason_then_one_every_few_seconds(scored: Scored) -> None:
    gallery = RejectGallery(10)
    for index in range(12):  # one frame a second
        gallery.add(scored(index, State.REJECT))
    assert [kept["index"] for kept in gallery.listed()] == [0, 5, 10]
    gallery.add(scored(12, State.REJECT, verdict=Verdict(State.REJECT, "blurred")))
    gallery.add(scored(13, State.PASS))
    gallery.add(scored(14, State.REJECT))
    assert [kept["index"] for kept in gallery.listed(after=3)] == [12, 14]


def test_no_frame_is_kept_that_is_rejected_only_because_a_fault_ended(scored: Scored) -> None:
    gallery = RejectGallery(10)
    gallery.add(scored(0, State.REJECT))
    for index in range(1, 20):
        gallery.add(scored(index, State.REJECT, verdict=Verdict(State.REJECT, "recovering")))
    assert [kept["index"] for kept in gallery.listed()] == [0]


def test_the_gallery_is_bounded_in_number_and_size(scored: Scored) -> None:
    gallery = RejectGallery(3)
    for index in range(0, 100, 10):
        gallery.add(scored(index, State.REJECT, size=(1080, 1920)))
    assert [kept["number"] for kept in gallery.listed()] == [8, 9, 10]
    assert gallery.find(1) is None
    kept = gallery.find(9)
    assert kept is not None
    assert max(decode_image(kept.jpeg).shape) == LONGEST_SIDE


def test_a_gallery_of_none_keeps_none(scored: Scored) -> None:
    gallery = RejectGallery(0)
    gallery.add(scored(0, State.REJECT))
    assert gallery.listed() == []


def test_the_log_has_changes_and_each_failure_once_a_minute(scored: Scored, unscored: Scored) -> None:
    memory = CameraMemory(1.0, 4)
    asked: list[str] = []

    def thresholds(camera: str) -> dict[str, float]:
        asked.append(camera)
        return {}

    for index in range(0, 100, 2):
        memory.add(unscored(Outcome.FAILED, index), thresholds)
        memory.add(scored(index + 1, changed=index == 50), thresholds)
    memory.add(unscored(Outcome.SKIPPED, 200), thresholds)
    assert [(entry["outcome"], entry["index"]) for entry in memory.log()] == [
        ("failed", 0),
        ("scored", 51),
        ("failed", 62),
    ]
    assert len(asked) == 50  # one point a second
    for index in range(1000, 1200):
        memory.add(scored(index, changed=True), thresholds)
    assert len(memory.log()) == LOG_LENGTH
    view = memory.latest.view()
    assert view is not None and view.event.index == 1199


def test_numbers_that_json_lacks_become_null() -> None:
    assert json_text({"a": [float("nan"), (float("inf"), 1.5)], 3: None}) == '{"a":[null,[null,1.5]],"3":null}'


def test_an_outage_is_a_gap_from_the_last_frame_to_the_next() -> None:
    history = ScoreHistory(1.0)
    history.break_off(99.5)  # the watch starts
    history.add(100.2, verdict(0.8), {})
    history.break_off(101.9)  # told long after the last frame
    history.break_off(103.0)  # and again, when the camera has failed for good
    history.add(134.1, verdict(0.7), {})
    assert [(row[0], row[1], row[-1]) for row in history.rows()] == [
        (99.0, None, "lost"),
        (100.0, 0.8, "pass"),
        (101.0, None, "lost"),
        (134.0, 0.7, "pass"),
    ]


def test_an_outage_within_a_second_of_the_last_frame_hides_no_frame() -> None:
    history = ScoreHistory(1.0)
    history.add(100.2, verdict(0.8), {})
    history.break_off(100.3)
    history.add(100.9, verdict(0.6), {})
    assert [(row[0], row[1], row[-1]) for row in history.rows()] == [(100.0, 0.8, "pass"), (101.0, 0.6, "pass")]


def test_loss_and_return_are_in_the_log_and_in_the_curve(scored: Scored, presence: Scored) -> None:
    memory = CameraMemory(1.0, 4)
    memory.add(presence(Presence.STARTING, 0), lambda _: {})
    memory.add(scored(2, changed=True), lambda _: {})
    memory.add(presence(Presence.LOST, 12, away_s=10.0, error="no answer"), lambda _: {})
    memory.add(presence(Presence.RETURNED, 36, away_s=34.0), lambda _: {})
    memory.add(scored(36), lambda _: {})
    memory.add(presence(Presence.ENDED, 40, away_s=4.0), lambda _: {})
    assert [entry["outcome"] for entry in memory.log()] == ["starting", "scored", "lost", "returned", "ended"]
    assert [entry["away_s"] for entry in memory.log()] == [None, None, 10.0, 34.0, 4.0]
    assert [row[-1] for row in memory.points()] == ["lost", "pass", "lost", "pass", "lost"]
    start = memory.points()[0][0]
    assert [row[0] - start for row in memory.points()] == [0.0, 2.0, 3.0, 36.0, 37.0]
