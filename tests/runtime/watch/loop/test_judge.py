"""One camera's judge on a real scorer, with frames of another shape than the bundle's."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.profiles.chooser import PictureRule, SwitchPolicy
from dgiqa_edge.runtime.gate.profiles.profiled_gate import Profile, ProfiledGate, Profiles
from dgiqa_edge.runtime.gate.reading import Reading
from dgiqa_edge.runtime.gate.reference.reference import ReferenceTaker, ReferenceView
from dgiqa_edge.runtime.gate.regions import Regions
from dgiqa_edge.runtime.gate.verdict import Verdict
from dgiqa_edge.runtime.ground.framing import Box, Fit
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.frame_judge import FrameJudge
from dgiqa_edge.runtime.watch.loop.clock import SystemClock
from dgiqa_edge.runtime.watch.loop.intake import CapturedFrame
from dgiqa_edge.runtime.watch.loop.judge import CameraJudge


class Remembering(ProfiledGate):
    """A gate that keeps its readings."""

    def __init__(self) -> None:
        super().__init__(GatePolicy())
        self.readings: list[Reading] = []

    def update(self, reading: Reading, t: float, local_s: float = 0.0) -> Verdict:
        self.readings.append(reading)
        return super().update(reading, t, local_s)


@pytest.mark.parametrize(
    ("fit", "depth_shape", "frame_box"),
    [("stretch", (24, 32), None), ("pad", (24, 12), None), ("crop", (24, 32), Box(0, 60, 96, 72))],
)
def test_cues_are_of_the_cameras_own_frame_and_depth_of_its_picture(
    bundle_dir: Path, make_photo: Any, fit: Fit, depth_shape: tuple[int, int], frame_box: Box | None
) -> None:
    tall, gate = make_photo(seed=3, height=192, width=96), Remembering()
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False, fit=fit) as scorer:
        event = CameraJudge("front", gate, 1, SystemClock()).judge(CapturedFrame("front", 0, 0.0, 0.0, tall), scorer)
    assert gate.readings[0].cues == CueMeter().measure(tall)
    assert event.cues == gate.readings[0].cues
    assert event.faults == gate.readings[0].faults
    assert event.frame is tall
    assert event.depth is not None and event.depth.shape == depth_shape
    assert event.frame_box == frame_box


def test_depth_that_is_reused_is_that_of_the_whole_fitted_frame(make_bundle: Any, make_photo: Any) -> None:
    tall = make_photo(seed=3, height=192, width=96)
    with Scorer(make_bundle(layout="split"), threads=1, allow_spinning=False, verify=False, fit="pad") as scorer:
        judge = CameraJudge("front", Remembering(), 2, SystemClock())
        first, second = (judge.judge(CapturedFrame("front", n, n / 10, n / 10, tall), scorer) for n in range(2))
    assert (first.depth_age, second.depth_age) == (0, 1)
    np.testing.assert_array_equal(first.depth, second.depth)
    assert second.depth is not None and second.depth.shape == (24, 12)


def test_regions_hold_from_the_next_frame_on_and_change_is_measured_anew(bundle_dir: Path, make_photo: Any) -> None:
    photo, gate = make_photo(seed=3, height=96, width=128), Remembering()
    regions = Regions(exclude=(((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)),))
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as scorer:
        judge = CameraJudge("front", gate, 1, SystemClock())
        events = []
        for index in range(4):
            if index == 2:
                judge.regions = regions
            events.append(judge.judge(CapturedFrame("front", index, index / 10, index / 10, photo), scorer))
    changes = [reading.cues.change for reading in gate.readings if reading.cues is not None]
    assert changes == [None, 0.0, None, 0.0]
    assert all(event.frame is photo and event.frame_box is None for event in events)
    assert gate.readings[2].cues == CueMeter(regions).measure(photo)
    assert gate.readings[2].score == gate.readings[3].score != gate.readings[1].score


def test_faults_that_the_bundle_reads_reach_the_gate_and_the_verdict_says_where(make_bundle: Any) -> None:
    half_white = np.full((48, 64, 3), 128, np.uint8)
    half_white[:, 32:] = 255
    gate, recorded = Remembering(), FrameJudge(ProfiledGate(GatePolicy()))
    with Scorer(make_bundle(faults=True), threads=1, allow_spinning=False, verify=False) as scorer:
        judge = CameraJudge("front", gate, 1, SystemClock())
        events = [judge.judge(CapturedFrame("front", n, n / 10, n / 10, half_white), scorer) for n in range(3)]
        for n in range(3):
            verdict, reading = recorded.judge(half_white, scorer, n / 10)
    assert gate.readings[2].faults == reading.faults
    assert reading.faults["over-exposed"] > 0.7
    told = events[2].verdict
    assert told is not None and (told.reason, told.cue) == ("over-exposed", "faults.over-exposed")
    assert told.where == verdict.where == ((0.502, 0.502, 1.0, 1.0),) * 2
    assert judge.snapshot().verdict == told
    assert events[0].verdict is not None and events[0].verdict.where is None


def test_a_view_is_learned_from_passing_frames_and_told_once(
    bundle_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    off = {name: {"role": "off"} for name in ("smear", "clipped", "noise", "occlusion", "luminance", "shadows")}
    policy = parse_policy(
        {"score": {"role": "off"}, "frozen": {"role": "off"}, "cues": off, "reference": {"learn_minutes": 1.0}}
    )
    photo = cv2.resize(cv2.imread(str(SHIPPED_PHOTOS / "pagoda.jpg")), (160, 120), interpolation=cv2.INTER_AREA)
    turned, wall = photo[::-1].copy(), np.full_like(photo, 140)
    learned: list[Any] = []
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as scorer:
        judge = CameraJudge(
            "front",
            ProfiledGate(policy),
            1,
            SystemClock(),
            view_learned=lambda camera, reference: learned.append((camera, reference.frames)),
        )

        def reason(index: int, image: Any) -> str:
            event = judge.judge(CapturedFrame("front", index, float(index), float(index), image), scorer)
            assert event.verdict is not None
            return event.verdict.reason

        assert {reason(index, wall) for index in range(5, 70)} >= {"good"}
        assert "no reference view learned yet" in caplog.text and not learned
        for index in range(70, 140):
            reason(index, photo)
        assert learned == [("front", 60)]
        judge.lose(140.0, 140.0, "cable")
        assert [reason(index, turned) for index in range(141, 149)][-1] == "moved view"


def test_a_frozen_camera_is_frozen_for_another_bundle_too_and_depth_is_computed_anew(
    make_bundle: Any, make_photo: Any
) -> None:
    off = {name: {"role": "off"} for name in ("smear", "clipped", "noise", "occlusion", "luminance", "shadows")}
    policy = parse_policy({"score": {"role": "off"}, "cues": off})
    photo, told, ages = make_photo(seed=3, height=96, width=128), [], []
    with Scorer(make_bundle(layout="split"), threads=1, allow_spinning=False, verify=False) as scorer:
        judge = CameraJudge("front", ProfiledGate(policy), 100, SystemClock())
        for index in range(30):
            if index in (8, 20):
                judge.restart(ProfiledGate(policy))
            event = judge.judge(CapturedFrame("front", index, index / 2, index / 2, photo), scorer)
            assert event.verdict is not None
            told.append(event.verdict.reason)
            ages.append(event.depth_age)
    # Still since the second frame, which is the first that can be compared.
    assert told[8:20] == ["starting"] * 3 + ["frozen"] * 9, "what was still before the take-over counts"
    assert told[20:] == ["starting"] * 2 + ["frozen"] * 8
    assert (ages[7:9], ages[19:21]) == ([7, 0], [11, 0])


def view_of(image: Any) -> ReferenceView:
    taker = ReferenceTaker()
    taker.add(image)
    return taker.take()


def test_each_profile_is_compared_with_its_own_view_whatever_the_regions(bundle_dir: Path) -> None:
    photo = cv2.resize(cv2.imread(str(SHIPPED_PHOTOS / "pagoda.jpg")), (160, 120), interpolation=cv2.INTER_AREA)
    day, night = photo, photo[:, ::-1].copy() // 4
    assert CueMeter().measure(night).luminance < 75.0 < CueMeter().measure(day).luminance  # type: ignore[operator]
    views = {None: view_of(day), "night": view_of(night)}
    profiles = Profiles((Profile("night", PictureRule("dark"), GatePolicy()),), SwitchPolicy(hold_s=0.0, settle_s=0.0))
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as scorer:
        gate = ProfiledGate(GatePolicy(), profiles)
        judge = CameraJudge("front", gate, 1, SystemClock(), references=views)
        told = []
        for index, image in enumerate([day, day, night, night, night, day, day, day]):
            if index == 4:
                judge.regions = Regions(exclude=(((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)),))
            event = judge.judge(CapturedFrame("front", index, float(index), float(index), image), scorer)
            assert event.cues is not None and event.verdict is not None
            assert event.cues.likeness is not None
            told.append((event.verdict.profile, event.cues.likeness > 0.9))
    # A switch is known once its first frame is measured: that one is still compared with the view before.
    assert told == [
        ("day", True),
        ("day", True),
        ("night", False),
        ("night", True),
        ("night", True),
        ("day", False),
        ("day", True),
        ("day", True),
    ]
