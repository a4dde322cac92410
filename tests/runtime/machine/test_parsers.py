"""Each parser of system facts, on texts as devices print them (Jetson ones: developer forums and public logs)."""

from typing import Any

import pytest

from dgiqa_edge.runtime.machine import jetson, memory, nvidia, processor

JETPACK_5 = """\
# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64, DATE: Tue Aug  1 19:57:35 UTC 2023
"""
JETPACK_6 = """\
# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025
# KERNEL_VARIANT: oot
TARGET_USERSPACE_LIB_DIR=nvidia
TARGET_USERSPACE_LIB_DIR_PATH=usr/lib/aarch64-linux-gnu/nvidia
"""
JETPACK_7 = """\
# R38 (release), REVISION: 2.0, GCID: 41844464, BOARD: generic, EABI: aarch64, DATE: Fri Aug 22 00:55:42 UTC 2025
# KERNEL_VARIANT: oot
TARGET_USERSPACE_LIB_DIR=nvidia
INSTALL_TYPE=
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [(JETPACK_5, "35.4.1"), (JETPACK_6, "36.4.3"), (JETPACK_7, "38.2.0"), ("", None), ("Ubuntu 24.04\n", None)],
)
def test_jetson_linux(text: str, expected: str | None) -> None:
    assert jetson.l4t_from_release(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NV Power Mode: MAXN\n0\n", "MAXN (mode 0)"),
        ("NV Power Mode: 25W\n1\n", "25W (mode 1)"),
        ("NVPM WARN: fan mode is not set!\nNV Power Mode: MODE_30W_ALL\n3\n", "MODE_30W_ALL (mode 3)"),
        ("NV Power Mode: MAXN_SUPER\n", "MAXN_SUPER"),
        (
            "NV Power Mode: 5W\n1\nNVPM ERROR: Error opening /sys/kernel/nvpmodel_emc_cap/emc_iso_cap: 13\n",
            "5W (mode 1)",
        ),
        ("NVPM VERB: Current mode: NV Power Mode: 25W\n1\nNVPM VERB: PARAM CPU_ONLINE: ARG CORE_0\n", "25W (mode 1)"),
        ("NVPM ERROR: failed to read power mode!\n", None),
        ("", None),
    ],
)
def test_power_mode(text: str, expected: str | None) -> None:
    assert jetson.power_mode_from_nvpmodel(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NVIDIA Jetson AGX Orin Developer Kit\0", "NVIDIA Jetson AGX Orin Developer Kit"),
        ("\0", None),
    ],
)
def test_board(text: str, expected: str | None) -> None:
    assert jetson.model_from_device_tree(text) == expected


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
ARM = "processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp\nCPU implementer\t: 0x41\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [(X86, ["AVX2", "AVX512F", "AVX512-VNNI"]), (ARM, ["FP16", "dotprod"]), ("flags : fpu\n", []), ("", None)],
)
def test_cpu_features(text: str, expected: list[str] | None) -> None:
    assert processor.features_from_cpuinfo(text) == expected


@pytest.mark.parametrize(
    ("parse", "expected"), [(memory.memory_total_mib, 62800), (memory.memory_available_mib, 59570)]
)
def test_memory(parse: Any, expected: int) -> None:
    text = "MemTotal:       64307708 kB\nMemAvailable:   61000000 kB\nHugePages_Total:       0\n"
    assert parse(text) == expected
    assert parse("MemFree: 1 kB\n") is None
