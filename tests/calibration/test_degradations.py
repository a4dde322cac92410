import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.degradations import KINDS, degrade
from dgiqa_edge.runtime.errors import ConfigurationError


@pytest.fixture(scope="module")
def photo():
    """Smooth shading with sharp shapes: something to blur, to darken and to compress."""
    y, x = np.mgrid[0:160, 0:200]
    picture = np.stack([40 + x * 0.6, 60 + y * 0.5, 150 - x * 0.3], axis=2).astype(np.uint8)
    generator = np.random.default_rng(0)
    for _ in range(40):
        corner = generator.integers(0, 160, 2)
        colour = tuple(int(value) for value in generator.integers(30, 220, 3))
        cv2.rectangle(picture, corner.tolist(), (corner + 12).tolist(), colour, -1)
    return picture


def sharpness(photo):
    return float(cv2.Laplacian(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_a_picture_of_the_same_size_and_reproducible(photo, kind):
    untouched = photo.copy()
    first, second = degrade(photo, kind, 0.5, seed=4), degrade(photo, kind, 0.5, seed=4)
    assert first.dtype == np.uint8
    assert first.shape == photo.shape
    assert np.array_equal(first, second)
    assert np.array_equal(photo, untouched)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stronger_degradation_is_farther_from_the_photo(photo, kind):
    distance = [
        np.mean([np.abs(degrade(photo, kind, s, seed).astype(int) - photo).mean() for seed in range(4)])
        for s in (0.1, 0.5, 1.0)
    ]
    assert 0.5 < distance[0] < distance[1] < distance[2]


@pytest.mark.parametrize("kind", ["noise", "low_light", "flare", "motion_blur"])
def test_another_seed_gives_another_copy(photo, kind):
    assert not np.array_equal(degrade(photo, kind, 0.5, seed=1), degrade(photo, kind, 0.5, seed=2))


@pytest.mark.parametrize("kind", ["defocus", "motion_blur"])
def test_blur_takes_detail_and_keeps_brightness(photo, kind):
    blurred = degrade(photo, kind, 0.8, seed=0)
    assert sharpness(blurred) < 0.2 * sharpness(photo)
    assert abs(float(blurred.mean()) - float(photo.mean())) < 4


def test_noise_adds_detail_and_exposure_moves_brightness(photo):
    assert sharpness(degrade(photo, "noise", 0.5, 0)) > 1.5 * sharpness(photo)
    assert degrade(photo, "low_light", 0.5, 0).mean() < 0.6 * photo.mean()
    assert degrade(photo, "over_exposure", 0.5, 0).mean() > 1.3 * photo.mean()


def test_haze_hides_what_is_far(photo):
    depth = np.zeros((20, 25), np.float32)
    depth[:, :12] = 5.0  # the left is near, in whatever unit
    hazy = degrade(photo, "haze", 0.6, 0, depth)
    left, right = hazy[:, :80].astype(float), hazy[:, 120:].astype(float)
    assert right.std() < 0.5 * left.std()
    assert right.mean() > left.mean() + 20


@pytest.mark.parametrize(
    ("kind", "strength", "said"),
    [("fog", 0.5, "unknown degradation 'fog'"), ("haze", 0.0, "above 0"), ("haze", 1.5, "up to 1")],
)
def test_wrong_requests_are_refused(photo, kind, strength, said):
    with pytest.raises(ConfigurationError, match=said):
        degrade(photo, kind, strength, 0)
