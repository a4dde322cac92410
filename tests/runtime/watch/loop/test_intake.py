"""The ledger: whatever threads do, each frame is settled once; and the scorer goes round the cameras."""

import threading
import time
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgiqa_edge.runtime.watch.event import Outcome
from dgiqa_edge.runtime.watch.loop.intake import Counts, Drop, Intake, LineSettings, Policy

IMAGE = np.zeros((2, 2, 3), np.uint8)
LATEST = LineSettings()


def offer(intake: Intake, camera: str = "a", wanted: bool = True) -> list[int]:
    return [frame.index for frame in intake.offer(camera, IMAGE, 0.0, 0.0, lambda: wanted)]


def test_the_latest_frame_takes_the_place_of_the_one_before() -> None:
    intake = Intake({"a": LATEST})
    assert [offer(intake) for _ in range(3)] == [[], [0], [1]]
    frame = intake.take(0.0)
    assert frame is not None
    assert frame.index == 2
    assert intake.counts()["a"] == Counts(received=3, captured=2, scored=0, skipped=2, failed=0, waiting=0, in_hand=1)
    intake.settle(frame, Outcome.SCORED)
    assert intake.counts()["a"].captured == 3
    assert intake.is_empty("a")


def test_drop_newest_keeps_those_that_wait() -> None:
    intake = Intake({"a": LineSettings(drop=Drop.NEWEST, places=2)})
    assert [offer(intake) for _ in range(4)] == [[], [], [2], [3]]


def test_drop_oldest_with_more_places() -> None:
    intake = Intake({"a": LineSettings(places=2)})
    assert [offer(intake) for _ in range(4)] == [[], [], [0], [1]]


def test_a_damaged_frame_is_captured_and_failed() -> None:
    intake = Intake({"a": LATEST})
    assert intake.damaged("a", "cut off", 1.0, 2.0).index == 0
    assert offer(intake) == []
    counts = intake.counts()["a"]
    assert (counts.captured, counts.failed, counts.waiting) == (1, 1, 1)


def test_a_frame_that_nobody_wants_any_more_is_skipped() -> None:
    intake = Intake({"a": LATEST})
    assert offer(intake, wanted=False) == [0]
    assert intake.counts()["a"].skipped == 1


def test_frames_after_the_close_are_skipped_and_those_before_too() -> None:
    intake = Intake({"a": LineSettings(places=3), "b": LATEST})
    for camera in "aab":
        offer(intake, camera)
    assert sorted((frame.camera, frame.index) for frame in intake.close()) == [("a", 0), ("a", 1), ("b", 0)]
    assert offer(intake) == [2]
    assert intake.counts()["a"].skipped == 3


def test_the_scorer_goes_round() -> None:
    intake = Intake({name: LineSettings(places=9) for name in "abc"})
    for _ in range(3):
        for name in "abc":
            offer(intake, name)
    order = []
    for _ in range(9):
        frame = intake.take(0.0)
        assert frame is not None
        order.append(frame.camera)
        intake.settle(frame, Outcome.SCORED)
    assert "".join(order) == "abcabcabc"
    assert intake.take(0.0) is None


def test_a_busy_camera_does_not_starve_a_slow_one() -> None:
    intake = Intake({"busy": LineSettings(places=50), "slow": LATEST})
    for _ in range(50):
        offer(intake, "busy")
    offer(intake, "slow")
    taken = []
    for _ in range(3):
        frame = intake.take(0.0)
        assert frame is not None
        taken.append(frame.camera)
        intake.settle(frame, Outcome.SCORED)
    assert taken.count("slow") == 1


def test_every_waits_for_room_until_there_is_some() -> None:
    intake = Intake({"a": LineSettings(Policy.EVERY, places=1)})
    offer(intake)
    dropped: list[Any] = []
    thread = threading.Thread(target=lambda: dropped.extend(offer(intake)))
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    frame = intake.take(0.0)
    assert frame is not None
    thread.join(10)
    assert not thread.is_alive()
    assert dropped == []
    assert intake.counts()["a"].waiting == 1


def test_a_wait_for_room_ends_with_the_close() -> None:
    intake = Intake({"a": LineSettings(Policy.EVERY, places=1)})
    offer(intake)
    dropped: list[Any] = []
    thread = threading.Thread(target=lambda: dropped.extend(offer(intake)))
    thread.start()
    intake.close()
    thread.join(10)
    assert dropped == [1]


def test_a_waiting_scorer_is_woken_by_a_frame_and_by_the_close() -> None:
    for wake, indices in ((offer, [0]), (Intake.close, [None])):
        intake = Intake({"a": LATEST})
        taken: list[int | None] = []

        def take(intake: Intake = intake, taken: list[int | None] = taken) -> None:
            frame = intake.take(60.0)
            taken.append(frame and frame.index)

        thread = threading.Thread(target=take)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        wake(intake)
        thread.join(10)
        assert taken == indices


def test_room_is_told_at_once_and_not_found_by_looking() -> None:
    intake = Intake({"a": LineSettings(Policy.EVERY, places=1)})
    frames = 50
    thread = threading.Thread(target=lambda: [offer(intake) for _ in range(frames)])
    start = time.monotonic()
    thread.start()
    for _ in range(frames):
        frame = intake.take(10.0)
        assert frame is not None
        time.sleep(0.002)  # the next one waits for room by now
        intake.settle(frame, Outcome.SCORED)
    thread.join(10)
    assert time.monotonic() - start < 0.2 * frames / 2


def test_a_line_is_empty_once_its_last_frame_is_settled() -> None:
    intake = Intake({"a": LineSettings(places=2), "b": LATEST})
    assert intake.is_empty("a")
    offer(intake)
    assert not intake.is_empty("a")
    frame = intake.take(0.0)
    assert frame is not None
    assert not intake.is_empty("a")
    assert intake.is_empty("b")
    intake.settle(frame, Outcome.SCORED)
    assert intake.is_empty("a")


def test_a_frame_is_settled_once() -> None:
    intake = Intake({"a": LATEST})
    offer(intake)
    frame = intake.take(0.0)
    assert frame is not None
    intake.settle(frame, Outcome.FAILED)
    with pytest.raises(AssertionError, match="settled already"):
        intake.settle(frame, Outcome.FAILED)


@pytest.mark.parametrize("change", ["received", "captured", "scored", "skipped", "failed", "waiting", "in_hand"])
def test_a_ledger_that_does_not_balance_is_refused(change: str) -> None:
    good = {"received": 6, "captured": 4, "scored": 2, "skipped": 1, "failed": 1, "waiting": 1, "in_hand": 1}
    Counts(**good)
    with pytest.raises(AssertionError):
        Counts(**{**good, change: good[change] + 1})


@given(
    st.lists(st.sampled_from(["offer", "take", "score", "fail", "damage", "unwanted", "close"]), max_size=60),
    st.sampled_from(list(Drop)),
    st.integers(1, 4),
)
@settings(deadline=None)
def test_any_order_of_events_balances(steps: list[str], drop: Drop, places: int) -> None:
    intake = Intake({"a": LineSettings(drop=drop, places=places)})
    hand = None
    offered = 0
    for step in steps:
        if step in ("offer", "unwanted"):
            offer(intake, wanted=step == "offer")
            offered += 1
        elif step == "damage":
            intake.damaged("a", "x", 0.0, 0.0)
            offered += 1
        elif step == "take" and hand is None:
            hand = intake.take(0.0)
        elif step in ("score", "fail") and hand is not None:
            intake.settle(hand, Outcome.SCORED if step == "score" else Outcome.FAILED)
            hand = None
        elif step == "close":
            intake.close()
        assert intake.counts()["a"].received == offered


def test_threads_lose_no_frame() -> None:
    """Four cameras offer while two readers of the counts and one scorer work; every snapshot balances."""
    intake = Intake({name: LineSettings(policy) for name, policy in zip("abcd", [*Policy, *Policy], strict=True)})
    settled: Counter[str] = Counter()
    lock = threading.Lock()
    done = threading.Event()
    errors: list[Exception] = []

    def capture(camera: str) -> None:
        for _ in range(300):
            dropped = offer(intake, camera)
            with lock:
                settled[camera] += len(dropped)

    def score() -> None:
        while not done.is_set() or not all(intake.is_empty(name) for name in "abcd"):
            frame = intake.take(0.01)
            if frame is not None:
                intake.settle(frame, Outcome.SCORED)
                with lock:
                    settled[frame.camera] += 1

    def look() -> None:
        while not done.is_set():
            try:
                intake.counts()
            except AssertionError as error:
                errors.append(error)

    captures = [threading.Thread(target=capture, args=(name,)) for name in "abcd"]
    others = [threading.Thread(target=score), threading.Thread(target=look)]
    for thread in [*captures, *others]:
        thread.start()
    for thread in captures:
        thread.join()
    done.set()
    for thread in others:
        thread.join()
    assert not errors
    assert settled == dict.fromkeys("abcd", 300)
    counts = intake.counts()
    assert [counts[name].skipped for name in "bd"] == [0, 0], "every frame means every frame"
