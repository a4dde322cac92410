"""What the NVIDIA driver alone says about this machine: its CUDA version and its GPUs.

TensorRT and CUDA bindings can crash the process on a machine without a driver, so everything that would load them
asks here first. Source: CUDA driver API, cuInit, cuDriverGetVersion, cuDeviceGetAttribute.
"""

import ctypes
from dataclasses import dataclass
from typing import Any

_LIBRARY = "libcuda.so.1"
_INTEGRATED = 18
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76
_NAME_BYTES = 128


@dataclass(frozen=True)
class Gpu:
    """One GPU: ``sm`` is its compute capability without the dot, ``integrated`` whether it shares the CPU's memory."""

    name: str
    sm: str
    memory_bytes: int
    integrated: bool


@dataclass(frozen=True)
class CudaProbe:
    """``driver_cuda`` is the newest CUDA (major.minor) the driver supports; ``problem`` says why there is no GPU."""

    driver_cuda: str | None
    gpus: tuple[Gpu, ...]
    problem: str = ""


def gpu_count() -> int:
    """Number of GPUs the driver offers; 0 without a driver."""
    return len(probe().gpus)


def probe() -> CudaProbe:
    """Ask the driver; never raises."""
    try:
        driver = _open_driver()
    except OSError as error:
        return CudaProbe(None, (), f"no NVIDIA driver ({error})")
    try:
        return _ask(driver)
    except (_DriverError, AttributeError) as error:
        return CudaProbe(None, (), f"the NVIDIA driver does not answer ({error})")


def cuda_version(number: int) -> str:
    """``12060``, as CUDA encodes its versions, as ``12.6``."""
    return f"{number // 1000}.{number % 1000 // 10}"


class _DriverError(Exception):
    pass


def _open_driver() -> Any:
    return ctypes.CDLL(_LIBRARY)


def _ask(driver: Any) -> CudaProbe:
    version, count = ctypes.c_int(0), ctypes.c_int(0)
    _call(driver, "cuDriverGetVersion", ctypes.byref(version))
    driver_cuda = cuda_version(version.value)
    try:
        _call(driver, "cuInit", 0)
        _call(driver, "cuDeviceGetCount", ctypes.byref(count))
        gpus = tuple(_gpu(driver, ordinal) for ordinal in range(count.value))
    except _DriverError as error:
        return CudaProbe(driver_cuda, (), f"the NVIDIA driver offers no GPU ({error})")
    return CudaProbe(driver_cuda, gpus, "" if gpus else "the NVIDIA driver offers no GPU (none is visible)")


def _gpu(driver: Any, ordinal: int) -> Gpu:
    device, memory = ctypes.c_int(0), ctypes.c_size_t(0)
    name = ctypes.create_string_buffer(_NAME_BYTES)
    _call(driver, "cuDeviceGet", ctypes.byref(device), ordinal)
    _call(driver, "cuDeviceGetName", name, _NAME_BYTES, device)
    _call(driver, "cuDeviceTotalMem_v2", ctypes.byref(memory), device)
    major, minor, integrated = (
        _attribute(driver, number, device) for number in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR, _INTEGRATED)
    )
    return Gpu(name.value.decode(errors="replace"), f"{major}{minor}", memory.value, bool(integrated))


def _attribute(driver: Any, number: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int(0)
    _call(driver, "cuDeviceGetAttribute", ctypes.byref(value), number, device)
    return value.value


def _call(driver: Any, function: str, *arguments: Any) -> None:
    status = getattr(driver, function)(*arguments)
    if status != 0:
        raise _DriverError(f"{function} returned {_error_name(driver, status)}")


def _error_name(driver: Any, status: int) -> str:
    text = ctypes.c_char_p()
    if driver.cuGetErrorName(status, ctypes.byref(text)) == 0 and text.value:
        return text.value.decode(errors="replace")
    return f"error {status}"
