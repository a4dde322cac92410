"""Facts about NVIDIA drivers and desktop GPUs: the kernel module's version, and what nvidia-smi adds."""

import re
from dataclasses import dataclass
from pathlib import Path

DRIVER_FILE = Path("/proc/driver/nvidia/version")
SMI_FIELDS = ("name", "driver_version", "memory.total", "power.limit", "power.max_limit", "clocks.max.sm")
SMI_COMMAND = ("nvidia-smi", f"--query-gpu={','.join(SMI_FIELDS)}", "--format=csv,noheader,nounits")


@dataclass(frozen=True)
class SmiGpu:
    """One line of ``SMI_COMMAND``; None where nvidia-smi does not know (``[N/A]``)."""

    name: str
    driver: str
    memory_mib: float | None
    power_limit_w: float | None
    power_max_w: float | None
    clock_max_mhz: float | None


def driver_version(path: Path = DRIVER_FILE) -> str | None:
    """Version of the NVIDIA kernel module; None where it cannot be read. On Jetson 5 it is Jetson Linux's."""
    try:
        return driver_from_proc(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def driver_from_proc(text: str) -> str | None:
    """The version in ``/proc/driver/nvidia/version``: ``535.104.05``, closed or open kernel module."""
    match = re.search(r"^NVRM version:.*?Kernel Module.*?\s(\d+(?:\.\d+)+)\b", text, re.M)
    return match[1] if match else None


def gpus_from_smi(text: str) -> tuple[SmiGpu, ...]:
    """The GPUs in the output of ``SMI_COMMAND``; lines of another form (a warning, an error) are none."""
    rows = (line.split(", ") for line in text.splitlines())
    return tuple(
        SmiGpu(row[0].strip(), row[1].strip(), *(_number(cell) for cell in row[2:]))
        for row in rows
        if len(row) == len(SMI_FIELDS)
    )


def power_from_smi(text: str) -> str | None:
    """The power limit of the first GPU in words, such as ``limit 250 W of 450 W``."""
    for gpu in gpus_from_smi(text):
        if gpu.power_limit_w is not None:
            most = f" of {gpu.power_max_w:g} W" if gpu.power_max_w is not None else ""
            return f"limit {gpu.power_limit_w:g} W{most}"
    return None


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
