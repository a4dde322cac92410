"""The parts of a ``multipart/x-mixed-replace`` stream as cameras really send it: with or without lengths, and damaged.

Knows nothing of JPEG. After damage it finds the next boundary again; no part is larger than ``LARGEST_BYTES``.
"""

import re
from typing import Protocol

LARGEST_BYTES = 32 << 20
_CHUNK = 64 << 10
_LONGEST_HEADERS = 16 << 10
_LENGTH = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*([0-9]{1,9})[ \t]*\r?$")
_BOUNDARY = re.compile(r"""boundary\s*=\s*("[^"]*"|[^\s;]+)""", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FIRST_LINE = re.compile(rb"(?m)^(--[^\r\n]+)\r?\n")
_MOST_SKIPPED_BYTES = 8 << 20  # more than a picture: the boundary will not come any more


class MultipartError(Exception):
    """A part is damaged; the next ``read`` goes on behind it."""


class Readable(Protocol):
    """What a stream of pictures is read from."""

    def read1(self, size: int, /) -> bytes: ...


class HeldStream:
    """A stream with the bytes of it that are here and not yet used."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._held = bytearray()
        self._ended = False

    def _more(self) -> bool:
        if self._ended:
            return False
        chunk = self._stream.read1(_CHUNK)
        self._ended = not chunk
        self._held += chunk
        return bool(chunk)


def boundary_of(content_type: str) -> bytes | None:
    """The line that parts begin with; None where the header does not say.

    Some cameras write the leading dashes into the header as well, some do not.
    """
    match = _BOUNDARY.search(content_type)
    name = match[1].strip('"').removeprefix("--") if match else ""
    return f"--{name}".encode("latin-1", "replace") if name else None


class MultipartReader(HeldStream):
    """Reads the bodies of parts from a stream that offers ``read1``.

    The boundary is the one that the stream really has: cameras declare another one, none, or leave out its dashes.
    ``boundary`` (``boundary_of``) helps to find it.
    """

    def __init__(self, stream: Readable, boundary: bytes | None) -> None:
        super().__init__(stream)
        self._declared = boundary
        self._boundary: bytes | None = None
        self._counted_last = False
        self._lengths_lie = False

    def read(self) -> bytes | None:
        """The next part's body, which may be empty; None where the stream ends between parts.

        A body is taken as soon as its stated length has arrived: waiting for the boundary behind it would make every
        frame one frame late.

        Raises:
            MultipartError: headers without end, a part larger than allowed, or the stream ended in the middle of one.
            OSError: from the stream.
        """
        boundary = self._boundary_line()
        if boundary is None or not self._skip(boundary):
            return None
        headers = self._headers()
        length = _LENGTH.search(headers)
        self._counted_last = length is not None and int(length[1]) <= LARGEST_BYTES and not self._lengths_lie
        if self._counted_last and length is not None:
            return self._counted(int(length[1]), boundary)
        return self._up_to(boundary)

    def _boundary_line(self) -> bytes | None:
        while self._boundary is None:
            self._boundary = self._first_boundary()
            if self._boundary is not None:
                break
            if len(self._held) > _LONGEST_HEADERS:
                self._held.clear()
                raise MultipartError("the stream holds no boundary")
            if not self._more():
                return None
        return self._boundary

    def _first_boundary(self) -> bytes | None:
        """The declared boundary, with the dashes that stand before it; else the first line with dashes."""
        if self._declared is not None:
            bare = re.escape(self._declared.removeprefix(b"--"))
            match = re.search(rb"(?m)^(-*" + bare + rb")(?:--)?[ \t]*\r?\n", self._held)
            if match is not None:
                return match[1]
        match = _FIRST_LINE.search(self._held)
        return None if match is None else match[1].rstrip()

    def _skip(self, boundary: bytes) -> bool:
        """Forget everything up to the end of the next boundary line; False where none comes."""
        skipped = 0
        while (at := self._held.find(boundary)) < 0:
            skipped += max(0, len(self._held) - len(boundary))
            del self._held[: max(0, len(self._held) - len(boundary))]
            if skipped > _MOST_SKIPPED_BYTES:
                raise MultipartError(f"no boundary in {skipped >> 20} MiB")
            if not self._more():
                return False
        if self._counted_last and self._held[:at].strip(b"\r\n-"):
            self._lengths_lie = True  # the rest of a picture that was longer than stated
        del self._held[: at + len(boundary)]
        while (line_end := self._held.find(b"\n")) < 0:
            if len(self._held) > _LONGEST_HEADERS:
                raise MultipartError("a boundary has no line end")
            if not self._more():
                return False
        if self._held[:2] == b"--":  # the closing boundary
            self._ended = True
            return False
        del self._held[: line_end + 1]
        return True

    def _headers(self) -> bytes:
        while True:
            if self._held[:2] == b"\r\n" or self._held[:1] == b"\n":  # none at all
                del self._held[: self._held.find(b"\n") + 1]
                return b""
            match = _BLANK_LINE.search(self._held)
            if match is not None and match.start() <= _LONGEST_HEADERS:
                headers = bytes(self._held[: match.start()])
                del self._held[: match.end()]
                return headers
            if len(self._held) > _LONGEST_HEADERS:
                raise MultipartError("a part's headers do not end")
            if not self._more():
                raise MultipartError("the stream ended in a part's headers")

    def _counted(self, length: int, boundary: bytes) -> bytes:
        """``length`` bytes, or less where a boundary comes before: then the stated length is wrong."""
        marked = b"\n" + boundary
        searched, early = 0, -1
        while early < 0 and len(self._held) < length:
            early = self._held.find(marked, searched, length)
            searched = max(0, len(self._held) - len(marked))
            if early < 0 and not self._more():
                break
        if early < 0:
            self._hold(length + self._missing_of(marked, length))
            early = self._held.find(marked, 0, length + len(marked) - 1)
        if early >= 0:
            self._lengths_lie = self._lengths_lie or length > early + 1
            return self._cut(early + 1)
        if len(self._held) < length:
            raise MultipartError(f"the stream ended after {len(self._held)} of a picture's {length} bytes")
        body = bytes(self._held[:length])
        del self._held[:length]
        return body

    def _up_to(self, boundary: bytes) -> bytes:
        marked = b"\n" + boundary
        searched = 0
        while (at := self._held.find(marked, searched)) < 0:
            searched = max(0, len(self._held) - len(marked))
            if len(self._held) > LARGEST_BYTES:
                self._held.clear()
                raise MultipartError(f"a part is larger than {LARGEST_BYTES >> 20} MiB")
            if not self._more():
                raise MultipartError(f"the stream ended after {len(self._held)} bytes of a picture")
        return self._cut(at + 1)

    def _missing_of(self, marked: bytes, length: int) -> int:
        """How many more bytes would complete a boundary that the stated length cuts through; 0 where it does not."""
        end = bytes(self._held[max(0, length - len(marked) + 1) : length])
        for size in range(len(end), 0, -1):
            if marked.startswith(end[-size:]):
                return len(marked) - size
        return 0

    def _hold(self, count: int) -> None:
        while len(self._held) < count and self._more():
            pass

    def _cut(self, boundary_at: int) -> bytes:
        """The held bytes before a boundary, without the line end between them."""
        body = bytes(self._held[:boundary_at]).removesuffix(b"\n").removesuffix(b"\r")
        del self._held[:boundary_at]
        return body
