"""How much memory this process occupies."""

import os
from pathlib import Path

_STATM = Path("/proc/self/statm")


def resident_mib() -> float | None:
    """Resident memory in MiB; None where the system does not tell (no /proc)."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
