"""Thresholds for the gate from two sets of photos: frames to pass, and frames to reject.

The score's cut is the best of ``roc.best_cut``. A cue sees only some of the faults and adds its false rejects to those
of the others, so its cut is held to few of them and is the most lenient with nine tenths of the best gain; one that
catches less than a tenth of the bad photos keeps its thresholds, for the photos do not show its fault. So does a cue
that may reject on its own, as long as its thresholds spare the good photos: it can become more lenient here, never
stricter. A cue that only explained is allowed to reject where it catches bad photos that the score misses. A fault ends
a quarter of the way from the cut to the good photos' median. Times stay the policy's own; decode errors are a fault of
the link, not of photos, and are not tuned.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .cues import CueMeter
from .errors import ConfigurationError, SourceError
from .gate_policy import CHECKS, GatePolicy, Limits, Role, Side
from .images import read_image
from .reading import Reading
from .roc import Cut, Roc, Values, best_cut, effect, roc
from .scorer import Scorer

FEWEST_PHOTOS = 30
LEAST_CAUGHT = 0.1
FEWEST_ADDED = 2
RECOVERY = 0.25
CUE_FALSE_REJECT = 0.02
CUE_GAIN_SHARE = 0.9
TUNED = tuple(name for name in CHECKS if name != "smear")


@dataclass(frozen=True)
class Measured:
    """One folder's photos: readings by path, and why the others have none."""

    readings: Mapping[Path, Reading]
    failed: Mapping[Path, str]


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


def measure_photos(paths: Sequence[Path], scorer: Scorer, progress: Callable[[], None]) -> Measured:
    """Score and measure photos, each on its own; ``progress`` is called once per photo.

    Raises:
        FidelityError: as ``Scorer.score`` does.
    """
    readings: dict[Path, Reading] = {}
    failed: dict[Path, str] = {}
    for path in paths:
        try:
            photo = read_image(path)
            readings[path] = Reading(scorer.score(photo).score, CueMeter().measure(photo))
        except SourceError as error:
            failed[path] = str(error)
        progress()
    return Measured(readings, failed)


def propose(
    good: Sequence[Reading], bad: Sequence[Reading], policy: GatePolicy, max_false_reject: float | None
) -> tuple[Proposal, ...]:
    """A proposal for each check that the policy uses and the photos have values for, in the order of ``CHECKS``.

    Args:
        max_false_reject: share of the good photos that a cut may reject; None leaves the score to Youden's J alone and
            gives cues 2 %.

    Raises:
        ConfigurationError: one of the sets is empty.
    """
    for name, readings in (("good", good), ("bad", bad)):
        if not readings:
            raise ConfigurationError(f"no {name} photo could be used: give a folder with photos")
    proposals = []
    for check in TUNED:
        limits = policy.limits[check]
        good_values, bad_values = (_values(check, readings) for readings in (good, bad))
        if limits.role is Role.OFF or not (good_values.size and bad_values.size):
            continue
        curve = roc(good_values, bad_values, limits.side)
        proposals.append(_proposal(check, limits, good_values, bad_values, curve, max_false_reject))
    return _with_promotions(proposals, bad)


def _with_promotions(proposals: Sequence[Proposal], bad: Sequence[Reading]) -> tuple[Proposal, ...]:
    """Cues with new thresholds may reject on their own where they catch what the score misses."""
    score = next((proposal for proposal in proposals if proposal.check == "score"), None)
    missed = [reading for reading in bad if score is None or not _beyond(score, reading)]

    def promoted(proposal: Proposal) -> Proposal:
        added = sum(_beyond(proposal, reading) for reading in missed)
        if proposal.limits.role is not Role.EXPLAIN or not proposal.adopted or added < FEWEST_ADDED:
            return proposal
        return replace(proposal, limits=replace(proposal.limits, role=Role.REJECT))

    return tuple(promoted(proposal) for proposal in proposals)


def _beyond(proposal: Proposal, reading: Reading) -> bool:
    values = _values(proposal.check, [reading])
    reject = proposal.limits.reject
    if not values.size or reject is None:
        return False
    return bool(values[0] < reject if proposal.limits.side is Side.BELOW else values[0] > reject)


def _proposal(
    check: str, limits: Limits, good: Values, bad: Values, curve: Roc, max_false_reject: float | None
) -> Proposal:
    now = None if limits.reject is None else effect(good, bad, limits.side, limits.reject)
    if check == "score":
        cut = best_cut(curve, 1.0 if max_false_reject is None else max_false_reject)
        adopted = True
    else:
        bound = CUE_FALSE_REJECT if max_false_reject is None else max_false_reject
        cut = best_cut(curve, bound, CUE_GAIN_SHARE)
        spares_good = limits.role is Role.REJECT and now is not None and now.false_reject <= bound
        adopted = cut.caught >= LEAST_CAUGHT and not spares_good
    if not adopted:
        return Proposal(check, limits, now, curve, adopted=False)
    limits = _between(check, limits, cut.threshold, float(np.median(good)))
    assert limits.reject is not None
    return Proposal(check, limits, effect(good, bad, limits.side, limits.reject), curve, adopted=True)


def with_proposals(policy: GatePolicy, proposals: Sequence[Proposal]) -> GatePolicy:
    """The policy with the proposed thresholds."""
    return replace(policy, limits={**policy.limits, **{proposal.check: proposal.limits for proposal in proposals}})


def _values(check: str, readings: Sequence[Reading]) -> Values:
    """One check's values, float64 [N], of the readings that have it."""
    sources = readings if check == "score" else [reading.cues for reading in readings if reading.cues is not None]
    values = [getattr(source, check) for source in sources]
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
