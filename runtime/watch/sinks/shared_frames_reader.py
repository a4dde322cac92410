"""Reads the frames that the ``shared_memory`` sink publishes, from another process. Needs numpy and this file alone.

Try it: ``python -m dgiqa_edge.runtime.watch.sinks.shared_frames_reader front``, or as a library::

    with SharedFrames("front") as frames:
        for frame in frames.follow(timeout_s=5.0):
            detect(frame.image)

Layout, little-endian; the file is ``/dev/shm/dgiqa-edge-NAME``:

====== ====== ==========================================================================
offset type   ring header, 4096 bytes
====== ====== ==========================================================================
0      8s     magic ``DGIQASHM``
8      u32    layout version, 2
12     u32    number of slots
16     u64    bytes from one slot to the next
24     u64    number of the newest complete frame, from 1; 0: none yet
32     u32    1 once the writer has closed the ring, or replaced it by a larger one
40     u64    process id of the writer
====== ====== ==========================================================================

====== ====== ==========================================================================
offset type   slot: header of 128 bytes, then BGR pixels (rows without gaps), then depth
====== ====== ==========================================================================
0      u64    sequence: 2n - 1 while frame n is being written, 2n when it is complete
8      u64    index of the frame among those captured from its camera
16     f64    captured at, seconds since the epoch
24     f64    score, NaN where there is none
32     f64    smoothed score, NaN where there is none
40     f64    latency from capture to verdict in ms, NaN where there is none
48     u32    state: 0 unknown, 1 pass, 2 reject
52     u32    width, then u32 height of the frame
60     u32    width, then u32 height of the depth map; 0 where there is none
68     u32    age of the depth map in frames
72     u32    left, u32 top, u32 width, u32 height of the part of the frame that it shows
====== ====== ==========================================================================

Frame n lies in slot ``(n - 1) % slots``. A reader copies a slot and takes the copy only if the sequence was 2n before
and after. The frames of a camera that is lost are withdrawn: their sequences are 2n - 1 from then on. The writer holds
an exclusive ``flock`` on the file, which the kernel drops when the process ends in whatever way, so a reader that
obtains a shared one knows that the writer is gone.
"""

import argparse
import contextlib
import dataclasses
import fcntl
import math
import mmap
import os
import struct
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path("/dev/shm")
PREFIX = "dgiqa-edge-"
MAGIC = b"DGIQASHM"
VERSION = 2
HEADER = struct.Struct("<8sIIQQIIQ")
NEWEST_OFFSET, CLOSED_OFFSET = 24, 32
HEADER_BYTES = 4096
SLOT = struct.Struct("<QQdddd10I")
SLOT_HEADER_BYTES = 128
STATES = ("unknown", "pass", "reject")
_POLL_S = 0.002
_TRIES = 8


class SharedFramesError(Exception):
    """No such ring, another layout, or no new frame in time."""


@dataclass(frozen=True, eq=False)
class SharedFrame:
    """A copy of one frame, the caller's own.

    Attributes:
        number: of this frame in the ring, from 1; a gap to the one before means that frames were overwritten unread.
        index: among all frames captured from the camera.
        captured_at: seconds since the epoch.
        state: ``pass``, ``reject`` or ``unknown``.
        score, smoothed: in [0, 1]; ``None`` where there is none.
        latency_ms: from capture to verdict.
        image: uint8 [H, W, 3] BGR.
        depth: uint8 [h, w], 255 nearest; ``None`` where the writer leaves it out. It covers ``depth_of``, in an
            aspect of its own: resize it straight to that size.
        depth_age: frames since the depth map was computed.
        depth_of: left, top, width and height of the part of the image that the depth map shows: the whole of it, but
            where frames of another shape are cropped to the bundle's.
    """

    number: int
    index: int
    captured_at: float
    state: str
    score: float | None
    smoothed: float | None
    latency_ms: float | None
    image: NDArray[np.uint8]
    depth: NDArray[np.uint8] | None
    depth_age: int
    depth_of: tuple[int, int, int, int]


def ring_path(name: str) -> Path:
    """The file of a ring; a name with a slash is a path already."""
    return Path(name) if "/" in name else FOLDER / f"{PREFIX}{name}"


class SharedFrames:
    """One ring of frames; for one thread at a time.

    Raises:
        SharedFramesError: the ring does not exist, or has another layout.
    """

    def __init__(self, name: str) -> None:
        self._path = ring_path(name)
        self._map: mmap.mmap | None = None
        self._descriptor = -1
        self._slots = 0
        self._stride = 0
        self._open()

    def newest(self) -> SharedFrame | None:
        """The newest complete frame; ``None`` where none was written yet, or its camera is lost.

        Its state is ``unknown`` where the writer is gone: nobody tells any more whether it passes.
        """
        self._follow_replacement()
        for _ in range(_TRIES):
            number = self._newest_number()
            if number == 0:
                return None
            frame = self._copy(number)
            if frame is not None:
                return frame if self.writer_alive() else dataclasses.replace(frame, state=STATES[0])
        return None  # withdrawn, or the writer was faster each time

    def follow(self, timeout_s: float = 5.0, every: bool = False) -> Iterator[SharedFrame]:
        """New frames as they come: always the newest, or with ``every`` each that has not been overwritten yet.

        Ends when the writer has closed the ring or died, and nobody has made a new one; may be called again.

        Raises:
            SharedFramesError: no new frame within ``timeout_s`` though the writer lives.
        """
        seen = 0
        until = time.monotonic() + timeout_s
        while True:
            alive = self.writer_alive()  # asked first: what a dead writer wrote last is still read
            if self._follow_replacement():
                seen = 0
                continue
            newest = self._newest_number()
            # A writer at full speed is already overwriting the oldest slot when this looks at it: then the next ones.
            oldest = max(seen + 1, newest - self._slots + 1) if every else max(seen + 1, newest)
            numbers = range(oldest, newest + 1)
            frame = next((copy for copy in map(self._copy, numbers) if copy is not None), None)
            if frame is not None:
                seen = frame.number
                yield frame
                until = time.monotonic() + timeout_s
            elif not alive:
                return
            elif time.monotonic() > until:
                raise SharedFramesError(
                    f"{self._path}: no new frame within {timeout_s:g} s: look at the camera's state"
                )
            else:
                time.sleep(_POLL_S)

    def writer_alive(self) -> bool:
        """Whether the process that writes this ring still does."""
        if self._mapped()[CLOSED_OFFSET : CLOSED_OFFSET + 4] != b"\0\0\0\0":
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        return False

    def close(self) -> None:
        """Unmap; further calls do nothing."""
        if self._map is not None:
            self._map.close()
            os.close(self._descriptor)
            self._map = None

    def __enter__(self) -> "SharedFrames":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _open(self) -> None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise SharedFramesError(f"{self._path} does not exist: start the writer, or check the name") from None
        except OSError as error:
            raise SharedFramesError(f"{self._path} cannot be opened: {error.strerror}") from None
        try:
            mapped = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
            magic, version, slots, stride = HEADER.unpack_from(mapped)[:4]
            if magic != MAGIC or version != VERSION or len(mapped) < HEADER_BYTES + slots * stride:
                raise ValueError("its header is not of this layout")
        except (ValueError, OSError, struct.error) as error:
            os.close(descriptor)
            raise SharedFramesError(f"{self._path} is no ring of layout {VERSION}: {error}") from None
        self.close()
        self._map, self._descriptor, self._slots, self._stride = mapped, descriptor, slots, stride

    def _mapped(self) -> mmap.mmap:
        if self._map is None:
            raise SharedFramesError(f"{self._path}: this reader is closed")
        return self._map

    def _newest_number(self) -> int:
        return int(struct.unpack_from("<Q", self._mapped(), NEWEST_OFFSET)[0])

    def _follow_replacement(self) -> bool:
        """Open the file that took this one's place: a new writer, or larger frames."""
        self._mapped()
        with contextlib.suppress(OSError):
            there, here = self._path.stat(), os.fstat(self._descriptor)
            if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
                self._open()
                return True
        return False

    def _copy(self, number: int) -> SharedFrame | None:
        """Frame ``number``, or None where the writer has overwritten it or was doing so."""
        mapped = self._mapped()
        start = HEADER_BYTES + (number - 1) % self._slots * self._stride
        fields = SLOT.unpack_from(mapped, start)
        order_memory()
        sequence, index, captured_at, score, smoothed, latency_ms, state, width, height, *depth = fields
        depth_width, depth_height, depth_age, *depth_of = depth
        pixels, depth_pixels = width * height * 3, depth_width * depth_height
        if sequence != 2 * number or SLOT_HEADER_BYTES + pixels + depth_pixels > self._stride:
            return None
        start += SLOT_HEADER_BYTES
        values = np.frombuffer(mapped, np.uint8, pixels + depth_pixels, start).copy()
        order_memory()
        if struct.unpack_from("<Q", mapped, start - SLOT_HEADER_BYTES)[0] != sequence:
            return None
        return SharedFrame(
            number=number,
            index=index,
            captured_at=captured_at,
            state=STATES[state],
            score=_known(score),
            smoothed=_known(smoothed),
            latency_ms=_known(latency_ms),
            image=values[:pixels].reshape(height, width, 3),
            depth=values[pixels:].reshape(depth_height, depth_width) if depth_pixels else None,
            depth_age=depth_age,
            depth_of=(depth_of[0], depth_of[1], depth_of[2], depth_of[3]),
        )


def order_memory() -> None:
    """Keep the processor from moving loads and stores across this line.

    Python has no memory barrier; a release followed by an acquire is one on x86 and ARMv8.
    """
    lock = threading.Lock()
    lock.acquire()
    lock.release()
    lock.acquire()


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.0 < seconds <= 1e9:
        raise ValueError
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description="Print the frames that a shared_memory sink publishes.")
    parser.add_argument("name", help="of the ring, or the path of its file")
    parser.add_argument(
        "--timeout", type=_seconds, default=10.0, metavar="S", help="give up after so long without a frame"
    )
    arguments = parser.parse_args()
    try:
        with SharedFrames(arguments.name) as frames:
            for frame in frames.follow(arguments.timeout):
                height, width = frame.image.shape[:2]
                print(
                    f"{frame.number} index={frame.index} {frame.state} score={frame.score} {width}x{height}", flush=True
                )
    except SharedFramesError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
