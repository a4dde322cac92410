"""The live picture: what the page lays over the frame."""

from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dgiqa_edge.runtime.ground.framing import Box
from dgiqa_edge.runtime.watch.dashboard.memory import pictures
from dgiqa_edge.runtime.watch.dashboard.memory.pictures import THUMBNAIL_S, LatestView, View
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome


@pytest.mark.parametrize(
    ("frame_size", "depth_size", "box", "shape", "rows"),
    [
        ((96, 128), (24, 32), None, (96, 128), (0, 96)),
        ((96, 54), (24, 32), None, (96, 54), (0, 96)),  # stretched, and now back
        ((96, 54), (24, 14), None, (96, 54), (0, 96)),  # the picture's part of a padded frame's
        ((96, 48), (24, 32), Box(0, 30, 48, 36), (96, 48), (30, 66)),  # the middle alone
        ((720, 1280), (42, 56), None, (360, 640), (0, 360)),  # no larger than what is seen of it
    ],
)
def test_the_depth_picture_has_the_frames_aspect_and_lies_where_it_was_seen(
    frame_size: tuple[int, int],
    depth_size: tuple[int, int],
    box: Box | None,
    shape: tuple[int, int],
    rows: tuple[int, int],
) -> None:
    frame, depth = np.zeros((*frame_size, 3), np.uint8), np.full(depth_size, 255, np.uint8)
    view = view_of(frame, depth, box)
    assert view.depth_size == depth_size[::-1]
    picture = cv2.imdecode(np.frombuffer(view.depth, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[:2] == shape
    seen = np.nonzero(picture.max(axis=(1, 2)) > 128)[0]
    assert (seen[0], seen[-1] + 1) == pytest.approx(rows, abs=2)  # JPEG blurs a black edge


def test_the_depth_picture_has_the_frames_edges() -> None:
    frame, depth = np.zeros((96, 128, 3), np.uint8), np.zeros((12, 16), np.uint8)
    frame[:, 61:] = 200
    depth[:, 8:], depth[:, 7] = 255, 96  # the map's pixel across the edge holds its share of both sides
    picture = cv2.imdecode(np.frombuffer(view_of(frame, depth).depth, np.uint8), cv2.IMREAD_COLOR)
    row = picture[48, :, 1].astype(int)
    assert row[:59].max() < 40
    assert row[63:].min() > 200


def view_of(frame: NDArray[np.uint8], depth: NDArray[np.uint8], box: Box | None = None) -> View:
    latest = LatestView()
    latest.take(FrameEvent("front", 0, 0.0, Outcome.SCORED, frame=frame, depth=depth, frame_box=box))
    view = latest.view(depth=True)
    assert view is not None
    return view


def test_depth_is_drawn_only_where_somebody_wants_it() -> None:
    latest = LatestView()
    frame, depth = np.zeros((96, 128, 3), np.uint8), np.zeros((12, 16), np.uint8)
    latest.take(FrameEvent("front", 0, 0.0, Outcome.SCORED, frame=frame, depth=depth))
    plain = latest.view()
    assert plain is not None
    assert (plain.depth, plain.depth_size) == (b"", (16, 12))
    drawn = latest.view(depth=True)
    assert drawn is not None
    assert drawn.frame is plain.frame
    assert drawn.depth.startswith(b"\xff\xd8")


def test_a_thumbnail_is_small_made_once_for_all_and_not_for_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(pictures.time, "monotonic", lambda: now)
    encode = Mock(wraps=pictures.encode_jpeg)
    monkeypatch.setattr(pictures, "encode_jpeg", encode)
    latest = LatestView()
    assert latest.thumbnail() is None
    for index in range(3):
        latest.take(FrameEvent("front", index, 0.0, Outcome.SCORED, frame=np.zeros((720, 1280, 3), np.uint8)))
        index_of, content = latest.thumbnail() or (None, b"")
        assert index_of == 0
        assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape == (180, 320, 3)
    assert encode.call_count == 1
    now += THUMBNAIL_S
    assert (latest.thumbnail() or (None,))[0] == 2
    assert latest.thumbnail(known=2) is None
    assert encode.call_count == 2
