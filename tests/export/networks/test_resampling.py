"""Interpolation constants against the resizers they stand for."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgiqa_edge.export.networks.resampling import FIXED_POINT_ONE, bilinear_taps, cubic_matrix, fixed_point_taps

SIDES = st.integers(8, 300)


@given(source=SIDES, destination=SIDES)
def test_cubic_rows_add_up_to_one(source, destination):
    assert np.allclose(cubic_matrix(source, destination).sum(axis=1), 1.0)


@given(source=SIDES, destination=SIDES)
def test_fixed_point_weights_add_up_to_the_unit(source, destination):
    taps = fixed_point_taps(source, destination, zero_border_fraction=True)
    assert (taps.first_weight + taps.second_weight == FIXED_POINT_ONE).all()
    assert taps.first.min() >= 0
    assert taps.second.max() < source


@settings(deadline=None, max_examples=40)
@given(source=st.tuples(SIDES, SIDES), destination=st.tuples(SIDES, SIDES), seed=st.integers(0, 2**32 - 1))
def test_fixed_point_equals_opencv_to_the_last_bit(source, destination, seed):
    image = np.random.default_rng(seed).integers(0, 256, source, dtype=np.uint8)
    columns = fixed_point_taps(source[1], destination[1], zero_border_fraction=True)
    rows = fixed_point_taps(source[0], destination[0], zero_border_fraction=False)
    values = image.astype(np.int64)
    sums = values[:, columns.first] * columns.first_weight.astype(np.int64)
    sums += values[:, columns.second] * columns.second_weight.astype(np.int64)
    sums >>= 4
    upper = (sums[rows.first] * rows.first_weight.astype(np.int64)[:, None]) >> 16
    lower = (sums[rows.second] * rows.second_weight.astype(np.int64)[:, None]) >> 16
    expected = cv2.resize(image, destination[::-1], interpolation=cv2.INTER_LINEAR)
    assert np.array_equal((upper + lower + 2) >> 2, expected)


@pytest.mark.parametrize(
    ("source", "destination"), [((48, 64), (84, 112)), ((720, 128), (518, 98)), ((30, 30), (30, 30))]
)
def test_cubic_equals_opencv(source, destination):
    image = np.random.default_rng(1).random(source)
    expected = cv2.resize(image, destination[::-1], interpolation=cv2.INTER_CUBIC)
    result = cubic_matrix(source[0], destination[0]) @ image @ cubic_matrix(source[1], destination[1]).T
    assert np.abs(result - expected).max() < 5e-5


@pytest.mark.parametrize(
    ("source", "destination"), [((42, 56), (100, 131)), ((90, 61), (33, 40)), ((17, 17), (17, 17))]
)
def test_bilinear_equals_pytorch(source, destination):
    torch = pytest.importorskip("torch")
    image = np.random.default_rng(2).random(source)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None, None], size=destination, mode="bilinear", align_corners=False
    )[0, 0].numpy()
    columns, rows = bilinear_taps(source[1], destination[1]), bilinear_taps(source[0], destination[0])
    across = image[:, columns.first] * columns.first_weight + image[:, columns.second] * columns.second_weight
    result = across[rows.first] * rows.first_weight[:, None] + across[rows.second] * rows.second_weight[:, None]
    assert np.abs(result - expected).max() < 1e-9
