"""Which adapters a machine might have: all are tried, each says itself whether it works."""

from .cpu import CpuAdapter
from .jetson_sysfs import JetsonSysfsAdapter
from .nvml import NvmlAdapter
from .reading import Adapter
from .tegrastats_process import TegrastatsAdapter


def adapters(interval_s: float) -> list[Adapter]:
    """In the order in which a total power is looked for: the whole board before a part of it."""
    return [TegrastatsAdapter(interval_s), JetsonSysfsAdapter(), NvmlAdapter(), CpuAdapter()]
