"""JPEG pictures that follow each other with nothing between them, or with noise: where one ends and the next begins.

A picture's end is found by its segments, for a thumbnail in it has an end of its own.
"""

import re

from .multipart import LARGEST_BYTES, HeldStream, MultipartError

_START = b"\xff\xd8\xff"
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # in a scan: FF 00 is a byte FF, D0 to D7 are restarts
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_MOST_NOISE_BYTES = 1 << 20


class JpegReader(HeldStream):
    """Reads pictures from a stream that offers ``read1``; a picture is given as soon as its last byte is here."""

    def read(self) -> bytes | None:
        """The next picture; None where the stream ends between pictures.

        Raises:
            MultipartError: a picture is damaged or too large, or the stream ended in the middle of one.
            OSError: from the stream.
        """
        skipped = 0
        while (at := self._held.find(_START)) < 0:
            skipped += max(0, len(self._held) - 2)
            del self._held[: max(0, len(self._held) - 2)]
            if skipped > _MOST_NOISE_BYTES:
                raise MultipartError(f"no picture begins in {skipped} bytes")
            if not self._more():
                return None
        del self._held[:at]
        size = self._size()
        body = bytes(self._held[:size])
        del self._held[:size]
        return body

    def _size(self) -> int:
        """How many of the held bytes are the picture that they begin with."""
        at = 2
        while True:
            self._need(at + 2)
            code, marker = self._held[at], self._held[at + 1]
            if code == 0xFF and marker == 0xD9:
                return at + 2
            if code != 0xFF or marker in (0x00, 0xD8):
                del self._held[:at]
                raise MultipartError("a picture breaks off where its next part should begin")
            if marker == 0xFF or marker in _ALONE:
                at += 1 if marker == 0xFF else 2
                continue
            self._need(at + 4)
            at += 2 + int.from_bytes(self._held[at + 2 : at + 4], "big")
            if marker == 0xDA:
                at = self._scan_end(at)

    def _scan_end(self, at: int) -> int:
        while (match := _MARKER.search(self._held, at)) is None:
            at = max(at, len(self._held) - 1)
            self._need(len(self._held) + 1)
        return match.start()

    def _need(self, count: int) -> None:
        if count > LARGEST_BYTES:
            self._held.clear()
            raise MultipartError(f"a picture is larger than {LARGEST_BYTES >> 20} MiB")
        while len(self._held) < count:
            if not self._more():
                broken = len(self._held)
                self._held.clear()
                raise MultipartError(f"the stream ended after {broken} bytes of a picture")
