"""The calibration set: real frames, chosen deterministically, known by a hash of their pixels.

It is not a training loader: no augmentation, no batching, no random data under any circumstance. Frames
take the engine's size by the runtime's own rule, so calibration sees what the engine will see.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dgiqa_edge.runtime.errors import CalibrationError, SourceError
from dgiqa_edge.runtime.frames.fit import fit_frame
from dgiqa_edge.runtime.ground.framing import Fit, framing
from dgiqa_edge.runtime.hashing import sha256_bytes, sha256_json

from . import image_sources

DEFAULT_COUNT = 64
MINIMUM_COUNT = 16
NAMES_IN_MESSAGE = 5

Progress = Callable[[int, int], None]
"""Called with ``(done, total)``."""


@dataclass(frozen=True)
class CalibrationImage:
    """One picture of the set: a file, or one frame of a video; ``height`` and ``width`` before it takes the frame's."""

    name: str
    path: Path
    pixels_sha256: str
    height: int
    width: int
    video_frame: int | None = None

    def enlarged_to(self, height: int, width: int, fit: Fit) -> float:
        """By what factor the picture is enlarged for a frame, or one of its sides where they differ."""
        placed = framing((self.height, self.width), (height, width), fit)
        return max(placed.at.height / placed.shown.height, placed.at.width / placed.shown.width)


@dataclass(frozen=True)
class CalibrationSet:
    """Images that passed a full decode. Iterating decodes them again, one at a time, so memory holds one.

    Attributes:
        source: what the user named.
        images: the chosen pictures, in the order of their paths (or of time, for a video).
        skipped: names of candidates that could not be used, with the reason in brackets.
        considered: how many candidates were looked at: chosen + skipped.
        found: how many pictures (or frames) the source holds, looked at or not.
        height, width: size of the frames, pixels.
        fit: how a picture of another shape takes it, as the bundle's frames will.
    """

    source: str
    images: tuple[CalibrationImage, ...]
    skipped: tuple[str, ...]
    considered: int
    found: int
    height: int
    width: int
    fit: Fit = "stretch"

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Frames as uint8 [1, height, width, 3], BGR.

        Raises:
            CalibrationError: a file changed or vanished since the set was opened.
        """
        decoded = self._decoded()
        for image in self.images:
            pixels = next(decoded, None)
            if pixels is None or pixels_sha256(pixels) != image.pixels_sha256:
                raise CalibrationError(f"calibration image {image.name} changed during the run: start it again")
            yield np.ascontiguousarray(fit_frame(pixels, self.height, self.width, self.fit))[np.newaxis]

    def held_out(self, count: int) -> "tuple[CalibrationSet, CalibrationSet]":
        """Two disjoint sets: the rest, and ``count`` images spread evenly, whose ranges an engine did not see."""
        chosen = {round((index + 0.5) * len(self) / count - 0.5) for index in range(count)}
        rest = tuple(image for index, image in enumerate(self.images) if index not in chosen)
        kept = tuple(image for index, image in enumerate(self.images) if index in chosen)
        return replace(self, images=rest), replace(self, images=kept)

    def first(self, count: int) -> "CalibrationSet":
        """The first ``count`` images."""
        return replace(self, images=self.images[:count])

    @property
    def image_set_sha256(self) -> str:
        """Key of the set: the images' pixels, their order, the frame size and the fit. File names do not enter."""
        return sha256_json(
            {
                "pixels_sha256": [image.pixels_sha256 for image in self.images],
                "frame": [self.height, self.width],
                "fit": self.fit,
            }
        )

    def _decoded(self) -> Iterator[np.ndarray]:
        if self.images and self.images[0].video_frame is not None:
            indices = [image.video_frame for image in self.images if image.video_frame is not None]
            for _, pixels in image_sources.read_video_frames(self.images[0].path, indices):
                yield pixels
            return
        for image in self.images:
            try:
                yield _read(image.path)
            except SourceError as error:
                raise CalibrationError(f"calibration image {image.name} is gone: {error}") from error


def open_calibration_set(
    source: str | Path,
    *,
    height: int,
    width: int,
    fit: Fit = "stretch",
    count: int = DEFAULT_COUNT,
    minimum: int = MINIMUM_COUNT,
    progress: Progress | None = None,
) -> CalibrationSet:
    """Choose up to ``count`` usable, mutually different images from ``source``.

    The choice is spread evenly over the sorted paths (or over the video) and is the same on every machine. An
    unreadable file gives its place to another one and is named in ``skipped``.

    Args:
        source: folder (recursive), glob, list file (``.txt``), or video.
        height, width: frame size in pixels.
        fit: how a picture of another shape takes it.
        minimum: fewest images worth calibrating with.

    Raises:
        CalibrationError: nothing found, or fewer than ``minimum`` usable images.
    """
    report = progress or (lambda done, total: None)
    text = str(source)
    if image_sources.is_video(text):
        images, skipped, found = _from_video(Path(text), count, report)
    else:
        images, skipped, found = _from_files(text, count, report)
    considered = len(images) + len(skipped)
    if len(images) < minimum:
        raise CalibrationError(_too_few(text, len(images), considered, minimum, skipped))
    return CalibrationSet(text, tuple(images), tuple(skipped), considered, found, height, width, fit)


def spread_order(count: int) -> list[int]:
    """Indices 0..count-1 in an order whose every prefix is spread evenly over the whole (bit reversal)."""
    bits = max(1, (count - 1).bit_length())
    return sorted(range(count), key=lambda index: int(f"{index:0{bits}b}"[::-1], 2))


def _from_files(source: str, count: int, progress: Progress) -> tuple[list[CalibrationImage], list[str], int]:
    files = image_sources.find_files(source)
    root = Path(source) if Path(source).is_dir() else None
    candidates, skipped = [], []
    for path in files:
        if image_sources.is_image(path):
            candidates.append(path)
        else:
            skipped.append(f"{_name(path, root)} ({'not an image' if path.exists() else 'missing'})")
    wanted = min(count, len(candidates))
    chosen: dict[str, CalibrationImage] = {}
    for index in spread_order(len(candidates)):
        if len(chosen) == count:
            break
        path = candidates[index]
        try:
            pixels = _read(path)
        except SourceError:
            skipped.append(f"{_name(path, root)} (unreadable)")
            continue
        digest = pixels_sha256(pixels)
        if digest in chosen:
            skipped.append(f"{_name(path, root)} (same picture as {chosen[digest].name})")
            continue
        chosen[digest] = CalibrationImage(_name(path, root), path, digest, *pixels.shape[:2])
        progress(len(chosen), wanted)
    return sorted(chosen.values(), key=lambda image: image.path), skipped, len(candidates)


def _from_video(path: Path, count: int, progress: Progress) -> tuple[list[CalibrationImage], list[str], int]:
    length = image_sources.count_video_frames(path)
    indices = sorted({int(index) for index in np.linspace(0, max(length - 1, 0), count).round()}) if length else []
    chosen: dict[str, CalibrationImage] = {}
    skipped = []
    decoded = set()
    for index, pixels in image_sources.read_video_frames(path, indices):
        decoded.add(index)
        digest = pixels_sha256(pixels)
        if digest in chosen:
            skipped.append(f"frame {index} (same picture as {chosen[digest].name})")
            continue
        height, width = pixels.shape[:2]
        chosen[digest] = CalibrationImage(f"frame {index}", path, digest, height, width, video_frame=index)
        progress(len(chosen), len(indices))
    skipped += [f"frame {index} (unreadable)" for index in indices if index not in decoded]
    return list(chosen.values()), skipped, length


def _too_few(source: str, usable: int, considered: int, minimum: int, skipped: list[str]) -> str:
    message = f"calibration set {source}: {usable} of {considered} usable, at least {minimum} are needed"
    if skipped:
        shown = ", ".join(skipped[:NAMES_IN_MESSAGE])
        rest = len(skipped) - NAMES_IN_MESSAGE
        message += f"; not usable: {shown}" + (f" and {rest} more" if rest > 0 else "")
    return message + "; add photos from the camera's own scenes"


def _read(path: Path) -> np.ndarray:
    from dgiqa_edge.runtime.frames.images import read_image

    return read_image(path)


def _name(path: Path, root: Path | None) -> str:
    return str(path.relative_to(root)) if root else str(path)


def pixels_sha256(pixels: np.ndarray) -> str:
    """Key of a decoded picture, uint8 [h, w, 3], before it is resized; its file's name and format do not enter."""
    return sha256_bytes(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes())
