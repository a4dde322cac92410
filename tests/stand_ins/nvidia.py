# ruff: noqa: N802 - the names are CUDA's
"""A machine with an NVIDIA GPU: where its packages are, and its driver, in this process and in others."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGES = Path(__file__).with_name("nvidia_packages")


class FakeDriver:
    """libcuda as ``cuda_probe`` calls it; ``failures`` maps a function to the status it returns."""

    def __init__(self) -> None:
        self.version = 12060
        self.gpus = [{"name": b"Fake Orin", "major": 8, "minor": 7, "integrated": 1, "memory": 8 << 30}]
        self.failures: dict[str, int] = {}

    def __getattr__(self, name: str) -> Callable[..., int]:
        if not name.startswith("cu"):
            raise AttributeError(name)
        return lambda *arguments: self.failures.get(name) or getattr(self, f"_{name}")(*arguments) or 0

    def _cuInit(self, flags: int) -> None:
        assert flags == 0

    def _cuDriverGetVersion(self, version: Any) -> None:
        version._obj.value = self.version

    def _cuDeviceGetCount(self, count: Any) -> None:
        count._obj.value = len(self.gpus)

    def _cuDeviceGet(self, device: Any, ordinal: int) -> None:
        device._obj.value = ordinal

    def _cuDeviceGetName(self, name: Any, size: int, device: ctypes.c_int) -> None:
        name.value = self.gpus[device.value]["name"]

    def _cuDeviceTotalMem_v2(self, memory: Any, device: ctypes.c_int) -> None:
        memory._obj.value = self.gpus[device.value]["memory"]

    def _cuDeviceGetAttribute(self, value: Any, number: int, device: ctypes.c_int) -> None:
        value._obj.value = self.gpus[device.value][{75: "major", 76: "minor", 18: "integrated"}[number]]

    def _cuGetErrorName(self, status: int, text: Any) -> None:
        text._obj.value = {100: b"CUDA_ERROR_NO_DEVICE", 803: b"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"}[status]


def compile_driver(folder: Path) -> bool:
    """Make ``libcuda.so.1`` in a folder, for processes whose ``LD_LIBRARY_PATH`` it is; False without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return False
    source = Path(__file__).with_name("cuda_driver.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "libcuda.so.1", source], check=True)
    return True
