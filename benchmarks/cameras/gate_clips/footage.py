"""Healthy footage of one camera: films, and photos that a mounted camera looks at; by day, at night, at dusk.

A photo is held: the view sways by a few pixels, something moves through it, and each frame has noise of its own. Wide
frames come out, larger than what the camera sees (``view``), so that a moved camera has something to look at.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.calibration.degradations.kinds import degrade
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.images import expand_images, read_image
from dgiqa_edge.runtime.watch.replay import Recording

Picture = NDArray[np.uint8]

FPS = 10
VIEW = 0.8
"""Share of a wide frame's sides that the camera sees: the middle, unless it is moved."""
WIDE = (640, 480)
FILMS = (".mp4", ".avi", ".mkv")
DAY, NIGHT, INFRARED = "day", "night", "infrared"
DUSK, SWITCH = "dusk", "infrared switch"
CONDITIONS = (DAY, NIGHT, INFRARED)
CHANGES = (DUSK, SWITCH)

_SENSOR_NOISE, _PATTERNS = 1.5, 16
_NIGHT = (0.35, 0.7)
_INFRARED = 0.1
_SWAY, _SWAY_S = 0.01, 20.0


@dataclass(frozen=True)
class Footage:
    """One camera: a film, or a photo to hold; ``seed`` draws all that is left open."""

    path: Path
    seed: int

    @property
    def film(self) -> bool:
        """Whether it moves by itself."""
        return self.path.suffix.lower() in FILMS

    def wide(self) -> Iterator[Picture]:
        """Frames at :data:`FPS`, even sides, without end: a film goes to and fro, so that it does not jump."""
        return _played(self.path) if self.film else _held(self.path, self.seed)


def footage(photos: Sequence[str], films: str | None, most: int) -> list[Footage]:
    """Cameras to look through: all films of a folder, and at most so many photos, evenly picked.

    Raises:
        SourceError: there is nothing to read.
    """
    found = expand_images(list(photos)) if photos else []
    paths = found[:: -(-len(found) // most)] if found else []
    if films is not None:
        kept = sorted(path for path in Path(films).glob("*") if path.suffix.lower() in FILMS)
        if not kept:
            raise SourceError(f"{films} holds no film ({', '.join(FILMS)}): give another folder")
        paths = [*kept, *paths]
    if not paths:
        raise SourceError("there is no footage: give --photos or --films")
    return [Footage(path, seed) for seed, path in enumerate(paths, 1)]


def view(wide: Picture, moved: float) -> Picture:
    """What the camera sees, turned to the right by that share of the view's width, at most 0.12."""
    height, width = (round(side * VIEW) // 2 * 2 for side in wide.shape[:2])
    top, left = (wide.shape[0] - height) // 2, (wide.shape[1] - width) // 2
    left = min(wide.shape[1] - width, left + round(moved * width))
    return np.ascontiguousarray(wide[top : top + height, left : left + width])


def lit(frame: Picture, condition: str, seed: int, index: int, of: int) -> Picture:
    """The frame as the camera shows it in that light; the two changes take place between a third and two thirds."""
    if condition == DAY:
        return frame
    strength = _NIGHT[0] + (_NIGHT[1] - _NIGHT[0]) * (seed % 3) / 2
    if condition == DUSK:
        strength *= min(1.0, max(0.0, 3.0 * index / of - 1.0))
        return frame if strength == 0.0 else degrade(frame, "night", strength, seed, moment=index)
    if condition == INFRARED or (condition == SWITCH and 2 * index >= of):
        return degrade(frame, "infrared", _INFRARED, seed, moment=index)
    return degrade(frame, "night", strength, seed, moment=index)


def _played(film: Path) -> Iterator[Picture]:
    kept, due = [], 0.0
    for frame in Recording(str(film), None):
        if frame.image is not None and frame.t_s >= due - 1e-6:
            kept.append(_even(_within(frame.image)))
            due += 1.0 / FPS
    return itertools.cycle([*kept, *kept[-2:0:-1]])


def _held(path: Path, seed: int) -> Iterator[Picture]:
    photo = _even(_within(read_image(path)))
    height, width = photo.shape[:2]
    rng = np.random.default_rng(seed)
    noise = [rng.normal(0.0, _SENSOR_NOISE, photo.shape).astype(np.float32) for _ in range(_PATTERNS)]
    side_y, side_x = height // 6, width // 8
    top, left = int(rng.integers(height - side_y)), int(rng.integers(width - side_x))
    thing, path_y = photo[top : top + side_y, left : left + side_x].copy(), int(rng.integers(height - side_y))
    for index in itertools.count():
        sway = round(_SWAY * width * np.sin(2.0 * np.pi * index / (_SWAY_S * FPS)))
        frame = np.roll(photo, sway, axis=1)
        at = (7 * index) % (3 * width)  # away most of the time
        if at + side_x <= width:
            frame[path_y : path_y + side_y, at : at + side_x] = thing
        grain = np.roll(noise[index % _PATTERNS], 37 * (index // _PATTERNS), axis=1)
        yield np.clip(np.rint(frame + grain), 0, 255).astype(np.uint8)


def _within(picture: Picture) -> Picture:
    scale = min(WIDE[0] / picture.shape[1], WIDE[1] / picture.shape[0])
    if scale >= 1.0:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _even(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2])
