"""The ladder: rungs from INT8 up to FP32, each lowered, built and checked on the device, the best of them taken.

Where several backends run the same graph here, each rung is tried on each of them. Every step is a stage, so the same
command resumes at the first unfinished rung. What is taken is decided by ``decision.py``; this module only runs the
trials and keeps their table.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from .climb import LEAST_SECONDS_PER_GRAPH, RUNG_ERRORS, SECONDS_PER_GRAPH, Step, Terms, settle
from .decision import FAILED, NOT_NEEDED, UNSUPPORTED
from .devices.protocol import Device
from .lowering import Lowering
from .ranking import BlockRanking
from .rungs import FP32, Rung
from .trial import Reference, TrialResult, Trials

_DEPTH_FIGURES = {"depth_corr", "depth_mae"}


@dataclass
class TrialStep(Step):
    """A rung on the device of ``trials``, with the graph that ran."""

    trials: Trials = field(kw_only=True)
    trial: TrialResult | None = None

    @classmethod
    def of(cls, rung: Rung, trials: Trials) -> "TrialStep":
        return cls(rung, trials.device.backend, trials.device.install_bytes, trials=trials)

    @property
    def device(self) -> Device:
        return self.trials.device


@dataclass(frozen=True)
class Taken:
    """The graph that a build ends with, and the ladder it was taken from (None where only one rung was asked for, and
    one backend runs it).

    Attributes:
        backend: what it was taken for.
        latency: on that backend; None where FP32 could not be run beside it, or the device only stands in for another.
        fidelities: of the graph on each backend that keeps the budget with it.
        fp32_p50_ms: median milliseconds of FP32 on each backend that ran it in turn with the graph.
    """

    rung: Rung
    backend: str
    lowered: StageResult
    fidelity: Fidelity
    latency: Latency | None
    ladder: LadderRecord | None
    fidelities: Mapping[str, Fidelity]
    fp32_p50_ms: Mapping[str, float]


class Ladder:
    """One climb, on the photos of ``check_set``; limits that ``budget`` lacks are not checked.

    ``devices``: those that run the same graphs; in the place of the first the sensitivity of blocks is measured.
    """

    def __init__(
        self,
        lowering: Lowering,
        devices: Sequence[Device],
        check_set: CalibrationSet,
        *,
        held_out: bool,
        budget: AccuracyBudget,
        target_ms: float | None = None,
    ) -> None:
        inputs = lowering.inputs
        self.lowering, self.devices, self.check_set, self.held_out = lowering, devices, check_set, held_out
        self.budget, self.target_ms = budget, target_ms
        self.reporter, self.threads = inputs.reporter, inputs.options.threads
        self.reference = Reference(lowering.graph, check_set, self.threads)
        self.trials = [Trials(inputs.stages, device, self.reference, inputs.exported.key) for device in devices]
        self.steps: list[TrialStep] = []
        self.ranking: tuple[BlockRecord, ...] = ()
        self.ranked_by, self.ranking_photos = "score_mae", 0
        self.blocks: dict[str, tuple[str, ...]] = {}

    def climb(self, rungs: Sequence[Rung]) -> Taken:
        """Try every rung on every device, time those that ran side by side, and take the fastest within the budget.

        Args:
            rungs: from the most reduced to FP32.

        Raises:
            BudgetError: no rung keeps budget and latency target; it carries the table.
            MachineError: the machine failed, not a rung.
        """
        for rung in rungs:
            for trials in self.trials:
                self._try(TrialStep.of(rung, trials))
        if any(rung.float_share for rung in rungs) and not self.ranking:
            self.reporter.skip("sensitivity of the blocks", "no rung needed it")
        ran = [step for step in self.steps if step.trial]
        times = self._time([(self._on(step), step.device, step.trial.executable) for step in ran if step.trial])
        for step, own_ms in zip(ran, times, strict=True):
            step.runs_ms = tuple(own_ms.tolist())
        winner, record = settle(self.steps, self._terms(), self._sensitivity())
        fp32_ms = {step.backend: np.array(step.runs_ms) for step in ran if step.rung.precision == "fp32"}
        return self._taken(winner, ran, fp32_ms, record)

    def single(self, rung: Rung) -> Taken:
        """Lower one rung, check it on every device, and time it beside FP32 where that says something.

        Of several devices the best is taken, as a climb takes it.

        Raises:
            FidelityError: it breaks the budget on every device.
            DgiqaEdgeError: it cannot be lowered, or built or run on any device.
        """
        for device in self.devices:
            why = device.obstacle(rung.precision, rung.islands)
            if why:
                self.reporter.note(f"{rung.precision} is built as asked, but {why}")
        steps = [TrialStep.of(rung, trials) for trials in self.trials]
        for step in steps:
            try:
                self._attempt(step, f"{self._on(step, 'graph')}, checked against FP32")
            except RUNG_ERRORS as error:
                if step is steps[-1] and not any(other.trial for other in steps):
                    raise
                self._failed(step, error)
        ran = [step for step in steps if step.trial]
        if all(step.missed for step in ran):
            raise FidelityError(
                f"{rung.name} is too far from FP32 on {len(self.check_set)} {self._photos()} photos "
                f"({'; '.join(map(str, ran[0].missed))}): let --accuracy-budget score_mae=0.02,srcc=0.95 look for a "
                "precision that is close enough, build with --fp32, or keep it as it is with --no-accuracy-check"
                f"{layer_hint(self.lowering.inputs.options.out)}"
            )
        fp32_ms = self._beside_fp32(ran)
        winner, record = settle(steps, self._terms()) if len(steps) > 1 else (steps[0], None)
        return self._taken(winner, ran, fp32_ms, record)

    def golden(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The first photo of the check and its FP32 outputs."""
        return next(iter(self.check_set)), dict(self.reference.first())

    def _try(self, step: TrialStep) -> None:
        step.untried, step.reason = self._obstacle(step)
        self.steps.append(step)
        if step.untried:
            self.reporter.skip(f"rung {self._on(step)}", f"{STATUS_WORDS[step.untried]}: {step.reason}")
            return
        try:
            self._attempt(step, f"rung {self._on(step)}")
        except RUNG_ERRORS as error:
            self._failed(step, error)

    def _attempt(self, step: TrialStep, title: str) -> None:
        """Raises one of ``RUNG_ERRORS``: it cannot be lowered, built or run."""
        self._prepare(step)
        with self.reporter.stage(title) as line:
            self._run(step, line)

    def _failed(self, step: TrialStep, error: Exception) -> None:
        step.untried, step.reason = FAILED, one_line(error)
        self.reporter.note(f"  {self._on(step)}: {step.reason}")

    def _on(self, step: TrialStep, *what: str) -> str:
        """A step for people: its rung, and its backend where there are several."""
        return " ".join([step.rung.name, *what, *(["on", step.backend] if len(self.devices) > 1 else [])])

    def _obstacle(self, step: TrialStep) -> tuple[str, str]:
        """Why a rung is not tried, as ``Tried`` words it; ("", "") if it is."""
        rung = step.rung
        why = step.device.obstacle(rung.precision, rung.islands)
        if why:
            return UNSUPPORTED, why
        if not rung.mends:
            return "", ""
        lower = [
            other for other in self.steps if other.rung.precision == rung.precision and other.trials is step.trials
        ]
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
        ranking = BlockRanking(self.lowering, self.devices[0])
        self.ranked_by = "depth_mae_levels" if missed <= _DEPTH_FIGURES else "score_mae"
        self.ranking = ranked(ranking.measure(), self.ranked_by)
        self.ranking_photos, self.blocks = len(ranking.photos), ranking.blocks()

    def _run(self, step: TrialStep, line: StageLine) -> None:
        lowered = self._lower(step, line)
        rest = (other for other in self.steps if other.trial and other.trials is step.trials)
        twin = next((other for other in rest if other.trial and other.trial.lowered.key == lowered.key), None)
        if twin is not None:
            step.untried, step.reason = NOT_NEEDED, f"the same graph as {twin.rung.name}"
            line.result = step.reason
            return
        step.trial = step.trials.run(lowered, line.tick)
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

    def _time(self, executables: Sequence[tuple[str, Device, Path]]) -> list[np.ndarray]:
        """Milliseconds of each one's runs, float64 [runs], all in turn in this process."""
        if not executables:
            return []
        self.lowering.release()  # timing wants the memory
        frame = next(iter(self.check_set))
        with self.reporter.stage("latency, all run in turn") as line, contextlib.ExitStack() as stack:
            opened = [stack.enter_context(device.open(path)) for _, device, path in executables]
            least_s = LEAST_SECONDS_PER_GRAPH * len(opened) if len(self.devices) > 1 else 0.0
            times = time_in_turn(opened, frame, least_s=least_s, budget_s=SECONDS_PER_GRAPH * len(opened))
            timed = (f"{name} {median_ms(one):.1f} ms" for (name, _, _), one in zip(executables, times, strict=True))
            line.result = f"p50 {', '.join(timed)} ({len(times[0])} runs each)"
        return times

    def _beside_fp32(self, ran: Sequence[TrialStep]) -> dict[str, np.ndarray]:
        """Times a rung and FP32 on each backend; FP32's milliseconds by backend, none where they would say nothing."""
        if not all(step.device.timed for step in ran):
            self.reporter.skip("latency", "not measured, ONNX Runtime only stands in for the device")
            return {}
        lowered = self.lowering.fp32()
        plain = [(self._on(TrialStep.of(FP32, step.trials)), step.device, step.trials.build(lowered)) for step in ran]
        own = [(self._on(step), step.device, step.trial.executable) for step in ran if step.trial]
        times = self._time([*plain, *own])
        for step, own_ms in zip(ran, times[len(ran) :], strict=True):
            step.runs_ms = tuple(own_ms.tolist())
        return {step.backend: fp32_ms for step, fp32_ms in zip(ran, times[: len(ran)], strict=True)}

    def _taken(
        self,
        winner: TrialStep,
        ran: Sequence[TrialStep],
        fp32_ms: Mapping[str, np.ndarray],
        record: LadderRecord | None,
    ) -> Taken:
        trial = winner.trial
        assert trial is not None, f"{winner.rung.name} was taken and never tried"
        plain, latency = fp32_ms.get(winner.backend), None
        if plain is not None:
            latency = Latency.of(plain, np.array(winner.runs_ms), self.threads)
        fidelities = {
            step.backend: step.trial.fidelity
            for step in ran
            if step.trial and step.trial.lowered.key == trial.lowered.key and not step.missed
        }
        p50_ms = {backend: median_ms(times) for backend, times in fp32_ms.items()}
        return Taken(winner.rung, winner.backend, trial.lowered, trial.fidelity, latency, record, fidelities, p50_ms)

    def _terms(self) -> Terms:
        photos = len(self.check_set)
        return Terms(
            "; ".join(device.name for device in self.devices),
            self.budget,
            self.target_ms,
            photos,
            self.held_out,
            self.threads,
        )

    def _sensitivity(self) -> SensitivityRecord | None:
        return SensitivityRecord(self.ranked_by, self.ranking_photos, self.ranking) if self.ranking else None

    def _photos(self) -> str:
        return "held-out" if self.held_out else "calibration"
