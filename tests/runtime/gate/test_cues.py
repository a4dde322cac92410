"""Cues on real photos and their degraded copies: each sees its own fault, and is quiet on what is sharp and clear."""

import random
import subprocess
import sys

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.degradations.kinds import degrade
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.gate.cues import LEAST_SIDE, CueMeter
from dgiqa_edge.runtime.gate.policy import CHECKS, CUE_CHECKS, Side
from dgiqa_edge.runtime.gate.vocabulary import FAULTS

NAMES = ["coffee", "dandelions", "mountain_meadow", "mountain_path", "pagoda", "room_with_drum"]

WITHOUT_REFERENCE = [name for name in CUE_CHECKS if "reference" not in FAULTS[CHECKS[name].reason].measured_by]


def faulty(cues, check):
    limits, value = CHECKS[check].default, getattr(cues, check)
    return value < limits.reject if limits.side is Side.BELOW else value > limits.reject


def measure(frame):
    return CueMeter().measure(frame)


@pytest.fixture(scope="module")
def photos():
    return {name: cv2.imread(str(SHIPPED_PHOTOS / f"{name}.jpg")) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_good_photo_has_no_fault(photos, name):
    cues = measure(photos[name])
    assert [check for check in WITHOUT_REFERENCE if faulty(cues, check)] == []
    assert (cues.moved, cues.likeness, cues.cast) == (None, None, None)


@pytest.mark.parametrize(
    ("kind", "strength", "check", "at_least"),
    [
        ("defocus", 0.2, "sharpness", 5),  # the mildest
        ("defocus", 0.5, "sharpness", 6),
        ("defocus", 1.0, "sharpness", 6),
        ("motion_blur", 0.8, "sharpness", 4),
        ("noise", 1.0, "noise", 3),  # a camera smooths milder noise away, and detail with it
        ("haze", 0.5, "haze", 6),
        ("haze", 1.0, "haze", 6),
        ("flare", 0.5, "haze", 6),
        ("low_light", 1.0, "luminance", 4),
        ("under_exposure", 0.8, "luminance", 6),
        ("over_exposure", 0.5, "clipped", 6),
    ],
)
def test_a_degraded_copy_has_the_fault_of_its_kind(photos, kind, strength, check, at_least):
    found = [faulty(measure(degrade(photo, kind, strength, seed)), check) for seed, photo in enumerate(photos.values())]
    assert sum(found) >= at_least


@pytest.mark.parametrize(
    ("kind", "check"), [("defocus", "sharpness"), ("noise", "noise"), ("haze", "haze"), ("low_light", "luminance")]
)
def test_a_cue_follows_the_strength(photos, kind, check):
    for seed, photo in enumerate(photos.values()):
        steps = [getattr(measure(degrade(photo, kind, strength, seed)), check) for strength in (0.1, 0.4, 1.0)]
        steps = [getattr(measure(photo), check), *steps]
        assert steps == sorted(steps, reverse=CHECKS[check].default.side is Side.BELOW)


def test_noise_is_measured_in_grey_levels():
    draw = np.random.default_rng(1)
    ramp = np.tile(np.linspace(60.0, 190.0, 640), (480, 1))
    for sigma in (2.0, 5.0, 10.0):
        noisy = np.rint(ramp + draw.normal(0.0, sigma, ramp.shape)).astype(np.uint8)
        frame = cv2.cvtColor(noisy, cv2.COLOR_GRAY2BGR)
        assert measure(frame).noise == pytest.approx(sigma, rel=0.15)


@pytest.mark.parametrize("level", [60, 128, 200])
def test_a_hand_before_the_lens_is_an_occlusion(level):
    draw = np.random.default_rng(2)
    frame = np.clip(np.full((480, 640, 3), level) + draw.normal(0.0, 3.0, (480, 640, 3)), 0, 255).astype(np.uint8)
    assert faulty(measure(cv2.blur(frame, (5, 5))), "occlusion")


def test_lines_repeated_by_a_decoder_are_seen(photos):
    for photo in photos.values():
        broken = photo.copy()
        line = photo.shape[0] // 3
        broken[line:] = broken[line]
        assert faulty(measure(broken), "smear")
        assert not faulty(measure(photo), "smear")


@pytest.mark.parametrize("quality", [10, 90])
def test_what_is_alike_downwards_but_not_repeated_is_no_decode_error(quality):
    """Blinds, letterboxes, subtitles on a soft gradient; through strong compression too."""
    draw = np.random.default_rng(4)
    x = np.arange(640)
    row = 128.0 + 60.0 * np.sin(x / 9.0) + 30.0 * np.sin(x / 31.0)
    frame = np.repeat(np.tile(row, (480, 1))[..., None], 3, axis=2) + 0.12 * np.arange(480)[:, None, None]
    frame = np.clip(np.rint(frame + draw.normal(0.0, 0.2, frame.shape)), 0, 255).astype(np.uint8)
    frame[:60] = frame[-60:] = 16
    cv2.putText(frame, "subtitle", (200, 400), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (240, 240, 240), 2)
    _, code = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    for picture in (frame, cv2.imdecode(code, cv2.IMREAD_COLOR)):
        assert not faulty(measure(picture), "smear")


def test_a_picture_filled_with_green_is_seen(photos):
    broken = photos["pagoda"].copy()
    broken[200:] = (0, 135, 0)
    assert faulty(measure(broken), "smear")


def test_a_corrupted_video_is_seen(photos, tmp_path):
    photo, file = photos["mountain_meadow"], tmp_path / "video.mp4"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"mp4v"), 25, (480, 320))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no MPEG-4 video")
    for index in range(60):
        writer.write(photo[index : index + 320, index : index + 480])
    writer.release()
    assert max(smears(file)) < 0.05
    content, draw = bytearray(file.read_bytes()), random.Random(1)
    for _ in range(200):
        content[draw.randrange(2000, len(content) - 6000)] = draw.randrange(256)
    file.write_bytes(content)
    found = smears(file)
    assert not found or max(found) > CHECKS["smear"].default.reject


def smears(file):
    capture, meter, found = cv2.VideoCapture(str(file)), CueMeter(), []
    while True:
        there, frame = capture.read()
        if not there:
            return found
        found.append(meter.measure(frame).smear)


def test_a_repeated_frame_has_no_change_and_sensor_noise_is_one(photos):
    meter, photo = CueMeter(), photos["coffee"]
    draw = np.random.default_rng(3)
    noisy = np.clip(photo + np.rint(draw.normal(0.0, 1.0, photo.shape)), 0, 255).astype(np.uint8)
    assert meter.measure(photo).change is None
    assert meter.measure(photo.copy()).change == 0.0
    assert meter.measure(noisy).change == pytest.approx(0.8, abs=0.1)
    meter.restart()
    assert meter.measure(photo).change is None


def test_a_picture_seen_before_is_no_change_unless_it_moves(photos):
    """A codec's keyframes of a frozen picture repeat each other; a clip that is played in a loop is alive."""
    meter, photo = CueMeter(), photos["coffee"]
    keyframe = cv2.add(photo, (1, 0, 0, 0))  # a third of a grey level away
    changes = [meter.measure(frame).change for frame in (photo, keyframe, photo, keyframe)]
    assert changes[1] == pytest.approx(1 / 3, abs=0.02)
    assert changes[2:] == [0.0, 0.0]
    moved = np.roll(photo, 3, axis=1)
    assert [meter.measure(frame).change > 1.0 for frame in (moved, photo, moved)] == [True] * 3


def test_a_frame_of_another_size_has_nothing_to_compare_with(photos):
    meter = CueMeter()
    meter.measure(photos["coffee"])
    assert meter.measure(photos["pagoda"]).change is None


def test_the_frame_is_only_read_and_may_change_afterwards(photos):
    meter, frame = CueMeter(), photos["coffee"].copy()
    frame.flags.writeable = False
    meter.measure(frame)
    frame = photos["coffee"].copy()
    meter.measure(frame)
    frame[:] = 0  # the buffer is used again by the next capture
    assert meter.measure(photos["coffee"]).change == 0.0


@pytest.mark.parametrize("size", [(1, 1), (LEAST_SIDE - 1, 640), (64, 64), (65, 131), (1080, 1920), (640, 70)])
@pytest.mark.parametrize("fill", [0, 255, "noise"])
def test_every_size_and_content_gives_numbers_in_range(size, fill):
    draw = np.random.default_rng(4)
    frame = draw.integers(0, 256, (*size, 3), np.uint8) if fill == "noise" else np.full((*size, 3), fill, np.uint8)
    meter = CueMeter()
    meter.measure(frame)
    cues = meter.measure(frame)
    assert cues.change == 0.0
    for check in WITHOUT_REFERENCE:
        value = getattr(cues, check)
        assert (value is None) == (min(size) < LEAST_SIDE)
        assert value is None or CHECKS[check].low <= value <= CHECKS[check].high


@pytest.mark.parametrize(("fourcc", "suffix"), [("mp4v", "mp4"), ("MJPG", "avi")])
def test_white_stays_over_exposed_through_a_codec(photos, fourcc, suffix, tmp_path):
    """A codec of limited range gives white back a little darker than it was."""
    file = tmp_path / f"video.{suffix}"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*fourcc), 25, (480, 320))
    if not writer.isOpened():
        pytest.skip(f"this OpenCV writes no {fourcc} video")
    white = np.clip(photos["mountain_meadow"][:320, :480].astype(np.float32) * 2.5 + 90.0, 0, 255).astype(np.uint8)
    for _ in range(5):
        writer.write(white)
    writer.release()
    there, frame = cv2.VideoCapture(str(file)).read()
    assert there
    assert faulty(measure(white), "clipped")
    assert faulty(measure(frame), "clipped")


MEASURED_UNDER_SIGNALS = """
import signal
import numpy as np
from dgiqa_edge.runtime.gate.cues import CueMeter

signal.signal(signal.SIGALRM, signal.default_int_handler)
frame, meter, interrupted = np.zeros((48, 64, 3), np.uint8), CueMeter(), 0
for moment in range(2000):
    try:
        signal.setitimer(signal.ITIMER_REAL, 2e-5 + moment % 100 * 1e-5)
        while True:
            meter.measure(frame)
    except KeyboardInterrupt:
        interrupted += 1
print(interrupted)
"""


def test_a_signal_at_any_moment_ends_a_measurement_as_an_exception():
    """A Ctrl-C that fell into an overloaded function of OpenCV ended the process with SIGSEGV."""
    finished = subprocess.run([sys.executable, "-c", MEASURED_UNDER_SIGNALS], capture_output=True, text=True)
    assert (finished.returncode, finished.stdout) == (0, "2000\n"), finished.stderr


def test_smear_is_counted_in_tiles_of_32_lines():
    """Three rows of tiles fit into 97 lines; the last of them repeats its first line."""
    grey = np.random.default_rng(0).integers(0, 256, (97, 64), dtype=np.uint8)
    grey[64:] = grey[64]
    assert CueMeter().measure(cv2.merge([grey] * 3)).smear == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("colour", "smear"),
    [((0, 135, 0), 1.0), ((5, 101, 5), 1.0), ((6, 101, 5), 0.0), ((5, 101, 6), 0.0), ((5, 100, 5), 0.0)],
)
def test_what_a_decoder_fills_lost_slices_with_is_smear(colour, smear):
    """Y, U and V of 0 are a green without red and blue, give or take a codec's rounding."""
    assert measure(np.full((64, 64, 3), colour, np.uint8)).smear == smear


@pytest.mark.parametrize(
    ("rest", "noisy_tiles", "noisy"),
    [
        (247, 16, True),  # at white and at black noise is cut off: those tiles say nothing
        (246, 16, False),
        (8, 16, True),
        (9, 16, False),
        (247, 15, False),  # so few tiles say nothing about the frame
    ],
)
def test_noise_is_read_where_it_is_not_cut_off(rest, noisy_tiles, noisy):
    """One of the three strips that are looked at has noise in tiles of 16, the others are flat, of level ``rest``."""
    grey = np.full((96, 256), rest, np.uint8)
    grey[:16, : noisy_tiles * 16] = np.random.default_rng(0).integers(98, 159, (16, noisy_tiles * 16))
    found = CueMeter().measure(cv2.merge([grey] * 3)).noise
    assert (found > 5.0) if noisy else (found == 0.0)
