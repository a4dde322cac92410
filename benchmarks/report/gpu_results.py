"""What ``make gpu-check`` measured on one GPU, as a document: ``benchmarks/results/<gpu>-<tensorrt>.json``.

Figures and their assembly only; building and running engines is done by the tests in ``tests/gpu``. The format is
``results/gpu-results.schema.json``.
"""

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dgiqa_edge.calibration.fidelity import Fidelity
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.hashing import Json
from dgiqa_edge.runtime.version import VERSION

SCHEMA_VERSION = 1
FEWEST_FOR_P99 = 662  # MLPerf's count for a p99 with confidence; below it there is none


@dataclass(frozen=True)
class Latency:
    """Wall-clock time of one frame, from array to arrays, copies included. ``p99_ms`` is None for too few runs."""

    runs: int
    minimum_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float | None


@dataclass(frozen=True)
class EngineResult:
    """One engine (or the two of a split bundle) of one preset at one precision.

    ``latency`` and ``latency_without_graph`` are of the same engine with and without a CUDA graph; where none could be
    captured ``cuda_graph`` says why. ``slowest_layers`` are (name, kind, number formats, median milliseconds).
    """

    preset: str
    precision: str
    layout: str
    plan_bytes: int
    build_seconds: float
    fidelity: Fidelity
    cuda_graph: str
    latency: Latency
    latency_without_graph: Latency
    slowest_layers: tuple[tuple[str, str, str, float], ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {**asdict(self), "fidelity": self.fidelity.to_json()}


def measure(run: Callable[[], Any], *, runs: int = FEWEST_FOR_P99, warm_up: int = 20, limit_s: float = 60.0) -> Latency:
    """Time ``run`` until ``runs`` are done or ``limit_s`` has passed (but three at least)."""
    for _ in range(warm_up):
        run()
    samples: list[float] = []
    start = time.perf_counter()
    while len(samples) < runs and (len(samples) < 3 or time.perf_counter() - start < limit_s):
        before = time.perf_counter()
        run()
        samples.append((time.perf_counter() - before) * 1e3)
    return latency_of(samples)


def latency_of(samples_ms: Sequence[float]) -> Latency:
    """Nearest-rank percentiles.

    Raises:
        ConfigurationError: there are no samples.
    """
    if not samples_ms:
        raise ConfigurationError("no latency samples: run at least once")
    ordered = sorted(samples_ms)
    p50, p90, p99 = (round(ordered[math.ceil(share * len(ordered)) - 1], 4) for share in (0.5, 0.9, 0.99))
    enough = len(ordered) >= FEWEST_FOR_P99
    return Latency(len(ordered), round(ordered[0], 4), p50, p90, p99 if enough else None)


def document(
    engine_facts: Mapping[str, Json],
    survey: Mapping[str, Json],
    inputs: Mapping[str, Json],
    results: Sequence[EngineResult],
) -> dict[str, Json]:
    """The whole document.

    Args:
        engine_facts: a loaded TensorRT engine's ``describe()``: GPU, SM, driver, TensorRT, CUDA binding.
        survey: the machine's facts, as ``dgiqa-edge doctor --json`` gives them.
        inputs: where the graphs came from: their hashes and the program version that exported them.
    """
    device = {
        key: engine_facts[key] for key in ("device", "sm", "driver", "driver_cuda", "backend_version", "cuda_binding")
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tool_version": VERSION,
        "device": device,
        "machine": dict(survey),
        "inputs": dict(inputs),
        "results": [result.to_json() for result in results],
    }


def file_name(gpu: str, tensorrt: str) -> str:
    """The GPU and the version of TensorRT in small letters: ``nvidia-l4-10.3.0`` and the ending."""
    return f"{re.sub(r'[^a-z0-9]+', '-', gpu.lower()).strip('-')}-{tensorrt}.json"


def write(folder: Path, content: Mapping[str, Any]) -> Path:
    """Write the document under its name; returns the path."""

    path = folder / file_name(content["device"]["device"], content["device"]["backend_version"])
    write_text(path, json_text(content, indent=1) + "\n")
    return path
