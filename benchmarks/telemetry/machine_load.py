"""How much of the machine other processes used while a block of code ran, from Linux's own counters.

Load average is too slow for this: it looks a minute back and counts our own threads.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")


@dataclass(frozen=True)
class CpuTimes:
    """Seconds since boot over all processors, and of this process and its children since it started."""

    busy_s: float
    total_s: float
    stolen_s: float
    own_s: float


@dataclass(frozen=True)
class LoadShare:
    """Shares of all processor time between two readings, percent."""

    own_percent: float
    others_percent: float
    stolen_percent: float


def read_cpu_times(stat: Path = _STAT) -> CpuTimes | None:
    """Now; ``None`` where the kernel offers no ``/proc/stat``."""
    try:
        text = stat.read_text(encoding="utf-8")
    except OSError:
        return None
    own = os.times()
    return cpu_times_from_stat(text, own.user + own.system + own.children_user + own.children_system)


def cpu_times_from_stat(text: str, own_s: float, ticks_per_s: int | None = None) -> CpuTimes | None:
    """The first line of ``/proc/stat``: user nice system idle iowait irq softirq steal (proc(5)).

    Guest time is part of user time and is not counted again.
    """
    words = text.split("\n", 1)[0].split()
    if not words or words[0] != "cpu" or len(words) < 5:
        return None
    ticks = [int(word) for word in words[1:9]]
    ticks += [0] * (8 - len(ticks))
    scale = 1.0 / (ticks_per_s or os.sysconf("SC_CLK_TCK"))
    idle = ticks[3] + ticks[4]
    return CpuTimes(
        busy_s=(sum(ticks[:7]) - idle) * scale,
        total_s=sum(ticks) * scale,
        stolen_s=ticks[7] * scale,
        own_s=own_s,
    )


def load_share(before: CpuTimes | None, after: CpuTimes | None) -> LoadShare | None:
    """Who used the processors in between; ``None`` where a reading is missing or no time passed."""
    if before is None or after is None or after.total_s <= before.total_s:
        return None
    total = after.total_s - before.total_s
    own = max(0.0, after.own_s - before.own_s)
    others = max(0.0, after.busy_s - before.busy_s - own)
    return LoadShare(
        own_percent=100.0 * own / total,
        others_percent=100.0 * others / total,
        stolen_percent=100.0 * (after.stolen_s - before.stolen_s) / total,
    )
