"""Classical measurements of one frame beside the learned score: cheap, explainable, each with a name for its fault.

What the numbers mean is decided by the gate. ``python -m dgiqa_edge.benchmarks.cameras.check_separation`` measures how
well each tells photos from degraded copies; the default thresholds in ``policy.py`` were read from its table.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from .change import ChangeMeter
from .reading import Cues
from .reference.reference import ReferenceLearner, ReferenceView
from .reference.view import view_of
from .reference.view_meter import ViewMeter

Levels = NDArray[np.uint8]

LEAST_SIDE = 64
SHADOW_LEVEL = 32
CLIPPED_LEVEL = 250  # white comes out of a codec of limited range as 250 to 253

_SAMPLE_STEP = 4
_SMALL_WIDTH = 160
_NOISE_TILE = 16
_SMEAR_TILE = 32
_HAZE_PATCH = np.ones((9, 9), np.uint8)
_FLAT_WINDOW = (9, 9)
_FLAT_DEVIATION = 3.0
_NOISE_SCALE = float(np.sqrt(np.pi / 2.0) / 6.0)
# Factors before a mean is rounded to 8 bits, which is several times faster than a mean in floating point.
_NOISE_FINENESS = 2.0
_SMEAR_FINENESS = 32.0
# Grey levels between the lines of a tile. A decoder's repetition is exact; a blind or a soft gradient reaches 0.05.
_MOST_DOWN = 0.04
_SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0], np.float32)


class CueMeter:
    """Measures one camera's frames in their order; keeps samples of the last ones to see change.

    For one thread at a time.

    Args:
        reference: the view that frames are compared with (moved, likeness, cast); None measures none of that.
        learn_minutes: without a reference one is learned from so many minutes of frames that passed; 0: none is.

    Attributes:
        reference: given, or learned by now.
    """

    def __init__(self, reference: ReferenceView | None = None, learn_minutes: float = 0.0) -> None:
        self._change = ChangeMeter()
        self.reference = reference
        self._view = None if reference is None else ViewMeter(reference.view)
        self._learner = ReferenceLearner(learn_minutes) if reference is None and learn_minutes > 0.0 else None

    def measure(self, frame: Levels) -> Cues:
        """The cues of a frame, uint8 [H, W, 3] BGR, which is only read.

        Below 64 pixels on a side only ``change`` is measured.
        """
        change = self._change.measure(frame)
        if min(frame.shape[:2]) < LEAST_SIDE:
            return Cues(change=change)
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
        sampled = np.ascontiguousarray(grey[::_SAMPLE_STEP, ::_SAMPLE_STEP])
        samples = np.ascontiguousarray(frame[::_SAMPLE_STEP, ::_SAMPLE_STEP])
        counts = np.bincount(sampled.ravel(), minlength=256)
        dark, bright = _quantile(counts, 0.05), _quantile(counts, 0.95)
        small = _small(samples)
        view = None if self._view is None else self._view.measure(view_of(grey, samples, self._view.cells))
        return Cues(
            luminance=bright,
            shadows=float(counts[:SHADOW_LEVEL].sum() / counts.sum()),
            clipped=_clipped_share(samples),
            sharpness=_sharpness(grey),
            noise=_noise(grey),
            haze=_dark_channel(small),
            contrast=bright - dark,
            occlusion=_flat_share(small),
            change=change,
            smear=_smeared_share(grey, frame),
            **({} if view is None else view._asdict()),
        )

    def passed(self, frame: Levels, t: float) -> ReferenceView | None:
        """Learn from a frame that passed, uint8 [H, W, 3] BGR, at time ``t``, seconds.

        Gives the reference once it is learned; frames are compared with it from then on.

        Raises:
            UnsuitableReferenceError: the frames of those minutes make none; it goes on learning.
        """
        learned = None if self._learner is None else self._learner.add(frame, t)
        if learned is not None:
            self.reference, self._view, self._learner = learned, ViewMeter(learned.view), None
        return learned

    def restart(self) -> None:
        """Forget the last frames, after a reconnect."""
        self._change.restart()


def _quantile(counts: NDArray[np.int64], share: float) -> float:
    """The lowest level that at least ``share`` of the pixels do not exceed."""
    cumulative = np.cumsum(counts)
    return float(np.searchsorted(cumulative, share * cumulative[-1]))


def _clipped_share(samples: Levels) -> float:
    """Share of pixels with a channel at its end: colour is lost there before grey is white."""
    brightest = cv2.max(cv2.max(samples[..., 0], samples[..., 1]), samples[..., 2])
    return cv2.countNonZero(cv2.inRange(brightest, CLIPPED_LEVEL, 255)) / brightest.size  # type: ignore[call-overload]


def _sharpness(grey: Levels) -> float:
    """How much of the gradient energy at half size is there at full size too, in the direction that has less.

    A sharp picture has about half as much, a blurred one a quarter, whatever its contrast; the lesser direction also
    sees motion blur. 2 squared levels keep pictures without structure from dividing by nothing.
    """
    size = (grey.shape[1] // 2, grey.shape[0] // 2)
    half = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    fine, coarse = _squared_differences(grey), _squared_differences(half)
    return min(at_full / (at_half + 2.0) for at_full, at_half in zip(fine, coarse, strict=True))


def _squared_differences(grey: Levels) -> tuple[float, float]:
    """Mean squared difference of neighbours: along rows, along columns."""
    return (
        cv2.norm(cv2.absdiff(grey[:, 1:], grey[:, :-1]), cv2.NORM_L2SQR) / grey.size,
        cv2.norm(cv2.absdiff(grey[1:], grey[:-1]), cv2.NORM_L2SQR) / grey.size,
    )


def _noise(grey: Levels) -> float:
    """Standard deviation of the noise in grey levels, by Immerkaer's operator (1996) in the quietest tiles.

    The operator, a difference of two Laplacians, is blind to linear structure. Texture still looks like noise to it,
    so the tile at the 10th percentile speaks for the frame; tiles at black or white, where noise is cut off, do not
    count. Three strips, half of the frame, are enough to find quiet tiles.
    """
    third = grey.shape[0] // 3
    rows = max(_NOISE_TILE, third // 2)
    strips = [grey[start : start + rows] for start in (0, third, 2 * third)]
    response = np.concatenate([_tile_means(_noise_response(strip), _NOISE_TILE) for strip in strips])
    level = np.concatenate([_tile_means(strip, _NOISE_TILE) for strip in strips])
    exposed = response[(level > 8) & (level < 247)]
    return float(np.quantile(exposed if exposed.size >= 16 else response, 0.1)) * _NOISE_SCALE / _NOISE_FINENESS


def _noise_response(grey: Levels) -> Levels:
    response = cv2.sepFilter2D(grey, cv2.CV_16S, _SECOND_DIFFERENCE, _SECOND_DIFFERENCE)
    return np.asarray(cv2.convertScaleAbs(response, alpha=_NOISE_FINENESS), np.uint8)


def _tile_means(values: Levels, height: int, width: int | None = None) -> Levels:
    """Means of whole tiles, rounded, uint8 [H // height, W // width]; whoever needs finer ones scales before."""
    width = width or height
    rows, columns = values.shape[0] // height, values.shape[1] // width
    whole = values[: rows * height, : columns * width]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)


def _small(samples: Levels) -> Levels:
    """At most 160 wide, for what needs no detail."""
    height, width = samples.shape[:2]
    if width <= _SMALL_WIDTH:
        return samples
    size = (_SMALL_WIDTH, max(1, round(height * _SMALL_WIDTH / width)))
    return np.asarray(cv2.resize(samples, size, interpolation=cv2.INTER_AREA), np.uint8)


def _dark_channel(small: Levels) -> float:
    """How veiled even the darkest places are: 5th percentile of the dark channel (He et al. 2009), in [0, 1].

    Somewhere in almost every clear patch a colour channel is near 0; airlight lifts all of them.
    """
    darkest = cv2.min(cv2.min(small[..., 0], small[..., 1]), small[..., 2])
    return float(np.quantile(cv2.erode(darkest, _HAZE_PATCH), 0.05)) / 255.0


def _flat_share(small: Levels) -> float:
    """Share of the picture whose surroundings deviate by less than 3 grey levels."""
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    mean = cv2.blur(grey, _FLAT_WINDOW)
    variance = cv2.blur(grey * grey, _FLAT_WINDOW) - mean * mean
    return float(np.mean(variance < _FLAT_DEVIATION**2))


def _smeared_share(grey: Levels, frame: Levels) -> float:
    """Share of the picture that a decoder made up: lines repeated downwards, or what it fills lost slices with."""
    return min(1.0, _repeated_share(grey) + _filled_share(frame))


def _repeated_share(grey: Levels) -> float:
    """Share of tiles with structure along their rows and none along their columns; every fourth column is looked at."""
    columns = np.ascontiguousarray(grey[:, ::_SAMPLE_STEP])
    tile = (_SMEAR_TILE, _SMEAR_TILE // _SAMPLE_STEP)
    down = _tile_means(_scaled_difference(columns[1:, 1:], columns[:-1, 1:]), *tile)
    along = _tile_means(_scaled_difference(columns[1:, 1:], columns[1:, :-1]), *tile)
    return float(np.mean((down <= _MOST_DOWN * _SMEAR_FINENESS) & (along >= _SMEAR_FINENESS)))


def _scaled_difference(one: Levels, other: Levels) -> Levels:
    return np.asarray(cv2.convertScaleAbs(cv2.absdiff(one, other), alpha=_SMEAR_FINENESS), np.uint8)


def _filled_share(frame: Levels) -> float:
    """Share of sampled pixels in the green of an H.264 picture whose chroma was never decoded (Y, U and V all 0)."""
    samples = frame[::8, ::8]
    return float(np.mean((samples[..., 1] > 100) & (samples[..., 0] < 6) & (samples[..., 2] < 6)))
