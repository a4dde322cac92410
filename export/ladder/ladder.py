"""The ladder: rungs from INT8 up to FP32, each lowered, built and checked on the device, the best of them taken.

Every step is a stage, so the same command resumes at the first unfinished rung. What is taken is decided by
``decision.py``; this module only runs the trials and keeps their table.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgiqa_edge.calibration.fidelity import Fidelity
from dgiqa_edge.calibration.images.calibration_set import CalibrationSet
from dgiqa_edge.calibration.int8.sensitivity import most_sensitive, ranked
from dgiqa_edge.runtime.bundle.bundle import layer_hint
from dgiqa_edge.runtime.bundle.ladder_table import STATUS_WORDS
from dgiqa_edge.runtime.bundle.manifest import BlockRecord, LadderRecord, SensitivityRecord
from dgiqa_edge.runtime.errors import FidelityError
from dgiqa_edge.runtime.ground.error_text import one_line

from ..frame_graph.graph_session import Latency, median_ms, time_in_turn
from ..options.accuracy_budget import AccuracyBudget, misses
from ..stages.reporter import StageLine, reused
from ..stages.stages import StageResult
from .climb import RUNG_ERRORS, SECONDS_PER_GRAPH, Step, Terms, settle
from .decision import FAILED, NOT_NEEDED, UNSUPPORTED
from .devices.protocol import Device
from .lowering import Lowering
from .ranking import BlockRanking
from .rungs import Rung
from .trial import Reference, TrialResult, Trials

_DEPTH_FIGURES = {"depth_corr", "depth_mae"}


@dataclass
class TrialStep(Step):
    """A rung with the graph that ran."""

    trial: TrialResult | None = None


@dataclass(frozen=True)
class Taken:
    """The graph that a build ends with, and the ladder it was taken from (None where only one rung was asked for).

    ``latency`` is None where FP32 could not be run beside it, or the device only stands in for another.
    """

    rung: Rung
    lowered: StageResult
    fidelity: Fidelity
    latency: Latency | None
    ladder: LadderRecord | None


class Ladder:
    """One climb, on the photos of ``check_set``; limits that ``budget`` lacks are not checked."""

    def __init__(
        self,
        lowering: Lowering,
        device: Device,
        check_set: CalibrationSet,
        *,
        held_out: bool,
        budget: AccuracyBudget,
        target_ms: float | None = None,
    ) -> None:
        inputs = lowering.inputs
        self.lowering, self.device, self.check_set, self.held_out = lowering, device, check_set, held_out
        self.budget, self.target_ms = budget, target_ms
        self.reporter, self.threads = inputs.reporter, inputs.options.threads
        self.reference = Reference(lowering.graph, check_set, self.threads)
        self.trials = Trials(inputs.stages, device, self.reference, inputs.exported.key)
        self.steps: list[TrialStep] = []
        self.ranking: tuple[BlockRecord, ...] = ()
        self.ranked_by, self.ranking_photos = "score_mae", 0
        self.blocks: dict[str, tuple[str, ...]] = {}

    def climb(self, rungs: Sequence[Rung]) -> Taken:
        """Try every rung, time those that ran side by side, and take the fastest within the budget.

        Args:
            rungs: from the most reduced to FP32.

        Raises:
            BudgetError: no rung keeps budget and latency target; it carries the table.
            MachineError: the machine failed, not a rung.
        """
        for rung in rungs:
            self._try(rung)
        if any(rung.float_share for rung in rungs) and not self.ranking:
            self.reporter.skip("sensitivity of the blocks", "no rung needed it")
        ran = [step for step in self.steps if step.trial]
        times = self._time([(step.rung.name, step.trial.executable) for step in ran if step.trial])
        for step, own_ms in zip(ran, times, strict=True):
            step.p50_ms = median_ms(own_ms)
        winner, record = settle(self.steps, self._terms(), len(times[0]) if times else 0, self._sensitivity())
        fp32_ms = next((own_ms for step, own_ms in zip(ran, times, strict=True) if step.rung.precision == "fp32"), None)
        for step, own_ms in zip(ran, times, strict=True):
            if step.trial and step.rung.name == winner:
                latency = None if fp32_ms is None else Latency.of(fp32_ms, own_ms, self.threads)
                return Taken(step.rung, step.trial.lowered, step.trial.fidelity, latency, record)
        raise AssertionError(f"{winner} was taken and never tried")

    def single(self, rung: Rung) -> Taken:
        """Lower and check one rung alone, and time it beside FP32 where that says something.

        Raises:
            FidelityError: it breaks the budget.
            DgiqaEdgeError: it cannot be lowered, built or run.
        """
        why = self.device.obstacle(rung.precision, rung.islands)
        if why:
            self.reporter.note(f"{rung.precision} is built as asked, but {why}")
        step = TrialStep(rung)
        self._prepare(step)
        with self.reporter.stage(f"{rung.precision} graph, checked against FP32") as line:
            self._run(step, line)
        assert step.trial is not None
        if step.missed:
            raise FidelityError(
                f"{rung.name} is too far from FP32 on {len(self.check_set)} {self._photos()} photos "
                f"({'; '.join(map(str, step.missed))}): let --accuracy-budget score_mae=0.02,srcc=0.95 look for a "
                "precision that is close enough, build with --fp32, or keep it as it is with --no-accuracy-check"
                f"{layer_hint(self.lowering.inputs.options.out)}"
            )
        latency = self._beside_fp32(rung.name, step.trial.executable)
        return Taken(rung, step.trial.lowered, step.trial.fidelity, latency, None)

    def golden(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The first photo of the check and its FP32 outputs."""
        return next(iter(self.check_set)), dict(self.reference.first())

    def _try(self, rung: Rung) -> None:
        step = TrialStep(rung)
        step.untried, step.reason = self._obstacle(rung)
        self.steps.append(step)
        if step.untried:
            self.reporter.skip(f"rung {rung.name}", f"{STATUS_WORDS[step.untried]}: {step.reason}")
            return
        try:
            self._prepare(step)
            with self.reporter.stage(f"rung {rung.name}") as line:
                self._run(step, line)
        except RUNG_ERRORS as error:
            step.untried, step.reason = FAILED, one_line(error)
            self.reporter.note(f"  rung {rung.name}: {step.reason}")

    def _obstacle(self, rung: Rung) -> tuple[str, str]:
        """Why a rung is not tried, as ``Tried`` words it; ("", "") if it is."""
        why = self.device.obstacle(rung.precision, rung.islands)
        if why:
            return UNSUPPORTED, why
        if not rung.mends:
            return "", ""
        lower = [step for step in self.steps if step.rung.precision == rung.precision]
        good = next((step for step in lower if step.trial and not step.missed), None)
        if good is not None:
            return NOT_NEEDED, f"{good.rung.name} keeps the budget"
        if not any(step.trial for step in lower):
            return NOT_NEEDED, "the rung that it would mend could not be run"
        return "", ""

    def _prepare(self, step: TrialStep) -> None:
        """What a rung needs that is a stage of its own."""
        if step.rung.precision == "int8":
            _ = self.lowering.calibration
        if step.rung.float_share and not self.ranking:
            self._rank({miss.figure for other in self.steps for miss in other.missed})

    def _rank(self, missed: set[str]) -> None:
        ranking = BlockRanking(self.lowering, self.device)
        self.ranked_by = "depth_mae_levels" if missed <= _DEPTH_FIGURES else "score_mae"
        self.ranking = ranked(ranking.measure(), self.ranked_by)
        self.ranking_photos, self.blocks = len(ranking.photos), ranking.blocks()

    def _run(self, step: TrialStep, line: StageLine) -> None:
        lowered = self._lower(step, line)
        twin = next((other for other in self.steps if other.trial and other.trial.lowered.key == lowered.key), None)
        if twin is not None:
            step.untried, step.reason = NOT_NEEDED, f"the same graph as {twin.rung.name}"
            line.result = step.reason
            return
        step.trial = self.trials.run(lowered, line.tick)
        step.fidelity, step.size_bytes = step.trial.fidelity, step.trial.executable.stat().st_size
        step.missed = misses(self.budget, step.trial.fidelity)
        verdict = f"score MAE {step.trial.fidelity.score_mae:.5f} over {step.trial.fidelity.images} photos"
        if step.missed:
            verdict = f"over the budget: {'; '.join(map(str, step.missed))}"
        line.result = reused(step.trial.reused, f"{lowered.values['summary']}; {verdict}")

    def _lower(self, step: TrialStep, line: StageLine) -> StageResult:
        rung = step.rung
        if rung.precision == "fp32":
            return self.lowering.fp32()
        if rung.precision == "fp16":
            return self.lowering.fp16(line, islands=rung.islands)
        if rung.float_share:
            chosen = most_sensitive(self.ranking, rung.float_share, self.ranked_by)
            step.float_blocks = tuple(block.block for block in chosen)
        outputs = [output for block in step.float_blocks for output in self.blocks[block]]
        return self.lowering.int8(line, outputs)

    def _time(self, executables: Sequence[tuple[str, Path]]) -> list[np.ndarray]:
        """Milliseconds of each one's runs, float64 [runs], all in turn in this process."""
        if not executables:
            return []
        self.lowering.release()  # timing wants the memory
        frame = next(iter(self.check_set))
        with self.reporter.stage("latency, all run in turn") as line, contextlib.ExitStack() as stack:
            opened = [stack.enter_context(self.device.open(path)) for _, path in executables]
            times = time_in_turn(opened, frame, budget_s=SECONDS_PER_GRAPH * len(opened))
            timed = (f"{name} {median_ms(one):.1f} ms" for (name, _), one in zip(executables, times, strict=True))
            line.result = f"p50 {', '.join(timed)} ({len(times[0])} runs each)"
        return times

    def _beside_fp32(self, name: str, executable: Path) -> Latency | None:
        """Latency of one graph and of FP32; None where this device's says nothing about the backend."""
        if not self.device.timed:
            self.reporter.skip("latency", "not measured, ONNX Runtime only stands in for the device")
            return None
        fp32 = self.trials.build(self.lowering.fp32())
        fp32_ms, own_ms = self._time([("fp32", fp32), (name, executable)])
        return Latency.of(fp32_ms, own_ms, self.threads)

    def _terms(self) -> Terms:
        photos = len(self.check_set)
        return Terms(self.device.name, self.budget, self.target_ms, photos, self.held_out, self.threads)

    def _sensitivity(self) -> SensitivityRecord | None:
        return SensitivityRecord(self.ranked_by, self.ranking_photos, self.ranking) if self.ranking else None

    def _photos(self) -> str:
        return "held-out" if self.held_out else "calibration"
