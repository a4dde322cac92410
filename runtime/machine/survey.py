"""Every fact about this machine that decides what it can run, gathered once."""

import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..hashing import Json
from . import jetson, memory, nvidia, opencv
from .cuda_probe import CudaProbe, probe
from .fact import Fact, from_file, from_text
from .jetson import jetpack_of_l4t
from .processor import features_from_cpuinfo, platform_name, processor

_COMMAND_LIMIT_S = 20
_CPUINFO, _MEMINFO = Path("/proc/cpuinfo"), Path("/proc/meminfo")


@dataclass(frozen=True)
class Survey:
    """``facts`` by name, in the order to print them; ``cuda`` is the driver's own answer."""

    facts: Mapping[str, Fact]
    cuda: CudaProbe

    def to_json(self) -> dict[str, Json]:
        """Values by name, null where there is none; the reasons stand apart."""
        return {
            "facts": {name: fact.value for name, fact in self.facts.items()},
            "not_found": {name: fact.reason for name, fact in self.facts.items() if fact.value is None},
        }


def survey(backends: Mapping[str, Fact] | None = None) -> Survey:
    """Ask the driver, the system's files, its tools, and the installed packages; never raises.

    Args:
        backends: facts about those that run engines, which say themselves how they are found.
    """
    cuda = probe()
    gpu = cuda.gpus[0] if cuda.gpus else None
    l4t = from_file(jetson.RELEASE_FILE, jetson.l4t_from_release)
    facts = {
        "platform": Fact(platform_name()),
        "python": Fact(platform.python_version()),
        "gpu": Fact([found.name for found in cuda.gpus]) if gpu else Fact(None, cuda.problem),
        "sm": Fact(gpu.sm) if gpu else Fact(None, cuda.problem),
        "gpu_memory_mib": Fact(gpu.memory_bytes // 2**20) if gpu else Fact(None, cuda.problem),
        "driver": from_file(nvidia.DRIVER_FILE, nvidia.driver_from_proc),
        "driver_cuda": Fact(cuda.driver_cuda, cuda.problem),
        "board": from_file(jetson.MODEL_FILE, jetson.model_from_device_tree),
        "l4t": l4t,
        "jetpack": _jetpack(l4t),
        "power_mode": _power_mode(l4t),
        **(backends or {}),
        **opencv.facts(),
        "cpu": Fact(processor().model),
        "cpu_cores": Fact(os.cpu_count(), "the system does not say"),
        "cpu_features": from_file(_CPUINFO, features_from_cpuinfo),
        "memory_mib": from_file(_MEMINFO, memory.memory_total_mib),
        "memory_available_mib": from_file(_MEMINFO, memory.memory_available_mib),
    }
    return Survey(facts, cuda)


def _jetpack(l4t: Fact) -> Fact:
    if l4t.value is None:
        return Fact(None, "not a Jetson, or no Jetson Linux")
    release = jetpack_of_l4t(str(l4t.value))
    if release is None:
        return Fact(None, f"Jetson Linux {l4t.value} belongs to no JetPack that this version knows")
    return Fact(f"{release.version} (CUDA {release.cuda}, TensorRT {release.tensorrt})")


def _power_mode(l4t: Fact) -> Fact:
    """Of Jetson the nvpmodel mode, of other GPUs the power limit: latency means nothing without it."""
    if l4t.value is not None:
        return _from_command(jetson.POWER_COMMAND, jetson.power_mode_from_nvpmodel)
    return _from_command(nvidia.SMI_COMMAND, nvidia.power_from_smi)


def _from_command(command: Sequence[str], parse: Callable[[str], Json]) -> Fact:
    try:
        finished = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_COMMAND_LIMIT_S, check=False
        )
    except FileNotFoundError:
        return Fact(None, f"{command[0]} is not there")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Fact(None, f"{command[0]} does not answer ({error})")
    return from_text(finished.stdout, parse, command[0])
