"""The gate: a camera's score, faults and cues over time become ``pass``, ``reject`` or ``unknown``, with a reason.

A pure state machine: no clock, no input or output; the same readings give the same verdicts. All arithmetic is
float64 in the order written here and in ``smoothing.py``, ``checks.py`` and ``baseline.py``; the vectors in
``tests/vectors/gate`` pin it for implementations in other languages.

One update, in this order:

1. An empty reading: ``unknown`` ("no signal"); smoothing, the count of readings, the fault-free time and the
   frozen time start anew, latches stay.
2. Each value of the reading is smoothed; of ``smear`` the lesser of two frames in a row counts. What the reading lacks
   stays. A reading with a score counts (with any cue, where the policy does not use the score).
3. Fewer than ``start.readings`` counted: ``unknown`` ("starting"), nothing is judged. Last score older than
   ``start.score_max_age_s``: ``unknown`` ("not scored").
4. Each check's latch is set or cleared; frozen: the change stayed within its limit for ``frozen.after_s``. Checks are
   those of the cues and of the bundle's fault head (``faults.*``), and the score. Where the head has given the
   probability of a cue's fault, the head names it and the cue is the safety net for what the head does not see: it
   takes part only while it is faulty, and one that ``yields`` not at all (``Check.counts``).
   The fault is the most severe of the faulty checks that may reject; else the score, where it is faulty; else the most
   severe of the faulty witnesses (``CheckSpec``) where the score is at least doubtful (``Check.in_doubt``).
   A baseline, given or learned, moves thresholds, and lets sharpness reject (``NormalRule``, ``checks.thresholds``).
   The reason is that of the most severe check, of any role; where none is severe, "low quality". The runner-up is the
   most severe one of another reason. Severity is the scale on which checks compare: 0 at the ``accept`` threshold in
   force, 1 at the check's ``worst`` or beyond, linear between (``Check.severity``); frozen is 0.5. Of equals the first
   in the order frozen, then ``CHECKS``. It is that of this frame: a latch keeps a fault, never its reason.
5. ``pass`` becomes ``reject`` on a fault, once ``dwell.pass_s`` old. ``reject`` becomes ``pass`` once it is
   ``dwell.reject_s`` old and ``dwell.cool_down_s`` went by without a fault. ``unknown`` becomes ``reject`` on a fault,
   and ``pass`` after ``dwell.cool_down_s`` without one.
6. ``reject`` for ``watchdog.max_reject_s`` or longer: the verdict is ``overdue``; action ``pass`` lets frames through
   until the fault is gone.

Another policy (``change_to``) finds checks that know nothing but how long the picture has stood still: that is a matter
of the picture, is kept, and is taken in while nothing is judged (``hold``) and where the policy does not use it. So a
frozen camera stays frozen.

A reason stands beside ``pass`` too: "good", or the fault that the least dwell still holds back. In ``reject`` without
a fault it is "recovering". These two are on the way to somewhere: ``announcement.py``, which decides when people are
told, does not see them.
"""

import math
from dataclasses import replace
from typing import NamedTuple

from ..errors import ConfigurationError, GateError
from .announcement import Announcer
from .baseline import Baseline, BaselineLearner
from .checks import Check, FrozenCheck, Thresholds
from .policy import CHECKS, GatePolicy, Role
from .reading import NO_SIGNAL, Reading
from .verdict import RunnerUp, State, Verdict
from .vocabulary import CONDITIONS, REASONS

__all__ = ["NO_SIGNAL", "REASONS", "Gate", "Reading"]

GOOD, STARTING, NOT_SCORED, RECOVERING, WATCHDOG = CONDITIONS
NO_SIGNAL_REASON = "no signal"


class Gate:
    """One camera's gate; for one thread at a time.

    Args:
        policy: what counts as a fault.
        baseline: the camera's normal, learned before; without it and with ``baseline.learn_minutes`` above 0 it is
            learned from passing frames.

    Examples:
        >>> gate = Gate(GatePolicy())
        >>> gate.update(Reading(score=0.9), 0.0).reason
        'starting'
    """

    def __init__(self, policy: GatePolicy, baseline: Baseline | None = None) -> None:
        self._frozen = FrozenCheck(policy.frozen)
        self._judge_by(policy, baseline)
        self._state = State.UNKNOWN
        self._since = 0.0
        self._last: float | None = None
        self._readings = 0
        self._scored_at = 0.0
        self._good_since: float | None = None
        self._overridden = False
        self._last_fault: FrozenCheck | Check | None = None
        self._announcer = Announcer(policy.reason.settle_s)
        self._verdict = Verdict(State.UNKNOWN, STARTING)

    def _judge_by(self, policy: GatePolicy, baseline: Baseline | None) -> None:
        self.policy = policy
        self._values = {
            name: Check(name, limits, policy.smoothing, None if baseline is None else baseline.spreads.get(name))
            for name, limits in policy.limits.items()
            if limits.role is not Role.OFF
        }
        self._frozen.judge_by(policy.frozen)
        self._checks: list[FrozenCheck | Check] = [self._frozen, *self._values.values()]
        for check in self._values.values():
            check.head = self._values.get(f"faults.{CHECKS[check.name].head}")
        self._score = self._values.get("score")
        self._fault_checks = [check for check in self._checks if check is not self._score]
        self._baseline = baseline
        learns = baseline is None and policy.baseline.learn_minutes > 0
        self._learner = BaselineLearner(policy.baseline) if learns else None

    @property
    def baseline(self) -> Baseline | None:
        """Given at the start, or learned by now."""
        return self._baseline

    @property
    def learning(self) -> tuple[int, int] | None:
        """Samples collected and needed, while a baseline is being learned."""
        return None if self._learner is None else (self._learner.collected, self._learner.needed)

    def thresholds(self, check: str = "score") -> Thresholds:
        """Those in force now; both None where the policy does not use the check."""
        return self._values[check].limits_now if check in self._values else Thresholds(None, None)

    def update(self, reading: Reading, t: float) -> Verdict:
        """Take in one frame.

        Args:
            reading: its score and cues; ``NO_SIGNAL`` where the camera gives none.
            t: when it was captured, seconds of a clock that never goes back.

        Raises:
            ConfigurationError: ``t`` is not a finite number, or before the last one.
            GateError: the watchdog's action is ``raise`` and its time is over; the frame has been taken in.
        """
        self.check(t)
        self._last = t
        before = self._state
        cause = self._take_in(reading, t)
        overdue = self._is_overdue(t)
        announced = not self._on_the_way(cause.reason) and self._announcer.update(self._state, cause.reason, t)
        if overdue and self.policy.watchdog.action == "raise":
            raise GateError(
                f"frames rejected for {t - self._since:.1f} s ({cause.reason}), the policy allows "
                f"{self.policy.watchdog.max_reject_s:g} s: look at the camera, or raise watchdog.max_reject_s"
            )
        self._verdict = Verdict(
            state=self._state,
            **cause._asdict(),
            score=reading.score,
            smoothed=None if self._score is None else self._score.value,
            changed=self._state is not before,
            overdue=overdue,
            announced=announced,
        )
        return self._verdict

    def hold(self, reading: Reading, t: float) -> Verdict:
        """Take in one frame of a change that is no fault, a switch of profiles: nothing is judged, the verdict stays.

        Raises:
            ConfigurationError: as :meth:`update`.
        """
        self.check(t)
        if reading.cues is not None:
            self._frozen.smooth(reading.cues.change, t)
        self._last = self._scored_at = t  # the score that is judged next is not too old
        self._good_since = None
        overdue = self._is_overdue(t)
        held = Verdict(State.UNKNOWN, STARTING) if self._state is State.UNKNOWN else self._verdict
        return replace(held, score=reading.score, changed=False, announced=False, overdue=overdue)

    def change_to(self, policy: GatePolicy, baseline: Baseline | None) -> None:
        """Judge by another policy and another normal from the next frame on; state and reason stay until then.

        How long the picture has stood still is known on. When people are told stays the first policy's matter.
        """
        self._judge_by(policy, baseline)
        self._good_since = self._last_fault = None

    def go_on_from(self, former: "Gate") -> None:
        """Before the first frame: this camera's gate was another one, which knows how long its picture stands still."""
        self._frozen = former._frozen
        self._judge_by(self.policy, self._baseline)

    def told_of_loss(self) -> None:
        """People were told that the camera is lost, which no verdict says: the next that settles is announced."""
        self._announcer.forget()

    def check(self, t: float) -> None:
        """Refuse a frame's time as :meth:`update` does, with nothing taken in."""
        if not math.isfinite(t) or (self._last is not None and t < self._last):
            raise ConfigurationError(f"the gate's time went from {self._last} to {t}: give it a monotonic clock")

    def _take_in(self, reading: Reading, t: float) -> "_Cause":
        """Steps 1 to 4: from the reading to the fault; then move the state."""
        if not reading.values():
            self._forget()
            self._move_to(State.UNKNOWN, t)
            return _Cause(NO_SIGNAL_REASON)
        self._smooth(reading, t)
        if self._readings < self.policy.start.readings:
            return _Cause(STARTING)
        if self._score is not None and t - self._scored_at > self.policy.start.score_max_age_s:
            self._good_since = None
            self._move_to(State.UNKNOWN, t)
            return _Cause(NOT_SCORED)
        for check in self._checks:
            check.judge(t)
        fault = self._fault()
        self._decide(fault, t)
        if self._learner is not None and fault is None and self._state is State.PASS:
            self._learn(self._learner, t)
        return self._cause(fault)

    def _fault(self) -> FrozenCheck | Check | None:
        """What the frame is rejected for, by step 4."""
        faulty = [check for check in self._fault_checks if check.faulty and check.counts]
        deciding = [check for check in faulty if check.decides]
        if not deciding and self._score is not None:
            if self._score.faulty:
                return self._score
            if self._score.in_doubt:
                deciding = [check for check in faulty if check.testifies]
        return max(deciding, key=lambda check: check.severity, default=None)

    def _smooth(self, reading: Reading, t: float) -> None:
        values = reading.values()
        for check in self._checks:
            if check.name in values:
                check.smooth(values[check.name], t)
        if reading.score is not None:
            self._scored_at = t
        counts = reading.cues if self._score is None else reading.score
        self._readings += counts is not None

    def _decide(self, fault: FrozenCheck | Check | None, t: float) -> None:
        """Step 5 and the watchdog's ``pass``."""
        dwell = self.policy.dwell
        if fault is not None:
            self._good_since = None
            self._last_fault = fault
        elif self._good_since is None:
            self._good_since = t
        recovered = self._good_since is not None and t - self._good_since >= dwell.cool_down_s
        held_s = t - self._since
        if self._state is State.UNKNOWN:
            if fault is not None:
                self._move_to(State.REJECT, t)
            elif recovered:
                self._move_to(State.PASS, t)
        elif self._state is State.PASS:
            self._overridden = self._overridden and fault is not None
            if fault is not None and not self._overridden and held_s >= dwell.pass_s:
                self._move_to(State.REJECT, t)
        elif recovered and held_s >= dwell.reject_s:
            self._move_to(State.PASS, t)
        elif self._is_overdue(t) and self.policy.watchdog.action == "pass":
            self._move_to(State.PASS, t)
            self._overridden = True

    def _move_to(self, state: State, t: float) -> None:
        if state is not self._state:
            self._state = state
            self._since = t
            self._overridden = False

    def _is_overdue(self, t: float) -> bool:
        limit_s = self.policy.watchdog.max_reject_s
        return self._state is State.REJECT and limit_s is not None and t - self._since >= limit_s

    def _on_the_way(self, reason: str) -> bool:
        """Recovering, or passing with a fault that the least dwell holds back."""
        return reason == RECOVERING or (self._state is State.PASS and reason not in (GOOD, WATCHDOG))

    def _learn(self, learner: BaselineLearner, t: float) -> None:
        learned = learner.add({name: check.value for name, check in self._values.items() if check.value is not None}, t)
        if learned is not None:
            self._baseline = learned
            self._learner = None
            for name, check in self._values.items():
                check.relate_to(learned.spreads.get(name))

    def _cause(self, fault: FrozenCheck | Check | None) -> "_Cause":
        if self._overridden:
            return _of(fault or self._last_fault, WATCHDOG)
        if fault is not None:
            return self._explained(fault)
        if self._state is State.REJECT:
            return _of(self._last_fault, RECOVERING)
        return _Cause(GOOD if self._state is State.PASS else STARTING)

    def _explained(self, fault: FrozenCheck | Check) -> "_Cause":
        """The reason is that of the most severe, which may be one that may not reject; the next other is runner-up."""
        severe = [check for check in self._fault_checks if check.counts and check.severity > 0.0]
        severe.sort(key=lambda check: -check.severity)
        reason = severe[0].reason if severe else fault.reason
        other = next((check for check in severe if check.reason != reason), None)
        second = None if other is None else RunnerUp(other.reason, other.name, other.value, other.threshold)
        return _of(fault, reason)._replace(runner_up=second)

    def _forget(self) -> None:
        for check in self._checks:
            check.forget()
        self._readings = 0
        self._good_since = None


class _Cause(NamedTuple):
    """The part of a verdict that says why."""

    reason: str
    cue: str | None = None
    value: float | None = None
    threshold: float | None = None
    runner_up: RunnerUp | None = None


def _of(check: FrozenCheck | Check | None, reason: str) -> _Cause:
    return _Cause(reason) if check is None else _Cause(reason, check.name, check.value, check.threshold)
