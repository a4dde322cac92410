"""Copies and computation on a GPU apart, by CUDA events: where the engine can time itself so.

A separate pass, because events between the stages keep the engine from running as one CUDA graph.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from dgiqa_edge.runtime.bundle.batch import filled
from dgiqa_edge.runtime.engines.protocol import Arrays
from dgiqa_edge.runtime.scoring.scorer import Scorer

from .steadiness import Warned, enqueue_warning, transfer_warning

RUNS = 200
WARM_UP_RUNS = 20
COPY_IN, ENQUEUE, COMPUTE, COPY_OUT = "copy in", "enqueue", "compute", "copy out"


@runtime_checkable
class SelfTimed(Protocol):
    """An engine that can time its own stages on the device (``runtime/engines/tensorrt/engine.py``)."""

    def time_stages(self, inputs: Arrays, runs: int = 100) -> Mapping[str, np.ndarray]: ...


@dataclass(frozen=True, eq=False)
class DeviceStages:
    """Milliseconds per run of one engine: ``copy in``, ``enqueue``, ``compute``, ``copy out``, float64 [runs]."""

    role: str
    times_ms: Mapping[str, np.ndarray]

    def warnings(self) -> list[Warned]:
        """Whether launching or copying limits this engine."""
        times = self.times_ms
        found = (
            enqueue_warning(times[ENQUEUE], times[COMPUTE]),
            transfer_warning(times[COPY_IN], times[COPY_OUT], times[COMPUTE]),
        )
        return [warned for warned in found if warned is not None]


def device_stages(scorer: Scorer, frame: np.ndarray, runs: int = RUNS) -> list[DeviceStages]:
    """Time every engine that can time itself; none on a CPU.

    Args:
        frame: uint8 [H, W, 3] of the bundle's size.
    """
    tensors: dict[str, np.ndarray] = {"frame": filled(frame[np.newaxis], scorer.bundle.manifest.batch.least)}
    found = []
    for engine in scorer.engines:
        inputs = {spec.name: tensors[spec.name] for spec in engine.inputs}
        tensors.update(engine.run(inputs))
        if isinstance(engine, SelfTimed):
            engine.time_stages(inputs, WARM_UP_RUNS)
            role = str(engine.record.role)  # type: ignore[union-attr]
            found.append(DeviceStages(role, engine.time_stages(inputs, runs)))
    return found
