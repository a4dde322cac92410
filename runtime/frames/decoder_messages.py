"""What libjpeg and libpng say about a picture while OpenCV decodes it: the only sign that it came out damaged.

They print to C's ``stderr``, without a name, and report success. While some thread decodes, ``stderr`` is a stream
whose text comes here, in the thread that prints: a decoding thread's text belongs to its picture, any other goes where
it would have gone. Python's own ``sys.stderr`` and processes are not touched. Needs glibc; elsewhere nothing is caught.
"""

import contextlib
import ctypes
import functools
import os
import platform
import threading
from collections.abc import Iterator
from typing import Any

_UNBUFFERED = 2
_WRITE = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class _Functions(ctypes.Structure):
    _fields_ = (
        ("read", ctypes.c_void_p),
        ("write", _WRITE),
        ("seek", ctypes.c_void_p),
        ("close", ctypes.c_void_p),
    )


class _Catcher:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decoding = 0
        self._heard = threading.local()
        self._write = _WRITE(self._take)  # kept: C calls it
        libc = ctypes.CDLL(None)
        libc.fopencookie.restype = ctypes.c_void_p
        libc.fopencookie.argtypes = [ctypes.c_void_p, ctypes.c_char_p, _Functions]
        libc.setvbuf.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
        self._stream = libc.fopencookie(None, b"w", _Functions(None, self._write, None, None))
        libc.setvbuf(self._stream, None, _UNBUFFERED, 0)
        self._stderr = ctypes.c_void_p.in_dll(libc, "stderr")
        self._before = self._stderr.value

    def _take(self, cookie: Any, text: Any, size: int) -> int:
        content = ctypes.string_at(text, size)
        heard = getattr(self._heard, "pieces", None)
        if heard is None:
            with contextlib.suppress(OSError):
                os.write(2, content)
        else:
            heard.append(content)
        return size

    @contextlib.contextmanager
    def listening(self) -> Iterator[list[bytes]]:
        pieces: list[bytes] = []
        self._heard.pieces = pieces
        with self._lock:
            if self._decoding == 0:
                self._stderr.value = self._stream
            self._decoding += 1
        try:
            yield pieces
        finally:
            with self._lock:
                self._decoding -= 1
                if self._decoding == 0:
                    self._stderr.value = self._before
            self._heard.pieces = None


_creating = threading.Lock()


@functools.cache
def _catcher() -> _Catcher | None:
    return _Catcher() if platform.libc_ver()[0] == "glibc" else None


@contextlib.contextmanager
def decoder_messages() -> Iterator[list[bytes]]:
    """Pieces of what this thread's C code prints to ``stderr`` while the block runs; it is printed nowhere else."""
    with _creating:
        catcher = _catcher()
    if catcher is None:
        yield []
        return
    with catcher.listening() as pieces:
        yield pieces
