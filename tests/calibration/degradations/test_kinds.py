import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.degradations import codecs
from dgiqa_edge.calibration.degradations.kinds import FAULTS, KINDS, SHOWN, UNSEEN, degrade, degraded, runnable
from dgiqa_edge.calibration.degradations.sensor import blank
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError

RUNNABLE = (*runnable(), *UNSEEN)
DRAWN = tuple(kind for kind in RUNNABLE if kind not in ("jpeg", "over_exposure", "colour_bands", "defocus"))
"""Kinds in which chance has a say that is always seen."""


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


def sharpness(picture):
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def grain(picture):
    """Deviation from a median of neighbours: what noise adds and denoising leaves."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return float(np.abs(grey.astype(float) - cv2.medianBlur(grey, 5)).mean())


def colourfulness(picture):
    return float(np.ptp(picture.astype(float), axis=2).mean())


def row_changes(picture):
    return float(np.abs(np.diff(picture.astype(float).mean(axis=(1, 2)))).mean())


def block_edges(picture):
    """Steps across the borders of 8x8 blocks over steps elsewhere."""
    steps = np.abs(np.diff(picture.astype(float).mean(axis=2), axis=1)).mean(axis=0)
    return float(steps[7::8].mean() / np.delete(steps, np.s_[7::8]).mean())


def levels(picture):
    return float(len(np.unique(picture)))


def bright(picture):
    return float((picture >= 250).mean())


def mean(picture):
    return float(picture.mean())


def contrast(picture):
    return float(picture.std())


# kind -> what it does: measure, and the factor that strength 0.8 must reach (below 1) or exceed (above 1)
DOES = {
    "defocus": (sharpness, 0.15),
    "motion_blur": (sharpness, 0.25),
    "upscaled": (sharpness, 0.3),
    "film": (sharpness, 0.4),
    "noise": (grain, 1.5),
    "low_light": (mean, 0.3),
    "under_exposure": (mean, 0.1),
    "over_exposure": (bright, 100.0),
    "flare": (mean, 1.2),
    "haze": (contrast, 0.7),
    "room_haze": (contrast, 0.9),
    "jpeg": (block_edges, 2.0),
    "flicker": (row_changes, 2.0),
    "colour_bands": (levels, 0.1),
    "infrared": (colourfulness, 1e-9),
    "colour_cast": (colourfulness, 1.3),
    "over_sharpened": (sharpness, 4.0),
    "rain": (grain, 3.0),
    "snow": (mean, 1.1),
    "dirt": (mean, 0.95),
    "mud": (sharpness, 0.8),
    "occluded": (sharpness, 0.6),
    "h264": (sharpness, 0.5),
    "h265": (sharpness, 0.5),
    "night": (mean, 0.8),
    "hand": (sharpness, 0.02),
    "wall": (sharpness, 0.5),
}


COVERS = ("dirt", "mud", "occluded", "drops", "lost_blocks", "spray")
"""Held to where they are."""


def test_every_kind_is_held_to_what_it_does():
    assert {*DOES, *COVERS} == {*KINDS, *UNSEEN}
    assert not set(KINDS) & set(UNSEEN)


def seeds(kind, most):
    """So many; one where chance says no more than which way a camera pans, and each copy takes two processes."""
    return range(1 if kind in ("h264", "h265") else most)


@pytest.mark.parametrize("kind", [kind for kind in DOES if kind in RUNNABLE])
def test_it_does_what_it_is_named_for(photo, kind):
    measure, factor = DOES[kind]
    before = max(measure(photo), 1e-3)
    after = float(np.mean([measure(degrade(photo, kind, 0.8, seed)) for seed in seeds(kind, 4)]))
    assert after <= factor * before if factor < 1.0 else after >= factor * before


@pytest.mark.parametrize("kind", RUNNABLE)
def test_a_copy_is_a_picture_of_the_same_size_and_reproducible(photo, kind):
    untouched = photo.copy()
    first, second = degraded(photo, kind, 0.5, seed=4), degraded(photo, kind, 0.5, seed=4)
    assert first.picture.dtype == np.uint8
    assert first.picture.shape == photo.shape
    assert np.array_equal(first.picture, second.picture)
    assert first.coverage.shape == photo.shape[:2]
    assert first.coverage.dtype == np.float32
    assert 0.0 <= float(first.coverage.min()) <= float(first.coverage.max()) <= 1.0
    assert np.array_equal(photo, untouched)


@pytest.mark.parametrize("kind", [kind for kind in RUNNABLE if kind != "wall"])  # any wall is another view
def test_a_stronger_degradation_is_farther_from_the_photo(photo, kind):
    distance = [
        np.mean([np.abs(degrade(photo, kind, s, seed).astype(int) - photo).mean() for seed in seeds(kind, 6)])
        for s in (0.1, 0.5, 1.0)
    ]
    assert 0.3 < distance[0] < distance[1] < distance[2]


@pytest.mark.parametrize("kind", DRAWN)
def test_another_seed_gives_another_copy(photo, kind):
    assert not np.array_equal(degrade(photo, kind, 0.5, seed=1), degrade(photo, kind, 0.5, seed=2))


@pytest.mark.parametrize("kind", ["noise", "low_light", "under_exposure", "infrared", "night"])
def test_frames_of_a_film_differ_in_their_noise_alone(photo, kind):
    one, other = (degrade(photo, kind, 0.5, seed=1, moment=moment).astype(float) for moment in (1, 2))
    again = degrade(photo, kind, 0.5, seed=1, moment=1)
    elsewhere = degrade(photo, kind, 0.5, seed=2, moment=1).astype(float)
    assert np.array_equal(again, one)
    assert not np.array_equal(one, other)
    soft = [cv2.GaussianBlur(picture, (0, 0), 6.0) for picture in (one, other, elsewhere)]
    assert np.abs(soft[0] - soft[1]).mean() < np.abs(soft[0] - soft[2]).mean() or kind == "under_exposure"


@pytest.mark.parametrize("kind", ["dirt", "spray", "hand", "flare", "occluded"])
def test_what_sits_on_the_lens_stays_there_in_a_film(photo, kind):
    one, other = (degraded(photo, kind, 0.5, seed=1, moment=moment) for moment in (1, 2))
    assert np.array_equal(one.picture, other.picture)


@pytest.mark.parametrize("size", [(33, 47), (160, 161), (240, 96)])
@pytest.mark.parametrize("kind", RUNNABLE)
def test_any_size_will_do(kind, size):
    noise = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    assert degrade(noise, kind, 1.0, 0).shape == (*size, 3)


@pytest.mark.parametrize("kind", COVERS)
def test_coverage_says_where(photo, kind):
    """What is not covered is as before, what is covered is not; and more strength covers more."""
    shares = []
    for strength in (0.1, 0.5, 1.0):
        found = degraded(photo, kind, strength, 5)
        apart = np.abs(found.picture.astype(int) - photo).max(axis=2)
        assert apart[found.coverage < 0.01].max(initial=0) <= 2
        assert np.median(apart[found.coverage > 0.5]) > 5
        shares.append(float(found.coverage.mean()))
    assert 0.01 < shares[0] < shares[1] < shares[2]


@pytest.mark.parametrize("kind", ["defocus", "motion_blur"])
def test_blur_keeps_brightness(photo, kind):
    assert abs(float(degrade(photo, kind, 0.8, seed=0).mean()) - float(photo.mean())) < 4


def test_exposure_ends_in_black_and_in_white(photo):
    assert degrade(photo, "under_exposure", 1.0, 0).max() < 25
    assert (degrade(photo, "over_exposure", 1.0, 0) == 255).mean() > 0.9


def test_noise_grows_with_brightness_as_shot_noise_does():
    """On linear light, before gamma; seen on a grey ramp without the camera's smoothing, so over many seeds."""
    ramp = np.repeat(np.linspace(0, 255, 256).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    light = [(degrade(ramp, "noise", 0.5, seed) / 255.0) ** 2.2 for seed in range(8)]
    deviation = np.mean([one.std(axis=(0, 2)) for one in light], axis=0)
    assert deviation[60:100].mean() < 0.7 * deviation[170:210].mean()


def test_focus_follows_depth(photo):
    """One side is half as blurred as the other where their distances differ."""
    depth = np.zeros((20, 25), np.float32)
    depth[:, :12] = 5.0
    blurred = degrade(photo, "defocus", 1.0, 3, depth)
    sides = [
        sharpness(blurred[:, :80]) / sharpness(photo[:, :80]),
        sharpness(blurred[:, 120:]) / sharpness(photo[:, 120:]),
    ]
    assert max(sides) > 1.3 * min(sides)


def test_haze_hides_what_is_far(photo):
    depth = np.zeros((20, 25), np.float32)
    depth[:, :12] = 5.0  # the left is near, in whatever unit
    hazy = degrade(photo, "haze", 0.6, 0, depth)
    left, right = hazy[:, :80].astype(float), hazy[:, 120:].astype(float)
    assert right.std() < 0.5 * left.std()
    assert right.mean() > left.mean() + 20


def test_a_room_is_hazy_at_its_far_end_alone(photo):
    hazy = degrade(photo, "room_haze", 0.6, 0)  # the ground plane: far at the top
    assert np.abs(hazy[-4:].astype(int) - photo[-4:]).mean() < 3
    assert hazy[:20].std() < 0.6 * photo[:20].std()


def test_one_kind_shows_each_fault():
    assert len(SHOWN) == len(FAULTS) == len(set(SHOWN))
    assert {fault for kind in KINDS.values() for fault in kind.faults} == set(FAULTS)


def test_blank_frames_hold_nothing():
    for seed in range(20):
        frame = blank((40, 60), np.random.default_rng(seed))
        assert frame.shape == (40, 60, 3)
        coarse = cv2.resize(frame, (6, 4), interpolation=cv2.INTER_AREA).astype(float)
        assert coarse.std(axis=(0, 1)).max() < 12.0


@pytest.mark.parametrize(
    ("kind", "strength", "said"),
    [("fog", 0.5, "unknown degradation 'fog'"), ("haze", 0.0, "above 0"), ("haze", 1.5, "up to 1")],
)
def test_wrong_requests_are_refused(photo, kind, strength, said):
    with pytest.raises(ConfigurationError, match=said):
        degrade(photo, kind, strength, 0)


def test_without_ffmpeg_its_kinds_are_left_out_and_say_why(photo, monkeypatch):
    monkeypatch.setattr(codecs.shutil, "which", lambda name: None)
    assert set(KINDS) - set(runnable()) == {"h264", "h265"}
    with pytest.raises(MachineError, match="install it, or leave these kinds out"):
        degrade(photo, "h264", 0.5, 0)


@pytest.mark.skipif(not codecs.can_code(), reason="needs the program ffmpeg")
def test_a_damaged_encoder_is_told(photo, monkeypatch):
    monkeypatch.setattr(codecs, "FPS", -1)
    with pytest.raises(MachineError, match="ffmpeg failed"):
        degrade(photo, "h264", 0.5, 0)
