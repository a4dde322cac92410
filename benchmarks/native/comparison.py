"""The native runtime beside Python's on the same bundle and frame: start, latency, memory, and what must be installed.

Every figure comes from a process of its own; the candidates take turns, so that a busy moment meets all of them.
"""

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.engines.backend import Backend
from dgiqa_edge.runtime.engines.registry import portable
from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.machine.packages import disk_bytes, installed

TOOL_PLACES = ("build/native/runtime/native/tools", "build/native/bin", "/usr/bin", "/usr/local/bin")
TOOL = "dgiqa-edge-native"
_OURS = ("dgiqa-edge", "numpy", "opencv-python-headless")
_MIB = 2**20


@dataclass(frozen=True)
class Load:
    """What every process is given: bundle, a frame of its size as a PNG file, threads, how many frames."""

    bundle: Path
    image: Path
    threads: int
    frames: int
    warmup: int

    def report(self, command: list[str], backend: str) -> dict[str, Any]:
        """What a command says after it ran this on the backend."""
        options = {"--bundle": self.bundle, "--image": self.image, "--threads": self.threads, "--backend": backend}
        counts = {"--frames": self.frames, "--warmup": self.warmup}
        return _json_of([*command, *map(str, chain(*options.items(), *counts.items()))])


@dataclass(frozen=True)
class Start:
    """One process: from its start to the first verdict, median of the frames after warm-up, most memory held."""

    first_verdict_ms: float
    p50_ms: float
    peak_rss_mib: float


@dataclass(frozen=True)
class Candidate:
    """One row of the table; ``installed_mib`` is the size of everything it needs beside the system and the bundle."""

    name: str
    installed_mib: float
    run: Callable[[Load], Start]


def find_tool(given: Path | None) -> Path:
    """The command line of the native runtime.

    Raises:
        MachineError: it is nowhere; the message says how to build it.
    """
    for place in [given] if given else [Path(folder) / TOOL for folder in TOOL_PLACES]:
        if place.is_file():
            return place
    where = given or " or ".join(TOOL_PLACES)
    raise MachineError(f"no {TOOL} at {where}: build it with `make native`, or name it with --tool")


def native(tool: Path) -> Candidate:
    """The C++ runtime on the first CPU backend of its build.

    Raises:
        MachineError: the build has none.
        MachineError: the tool does not run here.
    """
    built = _json_of([str(tool), "info", "--json"])["library"]["backends"]
    backend = next((one.name for one in portable() if one.name in built), None)
    if backend is None:
        titles = " or ".join(one.title for one in portable())
        raise MachineError(f"{tool} was built without a CPU backend: give it {titles}")

    def run(load: Load) -> Start:
        report = load.report([str(tool), "bench", "--json"], backend)
        return Start(
            report["startup"]["first_verdict_ms"], report["latency_ms"]["total"]["p50"], report["peak_rss_mib"]
        )

    return Candidate(f"native, {backend}", _linked_mib(tool), run)


def python(backend: Backend) -> Candidate | str:
    """The Python runtime on a backend, or why it cannot run here."""
    here = [name for name in backend.packages if installed(name).value is not None]
    if not here:
        return f"{backend.packages[0]} is not installed"
    try:
        size = sum(_distribution_mib(name) for name in (*_OURS, *here))
    except metadata.PackageNotFoundError as error:
        return f"{error} is not installed"

    def run(load: Load) -> Start:
        module = [sys.executable, "-m", "dgiqa_edge.benchmarks.native.first_verdict"]
        report = load.report(module, backend.name)
        return Start(report["first_verdict_ms"], report["p50_ms"], report["peak_rss_mib"])

    return Candidate(f"Python, {backend.name}", size, run)


def compare(candidates: Iterable[Candidate], load: Load, starts: int, progress: Callable[[], None]) -> dict[str, Start]:
    """Medians over ``starts`` processes of each candidate, which take turns."""
    candidates = list(candidates)
    found: dict[str, list[Start]] = {one.name: [] for one in candidates}
    for _ in range(starts):
        for one in candidates:
            found[one.name].append(one.run(load))
            progress()
    return {
        name: Start(*(statistics.median(figures) for figures in zip(*map(astuple, runs), strict=True)))
        for name, runs in found.items()
    }


def _json_of(command: list[str]) -> dict[str, Any]:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise MachineError(f"{command[0]} ended with {finished.returncode}: {finished.stderr.strip()}")
    report: dict[str, Any] = json.loads(finished.stdout)
    return report


def _linked_mib(tool: Path) -> float:
    """The tool and every library that it loads from outside the system's own folders, plugins of OpenVINO included."""
    said = subprocess.run(["ldd", str(tool)], capture_output=True, text=True, check=False).stdout
    libraries = {Path(path).resolve() for path in re.findall(r"=> (\S+)", said)}
    own = {file for file in libraries if not file.is_relative_to("/lib") and not file.is_relative_to("/usr/lib")}
    plugins = {
        file.resolve()
        for folder in {file.parent for file in own}
        for file in folder.glob("libopenvino_*.so*")
        if re.search(r"intel_cpu_plugin|onnx_frontend", file.name)
    }
    return sum(file.stat().st_size for file in {tool.resolve(), *own, *plugins}) / _MIB


def _distribution_mib(name: str) -> float:
    if name == "dgiqa-edge":  # installed in place while it is developed: its own folder is what would be installed
        files = [
            file for file in Path(__file__).parents[2].joinpath("runtime").rglob("*") if "native" not in file.parts
        ]
        return sum(file.stat().st_size for file in files if file.is_file()) / _MIB
    metadata.distribution(name)  # raises where it is not installed
    return (disk_bytes(name) or 0) / _MIB
