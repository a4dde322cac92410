"""What counts as another view, and what must not: photos that ship, as a camera on a wall would see them."""

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.policy import CHECKS
from dgiqa_edge.runtime.gate.reference.reference import ReferenceTaker

SIZE = (640, 360)
SCENES = ("mountain_path", "pagoda", "room_with_drum", "forest_stream", "dogs_at_door", "mountain_meadow")
MOVED, LIKENESS, CAST = (CHECKS[name].default for name in ("moved", "likeness", "cast"))
draw = np.random.default_rng(7)


def seen(scene, along=0.0, down=0.0, degrees=0.0, zoom=1.0):
    """The middle of a photo as a camera sees it, uint8 [360, 640, 3]; shifts in widths of the view."""
    photo = cv2.imread(str(SHIPPED_PHOTOS / f"{scene}.jpg"))
    height, width = photo.shape[:2]
    across = 0.6 * min(width, height * 1.6)
    middle = (width / 2 + along * across, height / 2 + down * across)
    whole = cv2.getRotationMatrix2D(middle, degrees, zoom * SIZE[0] / across)
    whole[:, 2] += SIZE[0] / 2 - middle[0], SIZE[1] / 2 - middle[1]
    return cv2.warpAffine(photo, whole, SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def levels(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def noisy(picture, deviation=3.0):
    return levels(picture + draw.normal(0.0, deviation, picture.shape))


def walking_by(picture):
    """Three people or a van, cut from elsewhere: a third of the picture."""
    covered = picture.copy()
    for left, top, right, bottom in ((40, 80, 150, 330), (260, 30, 420, 340), (520, 120, 600, 350)):
        covered[top:bottom, left:right] = picture[::-1, ::-1][top:bottom, left:right]
    return covered


def shadowed(picture):
    covered = picture.astype(float)
    for corners in (((0, 200), (350, 120), (500, 360), (0, 360)), ((400, 0), (640, 0), (640, 200))):
        mask = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.array(corners, np.int32)], 1)
        covered[mask > 0] *= 0.4
    return levels(covered)


def raining(picture):
    streaks = np.zeros(picture.shape[:2], np.float32)
    for x, y, length in draw.integers((0, 0, 10), (640, 360, 35), (300, 3)):
        cv2.line(streaks, (int(x), int(y)), (int(x) + 3, int(y + length)), 80.0, 1)
    return levels(cv2.GaussianBlur(picture, (0, 0), 1.2) * 0.8 + 20.0 + streaks[..., None])


def by_lamp(picture):
    """A night with one lamp on the left: little light, most of it there, gain noise."""
    light = 0.45 * np.exp(-((np.arange(640) - 120.0) ** 2) / 2.0 / 300.0**2)[None, :, None] + 0.08
    return noisy(levels(255.0 * (picture / 255.0) ** 1.4 * light), 4.0)


def meter_of(scene):
    taker = ReferenceTaker()
    for _ in range(3):
        taker.add(noisy(seen(scene)))
    return CueMeter(taker.take())


def is_moved(cues):
    moved = cues.moved is not None and cues.moved > MOVED.reject
    return moved or (cues.likeness is not None and cues.likeness < LIKENESS.reject)


HARMLESS = {
    "people": walking_by,
    "shadows": shadowed,
    "rain": raining,
    "night": by_lamp,
    "noise": lambda picture: noisy(picture, 12.0),
    "dim": lambda picture: noisy(0.35 * picture),
    "fog": lambda picture: noisy(0.35 * picture + 130.0),
    "defocus": lambda picture: cv2.GaussianBlur(picture, (0, 0), 6.0),
}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("change", HARMLESS)
def test_what_passes_by_is_no_moved_view_and_no_cast(scene, change):
    cues = meter_of(scene).measure(HARMLESS[change](seen(scene)))
    assert not is_moved(cues), cues
    assert cues.cast is None or cues.cast <= CAST.reject


@pytest.mark.parametrize("scene", SCENES)
def test_wind_is_no_moved_view(scene):
    assert not is_moved(meter_of(scene).measure(noisy(seen(scene, along=0.012, down=0.006))))


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(
    "way", [{"along": 0.06}, {"down": -0.06}, {"along": -0.15, "down": 0.04}, {"along": 0.22}], ids=str
)
def test_a_shift_is_told_with_its_length(scene, way):
    cues = meter_of(scene).measure(noisy(seen(scene, **way)))
    assert is_moved(cues)
    assert cues.moved == pytest.approx(np.hypot(way.get("along", 0.0), way.get("down", 0.0)), abs=0.02)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("way", [{"degrees": 12.0}, {"zoom": 1.5}, {"along": 0.5}, {"degrees": 180.0}], ids=str)
def test_a_camera_that_was_turned_or_zoomed_is_told(scene, way):
    assert is_moved(meter_of(scene).measure(noisy(seen(scene, **way))))


@pytest.mark.parametrize("scene", SCENES)
def test_another_place_is_told(scene):
    for other in SCENES:
        if other != scene:
            assert is_moved(meter_of(scene).measure(noisy(seen(other))))


@pytest.mark.parametrize("scene", SCENES)
def test_a_wall_is_a_moved_view_while_a_dark_cover_says_nothing(scene):
    meter = meter_of(scene)
    wall = noisy(np.full((360, 640, 3), 150.0) - np.arange(360)[:, None, None] * 0.1)
    assert meter.measure(wall).likeness == 0.0
    cornered = wall.copy()
    cornered[60:, 500:] = 90
    assert is_moved(meter.measure(cornered))
    cover = meter.measure(noisy(np.full((360, 640, 3), 8.0), 4.0))
    assert (cover.moved, cover.likeness, cover.cast) == (None, None, None)


@pytest.mark.parametrize("scene", SCENES)
def test_colours_that_lie_over_all_of_it_are_told_and_a_red_van_is_not(scene):
    meter, plain = meter_of(scene), seen(scene)
    assert meter.measure(noisy(plain)).cast < CAST.accept
    van = plain.copy()
    van[150:330, 200:480] = (30, 30, 200)
    assert meter.measure(van).cast < CAST.accept
    assert meter.measure(levels(plain * np.array([1.4, 0.8, 1.4]))).cast > CAST.reject
    grey = np.repeat(cv2.cvtColor(plain, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    assert meter.measure(grey).cast == 100.0


def test_without_a_reference_nothing_is_compared():
    cues = CueMeter().measure(seen("pagoda"))
    assert (cues.moved, cues.likeness, cues.cast) == (None, None, None)
