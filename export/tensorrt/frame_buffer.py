"""Device memory for one frame, as a calibrator needs it, over the runtime's CUDA interface."""

import contextlib
from collections.abc import Iterator

import numpy as np

from dgiqa_edge.runtime.engines.cuda.binding import Cuda, Handle, size_bytes


class FrameBuffer:
    """One frame's device memory and the page-locked memory that feeds it; see ``frame_buffer``."""

    def __init__(self, cuda: Cuda, address: int, host: np.ndarray, stream: Handle) -> None:
        self._cuda, self._host, self._stream = cuda, host, stream
        self.address = address

    def upload(self, array: np.ndarray) -> None:
        """Copy ``array`` (uint8, the buffer's shape) to the device and wait until it is there."""
        self._host[...] = array
        with self._cuda.current():
            self._cuda.upload(self.address, self._host, self._stream)
            self._cuda.synchronize(self._stream)


@contextlib.contextmanager
def frame_buffer(cuda: Cuda, shape: tuple[int, int, int, int]) -> Iterator[FrameBuffer]:
    """Device memory for a uint8 array of ``shape``, freed when the block ends."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(cuda.current())
        address = cuda.allocate(size_bytes(shape, np.uint8))
        stack.callback(cuda.free, address)
        host = cuda.pinned(shape, np.uint8)
        stack.callback(cuda.free_pinned, host)
        stream = cuda.create_stream()
        stack.callback(cuda.destroy_stream, stream)
        yield FrameBuffer(cuda, address, host, stream)
