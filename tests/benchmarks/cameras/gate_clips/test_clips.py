"""Clips: healthy up to the second of the fault, then what it says, the same on every run."""

from dataclasses import replace
from itertools import islice, pairwise

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.cameras.gate_clips.clips import CLEAN_S, MEANS, Clip, clips
from dgiqa_edge.benchmarks.cameras.gate_clips.footage import CHANGES, CONDITIONS, DAY, FPS, Footage, footage, view
from dgiqa_edge.calibration.degradations.kinds import KINDS, UNSEEN
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.gate.vocabulary import FAULTS

BEGIN = 3


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    photo = cv2.resize(cv2.imread(str(SHIPPED_PHOTOS / "cat.jpg")), (160, 120), interpolation=cv2.INTER_AREA)
    path = tmp_path_factory.mktemp("footage") / "cat.png"
    cv2.imwrite(str(path), photo)
    return Footage(path, seed=1)


@pytest.fixture(scope="module")
def clip(camera):
    return lambda fault, condition=DAY, frames=BEGIN + 3: Clip(camera, condition, fault, BEGIN / FPS, frames / FPS)


def test_every_fault_of_the_vocabulary_has_a_clip():
    assert {means.reason for means in MEANS.values()} == {*FAULTS} - {"low quality"}
    degraded = {means.kind for means in MEANS.values()} - {"frozen", "no signal", "moved"}
    assert degraded <= {*KINDS, *UNSEEN}


@pytest.mark.parametrize("condition", [DAY, "night"])
@pytest.mark.parametrize("fault", MEANS)
def test_a_clip_is_clean_until_the_fault_begins(clip, fault, condition):
    made, clean = list(clip(fault, condition).frames()), list(clip(None, condition).frames())
    assert len(made) == len(clean) == BEGIN + 3
    for index, (frame, healthy) in enumerate(zip(made, clean, strict=True)):
        same = frame is not None and frame.shape == healthy.shape and np.array_equal(frame, healthy)
        assert same == (index < BEGIN)


@pytest.mark.parametrize("condition", [*CONDITIONS, *CHANGES])
def test_clean_footage_lives_and_is_the_same_on_every_run(clip, condition):
    frames = list(clip(None, condition).frames())
    again = list(clip(None, condition).frames())
    assert all(np.array_equal(*pair) for pair in zip(frames, again, strict=True))
    assert not any(np.array_equal(*pair) for pair in pairwise(frames))


def test_the_light_changes_in_the_middle(clip):
    dusk = [float(frame.mean()) for frame in clip(None, "dusk", 30).frames()]
    assert np.ptp(dusk[:10]) < 2.0 < dusk[0] - dusk[29]
    switch = list(clip(None, "infrared switch", 10).frames())
    colourless = [bool((frame.max(axis=2) == frame.min(axis=2)).all()) for frame in switch]
    assert colourless == [False] * 5 + [True] * 5


def test_frozen_is_one_frame_and_no_signal_none(clip):
    frozen = list(clip("frozen").frames())
    assert all(np.array_equal(frame, frozen[BEGIN - 1]) for frame in frozen[BEGIN:])
    assert list(clip("no signal").frames())[BEGIN:] == [None] * 3


def test_a_moved_view_shows_what_lies_beside_it(camera):
    wide = next(islice(camera.wide(), 0, None))
    middle, moved = view(wide, 0.0), view(wide, 0.1)
    step = round(0.1 * middle.shape[1])
    assert np.array_equal(moved[:, :-step], middle[:, step:])


def test_each_camera_has_each_fault_by_day_and_each_third_at_night(camera):
    cameras = [replace(camera, seed=seed) for seed in range(4)]
    made = clips(cameras, 600.0)
    at_night = [one for one in made if one.condition == "night" and one.fault]
    assert {clip.footage.seed for clip in at_night} == {0, 3}
    assert "colour cast" not in {clip.fault for clip in at_night}
    assert sum(clip.fault is not None for clip in made) == 4 * len(MEANS) + len(at_night)
    clean = [clip for clip in made if clip.fault is None]
    assert sum(clip.seconds for clip in clean) == pytest.approx(600.0)
    assert {clip.condition for clip in clean} == {*CONDITIONS, *CHANGES}
    assert all(clip.clean_s == CLEAN_S for clip in made if clip.fault)
    assert not [clip for clip in clips(cameras, 0.0) if clip.fault is None]


def test_no_footage_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="there is no footage"):
        footage([], None, 3)
    with pytest.raises(SourceError, match="holds no film"):
        footage([], str(tmp_path), 3)
    with pytest.raises(SourceError, match="holds no film"):
        footage([], str(tmp_path / "absent"), 3)
