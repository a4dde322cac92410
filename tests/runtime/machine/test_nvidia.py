"""What nvidia-smi and the driver say, on texts as machines print them."""

import pytest

from dgiqa_edge.runtime.machine import nvidia


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n"
            "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n",
            "535.104.05",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  550.144.03  Release Build  "
            "(dvs-builder@U16-I2-C01-12-4)  Mon Dec 30 17:33:24 UTC 2024\nGCC version:  gcc version 12.3.0\n",
            "550.144.03",
        ),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  35.4.1  Release Build\nGCC version\n", "35.4.1"),
        ("GCC version:  gcc version 12.2.0\n", None),
        ("", None),
    ],
)
def test_driver(text: str, expected: str | None) -> None:
    assert nvidia.driver_from_proc(text) == expected


def test_nvidia_smi() -> None:
    text = (
        "NVIDIA GeForce RTX 4090, 550.54.14, 24564, 250.00, 600.00, 3120\n"
        "NVIDIA GB10, 580.173.02, [N/A], [N/A], [N/A], 3003\n"
    )
    first, second = nvidia.gpus_from_smi(text)
    assert first == nvidia.SmiGpu("NVIDIA GeForce RTX 4090", "550.54.14", 24564.0, 250.0, 600.0, 3120.0)
    assert (second.memory_mib, second.power_limit_w, second.clock_max_mhz) == (None, None, 3003.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NVIDIA GeForce RTX 4090, 550.54.14, 24564, 250.00, 600.00, 3120\n", "limit 250 W of 600 W"),
        ("NVIDIA L4, 550.54.14, 23034, 72.00, [N/A], 2040\n", "limit 72 W"),
        ("NVIDIA GB10, 580.173.02, [N/A], [N/A], [N/A], 3003\n", None),
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest "
            "NVIDIA driver is installed and running.\n",
            None,
        ),
        ("Failed to initialize NVML: Driver/library version mismatch\n", None),
        ("", None),
    ],
)
def test_power_limit(text: str, expected: str | None) -> None:
    assert nvidia.power_from_smi(text) == expected


X86 = "processor\t: 0\nflags\t\t: fpu sse2 avx2 avx512f avx512_vnni\n\nprocessor\t: 1\nflags\t: fpu\n"
