"""Facts about Jetson: Jetson Linux (L4T), the module's name, the power mode."""

import re
from pathlib import Path

RELEASE_FILE = Path("/etc/nv_tegra_release")
MODEL_FILE = Path("/proc/device-tree/model")
POWER_COMMAND = ("nvpmodel", "-q")


def l4t_from_release(text: str) -> str | None:
    """``36.4.3`` from the first line of ``/etc/nv_tegra_release``: ``# R36 (release), REVISION: 4.3, ...``."""
    match = re.search(r"^# R(\d+) \(release\), REVISION: (\d+(?:\.\d+)*)", text, re.M)
    return f"{match[1]}.{match[2]}" if match else None


def model_from_device_tree(text: str) -> str | None:
    """The board's name, which ends with a zero byte."""
    return text.rstrip("\0\n ") or None


def power_mode_from_nvpmodel(text: str) -> str | None:
    """``25W (mode 1)`` from ``nvpmodel -q``; warnings around the answer are passed over."""
    match = re.search(r"NV Power Mode: *(\S[^\n]*?) *\n(?:NVPM [^\n]*\n)*(\d+)?", text + "\n")
    if match is None:
        return None
    return f"{match[1]} (mode {match[2]})" if match[2] else match[1]
