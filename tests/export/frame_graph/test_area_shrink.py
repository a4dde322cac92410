"""Shrinking by stretches against the dense matrices, at every kind of size."""

import numpy as np
import pytest
import torch

from dgiqa_edge.export.frame_graph.area_shrink import AreaShrink, Colours
from dgiqa_edge.export.networks.views import shrink_matrix

GAINS, OFFSETS = (1.0, 0.5, 2.0), (3.0, 0.0, -100.0)
COLOURS = Colours(np.diag(np.array(GAINS, np.float32))[::-1], np.array(OFFSETS, np.float32))


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ((160, 160), (160, 160)),  # nothing to shrink
        ((480, 640), (160, 224)),
        ((720, 1280), (128, 256)),
        ((1080, 1920), (196, 336)),
        ((487, 641), (160, 224)),  # no common divisor
        ((768, 1366), (128, 256)),  # hardly one
        ((720, 1280), (719, 1279)),
        ((160, 200), (160, 224)),  # an axis that stays and one that grows
    ],
)
def test_it_is_the_product_with_dense_matrices(source, destination):
    frame = np.random.default_rng(0).integers(0, 256, (*source, 3), np.uint8)
    shrink = AreaShrink(source, destination, COLOURS)
    found = shrink(torch.from_numpy(np.stack((frame, frame[::-1]))).float()).numpy()
    rows, columns = (shrink_matrix(*lengths).astype(float) for lengths in zip(source, destination, strict=True))
    for one, turned in zip(found, (frame, frame[::-1]), strict=True):
        planes = rows @ turned[..., ::-1].transpose(2, 0, 1).astype(float) @ columns.T
        expected = planes * np.reshape(GAINS, (3, 1, 1)) - np.reshape(OFFSETS, (3, 1, 1))
        assert one.shape == (3, *destination)
        assert np.abs(one - expected).max() < 2e-4  # of 255 levels


@pytest.mark.parametrize(
    ("source", "destination", "shapes"),
    [
        ((480, 640), (160, 224), [(1, 3), (60, 21)]),
        ((720, 1280), (128, 256), [(8, 45), (120, 24)]),  # eight outputs at once, three channels each
        ((2160, 3840), (128, 256), [(8, 135), (360, 24)]),
        ((768, 1366), (128, 256), [(1, 6), (683, 128)]),  # wide stretches: plane by plane
    ],
)
def test_the_matrices_are_as_small_as_the_sizes_allow(source, destination, shapes):
    shrink = AreaShrink(source, destination, COLOURS)
    assert [tuple(matrix.shape) for matrix in (shrink.rows, shrink.columns)] == shapes


@pytest.mark.parametrize("size", [(480, 640), (487, 641)])
def test_levels_that_are_kept_are_shrunk_and_nothing_else(size):
    frame = np.random.default_rng(1).integers(0, 256, (1, *size, 3), np.uint8)
    levels = AreaShrink(size, (160, 224), Colours.kept())(torch.from_numpy(frame).float()).numpy()
    gains, offsets = Colours.normalised().channels, Colours.normalised().offsets
    normalised = AreaShrink(size, (160, 224), Colours.normalised())(torch.from_numpy(frame).float()).numpy()
    assert np.allclose(np.einsum("nchw,cd->ndhw", levels, gains) - offsets[:, None, None], normalised, atol=1e-4)
