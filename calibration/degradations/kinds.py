"""All kinds of degradation by name, each with the fault that it shows.

A degraded frame is worse than its clean one, and a stronger copy worse than a weaker one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np

from dgiqa_edge.runtime.errors import ConfigurationError

from . import codecs, lens, optics, sensor, tampering, weather
from .scene import Degraded, Effect, Scene, rounded, to_levels, to_light

__all__ = [
    "FAULTS",
    "KINDS",
    "SHOWN",
    "UNSEEN",
    "Kind",
    "contrasted",
    "degrade",
    "degraded",
    "dimmed",
    "runnable",
]

FAULTS = ("blurred", "noisy", "dark", "over-exposed", "hazy", "flared", "dirty", "damaged")
"""What a frame can be, in the order of the fault head's outputs; several may hold at once."""


@dataclass(frozen=True)
class Kind:
    """One kind of degradation.

    Attributes:
        severity: share of a photo's score that strength 1 takes at least; by eye, for training.
        faults: those it shows, of :data:`FAULTS`; none where none of them names it.
        also: those it may show beside them: a label neither asserts nor denies them.
        needs_ffmpeg: it runs only where that program is.
    """

    effect: Effect
    severity: float
    faults: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    needs_ffmpeg: bool = False

    def label(self, labels: np.ndarray) -> np.ndarray:
        """Labels, float [faults], of what was degraded so: 1 for its faults, NaN for those beside, else as before."""
        labels[[FAULTS.index(fault) for fault in self.also]] = np.nan
        labels[[FAULTS.index(fault) for fault in self.faults]] = 1.0
        return labels


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "defocus": Kind(optics.defocus, 0.7, ("blurred",)),
        "motion_blur": Kind(optics.motion_blur, 0.7, ("blurred",)),
        "noise": Kind(sensor.noise, 0.7, ("noisy",)),
        "jpeg": Kind(codecs.jpeg, 0.65, ("damaged",), ("blurred", "noisy")),
        "low_light": Kind(sensor.low_light, 0.9, ("dark",), ("noisy", "blurred")),
        "haze": Kind(weather.haze, 0.55, ("hazy",), ("blurred",)),
        "flare": Kind(optics.flare, 0.5, ("flared",), ("over-exposed", "hazy")),
        "over_exposure": Kind(sensor.over_exposure, 0.85, ("over-exposed",), ("flared", "hazy")),
        "under_exposure": Kind(sensor.under_exposure, 0.97, ("dark",)),
        "room_haze": Kind(weather.room_haze, 0.4, ("hazy",), ("blurred",)),
        "dirt": Kind(lens.dirt, 0.5, ("dirty",)),
        "mud": Kind(lens.mud, 0.85, ("dirty",), ("dark",)),
        "occluded": Kind(lens.occluded, 0.9, ("dirty",), ("dark",)),
        "drops": Kind(lens.drops, 0.55, ("dirty",), ("blurred",)),
        "film": Kind(lens.film, 0.6, ("dirty",), ("blurred", "hazy")),
        "h264": Kind(codecs.h264, 0.6, ("damaged",), ("blurred",), needs_ffmpeg=True),
        "h265": Kind(codecs.h265, 0.55, ("damaged",), ("blurred",), needs_ffmpeg=True),
        "lost_blocks": Kind(codecs.lost_blocks, 0.75, ("damaged",), ("dirty",)),
        "upscaled": Kind(optics.upscaled, 0.6, ("blurred",), ("damaged",)),
        "rain": Kind(weather.rain, 0.6, (), ("dirty", "hazy", "noisy", "blurred")),
        "snow": Kind(weather.snow, 0.55, (), ("dirty", "hazy", "noisy", "blurred")),
        "flicker": Kind(sensor.flicker, 0.4, (), ("dark", "over-exposed", "damaged", "dirty")),
        "colour_bands": Kind(sensor.colour_bands, 0.45, (), ("damaged",)),
        "infrared": Kind(sensor.infrared, 0.1, (), ("dark", "noisy", "flared", "over-exposed")),
        "colour_cast": Kind(sensor.colour_cast, 0.15, (), ("over-exposed",)),
        "over_sharpened": Kind(sensor.over_sharpened, 0.45, (), ("noisy", "damaged")),
    }
)

UNSEEN: Mapping[str, Kind] = MappingProxyType(
    {
        "night": Kind(sensor.night, 0.3, (), ("dark", "noisy", "blurred")),
        "hand": Kind(tampering.hand, 0.95, ("dirty",), ("dark", "blurred")),
        "spray": Kind(tampering.spray, 0.9, ("dirty",), ("dark", "over-exposed", "blurred")),
        "wall": Kind(tampering.wall, 0.9, (), ("blurred", "hazy")),
    }
)
"""Kinds that no network of ours was trained on: what the gate is judged by (``benchmarks/cameras/gate_clips``)."""


def runnable() -> tuple[str, ...]:
    """The kinds that can run here: all, but those that need the program ffmpeg where it is missing."""
    return tuple(name for name, kind in KINDS.items() if not kind.needs_ffmpeg or codecs.can_code())


SHOWN = tuple(next(name for name, kind in KINDS.items() if fault in kind.faults) for fault in FAULTS)
"""One kind for each fault, the first of its kinds: what a contact sheet has room for."""


def degraded(
    photo: np.ndarray,
    kind: str,
    strength: float,
    seed: int,
    depth: np.ndarray | None = None,
    moment: int | None = None,
) -> Degraded:
    """A degraded copy of a photo and where it is degraded; the same arguments give the same pixels.

    Args:
        photo: uint8 [H, W, 3], BGR.
        kind: a key of :data:`KINDS` or :data:`UNSEEN`.
        strength: in (0, 1]; 0.2 is plain to see, 1 is severe.
        depth: relative inverse depth [h, w] of any scale and size, larger is nearer; haze and focus follow it, and fall
            back to a ground plane (far at the top) without it.
        moment: number of a film's frame: those of one seed differ in the sensor's noise alone. None: a photo.

    Raises:
        ConfigurationError: an unknown kind, or a strength outside (0, 1].
        MachineError: the kind needs the program ffmpeg, which is missing or fails.
    """
    known = {**KINDS, **UNSEEN}
    if kind not in known:
        raise ConfigurationError(f"unknown degradation {kind!r}: choose one of {', '.join(known)}")
    if not 0.0 < strength <= 1.0:
        raise ConfigurationError(f"degradation strength {strength}: give a number above 0 and up to 1")
    grain = None if moment is None else np.random.default_rng((seed, moment))
    return known[kind].effect(_scene(photo, depth, grain), strength, np.random.default_rng(seed))


def degrade(
    photo: np.ndarray,
    kind: str,
    strength: float,
    seed: int,
    depth: np.ndarray | None = None,
    moment: int | None = None,
) -> np.ndarray:
    """The picture of :func:`degraded`, uint8 [H, W, 3]."""
    return degraded(photo, kind, strength, seed, depth, moment).picture


def dimmed(photo: np.ndarray, stops: float) -> np.ndarray:
    """The photo, uint8 [H, W, 3], with that many stops less light and no other change: not ranked as worse."""
    return to_levels(to_light(photo) * np.float32(2.0**-stops))


def enlarged(photo: np.ndarray, times: float, seed: int) -> np.ndarray:
    """A part of the photo, that many times larger, uint8 [H, W, 3]: soft as a close view is; not ranked as worse."""
    height, width = photo.shape[:2]
    rows, columns = max(8, round(height / times)), max(8, round(width / times))
    rng = np.random.default_rng(seed)
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    part = photo[top : top + rows, left : left + columns]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC))


def contrasted(photo: np.ndarray, harshness: float) -> np.ndarray:
    """The photo, uint8 [H, W, 3], with shadows crushed, highlights blown, 0 (not at all) to 1: not ranked as worse."""
    black, white = 0.2 * harshness, 1.0 - 0.4 * harshness
    return rounded((photo.astype(np.float32) / 255.0 - black) / (white - black) * 255.0)


def _scene(photo: np.ndarray, depth: np.ndarray | None, grain: np.random.Generator | None) -> Scene:
    height, width = photo.shape[:2]
    if depth is None:
        plane = np.repeat(np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None], width, axis=1)
        return Scene(photo, plane, grain)
    values = depth.astype(np.float32)
    spread = float(values.max() - values.min())
    stretched = (values - values.min()) / max(spread, 1e-6)
    return Scene(photo, cv2.resize(stretched, (width, height), interpolation=cv2.INTER_LINEAR), grain)
