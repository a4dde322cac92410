"""Depth as large as the frame: its edges are the frame's, and where the frame shows none it is the network's map."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dgiqa_edge.runtime.frames.depth_upsampling import depth_over_frame
from dgiqa_edge.runtime.ground.framing import Box

Picture = NDArray[np.uint8]
SHAPE = (480, 640)
FAR, NEAR = 40, 200


def stepped(at: int, low: int, high: int) -> Picture:
    """Two flat halves that meet at a column."""
    picture = np.full(SHAPE, low, np.uint8)
    picture[:, at:] = high
    return picture


def as_the_network(depth: Picture, blur: float = 0.0) -> Picture:
    """A map of 56x42 of it, its edges softened by ``blur`` of its pixels, as those of a network are."""
    small = cv2.resize(depth.astype(np.float32), (56, 42), interpolation=cv2.INTER_AREA)
    return np.rint(cv2.GaussianBlur(small, (0, 0), blur) if blur else small).astype(np.uint8)


def transition(depth: Picture, at: int) -> int:
    """Columns to either side of the step up to where depth is within a tenth of its final value."""
    row = depth[SHAPE[0] // 2].astype(float)
    truth = np.where(np.arange(row.size) < at, FAR, NEAR)
    off = np.nonzero(np.abs(row - truth) > 0.1 * (NEAR - FAR))[0]
    return 0 if not off.size else int(max(at - off.min(), off.max() + 1 - at))


@pytest.mark.parametrize("at", [297, 320, 331, 345])
@pytest.mark.parametrize(("dark", "light"), [(60, 190), (190, 60)])
@pytest.mark.parametrize("colour", [True, False])
def test_an_edge_of_the_depth_lies_on_the_frames(at: int, dark: int, light: int, colour: bool) -> None:
    frame = stepped(at, dark, light)
    depth = as_the_network(stepped(at, FAR, NEAR))
    found = depth_over_frame(depth, cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR) if colour else frame)
    assert found.shape == SHAPE
    assert transition(found, at) <= 2 < 4 < transition(cv2.resize(depth, SHAPE[::-1]), at)


def test_an_edge_that_the_network_blurs_is_twice_as_sharp() -> None:
    depth = as_the_network(stepped(331, FAR, NEAR), blur=0.7)
    guided, plain = depth_over_frame(depth, stepped(331, 60, 190)), cv2.resize(depth, SHAPE[::-1])
    jumps = [float(row[334]) - float(row[327]) for row in (guided[240], plain[240])]
    assert jumps[0] > 1.8 * jumps[1]


@given(st.integers(0, 255), st.integers(0, 2**32 - 1))
def test_a_flat_frame_gives_the_plain_upsampling(level: int, seed: int) -> None:
    depth = np.random.default_rng(seed).integers(0, 256, (6, 8), np.uint8)
    found = depth_over_frame(depth, np.full((60, 80, 3), level, np.uint8))
    plain = cv2.resize(depth.astype(np.float32), (80, 60))  # not uint8, which ARM's OpenCV interpolates coarser
    assert np.abs(found - plain).max() <= 0.51


@given(st.integers(0, 254), st.integers(1, 255), st.integers(0, 2**32 - 1))
def test_no_value_leaves_the_maps_range(low: int, span: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    depth = rng.integers(low, min(low + span, 255) + 1, (5, 7)).astype(np.uint8)
    found = depth_over_frame(depth, rng.integers(0, 256, (50, 70, 3)).astype(np.uint8))
    assert depth.min() <= found.min()
    assert found.max() <= depth.max()


def test_a_mean_over_the_maps_pixels_stays_the_networks() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (420, 560, 3), np.uint8)
    depth = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (42, 56), np.uint8), (0, 0), 3)
    back = cv2.resize(depth_over_frame(depth, frame), (56, 42), interpolation=cv2.INTER_AREA)
    assert np.abs(back.astype(int) - depth).mean() < 1.0


def test_depth_lies_in_its_part_of_the_frame_alone() -> None:
    depth = np.full((6, 8), 90, np.uint8)
    found = depth_over_frame(depth, np.zeros((100, 80, 3), np.uint8), Box(0, 20, 80, 60))
    assert (found[20:80] == 90).all()
    assert not found[:20].any()
    assert not found[80:].any()


@pytest.mark.parametrize("shape", [(42, 56), (20, 30), (42, 600), (1, 1), (2160, 3840)])
def test_a_frame_of_any_size(shape: tuple[int, int]) -> None:
    depth = np.random.default_rng(0).integers(0, 256, (42, 56), np.uint8)
    found = depth_over_frame(depth, np.zeros((*shape, 3), np.uint8))
    assert found.shape == shape
    if shape == depth.shape:
        np.testing.assert_array_equal(found, depth)
