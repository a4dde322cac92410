"""Where calibration images come from: a folder, a glob, a list file, one image, or a video.

This module finds candidates and decodes one of them; which ones are used is decided in ``calibration_set.py``.
"""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dgiqa_edge.runtime.errors import CalibrationError, ReportError
from dgiqa_edge.runtime.frames.picture_header import first_bytes, picture_format
from dgiqa_edge.runtime.watch.sources import End, Frame
from dgiqa_edge.runtime.watch.sources.video_file import VideoFile, opens_as_video

from ..text_tables import listed_names

LIST_SUFFIX = ".txt"


def find_files(source: str) -> tuple[Path, ...]:
    """Every file that ``source`` names, sorted by path; hidden files are left out.

    Args:
        source: a folder (searched recursively), a glob (``photos/**/*.jpg``), a list file (``.txt``, one path
            per line, relative to the list), or one file.

    Raises:
        CalibrationError: nothing is there.
    """
    path = Path(source)
    if path.is_dir():
        found = list(_files_below(path))
    elif path.is_file() and path.suffix.lower() == LIST_SUFFIX:
        found = _listed_files(path)
    elif path.is_file():
        found = [path]
    elif glob.has_magic(source):
        found = [Path(name) for name in glob.glob(source, recursive=True) if not Path(name).is_dir()]  # noqa: PTH207
    else:
        raise CalibrationError(
            f"calibration images not found: {source} does not exist; give a folder, a glob or a video"
        )
    if not found:
        raise CalibrationError(f"calibration images not found: no file in {source}; give a folder, a glob or a video")
    return tuple(sorted(set(found)))


def is_image(path: Path) -> bool:
    """True when the file's first bytes are those of an image format that OpenCV reads."""
    try:
        # Not a pipe: it could block for ever.
        return path.is_file() and picture_format(first_bytes(path)) is not None
    except OSError:
        return False


def is_video(source: str) -> bool:
    """True when ``source`` is one file that is neither an image nor a list and opens as a video."""
    path = Path(source)
    if not path.is_file() or path.suffix.lower() == LIST_SUFFIX or is_image(path):
        return False
    return opens_as_video(path)


def count_video_frames(path: Path) -> int:
    """Number of frames that decode, counted by reading: a cut recording's container lies.

    Raises:
        SourceError: this machine has no decoder that reads them.
    """
    return sum(1 for _ in _video_frames(path))


def read_video_frames(path: Path, indices: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield ``(index, frame)`` for the ascending ``indices`` of a video; frames are uint8 [h, w, 3] BGR.

    The file is read from its start: seeking lands on neighbouring frames in many codecs, and a calibration
    set must be the same set on every pass. An index that does not decode is left out.
    """
    wanted = iter(indices)
    index = next(wanted, None)
    for position, frame in enumerate(_video_frames(path)):
        if position == index:
            yield position, frame
            index = next(wanted, None)
        if index is None:
            return


def _video_frames(path: Path) -> Iterator[np.ndarray]:
    video = VideoFile(path, str(path))
    try:
        video.open()
        while not isinstance(result := video.read(), End):
            if isinstance(result, Frame):
                yield result.image
    finally:
        video.close()


def _listed_files(path: Path) -> list[Path]:
    """Paths in a list file; missing ones stay, to be counted and named with the unreadable ones."""
    try:
        return [path.parent / name for name in listed_names(path)]
    except ReportError as error:
        raise CalibrationError(f"calibration list {error}, one image path per line") from error


def _files_below(folder: Path) -> Iterator[Path]:
    """Everything but folders, also pipes and broken links, and folders that cannot be listed: they are to be named."""
    unread: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=unread.append, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place) / name for name in files if not name.startswith("."))
    yield from (Path(error.filename) for error in unread)
