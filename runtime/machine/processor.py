"""Which CPU this process runs on: it decides which kernels a backend picks, and so how results round."""

import functools
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..hashing import Json, sha256_bytes

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
DOT_PRODUCTS = ("AVX-VNNI", "AVX512-VNNI", "AMX-INT8", "dotprod")
"""Of ``FEATURES``: with any of them uint8 is multiplied by int8 fast and without saturating."""
_CPUINFO = Path("/proc/cpuinfo")


def features_from_cpuinfo(text: str) -> list[Json] | None:
    """Of ``FEATURES``, those the first processor of ``/proc/cpuinfo`` has; None if it lists none at all."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            flags = set(value.split())
            return [name for name, flag in FEATURES.items() if flag in flags]
    return None


@dataclass(frozen=True)
class Processor:
    """``model`` for people; ``features_digest`` tells apart CPUs of one name with other instruction sets.

    ``dot_products``: whether it has one of ``DOT_PRODUCTS``.
    """

    model: str
    features_digest: str
    dot_products: bool = False


@functools.cache
def processor() -> Processor:
    """The processor of this machine; never fails, an unknown model is named after its architecture."""
    try:
        text = _CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return processor_from_cpuinfo(text)


def processor_from_cpuinfo(text: str) -> Processor:
    """The first processor of ``/proc/cpuinfo`` (x86: model name, flags; Arm: implementer, part, Features)."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    arm = " ".join(fields[key] for key in ("CPU implementer", "CPU part") if key in fields)
    model = fields.get("model name") or fields.get("Model") or (arm and f"Arm {arm}") or platform.processor()
    features = fields.get("flags") or fields.get("Features") or ""
    return Processor(
        model=model or platform.machine(),
        features_digest=sha256_bytes(" ".join(sorted(features.split())).encode())[:12],
        dot_products=any(FEATURES[name] in features.split() for name in DOT_PRODUCTS),
    )


def platform_name() -> str:
    """System and architecture as manifests write them, for example ``linux-x86_64``."""
    return f"{platform.system()}-{platform.machine()}".lower()
