"""What runs on a Jetson: its parsers on texts as devices print them (developer forums, public logs), JetPack by L4T."""

import pytest

from dgiqa_edge.runtime.machine import jetson
from dgiqa_edge.runtime.machine.jetson import jetpack_of_l4t


@pytest.mark.parametrize(
    ("l4t", "expected"),
    [
        ("35.1", "5.0.2"),
        ("35.4.1", "5.1"),
        ("36.3", "6.0"),
        ("36.4.0", "6.1"),
        ("36.4.4", "6.2"),
        ("36.5", "6.2"),
        ("38.4.0", "7.1"),
        ("32.7", None),
    ],
)
def test_jetpack_by_l4t(l4t: str, expected: str | None) -> None:
    found = jetpack_of_l4t(l4t)
    assert (found.version if found else None) == expected


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
