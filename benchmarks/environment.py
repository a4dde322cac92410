"""Everything about the machine that a latency depends on, captured once per report; what cannot be had says why.

Facts about hardware and drivers come from the runtime's survey (the same that ``dgiqa-edge doctor`` prints); this adds
what only a measurement needs: clock locks, governor, processor limits, package versions, the source's commit.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.engines.registry import BACKENDS, survey
from dgiqa_edge.runtime.machine.packages import versions_of
from dgiqa_edge.runtime.version import VERSION

from .telemetry.sysfs_files import read_number, read_text

PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
    "opencv-python",
    *(package for backend in BACKENDS for package in backend.packages),
    "cuda-python",
    "pycuda",
    "mlcommons-loadgen",
    "nvidia-ml-py",
)
VARIABLE_PREFIXES = ("OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "ORT_", "CUDA_", "TRT_", "NVIDIA_TF32")
_GIT_S = 10


def capture(root: Path = Path("/")) -> dict[str, Any]:
    """The environment section of a report: JSON values, and ``not_found`` with a reason for each that is missing."""
    surveyed = survey().to_json()
    facts: dict[str, Any] = dict(surveyed["facts"])  # type: ignore[arg-type]
    not_found: dict[str, Any] = dict(surveyed["not_found"])  # type: ignore[arg-type]
    own = {
        "os": _os_name(root),
        "kernel": platform.release(),
        "cuda_toolkit": _cuda_toolkit(root),
        "cpu_governor": _governor(root),
        "cpu_clock_locked": _cpu_locked(root),
        "gpu_clock_locked": _gpu_locked(root),
        "cpus_allowed": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "cpu_quota": _quota(root),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
    reasons = {
        "os": "no /etc/os-release",
        "cuda_toolkit": "no /usr/local/cuda/version.json",
        "cpu_governor": "the kernel shows no cpufreq (virtual machine or container)",
        "cpu_clock_locked": "the kernel shows no cpufreq (virtual machine or container)",
        "gpu_clock_locked": "no GPU under /sys/class/devfreq",
        "cpu_quota": "no limit by cgroup, or none that can be read",
    }
    facts.update({name: value for name, value in own.items() if value is not None})
    not_found.update({name: reasons.get(name, "the system does not say") for name, v in own.items() if v is None})
    return {
        "facts": {name: value for name, value in facts.items() if value is not None},
        "not_found": not_found,
        "packages": versions_of(PACKAGES),
        "variables": {name: os.environ[name] for name in sorted(os.environ) if name.startswith(VARIABLE_PREFIXES)},
    }


def tool() -> dict[str, Any]:
    """This program: version, and the commit of its source tree where it runs from one."""
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no") if commit else None
    return {"name": "dgiqa-edge", "version": VERSION, "commit": commit, "changed": bool(changed) if commit else None}


def provenance() -> dict[str, Any]:
    """Where figures come from: the tool, the command line, the machine."""
    return {"tool": tool(), "argv": ["dgiqa-edge", *sys.argv[1:]], "environment": capture()}


def _git(*arguments: str) -> str | None:
    source = Path(__file__).resolve().parents[1]
    if not (source / ".git").exists():
        return None
    try:
        finished = subprocess.run(
            ["git", "-C", str(source), *arguments], capture_output=True, text=True, timeout=_GIT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return finished.stdout.strip()


def _os_name(root: Path) -> str | None:
    for line in (read_text(root / "etc/os-release") or "").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip('"')
    return None


def _cuda_toolkit(root: Path) -> str | None:
    import json

    try:
        return str(json.loads(read_text(root / "usr/local/cuda/version.json") or "")["cuda"]["version"])
    except (ValueError, KeyError, TypeError):
        return None


def _governor(root: Path) -> str | None:
    files = sorted(root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
    names = sorted({name for file in files if (name := read_text(file))})
    return ", ".join(names) or None


def _cpu_locked(root: Path) -> bool | None:
    """Whether every processor may run at one clock only, as ``jetson_clocks`` sets it."""
    folders = sorted(root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq"))
    pairs = [(read_number(f / "scaling_min_freq"), read_number(f / "scaling_max_freq")) for f in folders]
    known = [(low, high) for low, high in pairs if low is not None and high is not None]
    return all(low == high for low, high in known) if known else None


def _gpu_locked(root: Path) -> bool | None:
    for device in sorted(root.glob("sys/class/devfreq/*")):
        if "gpu" in device.name or device.name.endswith((".gv11b", ".ga10b")):
            low, high = read_number(device / "min_freq"), read_number(device / "max_freq")
            return None if low is None or high is None else low == high
    return None


def _quota(root: Path) -> float | None:
    """Processors that a control group allows (``cpu.max``: quota and period in microseconds)."""
    words = (read_text(root / "sys/fs/cgroup/cpu.max") or "").split()
    if len(words) != 2 or words[0] == "max":
        return None
    return float(words[0]) / float(words[1])
