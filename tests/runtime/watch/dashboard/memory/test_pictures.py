"""The live picture: what the page lays over the frame."""

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.ground.framing import Box
from dgiqa_edge.runtime.watch.dashboard.memory.pictures import LatestView
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome


@pytest.mark.parametrize(
    ("frame_size", "depth_size", "box", "shape"),
    [
        ((96, 128), (24, 32), None, (24, 32)),
        ((96, 54), (24, 32), None, (24, 14)),  # stretched, and now back
        ((96, 54), (24, 14), None, (24, 14)),  # the picture's part of a padded frame's
        ((96, 48), (24, 32), Box(0, 30, 48, 36), (64, 32)),  # the middle alone
    ],
)
def test_the_depth_picture_has_the_frames_aspect_and_lies_where_it_was_seen(
    frame_size: tuple[int, int], depth_size: tuple[int, int], box: Box | None, shape: tuple[int, int]
) -> None:
    frame, depth = np.zeros((*frame_size, 3), np.uint8), np.full(depth_size, 255, np.uint8)
    latest = LatestView()
    latest.take(FrameEvent("front", 0, 0.0, Outcome.SCORED, frame=frame, depth=depth, frame_box=box))
    view = latest.view()
    assert view is not None
    picture = cv2.imdecode(np.frombuffer(view.depth, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[:2] == shape
    seen = np.nonzero(picture.max(axis=(1, 2)) > 128)[0]
    assert (seen[0], seen[-1] + 1) == ((0, shape[0]) if box is None else (20, 44))
