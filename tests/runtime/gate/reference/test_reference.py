"""Which frames make a reference, which do not and why, and how one is learned."""

import numpy as np
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.errors import UnsuitableReferenceError
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.reference.reference import LEARNED_VIEWS, ReferenceTaker

PHOTO = read_image(SHIPPED_PHOTOS / "pagoda.jpg")
PANNING = [np.ascontiguousarray(PHOTO[100:340, 12 * step : 12 * step + 400]) for step in range(20)]


def taken(frames):
    taker = ReferenceTaker()
    for frame in frames:
        taker.add(frame)
    return taker.take()


@pytest.mark.parametrize(
    "frames, why",
    [
        ([np.full((200, 300, 3), 140, np.uint8)], "uniform"),
        ([PHOTO // 16], "dark"),
        (PANNING, "in motion"),
        ([], "there is no frame"),
        ([PHOTO, np.full_like(PHOTO, 140), PHOTO], "it changes, a frame of it is uniform"),
        ([PHOTO[:60]], "64 are needed on each side"),
    ],
)
def test_unsuitable_frames_are_refused_with_the_reason(frames, why):
    with pytest.raises(UnsuitableReferenceError, match=why):
        taken(frames)


def test_a_quarter_of_the_frames_may_show_another_view():
    turned = PHOTO[::-1, ::-1].copy()
    assert taken([PHOTO, PHOTO, PHOTO, turned]).frames == 4
    with pytest.raises(UnsuitableReferenceError, match="2 of 7 frames show another view"):
        taken([PHOTO] * 5 + [turned] * 2)


def test_who_walks_through_the_picture_is_not_in_the_reference():
    frames = []
    for step in range(9):
        frame = PHOTO.copy()
        frame[:, 40 * step : 40 * step + 40] = 0
        frames.append(frame)
    assert np.array_equal(taken(frames).view.levels, taken([PHOTO]).view.levels)


def test_frames_of_another_size_begin_anew():
    reference = taken([PHOTO, PHOTO[:300]])
    assert (reference.width, reference.height, reference.frames) == (PHOTO.shape[1], 300, 1)


def test_a_reference_is_learned_from_the_minutes_asked_for_and_followed_from_then_on():
    meter = CueMeter(learn_minutes=2.0)
    times = np.arange(0.0, 300.0, 0.5)
    assert meter.passed(PHOTO[:60], 0.0) is None, "too small a frame is not of the view"
    at = next(t for t in times if meter.passed(PHOTO, float(t)) is not None)
    assert at == 2.0 * (LEARNED_VIEWS - 1)
    assert meter.measure(PHOTO).moved == 0.0
    assert meter.passed(PHOTO, 400.0) is None


def test_of_many_frames_every_second_one_is_kept():
    taker = ReferenceTaker()
    for _ in range(5):
        taker.add(PHOTO[:64, :64])
    taker.thin()
    assert len(taker) == 3


def test_without_minutes_no_reference_is_learned_nor_beside_a_given_one():
    for meter in (CueMeter(), CueMeter(reference=taken([PHOTO]), learn_minutes=1.0)):
        assert [meter.passed(PHOTO[:64, :64], float(second)) for second in range(LEARNED_VIEWS)] == [
            None
        ] * LEARNED_VIEWS


def test_minutes_that_make_no_reference_are_told_and_others_follow():
    meter = CueMeter(learn_minutes=1.0)
    wall = np.full((200, 300, 3), 140, np.uint8)
    with pytest.raises(UnsuitableReferenceError, match="uniform"):
        for second in range(LEARNED_VIEWS):
            meter.passed(wall, float(second))
    learned = [meter.passed(PHOTO, 100.0 + second) for second in range(LEARNED_VIEWS)]
    assert learned[-1] is not None and meter.reference is learned[-1]
