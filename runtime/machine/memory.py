"""How much memory there is, and how much of it this process occupies."""

import os
import re
from pathlib import Path

_STATM = Path("/proc/self/statm")


def memory_total_mib(text: str) -> int | None:
    """``MemTotal`` of ``/proc/meminfo``; None where it is missing."""
    return _meminfo_mib(text, "MemTotal")


def memory_available_mib(text: str) -> int | None:
    """``MemAvailable`` of ``/proc/meminfo``; None where it is missing."""
    return _meminfo_mib(text, "MemAvailable")


def resident_mib() -> float | None:
    """Resident memory in MiB; None where the system does not tell (no /proc)."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _meminfo_mib(text: str, key: str) -> int | None:
    match = re.search(rf"^{key}: +(\d+) kB$", text, re.M)
    return int(match[1]) // 1024 if match else None
