"""Recorded frames through scorer, cues and gate, one verdict each: to try a policy on a video or on photos.

Live cameras are the watch loop's work; here every frame is judged, in its order, at the time its number says.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..frames.images import IMAGE_SUFFIXES, expand_images, read_image
from ..gate.profiles.chooser import DAY_S
from ..gate.reading import Reading
from ..gate.verdict import Verdict
from ..quality import FrameScorer
from .frame_judge import FrameJudge
from .sources.protocol import Damaged, End, Frame
from .sources.video_file import VideoFile

DEFAULT_FPS = 25.0


@dataclass(frozen=True, eq=False)
class RecordedFrame:
    """``image`` uint8 [H, W, 3] BGR, or ``error`` why there is none; ``t_s`` seconds from the first frame."""

    index: int
    t_s: float
    file: Path
    image: NDArray[np.uint8] | None
    error: str | None = None


@dataclass(frozen=True, eq=False)
class Judged:
    """A frame's verdict beside what it was made from; ``image`` as in :class:`RecordedFrame`."""

    index: int
    t_s: float
    file: Path
    verdict: Verdict
    reading: Reading
    image: NDArray[np.uint8] | None
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """One JSON object; ``error`` and ``faults`` only where there are some."""
        record = {"frame": self.index, "t_s": round(self.t_s, 6), "file": str(self.file), **self.verdict.to_dict()}
        cues, faults = self.reading.cues, self.reading.faults
        record["cues"] = None if cues is None else asdict(cues)
        if faults:
            record["faults"] = {name: round(value, 4) for name, value in faults.items()}
        return record if self.error is None else {**record, "error": self.error}


class Recording:
    """The frames of a video file, or of an image, a folder of images, or a glob, in their order; to be read once.

    ``note`` says what was done to read them where that is not plain decoding; ``problem`` what is missing, or None;
    ``missing`` of ``expected`` frames are lost without a picture or an error of their own. All three are known at the
    end; ``total``, how many frames there will be, from the first one on, 0 where nothing tells.

    Args:
        fps: frames per second; None takes a video's own time stamps, and 25 for images.
    """

    def __init__(self, source: str, fps: float | None) -> None:
        self.note: str | None = None
        self.problem: str | None = None
        self.expected = self.missing = self.total = 0
        self._source = source
        self._fps = fps

    def __iter__(self) -> Iterator[RecordedFrame]:
        """The frames.

        Raises:
            SourceError: there is nothing to read, or it is neither a video nor images.
        """
        path = Path(self._source)
        if os.path.isfile(path) and path.suffix.lower() not in IMAGE_SUFFIXES:  # noqa: PTH113
            yield from self._video(path)
            return
        images = expand_images([self._source])
        if not any(os.path.isfile(image) for image in images):  # noqa: PTH113 - never raises
            raise SourceError(f"{self._source} is no video, image or folder of images: check the name")
        self.total = len(images)
        for index, image in enumerate(images):
            at = index / (self._fps or DEFAULT_FPS)
            try:
                yield RecordedFrame(index, at, image, read_image(image))
            except SourceError as error:
                yield RecordedFrame(index, at, image, None, str(error))

    def _video(self, path: Path) -> Iterator[RecordedFrame]:
        video = VideoFile(path, self._source, fps=self._fps)
        index = damaged = 0
        try:
            video.open()
            self.total = video.expected
            while not isinstance(result := video.read(), End):
                if isinstance(result, Frame):
                    yield RecordedFrame(index, result.t_s or 0.0, path, result.image)
                elif isinstance(result, Damaged):
                    damaged += 1
                    yield RecordedFrame(index, result.t_s or 0.0, path, None, result.reason)
                index += 1
            decoder = video.describe()["decoder"]
        finally:
            video.close()
        if index == damaged:
            raise SourceError(f"{path} gives no frame ({result.reason}): it is damaged, or of a format unknown here")
        self.note = f"{path}: read by {decoder}" if "deinterlaced" in decoder else None
        self.problem = None if result.whole else result.reason
        self.expected, self.missing = video.expected, video.missing - damaged


def replay(
    frames: Iterable[RecordedFrame], judge: FrameJudge, scorer: FrameScorer, begin_s: float = 0.0
) -> Iterator[Judged]:
    """Judge each frame at the time its number says; one that cannot be read is a camera without signal.

    Args:
        begin_s: local time of the first frame, seconds since midnight.

    Raises:
        DgiqaEdgeError: as ``FrameJudge.judge``.
    """
    for frame in frames:
        verdict, reading = judge.judge(frame.image, scorer, frame.t_s, (begin_s + frame.t_s) % DAY_S)
        yield Judged(frame.index, frame.t_s, frame.file, verdict, reading, frame.image, frame.error)
