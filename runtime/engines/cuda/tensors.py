"""The tensors of one scorer's engines in GPU memory: each name once, with its page-locked host array, on one stream.

Engines of one scorer share this, so that what one engine computed is where the next one reads it: in the ``split``
layout the depth map stays on the device. What a tensor means is the engines' business.
"""

import contextlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BundleError
from ..protocol import TensorSpec
from .binding import Cuda, CudaError, size_bytes


class DeviceTensor:
    """One tensor: ``address`` on the device, ``host`` the page-locked array that copies go through.

    ``known`` is the array whose content the device holds, if that array cannot have changed since.
    """

    def __init__(self, spec: TensorSpec, address: int, host: NDArray[Any]) -> None:
        self.spec = spec
        self.address = address
        self.host = host
        self.known: NDArray[Any] | None = None


class DeviceTensors:
    """For one thread at a time. Engines ``join`` and ``leave``; the last one to leave frees everything."""

    def __init__(self, cuda: Cuda) -> None:
        self.cuda = cuda
        self._tensors: dict[str, DeviceTensor] = {}
        self._users = 0
        with cuda.current():
            self.stream = cuda.create_stream()
        self.stream_address = cuda.stream_address(self.stream)

    def join(self) -> None:
        """One more engine uses this."""
        self._users += 1

    def leave(self) -> None:
        """One engine less; never raises, so that a lost device cannot keep an engine from closing."""
        self._users -= 1
        if self._users == 0:
            with contextlib.suppress(CudaError), self.cuda.current():
                self._free()

    def tensor(self, spec: TensorSpec) -> DeviceTensor:
        """The tensor of that name, allocated when it is first asked for.

        Raises:
            BundleError: another engine of the bundle has a tensor of that name but another dtype or shape.
            CudaError: the device has no memory left.
        """
        found = self._tensors.get(spec.name)
        if found is not None:
            if found.spec != spec:
                raise BundleError(f"the engines disagree on '{spec.name}': {found.spec} and {spec}: rebuild the bundle")
            return found
        shape = tuple(side for side in spec.shape if side is not None)
        address = self.cuda.allocate(size_bytes(shape, spec.dtype))
        try:
            host = self.cuda.pinned(shape, spec.dtype)
        except CudaError:
            self.cuda.free(address)
            raise
        made = self._tensors[spec.name] = DeviceTensor(spec, address, host)
        return made

    def upload(self, tensor: DeviceTensor, array: NDArray[Any]) -> None:
        """Start bringing ``array`` to the device, unless it is there already (the protocol's rule on read-only).

        Its rows may be fewer than the tensor's.
        """
        if tensor.known is not None and _unchanged(array, tensor.known):
            return
        host = tensor.host[: len(array)]
        np.copyto(host, array)
        self.cuda.upload(tensor.address, host, self.stream)
        tensor.known = None if array.flags.writeable else array

    def take(self, tensor: DeviceTensor, rows: int) -> NDArray[Any]:
        """The rows that were downloaded, as the caller's own array; the device holds it until it is next written."""
        array = tensor.host[:rows].copy()
        tensor.known = array
        return array

    def _free(self) -> None:
        # After a fatal error every call here fails; each must be tried all the same.
        with contextlib.suppress(CudaError):
            self.cuda.synchronize(self.stream)
        for tensor in self._tensors.values():
            tensor.known = None
            with contextlib.suppress(CudaError):
                self.cuda.free(tensor.address)
            host, tensor.host = tensor.host, np.empty(0, tensor.host.dtype)
            with contextlib.suppress(CudaError):
                self.cuda.free_pinned(host)
        self._tensors.clear()
        with contextlib.suppress(CudaError):
            self.cuda.destroy_stream(self.stream)


def _unchanged(array: NDArray[Any], known: NDArray[Any]) -> bool:
    """Whether ``array`` is ``known``, or a view of the same memory that nobody can have written to."""
    if array is known:
        return not array.flags.writeable
    same_memory = (array.ctypes.data, array.shape, array.dtype) == (known.ctypes.data, known.shape, known.dtype)
    packed = array.flags.c_contiguous and known.flags.c_contiguous
    return same_memory and packed and _frozen(array)


def _frozen(array: Any) -> bool:
    """Whether neither the array nor any array it is a view of can be written to; other kinds of memory might be."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return False
        array = array.base
    return array is None
