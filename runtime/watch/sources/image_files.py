"""Still images as frames: one file, a folder, or a glob, by name. A damaged one is a damaged frame."""

from pathlib import Path
from typing import Any

from ...errors import SourceError
from ...frames.images import IMAGE_SUFFIXES, expand_images, read_image
from ...ground.error_text import one_line
from ...settings.section import Section
from .protocol import Damaged, End, Frame, ReadResult, Source, Surroundings
from .uri import SourceUri


def means_images(path: str) -> bool:
    """Whether a path stands for images rather than for a video: a folder, a glob, or an image's suffix."""
    place = Path(path)
    return place.is_dir() or (any(c in path for c in "*?[") and not place.exists()) or is_image(place)


def is_image(path: Path) -> bool:
    """Whether the suffix is one of an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """Image files.

    Options: ``loop`` (start again at the end, files that are new by then included), ``fps`` (pace; as fast as frames
    are taken where absent).

    Raises:
        ConfigurationError: an option of the wrong kind.
    """
    loop = options.flag("loop", False)
    fps = options.optional_number("fps", None, 0.01, 1000.0)
    options.finish()
    return ImageFiles(uri.address, uri.shown, loop, None if fps is None else 1.0 / fps)


class ImageFiles(Source):
    """Reads one image per frame."""

    live = False
    interval_s: float | None = None

    def __init__(self, pattern: str, shown: str, loop: bool, interval_s: float | None) -> None:
        self.interval_s = interval_s
        self._pattern = pattern
        self._shown = shown
        self._loop = loop
        self._files: list[Path] = []
        self._next = 0

    def open(self) -> None:
        files = expand_images([self._pattern])
        if not any(file.is_file() for file in files):
            raise SourceError(f"{self._pattern} means no image file: check the name, or wait until images are there")
        self._files, self._next = files, 0

    def read(self) -> ReadResult:
        if self._loop and self._files and self._next == len(self._files):
            self._files, self._next = expand_images([self._pattern]), 0
        if self._next == len(self._files):
            return End(f"{self._shown} is at its end, {self._next} images")
        file = self._files[self._next]
        self._next += 1
        try:
            return Frame(read_image(file))
        except SourceError as error:
            return Damaged(one_line(error))

    def close(self) -> None:
        self._files, self._next = [], 0

    def describe(self) -> dict[str, Any]:
        return {"family": "images", "source": self._shown, "decoder": "opencv", "frames": len(self._files) or None}
