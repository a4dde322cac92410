"""Thresholds for the gate from two sets of photos: frames to pass, and frames to reject.

- The score's cut is the best of ``roc.best_cut``.
- A cue sees only some of the faults, and its false rejects add to those of the others. So its cut may reject few of the
  good photos that the score passes, and is the most lenient one with nine tenths of the best gain.
- A cue that catches less than a tenth of the bad photos keeps its thresholds: the photos do not show its fault. So does
  a cue that may reject, as long as its thresholds spare the good photos: it becomes more lenient here, never stricter.
- A cue that only explained (but contrast) may reject from now on where it catches bad photos that the score misses.
- A fault ends a quarter of the way from the cut to the good photos' median.

Times stay the policy's own. Decode errors are a fault of the link, not of photos, and are not tuned.
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
# Contrast is as much the scene's as the picture's: it may explain, but a few photos are no reason to let it reject.
PROMOTED = ("noise", "haze", "sharpness")
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
    score = _proposal("score", good, bad, policy, max_false_reject)
    # A photo that the score rejects anyway is no further loss when a cue rejects it too.
    kept = [reading for reading in good if score is None or not _beyond(score, reading)]
    cues = [_proposal(check, kept, bad, policy, max_false_reject) for check in TUNED if check != "score"]
    return _with_promotions([proposal for proposal in (*cues, score) if proposal is not None], bad)


def _with_promotions(proposals: Sequence[Proposal], bad: Sequence[Reading]) -> tuple[Proposal, ...]:
    """Cues with new thresholds may reject on their own where they catch what the score misses."""
    score = next((proposal for proposal in proposals if proposal.check == "score"), None)
    missed = [reading for reading in bad if score is None or not _beyond(score, reading)]

    def promoted(proposal: Proposal) -> Proposal:
        added = sum(_beyond(proposal, reading) for reading in missed)
        may = proposal.limits.role is Role.EXPLAIN and proposal.check in PROMOTED
        if not may or not proposal.adopted or added < FEWEST_ADDED:
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
    check: str,
    good_readings: Sequence[Reading],
    bad_readings: Sequence[Reading],
    policy: GatePolicy,
    max_false_reject: float | None,
) -> Proposal | None:
    """None where the policy does not use the check, or one of the sets has no value for it."""
    limits = policy.limits[check]
    good, bad = _values(check, good_readings), _values(check, bad_readings)
    if limits.role is Role.OFF or not (good.size and bad.size):
        return None
    curve = roc(good, bad, limits.side)
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
