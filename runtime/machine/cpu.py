"""Which instructions that speed up inference this CPU has, and how much memory the machine has."""

from collections.abc import Mapping

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


def features_from_cpuinfo(text: str) -> list[str] | None:
    """Of ``FEATURES``, those the first processor of ``/proc/cpuinfo`` has; None if it lists none at all."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            flags = set(value.split())
            return [name for name, flag in FEATURES.items() if flag in flags]
    return None


def memory_from_meminfo(text: str) -> dict[str, int] | None:
    """``total_mib`` and ``available_mib`` of ``/proc/meminfo``; None where they are missing."""
    kib = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        words = value.split()
        if len(words) == 2 and words[1] == "kB" and words[0].isdigit():
            kib[key] = int(words[0])
    if not {"MemTotal", "MemAvailable"} <= kib.keys():
        return None
    return {"total_mib": kib["MemTotal"] // 1024, "available_mib": kib["MemAvailable"] // 1024}
