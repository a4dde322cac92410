"""What a climb comes to: from rungs that were tried to the one that is taken, and the table of all of them.

The ladder of a build and that of a device share it; which rungs are tried, and on what, is theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from dgiqa_edge.calibration.fidelity import FIGURES, Fidelity
from dgiqa_edge.runtime.bundle.manifest import LadderRecord, RungRecord, SensitivityRecord
from dgiqa_edge.runtime.errors import (
    BudgetError,
    CalibrationError,
    EngineCompatibilityError,
    ExportError,
    FidelityError,
    GpuMemoryError,
)

from ..frame_graph.graph_session import median_ms
from ..options.accuracy_budget import AccuracyBudget, Miss
from .decision import Decision, Tried, decide
from .rungs import Rung

RUNG_ERRORS = (CalibrationError, EngineCompatibilityError, ExportError, FidelityError, GpuMemoryError)
"""What spoils one rung and not the build: a full disk or a missing package would spoil the others too."""
SECONDS_PER_GRAPH = 15.0
LEAST_SECONDS_PER_GRAPH = 1.5
"""Where backends are compared, whose install the interval of a difference decides about: it takes many runs."""


@dataclass
class Step:
    """A rung on a backend and what has become of it so far; ``untried`` and ``reason`` as in ``decision.Tried``.

    ``fidelity`` and ``size_bytes`` are of what ran on the device; None where nothing did. ``runs_ms`` are the
    milliseconds of its runs, in turn with all others.
    """

    rung: Rung
    backend: str
    install_bytes: int | None = None
    fidelity: Fidelity | None = None
    size_bytes: int | None = None
    missed: tuple[Miss, ...] = ()
    float_blocks: tuple[str, ...] = ()
    runs_ms: tuple[float, ...] = ()
    untried: str = ""
    reason: str = ""

    @property
    def p50_ms(self) -> float | None:
        return median_ms(np.array(self.runs_ms)) if self.runs_ms else None


AnyStep = TypeVar("AnyStep", bound=Step)


@dataclass(frozen=True)
class Terms:
    """What rungs are judged by: on which device, within which limits, on how many photos."""

    device: str
    budget: AccuracyBudget
    target_ms: float | None
    photos: int
    held_out: bool
    threads: int


def settle(
    steps: Sequence[AnyStep], terms: Terms, sensitivity: SensitivityRecord | None = None
) -> tuple[AnyStep, LadderRecord]:
    """The step that is taken, and the table.

    Args:
        steps: most reduced first, those that ran timed in turn.

    Raises:
        BudgetError: no rung keeps budget and latency target; it carries the table.
    """
    several = len({step.backend for step in steps}) > 1
    names = [f"{step.rung.name} on {step.backend}" if several else step.rung.name for step in steps]
    tried = [
        Tried(
            name,
            step.p50_ms,
            step.missed,
            step.untried,
            step.reason,
            step.runs_ms,
            step.install_bytes,
            step.rung.name,
        )
        for name, step in zip(names, steps, strict=True)
    ]
    decision = decide(tried, terms.target_ms)
    record = LadderRecord(
        device=terms.device,
        budget=terms.budget,
        latency_target_ms=terms.target_ms,
        photos=terms.photos,
        held_out=terms.held_out,
        runs=max(len(step.runs_ms) for step in steps),
        threads=terms.threads,
        rungs=tuple(
            _record(step, ruling.status, ruling.reason) for step, ruling in zip(steps, decision.rulings, strict=True)
        ),
        sensitivity=sensitivity,
    )
    if not decision.winner:
        raise BudgetError(_no_winner(decision, terms), record)
    return steps[names.index(decision.winner)], record


def _no_winner(decision: Decision, terms: Terms) -> str:
    wanted = f"the accuracy budget {terms.budget}"
    if terms.target_ms is not None:
        wanted += f" and the latency target {terms.target_ms:g} ms"
    return (
        f"no rung keeps {wanted} on {terms.device}; nearest miss: {decision.nearest_miss}. Loosen the limit "
        "that fails, or build for a smaller --frame, fewer --crops or a smaller --preset"
    )


def _record(step: Step, status: str, reason: str) -> RungRecord:
    return RungRecord(
        name=step.rung.name,
        precision=step.rung.precision,
        status=status,
        reason=reason,
        size_bytes=step.size_bytes,
        **(step.fidelity.figures if step.fidelity else dict.fromkeys(FIGURES)),
        p50_ms=step.p50_ms,
        float_blocks=step.float_blocks,
        backend=step.backend,
    )
