"""Recorded frames through scorer, cues and gate, one verdict each: to try a policy on a video or on photos.

Live cameras are the watch loop's work; here every frame is judged, in its order, at the time its number says.
"""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cues import CueMeter
from .errors import ConfigurationError, SourceError
from .gate import NO_SIGNAL, Gate
from .images import IMAGE_SUFFIXES, expand_images, read_image
from .reading import Cues, Reading
from .scorer import Scorer
from .verdict import Verdict

DEFAULT_FPS = 25.0


@dataclass(frozen=True, eq=False)
class RecordedFrame:
    """``image`` uint8 [H, W, 3] BGR, or ``error`` why there is none; ``t_s`` seconds from the first frame."""

    index: int
    t_s: float
    file: Path
    image: NDArray[np.uint8] | None
    error: str | None = None


@dataclass(frozen=True)
class Judged:
    """A frame's verdict beside what it was made from."""

    index: int
    t_s: float
    file: Path
    verdict: Verdict
    cues: Cues | None
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """One flat JSON object; ``error`` only where there is one."""
        verdict = {**asdict(self.verdict), "state": self.verdict.state.value}
        record = {"frame": self.index, "t_s": round(self.t_s, 6), "file": str(self.file), **verdict}
        record["cues"] = None if self.cues is None else asdict(self.cues)
        return record if self.error is None else {**record, "error": self.error}


def recorded_frames(source: str, fps: float | None) -> Iterator[RecordedFrame]:
    """The frames of a video file, or of an image, a folder of images, or a glob.

    Args:
        fps: frames per second; None takes a video's own, and 25 for images.

    Raises:
        SourceError: there is nothing to read, or it is neither a video nor images.
    """
    path = Path(source)
    if path.is_file() and path.suffix.lower() not in IMAGE_SUFFIXES:
        yield from _video(path, fps)
        return
    images = expand_images([source])
    if not any(os.path.isfile(image) for image in images):  # noqa: PTH113 - never raises
        raise SourceError(f"{source} is no video, image or folder of images: check the name")
    for index, image in enumerate(images):
        try:
            yield RecordedFrame(index, index / (fps or DEFAULT_FPS), image, read_image(image))
        except SourceError as error:
            yield RecordedFrame(index, index / (fps or DEFAULT_FPS), image, None, str(error))


def _video(path: Path, fps: float | None) -> Iterator[RecordedFrame]:
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        own = capture.get(cv2.CAP_PROP_FPS)
        rate = fps or (own if np.isfinite(own) and own > 0 else DEFAULT_FPS)
        index = 0
        while True:
            there, frame = capture.read()
            if not there:
                break
            yield RecordedFrame(index, index / rate, path, np.asarray(frame, np.uint8))
            index += 1
    finally:
        capture.release()
    if index == 0:
        raise SourceError(f"{path} gives no frame: it is damaged, empty, or in a format that OpenCV cannot decode")


def replay(frames: Iterator[RecordedFrame], scorer: Scorer, gate: Gate) -> Iterator[Judged]:
    """Judge each frame; one that cannot be read is a camera without signal.

    Raises:
        GateError: as ``Gate.update`` does.
    """
    meter = CueMeter()
    for frame in frames:
        if frame.image is None:
            meter.restart()
            yield Judged(frame.index, frame.t_s, frame.file, gate.update(NO_SIGNAL, frame.t_s), None, frame.error)
            continue
        cues = meter.measure(frame.image)
        reading = Reading(scorer.score(frame.image).score, cues)
        yield Judged(frame.index, frame.t_s, frame.file, gate.update(reading, frame.t_s), cues, None)


def check_fps(fps: float | None) -> None:
    """Refuse a frame rate that gives no time.

    Raises:
        ConfigurationError: it is not a number above 0.
    """
    if fps is not None and not (np.isfinite(fps) and fps > 0):
        raise ConfigurationError(f"--fps is {fps}: give a number above 0")
