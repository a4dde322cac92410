"""The gate names a moved camera within two seconds and does not name people who walk by."""

import numpy as np
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.reading import Reading
from dgiqa_edge.runtime.gate.reference.reference import ReferenceTaker

PHOTO = read_image(SHIPPED_PHOTOS / "room_with_drum.jpg")
OTHER = read_image(SHIPPED_PHOTOS / "forest_stream.jpg")
FPS = 12
OFF = ("smear", "luminance", "shadows", "clipped", "occlusion", "noise", "haze", "sharpness", "contrast")
POLICY = parse_policy(
    {
        "score": {"role": "off"},
        "frozen": {"role": "off"},
        "cues": {name: {"role": "off"} for name in OFF},
    }
)
draw = np.random.default_rng(3)


def view(left, photo=PHOTO):
    return np.ascontiguousarray(photo[60:330, 60 + left : 540 + left])


def noisy(frame):
    return np.clip(frame + draw.normal(0.0, 3.0, frame.shape), 0, 255).astype(np.uint8)


def walking(at):
    frame = view(0).copy()
    left = int(60 * at) % 400
    frame[60:, left : left + 140] = view(0)[::-1, ::-1][60:, left : left + 140]
    return frame


def reasons(frames, policy=POLICY):
    """The verdict's reason at each frame."""
    taker = ReferenceTaker()
    taker.add(view(0))
    meter, gate = CueMeter(taker.take()), Gate(policy)
    return [
        gate.update(Reading(cues=meter.measure(noisy(frame))), index / FPS).reason for index, frame in enumerate(frames)
    ]


@pytest.mark.parametrize(
    "after, reason",
    [
        (view(30), "moved view"),
        (view(-60), "moved view"),
        (view(0, OTHER), "moved view"),
        (np.clip(view(0) * np.array([1.4, 0.8, 1.4]), 0, 255), "colour cast"),
    ],
    ids=["nudged", "panned", "replaced", "pink"],
)
def test_it_is_named_within_two_seconds_and_nothing_before(after, reason):
    found = reasons([view(0)] * (4 * FPS) + [after] * (2 * FPS))
    assert set(found[2 * FPS : 4 * FPS]) == {"good"}
    assert found[-1] == reason
    assert set(found[4 * FPS :]) == {"good", reason}


def test_someone_who_walks_through_is_not_a_moved_view():
    assert set(reasons(walking(index / FPS) for index in range(8 * FPS))[2 * FPS :]) == {"good"}


def test_a_camera_that_is_put_back_is_good_again():
    found = reasons([view(0)] * (2 * FPS) + [view(40)] * (3 * FPS) + [view(0)] * (4 * FPS))
    assert "moved view" in found and found[-1] == "good"
