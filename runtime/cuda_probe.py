"""Whether this machine has an NVIDIA GPU, asked of the driver alone.

TensorRT and CUDA bindings can crash the process on a machine without a driver, so everything that would load them
asks here first. Source: CUDA driver API, cuInit and cuDeviceGetCount.
"""

import ctypes


def gpu_count() -> int:
    """Number of GPUs the driver offers; 0 without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
