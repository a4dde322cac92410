"""YUV4MPEG2, the plain stream of raw pictures that GStreamer's ``y4menc`` writes: parsed frame by frame.

Only 8-bit 4:2:0, which is what ``gstreamer.py`` asks for. A header in the middle of the stream changes the size.
"""

import re
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ....ground.limits import pixels_flaw

_LONGEST_LINE = 512
_ROW_STEP = 8
_MARKS = (b"FRAME", b"YUV4M")
_FIELD = re.compile(rb"\b([WHC])(\S+)")


class Y4mError(Exception):
    """The stream is not what ``y4menc`` writes."""


class Y4mReader:
    """Reads pictures from a binary stream.

    GStreamer pads rows of a width that is not a multiple of 8, and an odd height; some of its versions do so in this
    format as well, where padding has no place. What follows the first picture of a size tells whether this one does.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size: tuple[int, int] | None = None
        self._padded: bool | None = None
        self._ahead = b""

    def read(self) -> NDArray[np.uint8] | None:
        """The next picture, uint8 [H, W, 3] BGR; None at the end, also where it comes in the middle of a picture.

        An odd last row or column is dropped: OpenCV's conversion takes even sizes.

        Raises:
            Y4mError: something else stands in the stream.
        """
        line = self._line()
        while line.startswith(b"YUV4MPEG2 "):
            self._size = _size_of(line)
            self._padded = None if self._size[0] % _ROW_STEP or self._size[1] % 2 else False
            line = self._line()
        if not line:
            return None
        if self._size is None or not line.startswith(b"FRAME"):
            raise Y4mError(f"the stream holds {line[:40]!r} where a picture should begin")
        planes = self._planes(*self._size)
        return None if planes is None else _to_bgr(planes)

    def _planes(self, width: int, height: int) -> list[NDArray[np.uint8]] | None:
        """Luma and both chromas as [rows, row length], without padding."""
        chroma = (height + 1) // 2, (width + 1) // 2
        sides = [(height, width), chroma, chroma]
        padded_chroma = chroma[0], (chroma[1] + 3) // 4 * 4
        padded_sides = [(height + height % 2, (width + 3) // 4 * 4), padded_chroma, padded_chroma]
        packed, padded = _area(sides), _area(padded_sides)
        content = self._take(padded if self._padded else packed)
        if self._padded is None and len(content) == packed:
            self._ahead = self._take(len(_MARKS[0]))
            self._padded = self._ahead not in (*_MARKS, b"")
            if self._padded:
                content += self._take(padded - packed)
        if len(content) < (padded if self._padded else packed):
            return None
        planes, start = [], 0
        for (rows, columns), (height, stride) in zip(sides, padded_sides if self._padded else sides, strict=True):
            plane = np.frombuffer(content, np.uint8, height * stride, start).reshape(height, stride)
            planes.append(plane[:rows, :columns])
            start += height * stride
        return planes

    def _take(self, count: int) -> bytes:
        ahead, self._ahead = self._ahead[:count], self._ahead[count:]
        return ahead + self._stream.read(count - len(ahead))

    def _line(self) -> bytes:
        ahead, self._ahead = self._ahead, b""
        line = ahead + self._stream.readline(_LONGEST_LINE)
        if len(line) >= _LONGEST_LINE and not line.endswith(b"\n"):
            raise Y4mError(f"the stream holds no line end after {line[:40]!r}")
        return line if line.endswith(b"\n") else b""


def _size_of(header: bytes) -> tuple[int, int]:
    fields = dict(_FIELD.findall(header))
    try:
        width, height = int(fields[b"W"]), int(fields[b"H"])
    except (KeyError, ValueError):
        raise Y4mError(f"the header {header[:80]!r} has no size") from None
    flaw = pixels_flaw(width, height)
    if flaw is not None:
        raise Y4mError(f"the stream {flaw}")
    if not fields.get(b"C", b"420").startswith(b"420"):
        raise Y4mError(f"the colour format is {fields[b'C']!r}, not 4:2:0")
    return width, height


def _area(sides: list[tuple[int, int]]) -> int:
    return sum(rows * columns for rows, columns in sides)


def _to_bgr(planes: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    import cv2

    height, width = (side - side % 2 for side in planes[0].shape)
    if not (width and height):
        raise Y4mError("the picture is one pixel wide or high")
    even = [planes[0][:height, :width], *(plane[: height // 2, : width // 2] for plane in planes[1:])]
    joined = np.concatenate([plane.ravel() for plane in even]).reshape(height * 3 // 2, width)
    return np.asarray(cv2.cvtColor(joined, cv2.COLOR_YUV2BGR_I420), dtype=np.uint8)
