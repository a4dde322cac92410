"""What the driver says, asked through ctypes: a library compiled for the test, and none at all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def probed(folder: Path, **settings: str) -> str:
    """``probe()`` in a process of its own, as a library cannot be unloaded."""
    code = "from dgiqa_edge.runtime.machine.cuda_probe import probe, gpu_count; print(probe(), gpu_count())"
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder), **settings}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_gpus_are_described(driver_folder: Path) -> None:
    assert probed(driver_folder, FAKE_DRIVER_GPUS="2", FAKE_DRIVER_CUDA="11040", FAKE_DRIVER_SM="87") == (
        "CudaProbe(driver_cuda='11.4', gpus=("
        "Gpu(name='Fake GPU 0', sm='87', memory_bytes=8589934592, integrated=True), "
        "Gpu(name='Fake GPU 1', sm='87', memory_bytes=8589934592, integrated=True)), problem='') 2"
    )


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"FAKE_DRIVER_GPUS": "0"}, "the NVIDIA driver offers no GPU (none is visible)"),
        ({"FAKE_DRIVER_INIT": "100"}, "the NVIDIA driver offers no GPU (cuInit returned CUDA_ERROR_NO_DEVICE)"),
        ({"FAKE_DRIVER_INIT": "999"}, "the NVIDIA driver offers no GPU (cuInit returned error 999)"),
    ],
)
def test_a_driver_without_a_gpu_says_why(driver_folder: Path, settings: dict[str, str], problem: str) -> None:
    assert probed(driver_folder, **settings) == f"CudaProbe(driver_cuda='12.6', gpus=(), problem='{problem}') 0"


def test_something_that_is_no_driver(tmp_path: Path) -> None:
    (tmp_path / "libcuda.so.1").write_bytes(b"not a library")
    assert "problem='no NVIDIA driver (" in probed(tmp_path)
    compiler = shutil.which("cc")
    if compiler:
        subprocess.run([compiler, "-shared", "-o", tmp_path / "libcuda.so.1", "-x", "c", os.devnull], check=True)
        assert "the NVIDIA driver does not answer (" in probed(tmp_path)
