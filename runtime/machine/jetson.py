"""Facts about Jetson: Jetson Linux (L4T), the JetPack it belongs to, the module's name, the power mode."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from ..ground.extra_packages import JETSON_RELEASE
from ..ground.strict_text import parse_toml
from .version_requirement import satisfies

RELEASE_FILE = JETSON_RELEASE
MODEL_FILE = Path("/proc/device-tree/model")
POWER_COMMAND = ("nvpmodel", "-q")
JETPACK_FILE = Path(__file__).with_name("jetpack.toml")


@dataclass(frozen=True)
class JetPack:
    """A JetPack release: its Jetson Linux (L4T), CUDA, TensorRT and Python, and the device families it runs on."""

    version: str
    l4t: str
    cuda: str
    tensorrt: str
    python: str
    devices: tuple[str, ...]


@functools.cache
def jetpacks() -> tuple[JetPack, ...]:
    """The JetPack releases on record, oldest first."""
    releases = parse_toml(JETPACK_FILE.read_text(encoding="utf-8"))["jetpack"]
    return tuple(JetPack(**{**release, "devices": tuple(release["devices"])}) for release in releases)


def jetpack_of_l4t(l4t: str) -> JetPack | None:
    """The JetPack of a Jetson Linux version such as ``36.4.3``: the newest on record of the same major that is not
    newer than it; None where there is none."""
    fitting = [
        jetpack
        for jetpack in jetpacks()
        if jetpack.l4t.split(".")[0] == l4t.split(".")[0] and satisfies(l4t, f">={jetpack.l4t}")
    ]
    return fitting[-1] if fitting else None


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
