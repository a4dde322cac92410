import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.calibration.int8.grids import (
    activation_grid,
    quantize_bias,
    quantize_weight,
    weight_scales,
    widen_for_bias,
)

finite = st.floats(-1e6, 1e6, allow_nan=False, width=32)


def quantized(value: float, grid) -> float:
    limits = np.iinfo(grid.dtype)
    integer = np.clip(np.rint(value / grid.scale) + grid.zero_point, limits.min, limits.max)
    return float((integer - grid.zero_point) * grid.scale)


@given(finite, finite, st.booleans())
def test_zero_is_exact_and_the_range_is_covered(first, second, unsigned):
    low, high = min(first, second), max(first, second)
    grid = activation_grid(low, high, unsigned=unsigned)
    assert grid.scale > 0
    assert np.float32(grid.scale) == grid.scale
    assert np.iinfo(grid.dtype).min <= grid.zero_point <= np.iinfo(grid.dtype).max
    assert quantized(0.0, grid) == 0.0
    if max(abs(low), abs(high)) > 1e-30:
        for value in (low, high):
            assert abs(quantized(value, grid) - value) <= 1.001 * grid.scale


@given(finite, finite)
def test_signed_grids_are_symmetric(first, second):
    assert activation_grid(min(first, second), max(first, second), unsigned=False).zero_point == 0


@pytest.mark.parametrize(
    ("low", "high", "unsigned", "scale", "zero_point"),
    [
        (0.0, 255.0, True, 1.0, 0),
        (-128.0, 127.0, True, 1.0, 128),
        (-255.0, 0.0, True, 1.0, 255),
        (10.0, 255.0, True, 1.0, 0),  # widened to hold zero
        (-12.7, 6.0, False, 0.1, 0),
        (0.0, 0.0, True, 1.0, 0),
    ],
)
def test_known_grids(low, high, unsigned, scale, zero_point):
    grid = activation_grid(low, high, unsigned=unsigned)
    assert grid.scale == pytest.approx(scale, rel=1e-6)
    assert grid.zero_point == zero_point


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("unsigned", "dtype", "center"), [(False, np.int8, 0), (True, np.uint8, 128)])
def test_weights_use_the_whole_grid_of_their_channel(axis, unsigned, dtype, center):
    weight = np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32)
    weight *= np.geomspace(1e-3, 1e3, weight.shape[axis]).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
    scales = weight_scales(weight, axis)
    stored = quantize_weight(weight, scales, axis, unsigned=unsigned)
    assert stored.dtype == dtype
    integers = stored.astype(int) - center
    assert (np.abs(integers).max(axis=1 - axis) == 127).all()
    spread = scales.reshape((-1, 1) if axis == 0 else (1, -1))
    assert (np.abs(integers * spread - weight) <= 0.5001 * spread).all()


def test_a_channel_of_zeros_has_a_harmless_scale():
    weight = np.array([[0.0, 0.0], [1.0, -2.0]], np.float32)
    assert weight_scales(weight, 0).tolist() == [1.0, np.float32(2.0 / 127)]


def test_a_bias_on_a_nearly_dead_channel_keeps_its_value():
    scales = np.array([1e-12, 1e-2], np.float32)
    bias = np.array([3.0, -0.5], np.float32)
    widened = widen_for_bias(scales, 1e-4, bias)
    integers, bias_scales = quantize_bias(bias, 1e-4, widened)
    assert widened[0] > scales[0] and widened[1] == scales[1]
    assert integers * bias_scales.astype(np.float64) == pytest.approx(bias, rel=1e-5, abs=1e-6)
