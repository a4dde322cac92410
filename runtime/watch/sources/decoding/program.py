"""The program inside a decoder process: the one place where ``cv2.VideoCapture`` is used.

It runs by itself, started by ``process.py``: it imports nothing of ours, so that it starts in a tenth of a second and
stays small. Requests are JSON lines on standard input, answers JSON lines on a pipe, pictures lie in a shared memory
file. OpenCV and FFmpeg may write to standard error whatever they like; the other side reads it. It ends when its
standard input is closed, which happens also when its parent is killed.

OpenCV may say that it read a picture while its conversion refused the frame and the picture's memory was never
written (FFmpeg 8 on interlaced frames). So memory is filled with one value when it is allocated, a grey that no video
of limited range can have, and a picture that is that grey in every byte is reported as blank.
"""

import contextlib
import ctypes
import json
import mmap
import os
import select
import sys
import threading
import time
from typing import Any

import cv2
import numpy as np

BLANK = 169  # none of the 220 greys that limited-range luma becomes
_M_PERTURB = -6  # glibc's mallopt parameter
_QUICK_S = 1.0


def main(answers: int, memory: int) -> None:
    """Answer requests until standard input ends.

    Args:
        answers: file descriptor of the pipe for answers.
        memory: file descriptor of the shared memory.
    """
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    with contextlib.suppress(AttributeError):  # another C library has no such function
        ctypes.CDLL(None).mallopt(_M_PERTURB, BLANK ^ 0xFF)
    cv2.setNumThreads(1)
    decoder = _Decoder(memory)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            answer = getattr(decoder, request.pop("do"))(**request)
        except (cv2.error, OSError, MemoryError) as error:
            answer = {"error": " ".join(str(error).split())[:300] or type(error).__name__}
        os.write(answers, json.dumps(answer).encode() + b"\n")


class _Decoder:
    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._shared: mmap.mmap | None = None
        self._capture: Any = None
        self._file: int | None = None
        self._tries = 0

    def open(
        self,
        target: str,
        backend: int,
        settings: list[int],
        after: list[list[float]],
        tries: int,
        is_file: bool,
        pipeline: str,
    ) -> dict[str, Any]:
        """Open; ``tries``: grabs that may fail in a row before it counts as the end; ``pipeline``: with ``{}`` for a
        file's name, or empty.
        """
        self.close()
        name = target
        if pipeline:
            name = pipeline.replace("{}", self._descriptor_name(target))  # no quotes for a name that needs some
        elif is_file:
            name = self._safe_name(target)
        capture = cv2.VideoCapture(name, backend, settings)
        if not capture.isOpened():
            return {"opened": False}
        for number, value in after:
            capture.set(int(number), value)
        self._capture, self._tries = capture, tries
        count, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        return {"opened": True, "frames": _finite(count), "fps": _finite(rate)}

    def read(self) -> dict[str, Any]:
        """The next picture; ``lost``: how many grabs failed before it."""
        lost = 0
        while not self._grab():
            lost += 1
            if lost > self._tries or self._slow:
                return {"end": True}
        there, picture = self._capture.retrieve()
        if not there or picture is None or picture.size == 0:
            return {"end": True}
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            return {"error": f"pictures of {picture.dtype} {list(picture.shape)} are not supported"}
        blank = bool(picture[0, 0, 0] == BLANK and (picture == BLANK).all())
        self._share(picture)
        rows, columns = picture.shape[:2]
        stamp = _finite(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        return {"rows": rows, "columns": columns, "ms": stamp, "lost": lost, "blank": blank}

    def close(self) -> dict[str, Any]:
        """Free the capture."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        return {}

    def _grab(self) -> bool:
        started = time.monotonic()
        grabbed = bool(self._capture.grab())
        self._slow = time.monotonic() - started > _QUICK_S  # a time-out, not one bad packet
        return grabbed

    def _share(self, picture: "np.ndarray[Any, Any]") -> None:
        if self._shared is None or len(self._shared) < picture.nbytes:
            os.ftruncate(self._memory, picture.nbytes)
            self._shared = mmap.mmap(self._memory, picture.nbytes)
        place = np.frombuffer(self._shared, np.uint8, picture.nbytes).reshape(picture.shape)
        np.copyto(place, picture)

    def _safe_name(self, path: str) -> str:
        """A name that OpenCV takes: it crashes on one that is not UTF-8 and reads a percent sign as a counter."""
        try:
            if "%" not in path and path.encode():
                return path
        except UnicodeEncodeError:
            pass
        return self._descriptor_name(path)

    def _descriptor_name(self, path: str) -> str:
        self._file = os.open(path, os.O_RDONLY)
        return f"/proc/self/fd/{self._file}"


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) and abs(number) < 1e15 else None


def _end_with_the_parent() -> None:
    """Even while the main thread waits inside OpenCV: the parent's end of standard input is its life."""
    poll = select.poll()
    poll.register(0, 0)  # a hang-up is told whether it is asked for or not
    poll.poll()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
