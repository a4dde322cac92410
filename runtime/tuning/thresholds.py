"""Thresholds for the gate from two sets of photos: frames to pass, and frames to reject.

- The score is cut in the middle of the gap between the sets (``roc.middle_cut``).
- A cue sees only some of the faults. Bad photos show its fault that are not acceptable as the policy stands, and worse
  than the good photos; of those with a label only where most of that label do. It is cut in the middle of the gap
  between these and the good photos that the score passes, of which it may reject few.
- A cue whose fault less than a tenth of the bad photos show keeps its thresholds, and so does a cue that may reject, as
  long as its thresholds spare the good photos: it becomes more lenient here, never stricter. Where they do not spare
  them and no bad photo shows the fault, it rejects from half of the way between the good photos and the worst on.
- A witness (``CheckSpec``) that only explained may reject from now on where it catches bad photos the score misses.
- A fault ends a quarter of the way from the cut to the good photos' median.

Times stay the policy's own. Made-up lines (``smear``) are a fault of the link, not of photos, and are not tuned; nor
is what needs a reference view.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ConfigurationError
from ..gate.policy import CHECKS, GatePolicy, Limits, Role, Side
from ..gate.reading import Reading
from ..gate.vocabulary import FAULTS
from .roc import Cut, Roc, Values, effect, middle_cut, roc

FEWEST_PHOTOS = 30
LEAST_CAUGHT = 0.1
FEWEST_ADDED = 2
RECOVERY = 0.25
CUE_FALSE_REJECT = 0.02
COMMON = 0.5
TUNED = tuple(
    name for name, spec in CHECKS.items() if name != "smear" and "reference" not in FAULTS[spec.reason].measured_by
)


@dataclass(frozen=True)
class Proposal:
    """One check's thresholds and what its ``reject`` does to the photos (``effect``; None without that threshold).

    ``adopted``: these are new; otherwise they are the policy's.
    """

    check: str
    limits: Limits
    effect: Cut | None
    curve: Roc
    adopted: bool


def propose(
    good: Sequence[Reading],
    bad: Sequence[Reading],
    policy: GatePolicy,
    max_false_reject: float | None,
    labels: Sequence[str] | None = None,
) -> tuple[Proposal, ...]:
    """A proposal for each check that the policy uses and the photos have values for, in the order of ``CHECKS``.

    Args:
        max_false_reject: share of the good photos that a cut may reject; None leaves the score to Youden's J alone and
            gives cues 2 %.
        labels: of the bad photos, one each: which of them show the same fault; None: nobody knows.

    Raises:
        ConfigurationError: one of the sets is empty.
    """
    for name, readings in (("good", good), ("bad", bad)):
        if not readings:
            raise ConfigurationError(f"no {name} photo could be used: give a folder with photos")
    score = _score_proposal(good, bad, policy, max_false_reject)
    # A photo that the score rejects anyway is no further loss when a cue rejects it too.
    kept = [reading for reading in good if score is None or not _beyond(score, reading)]
    bound = CUE_FALSE_REJECT if max_false_reject is None else max_false_reject
    groups = labels or [""] * len(bad)
    cues = [_cue_proposal(check, kept, bad, groups, policy, bound) for check in TUNED if check != "score"]
    return _with_promotions([proposal for proposal in (*cues, score) if proposal is not None], bad)


def _with_promotions(proposals: Sequence[Proposal], bad: Sequence[Reading]) -> tuple[Proposal, ...]:
    """Cues with new thresholds may reject on their own where they catch what the score misses."""
    score = next((proposal for proposal in proposals if proposal.check == "score"), None)
    missed = [reading for reading in bad if score is None or not _beyond(score, reading)]

    def promoted(proposal: Proposal) -> Proposal:
        added = sum(_beyond(proposal, reading) for reading in missed)
        may = proposal.limits.role is Role.EXPLAIN and CHECKS[proposal.check].witness
        if not may or not proposal.adopted or added < FEWEST_ADDED:
            return proposal
        return replace(proposal, limits=replace(proposal.limits, role=Role.REJECT))

    return tuple(promoted(proposal) for proposal in proposals)


def _beyond(proposal: Proposal, reading: Reading) -> bool:
    values = check_values(proposal.check, [reading])
    reject = proposal.limits.reject
    if not values.size or reject is None:
        return False
    return bool(values[0] < reject if proposal.limits.side is Side.BELOW else values[0] > reject)


def _score_proposal(
    good_readings: Sequence[Reading],
    bad_readings: Sequence[Reading],
    policy: GatePolicy,
    max_false_reject: float | None,
) -> Proposal | None:
    """None where the policy does not use the score."""
    limits = policy.limits["score"]
    good, bad = check_values("score", good_readings), check_values("score", bad_readings)
    if limits.role is Role.OFF or not (good.size and bad.size):
        return None
    cut = middle_cut(good, bad, limits.side, 1.0 if max_false_reject is None else max_false_reject)
    return _adopted("score", limits, cut.threshold, good, bad)


def _cue_proposal(
    check: str,
    good_readings: Sequence[Reading],
    bad_readings: Sequence[Reading],
    labels: Sequence[str],
    policy: GatePolicy,
    bound: float,
) -> Proposal | None:
    """None where the policy does not use the check, or one of the sets has no value for it."""
    limits = policy.limits[check]
    good, bad = check_values(check, good_readings), check_values(check, bad_readings)
    if limits.role is Role.OFF or not (good.size and bad.size):
        return None
    now = None if limits.reject is None else effect(good, bad, limits.side, limits.reject)
    spares_good = now is not None and now.false_reject <= bound
    shown = _shown(check, good, bad_readings, labels, limits, bound)
    if shown.size >= LEAST_CAUGHT * bad.size and not (limits.role is Role.REJECT and spares_good):
        return _adopted(check, limits, middle_cut(good, shown, limits.side, bound).threshold, good, bad)
    if limits.role is Role.REJECT and now is not None and not spares_good:
        edge = _edge(good, limits.side, 0.0)
        spec = CHECKS[check]
        beyond_good = (edge + min(max(spec.worst, spec.low), spec.high)) / 2.0
        if (beyond_good < edge) is (limits.side is Side.BELOW):
            return _adopted(check, limits, beyond_good, good, bad)
    return Proposal(check, limits, now, roc(good, bad, limits.side), adopted=False)


def _shown(
    check: str, good: Values, bad: Sequence[Reading], labels: Sequence[str], limits: Limits, bound: float
) -> Values:
    """The values of the bad photos that show the check's fault, float64 [N]."""
    edge = _edge(good, limits.side, bound)
    found: list[float] = []
    for label in dict.fromkeys(labels):
        values = check_values(check, [reading for reading, own in zip(bad, labels, strict=True) if own == label])
        worse = values < edge if limits.side is Side.BELOW else values > edge
        if limits.accept is not None:
            worse &= values < limits.accept if limits.side is Side.BELOW else values > limits.accept
        if len(set(labels)) == 1 or np.mean(worse) >= COMMON:
            found += list(values[worse])
    return np.array(found, dtype=np.float64)


def _edge(good: Values, side: Side, bound: float) -> float:
    """The worst good value when a share of ``bound`` of them is left out."""
    ordered = np.sort(good if side is Side.BELOW else -good)
    value = float(ordered[min(int(bound * good.size), good.size - 1)])
    return value if side is Side.BELOW else -value


def _adopted(check: str, limits: Limits, threshold: float, good: Values, bad: Values) -> Proposal:
    new = _between(check, limits, threshold, float(np.median(good)))
    assert new.reject is not None
    return Proposal(check, new, effect(good, bad, new.side, new.reject), roc(good, bad, new.side), adopted=True)


def with_proposals(policy: GatePolicy, proposals: Sequence[Proposal]) -> GatePolicy:
    """The policy with the proposed thresholds."""
    return replace(policy, limits={**policy.limits, **{proposal.check: proposal.limits for proposal in proposals}})


def check_values(check: str, readings: Sequence[Reading]) -> Values:
    """One check's values, float64 [N], of the readings that have it."""
    values = [reading.values().get(check) for reading in readings]
    return np.array([value for value in values if value is not None], dtype=np.float64)


def _between(check: str, limits: Limits, threshold: float, good_median: float) -> Limits:
    """Reject at the threshold; accept a part of the way towards the good photos. Rounded to four digits."""
    spec = CHECKS[check]
    reject = float(np.clip(threshold, spec.low, spec.high))
    towards_good = good_median - reject
    if (towards_good < 0.0) is (spec.default.side is Side.BELOW):
        towards_good = 0.0  # the cut rejects more than half of the good photos
    accept = float(np.clip(reject + RECOVERY * towards_good, spec.low, spec.high))
    return replace(limits, reject=float(f"{reject:.4g}"), accept=float(f"{accept:.4g}"))
