"""A ``gst-launch-1.0`` process that takes raw frames on its standard input."""

import contextlib
import os
import select
import subprocess
import threading
import time
from collections import deque
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...errors import MachineError, SinkError
from ...ground.error_text import one_line
from ...settings.credentials import masked
from .pipeline_text import arguments, rate_text

LAUNCH = "gst-launch-1.0"
_END_S = 5.0  # for muxers to finish their file after the end of the stream
_START_S = 30.0  # a pipeline that has only just started may load plugins, connect, wait for a key
_KEPT_LINES = 8
_LONGEST_LINE = 1000
_LONGEST_MESSAGE = 200


class LaunchProcess:
    """One run of a pipeline; frames are uint8 [height, width, 3] BGR.

    Args:
        pipeline: from ``video/x-raw`` to its sink element.
        fps: the frame rate that the frames are stamped with.
        stall_s: a pipeline that takes nothing for so long counts as hung, once its first half minute is over.

    Raises:
        MachineError: the program cannot be started.
    """

    def __init__(self, pipeline: str, fps: float, width: int, height: int, stall_s: float) -> None:
        size = f"width={width} height={height} framerate={rate_text(fps)}"
        source = f"fdsrc fd=0 blocksize={width * height * 3} ! rawvideoparse format=bgr {size} ! videoconvert"
        self._stall_s = stall_s
        self._judged_from = time.monotonic() + _START_S
        try:
            self._process = subprocess.Popen(
                # -e: an interrupt ends the stream in order, so that a file is complete
                [LAUNCH, "-q", "-e", *source.split(), "!", *arguments(pipeline)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise MachineError(f"{LAUNCH} cannot be started ({error.strerror}): reinstall gstreamer1.0-tools") from None
        assert self._process.stdin is not None and self._process.stderr is not None
        self._input = self._process.stdin
        os.set_blocking(self._input.fileno(), False)
        self._last_lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Hand over one frame.

        Raises:
            SinkError: the pipeline has ended, or takes nothing for longer than ``stall_s``.
        """
        left = memoryview(np.ascontiguousarray(frame).data).cast("B")
        until = self._patience()
        while left:
            if self._process.poll() is not None:
                raise SinkError(f"the pipeline ended: {self._last_words()}")
            _, ready, _ = select.select([], [self._input], [], max(0.0, min(0.2, until - time.monotonic())))
            if not ready:
                if time.monotonic() >= until:
                    self.abort()
                    raise SinkError(f"the pipeline took no frame for {self._stall_s:g} s: it was ended")
                continue
            try:
                written = os.write(self._input.fileno(), left)
            except BlockingIOError:
                continue
            except (BrokenPipeError, OSError):
                raise SinkError(f"the pipeline ended: {self._last_words()}") from None
            left = left[written:]
            until = self._patience()

    def close(self) -> None:
        """End the stream, let the pipeline finish, or end it after some seconds."""
        with contextlib.suppress(OSError):
            self._input.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(_END_S)

    def abort(self) -> None:
        """End the process at once; for any thread."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def _patience(self) -> float:
        """Until when the pipeline may take nothing."""
        return max(time.monotonic() + self._stall_s, self._judged_from)

    def _listen(self, stream: BinaryIO) -> None:
        """Empty the stream, for a full pipe would stop the process."""
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                self._last_lines.append(line.decode(errors="replace"))

    def _last_words(self) -> str:
        self._listener.join(1.0)
        said = masked(one_line(" ".join(list(self._last_lines))))
        return said[:_LONGEST_MESSAGE] or "it gave no reason; run it with gst-launch-1.0 by hand"
