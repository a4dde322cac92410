"""Where calibration images come from: a folder, a glob, a list file, one image, or a video.

This module finds candidates and decodes one of them; which ones are used is decided in ``images.py``.
"""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dgiqa_edge.runtime.errors import CalibrationError, ReportError
from dgiqa_edge.runtime.picture_header import first_bytes, picture_format

from .text_tables import listed_names

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
    import cv2

    with _quiet_opencv():
        capture = cv2.VideoCapture(str(path))
        try:
            return bool(capture.isOpened())
        finally:
            capture.release()


def count_video_frames(path: Path) -> int:
    """Number of frames that decode, counted by reading: a cut recording's container lies."""
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        count = 0
        while capture.grab():
            count += 1
        return count
    finally:
        capture.release()


def read_video_frames(path: Path, indices: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield ``(index, frame)`` for the ascending ``indices`` of a video; frames are uint8 [h, w, 3] BGR.

    The file is read from its start: seeking lands on neighbouring frames in many codecs, and a calibration
        set must be the same set on every pass. An index that does not decode is left out.
    """
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        position = -1
        for index in indices:
            while position < index:
                if not capture.grab():
                    return
                position += 1
            decoded, frame = capture.retrieve()
            if decoded:
                yield index, frame
    finally:
        capture.release()


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


class _quiet_opencv:  # noqa: N801 - reads as a statement where it is used
    """Silences OpenCV's log while a file is probed: 'not a video' is an answer here, not an error."""

    def __enter__(self) -> None:
        import cv2

        self._level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

    def __exit__(self, *_: object) -> None:
        import cv2

        cv2.utils.logging.setLogLevel(self._level)
