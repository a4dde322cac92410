"""Classical measurements of one frame beside the learned score: cheap, explainable, each with a name for its fault.

What the numbers mean is decided by the gate. ``python -m dgiqa_edge.benchmarks.cameras.check_separation`` measures how
well each tells photos from degraded copies; the default thresholds in ``policy.py`` were read from its table.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .change import ChangeMeter
from .reading import Cues
from .reference.reference import ReferenceLearner, ReferenceView
from .reference.view import view_of
from .reference.view_meter import ViewMeter
from .regions import WHOLE, Regions

Levels = NDArray[np.uint8]

LEAST_SIDE = 64
SHADOW_LEVEL = 32
CLIPPED_LEVEL = 250  # white comes out of a codec of limited range as 250 to 253

_SAMPLE_STEP = 4
_SPARSE_STEP = 8
_SMALL_WIDTH = 160
_NOISE_TILE = 16
_SMEAR_TILES = 32, 32 // _SAMPLE_STEP  # rows, and columns of which every fourth is looked at
_AROUND = np.ones((3, 3), np.uint8)
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
        regions: what counts. Nothing that is excluded has any part in a cue, and a cue of which nothing is left to
            measure (a strip too thin for the tiles of the noise, say) is None. The view is always the whole picture's.
        reference: the view that frames are compared with (moved, likeness, cast); None measures none of that.
        learn_minutes: without a reference one is learned from so many minutes of frames that passed; 0: none is.

    Attributes:
        reference: given, or learned by now.
    """

    def __init__(
        self, regions: Regions = WHOLE, reference: ReferenceView | None = None, learn_minutes: float = 0.0
    ) -> None:
        self._regions = regions
        self._change = ChangeMeter()
        self._part: _Part | None = None
        self.refer_to(reference, learn_minutes)

    def refer_to(self, reference: ReferenceView | None, learn_minutes: float) -> None:
        """From now on frames are compared with that view, or with one that is learned, as the class says."""
        self.reference = reference
        self._view = None if reference is None else ViewMeter(reference.view)
        self._learner = ReferenceLearner(learn_minutes) if reference is None and learn_minutes > 0.0 else None

    def measure(self, frame: Levels) -> Cues:
        """The cues of a frame, uint8 [H, W, 3] BGR, which is only read.

        Below 64 pixels on a side only ``change`` is measured.
        """
        part = self._part_of(frame)
        change = self._change.measure(frame, None if part is None else part.mask)
        if min(frame.shape[:2]) < LEAST_SIDE:
            return Cues(change=change)
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
        samples = np.ascontiguousarray(frame[::_SAMPLE_STEP, ::_SAMPLE_STEP])
        small, half = _small(samples), _half(grey)
        view = None if self._view is None else self._view.measure(view_of(grey, samples, self._view.cells))
        of_view = {} if view is None else view._asdict()
        levels, pixels = grey[::_SAMPLE_STEP, ::_SAMPLE_STEP].ravel(), samples.reshape(1, -1, 3)
        if part is not None:
            levels, pixels = levels[part.sampled], np.ascontiguousarray(pixels[:, part.sampled])
            if not levels.size:
                return Cues(change=change, **of_view)
        counts = np.bincount(levels, minlength=256)
        dark, bright = _quantile(counts, 0.05), _quantile(counts, 0.95)
        return Cues(
            luminance=bright,
            shadows=float(counts[:SHADOW_LEVEL].sum() / counts.sum()),
            clipped=_clipped_share(pixels),
            sharpness=_sharpness(grey, half, part),
            noise=_noise(grey, part),
            haze=_dark_channel(small, part),
            contrast=bright - dark,
            occlusion=_flat_share(_small(_half(half)), part),
            change=change,
            smear=_smeared_share(grey, frame, part),
            chroma=_chroma(pixels),
            **of_view,
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

    def _part_of(self, frame: Levels) -> "_Part | None":
        if self._regions and (self._part is None or self._part.mask.shape != frame.shape[:2]):
            self._part = _part(self._regions.mask(*frame.shape[:2]))
            self._change.restart()
        return self._part


@dataclass(frozen=True, eq=False)
class _Part:
    """What counts of the frames of one size, at the resolution of each measurement.

    ``mask``, and ``inner`` without what touches excluded pixels, uint8 [H, W], 255 where they count; ``small`` for what
    ``_small`` gives of samples, ``half`` for the half size; ``surroundings``, the pixels of the small means whose
    neighbourhood counts as a whole (of a strip too thin for any, all that count: a lens that is covered is so beyond it
    too). The others bool: ``sampled`` and ``sparse`` of every fourth and every eighth pixel, ``noise`` and ``smear`` of
    tiles, those that count as a whole.
    """

    mask: Levels
    inner: Levels
    half: Levels
    small: Levels
    surroundings: Levels
    sampled: NDArray[np.bool_]
    sparse: NDArray[np.bool_]
    noise: NDArray[np.bool_]
    smear: NDArray[np.bool_]


def _part(mask: Levels) -> _Part:
    # Where a size is no multiple of the other, a pixel has a sliver of its neighbour too: hence without the borders.
    inner = _inner(mask)
    small = _whole(_small(_inner(np.ascontiguousarray(mask[::_SAMPLE_STEP, ::_SAMPLE_STEP]))))
    columns = mask[:, ::_SAMPLE_STEP]
    steps = columns[1:, 1:] & columns[:-1, 1:] & columns[1:, :-1]
    large = min(mask.shape) >= LEAST_SIDE
    none = np.zeros(0, np.bool_)
    half = _whole(_half(inner)) if large else inner
    means = _whole(_small(_inner(_whole(_half(_inner(half)))))) if large else inner
    surroundings = np.asarray(cv2.erode(means, _HAZE_PATCH), np.uint8)
    return _Part(
        mask=mask,
        inner=inner,
        half=half,
        small=small,
        surroundings=surroundings if surroundings.any() else means,
        sampled=mask[::_SAMPLE_STEP, ::_SAMPLE_STEP].ravel() > 0,
        sparse=mask[::_SPARSE_STEP, ::_SPARSE_STEP] > 0,
        noise=np.concatenate([_tile_means(strip, _NOISE_TILE) == 255 for strip in _strips(inner)]) if large else none,
        smear=_tile_means(np.ascontiguousarray(steps), *_SMEAR_TILES) == 255 if large else none,
    )


def _inner(mask: Levels) -> Levels:
    return np.asarray(cv2.erode(mask, _AROUND), np.uint8)


def _whole(mask: Levels) -> Levels:
    """255 where a mask that was made smaller counts as a whole, else 0."""
    return (mask == 255).astype(np.uint8) * np.uint8(255)


def _quantile(counts: NDArray[np.int64], share: float) -> float:
    """The lowest level that at least ``share`` of the pixels do not exceed."""
    cumulative = np.cumsum(counts)
    return float(np.searchsorted(cumulative, share * cumulative[-1]))


def _clipped_share(pixels: Levels) -> float:
    """Share of pixels with a channel at its end: colour is lost there before grey is white."""
    brightest = cv2.max(cv2.max(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    return cv2.countNonZero(cv2.inRange(brightest, CLIPPED_LEVEL, 255)) / brightest.size  # type: ignore[call-overload]


def _chroma(pixels: Levels) -> float:
    """Mean difference between the largest and the least channel."""
    largest = cv2.max(cv2.max(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    least = cv2.min(cv2.min(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    return cv2.sumElems(cv2.subtract(largest, least))[0] / largest.size


def _sharpness(grey: Levels, half: Levels, part: _Part | None) -> float | None:
    """How much of the gradient energy at half size is there at full size too, in the direction that has less.

    A sharp picture has about half as much, a blurred one a quarter, whatever its contrast; the lesser direction also
    sees motion blur. 2 squared levels keep pictures without structure from dividing by nothing.
    """
    fine = _squared_differences(grey, None if part is None else part.inner)
    coarse = _squared_differences(half, None if part is None else part.half)
    if fine is None or coarse is None:
        return None
    return min(at_full / (at_half + 2.0) for at_full, at_half in zip(fine, coarse, strict=True))


def _half(grey: Levels) -> Levels:
    size = (grey.shape[1] // 2, grey.shape[0] // 2)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _squared_differences(grey: Levels, mask: Levels | None) -> tuple[float, float] | None:
    """Mean squared difference of neighbours: along rows, along columns. None where nothing counts."""
    if mask is None:
        return (
            cv2.norm(cv2.absdiff(grey[:, 1:], grey[:, :-1]), cv2.NORM_L2SQR) / grey.size,
            cv2.norm(cv2.absdiff(grey[1:], grey[:-1]), cv2.NORM_L2SQR) / grey.size,
        )
    counted = cv2.countNonZero(mask)
    if not counted:
        return None
    return (
        cv2.norm(cv2.absdiff(grey[:, 1:], grey[:, :-1]), cv2.NORM_L2SQR, mask[:, 1:] & mask[:, :-1]) / counted,
        cv2.norm(cv2.absdiff(grey[1:], grey[:-1]), cv2.NORM_L2SQR, mask[1:] & mask[:-1]) / counted,
    )


def _noise(grey: Levels, part: _Part | None) -> float | None:
    """Standard deviation of the noise in grey levels, by Immerkaer's operator (1996) in the quietest tiles.

    The operator, a difference of two Laplacians, is blind to linear structure. Texture still looks like noise to it,
    so the tile at the 10th percentile speaks for the frame; tiles at black or white, where noise is cut off, do not
    count. Three strips, half of the frame, are enough to find quiet tiles.
    """
    strips = _strips(grey)
    response = np.concatenate([_tile_means(_noise_response(strip), _NOISE_TILE) for strip in strips])
    level = np.concatenate([_tile_means(strip, _NOISE_TILE) for strip in strips])
    if part is not None:
        response, level = response[part.noise], level[part.noise]
        if not response.size:
            return None
    exposed = response[(level > 8) & (level < 247)]
    return float(np.quantile(exposed if exposed.size >= 16 else response, 0.1)) * _NOISE_SCALE / _NOISE_FINENESS


def _strips(grey: Levels) -> list[Levels]:
    third = grey.shape[0] // 3
    rows = max(_NOISE_TILE, third // 2)
    return [grey[start : start + rows] for start in (0, third, 2 * third)]


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


def _dark_channel(small: Levels, part: _Part | None) -> float | None:
    """How veiled even the darkest places are: 5th percentile of the dark channel (He et al. 2009), in [0, 1].

    Somewhere in almost every clear patch a colour channel is near 0; airlight lifts all of them.
    """
    darkest = cv2.min(cv2.min(small[..., 0], small[..., 1]), small[..., 2])
    if part is None:
        return float(np.quantile(cv2.erode(darkest, _HAZE_PATCH), 0.05)) / 255.0
    counted = cv2.erode(cv2.bitwise_or(darkest, ~part.small), _HAZE_PATCH)[part.small > 0]
    return float(np.quantile(counted, 0.05)) / 255.0 if counted.size else None


def _flat_share(means: Levels, part: _Part | None) -> float | None:
    """Share of the picture whose surroundings deviate by less than 3 grey levels.

    Of means of 4x4 pixels or more: a covered lens has no structure, and grain, which samples would show, is none.
    """
    levels = means.astype(np.float32)
    mean = cv2.blur(levels, _FLAT_WINDOW)
    flat = cv2.blur(levels * levels, _FLAT_WINDOW) - mean * mean < _FLAT_DEVIATION**2
    if part is not None:
        flat = flat[part.surroundings > 0]
    return float(np.mean(flat)) if flat.size else None


def _smeared_share(grey: Levels, frame: Levels, part: _Part | None) -> float | None:
    """Share of the picture that a decoder made up: lines repeated downwards, or what it fills lost slices with."""
    repeated, filled = _repeated(grey), _filled(frame)
    if part is not None:
        repeated, filled = repeated[part.smear], filled[part.sparse]
    return min(1.0, float(np.mean(repeated)) + float(np.mean(filled))) if repeated.size and filled.size else None


def _repeated(grey: Levels) -> NDArray[np.bool_]:
    """Which tiles have structure along their rows and none along their columns; every fourth column is looked at."""
    columns = np.ascontiguousarray(grey[:, ::_SAMPLE_STEP])
    down = _tile_means(_scaled_difference(columns[1:, 1:], columns[:-1, 1:]), *_SMEAR_TILES)
    along = _tile_means(_scaled_difference(columns[1:, 1:], columns[1:, :-1]), *_SMEAR_TILES)
    return (down <= _MOST_DOWN * _SMEAR_FINENESS) & (along >= _SMEAR_FINENESS)


def _scaled_difference(one: Levels, other: Levels) -> Levels:
    return np.asarray(cv2.convertScaleAbs(cv2.absdiff(one, other), alpha=_SMEAR_FINENESS), np.uint8)


def _filled(frame: Levels) -> NDArray[np.bool_]:
    """Which sampled pixels have the green of an H.264 picture whose chroma was never decoded (Y, U and V all 0)."""
    samples = frame[::_SPARSE_STEP, ::_SPARSE_STEP]
    return (samples[..., 1] > 100) & (samples[..., 0] < 6) & (samples[..., 2] < 6)
