"""Which instructions that speed up inference this CPU has, and how much memory the machine has."""

import re
from collections.abc import Mapping

from ..hashing import Json

# Name as vendors write it -> flag in /proc/cpuinfo. The upper ones are x86's, the lower ones Arm's.
FEATURES: Mapping[str, str] = {
    "AVX2": "avx2",
    "AVX-VNNI": "avx_vnni",
    "AVX512F": "avx512f",
    "AVX512-VNNI": "avx512_vnni",
    "AMX-INT8": "amx_int8",
    "FP16": "asimdhp",
    "dotprod": "asimddp",
    "i8mm": "i8mm",
    "bf16": "bf16",
}


def features_from_cpuinfo(text: str) -> list[Json] | None:
    """Of ``FEATURES``, those the first processor of ``/proc/cpuinfo`` has; None if it lists none at all."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            flags = set(value.split())
            return [name for name, flag in FEATURES.items() if flag in flags]
    return None


def memory_total_mib(text: str) -> int | None:
    """``MemTotal`` of ``/proc/meminfo``; None where it is missing."""
    return _meminfo_mib(text, "MemTotal")


def memory_available_mib(text: str) -> int | None:
    """``MemAvailable`` of ``/proc/meminfo``; None where it is missing."""
    return _meminfo_mib(text, "MemAvailable")


def _meminfo_mib(text: str, key: str) -> int | None:
    match = re.search(rf"^{key}: +(\d+) kB$", text, re.M)
    return int(match[1]) // 1024 if match else None
