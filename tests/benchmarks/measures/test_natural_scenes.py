"""The statistics that BRISQUE and NIQE share, against samples of known distributions and against plain loops."""

import cv2
import numpy as np
import pytest
from scipy import stats

from dgiqa_edge.benchmarks.measures.natural_scenes import fit_asymmetric, fit_symmetric, halved, normalised


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0, 4.0])
@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (0.5, 1.5), (2.0, 0.8)])
def test_the_parameters_of_a_sample_are_found_again(shape, left, right):
    """Two halves of generalised Gaussians, weighed so that the density is continuous."""
    magnitudes = np.abs(stats.gennorm(shape).rvs(100_000, random_state=1))
    negative = np.random.default_rng(2).random(100_000) < left / (left + right)
    values = np.where(negative, -left * magnitudes, right * magnitudes)
    fit = fit_asymmetric(values.reshape(1, -1))
    assert fit.shape[0] == pytest.approx(shape, rel=0.04)
    assert fit.left_scale[0] == pytest.approx(left, rel=0.04)
    assert fit.right_scale[0] == pytest.approx(right, rel=0.04)
    assert fit.mean[0] == pytest.approx(values.mean(), abs=0.05)


def test_rows_are_fitted_one_by_one():
    values = np.random.default_rng(3).normal(0.0, 1.0, (3, 5000)) * np.array([[1.0], [2.0], [0.1]])
    together = fit_asymmetric(values)
    alone = [fit_asymmetric(row[np.newaxis]) for row in values]
    np.testing.assert_allclose(together.shape, [fit.shape[0] for fit in alone])
    np.testing.assert_allclose(together.left, [fit.left[0] for fit in alone])


@pytest.mark.parametrize("values", [np.zeros((1, 50)), np.ones((1, 50))])
def test_values_without_both_signs_have_no_shape(values):
    assert not np.isfinite(fit_asymmetric(values).shape[0])


def test_a_gaussian_has_shape_two_and_its_variance():
    shape, variance = fit_symmetric(np.random.default_rng(4).normal(0.0, 3.0, (400, 400)))
    assert shape == pytest.approx(2.0, abs=0.03)
    assert variance == pytest.approx(9.0, rel=0.02)


@pytest.mark.parametrize("size", [(40, 60), (41, 61)])
def test_halving_keeps_levels_and_removes_what_the_half_size_cannot_hold(size):
    height, width = size
    ramp = np.tile(np.arange(width, dtype=np.float64), (height, 1))
    half = halved(ramp)
    assert half.shape == (height // 2, width // 2)
    np.testing.assert_allclose(half[:, 3:-3], np.tile(np.arange(width // 2) * 2 + 0.5, (height // 2, 1))[:, 3:-3])
    stripes = np.tile(np.arange(width) % 2 * 200.0, (height, 1))
    assert np.ptp(halved(stripes)[:, 3:-3]) < 1e-9


@pytest.mark.parametrize("border", [cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE])
def test_normalising_is_what_the_formula_says(border):
    image = np.random.default_rng(5).uniform(0, 255, (12, 15))
    padded = np.pad(image, 3, mode="constant" if border == cv2.BORDER_CONSTANT else "edge")
    steps = np.arange(-3, 4)
    weights = np.exp(-(steps[:, None] ** 2 + steps[None] ** 2) / (2 * (7 / 6) ** 2))
    weights /= weights.sum()
    expected = np.empty_like(image)
    for y, x in np.ndindex(image.shape):
        part = padded[y : y + 7, x : x + 7]
        mean = (weights * part).sum()
        deviation = np.sqrt((weights * (part - mean) ** 2).sum())
        expected[y, x] = (image[y, x] - mean) / (deviation + 1.0)
    np.testing.assert_allclose(normalised(image, border), expected, atol=1e-9)
