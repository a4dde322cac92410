"""How well a value tells bad photos from good ones: its ROC curve, the area under it, and a threshold by a stated rule.

A photo is rejected where its value lies beyond the threshold; no gate, no time, no scoring here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .gate_policy import Side

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """A threshold and what it does: shares of good photos rejected and of bad ones caught."""

    threshold: float
    false_reject: float
    caught: float


@dataclass(frozen=True)
class Roc:
    """All cuts between the values, from rejecting nothing to rejecting all; ``area`` is 1 for a perfect value."""

    cuts: tuple[Cut, ...]
    area: float


def roc(good: Values, bad: Values, side: Side) -> Roc:
    """The curve of a value, float64 [N good], [M bad], where bad photos lie on ``side``."""
    sign = 1.0 if side is Side.BELOW else -1.0
    good, bad = np.sort(sign * good), np.sort(sign * bad)
    levels = np.unique(np.concatenate([good, bad]))
    between = (levels[1:] + levels[:-1]) / 2.0
    thresholds = np.concatenate([[levels[0] - 1.0], between, [levels[-1] + 1.0]])
    false_reject = np.searchsorted(good, thresholds) / good.size
    caught = np.searchsorted(bad, thresholds) / bad.size
    cuts = tuple(
        Cut(sign * float(t), float(f), float(c)) for t, f, c in zip(thresholds, false_reject, caught, strict=True)
    )
    return Roc(cuts, float(np.sum(np.diff(false_reject) * (caught[1:] + caught[:-1]) / 2.0)))


def effect(good: Values, bad: Values, side: Side, threshold: float) -> Cut:
    """What a given threshold does to the values, float64 [N good], [M bad]."""
    sign = 1.0 if side is Side.BELOW else -1.0
    rejected, caught = (float(np.mean(sign * values < sign * threshold)) for values in (good, bad))
    return Cut(threshold, rejected, caught)


def best_cut(curve: Roc, max_false_reject: float = 1.0, gain_share: float = 1.0) -> Cut:
    """The cut with the largest gain, caught less falsely rejected (Youden's J).

    Args:
        max_false_reject: only cuts that reject at most this share of the good photos.
        gain_share: below 1 the most lenient cut that still has this share of the largest gain.
    """
    allowed = [cut for cut in curve.cuts if cut.false_reject <= max_false_reject]
    gain = max(cut.caught - cut.false_reject for cut in allowed)
    enough = [cut for cut in allowed if cut.caught - cut.false_reject >= gain_share * gain - 1e-12]
    return min(enough, key=lambda cut: (cut.false_reject, cut.caught))
