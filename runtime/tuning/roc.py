"""How well a value tells bad photos from good ones: its ROC curve, the area under it, and a threshold by a stated rule.

A photo is rejected where its value lies beyond the threshold; no gate, no time, no scoring here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..gate.policy import Side

Values = NDArray[np.float64]
TOLERANCE = 0.05


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


def middle_cut(good: Values, bad: Values, side: Side, max_false_reject: float = 1.0) -> Cut:
    """The cut in the middle of the best gap between good and bad photos, float64 [N], [M].

    Best is the largest gain, caught less falsely rejected (Youden's J). Cuts beside it that lose at most ``TOLERANCE``
    of that are as good: where the sets are apart but for a few photos, the gap is that of the others. Its middle is as
    far from the good photos as from the bad ones.

    Args:
        max_false_reject: only cuts that reject at most this share of the good photos.
    """
    sign = 1.0 if side is Side.BELOW else -1.0
    cuts = [cut for cut in roc(good, bad, side).cuts if cut.false_reject <= max_false_reject]
    gains = [cut.caught - cut.false_reject for cut in cuts]
    first = last = max(range(len(cuts)), key=lambda place: (gains[place], -place))
    enough = (1.0 - TOLERANCE) * gains[first] - 1e-12
    while first > 0 and gains[first - 1] >= enough:
        first -= 1
    while last + 1 < len(cuts) and gains[last + 1] >= enough:
        last += 1
    levels = np.unique(np.concatenate([sign * good, sign * bad]))
    low, high = levels[max(first - 1, 0)], levels[min(last, levels.size - 1)]
    if low == high:  # the gap is beyond all photos: reject none or all of them
        return cuts[first]
    return effect(good, bad, side, sign * float(low + high) / 2.0)
