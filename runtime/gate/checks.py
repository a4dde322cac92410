"""The checks of the gate: a value against its thresholds, with the memory that hysteresis and stillness need."""

from dataclasses import dataclass

from .baseline import Spread
from .policy import CHECKS, FROZEN, FrozenPolicy, Limits, NormalRule, Role, Side, SmoothingPolicy
from .smoothing import ExponentialAverage, LesserOfTwo, MedianWindow, Smoother, Unsmoothed

_MOST = 0.99999
"""Of an edge whose odds are taken: a share of 1, as of a black or a covered picture, is beyond any."""


@dataclass(frozen=True)
class Thresholds:
    """In force now: a fault beyond ``reject``, none any more from ``accept`` on; ``None``: none in force yet."""

    reject: float | None
    accept: float | None


def thresholds(limits: Limits, normal: Spread | None, rule: NormalRule | None = None) -> Thresholds:
    """Those in force beside what is normal for the camera.

    Ratios of the policy: the stricter of the absolute thresholds and ``ratio * median``; a median that is not above 0
    gives none. Else, by the check's ``rule``, the looser of the absolute threshold and the one beyond the normal's edge
    ``e``. By odds: ``e = min(max(high, 0), 0.99999)``, ``o = factor * e / (1 - e)``, ``o / (1 + o)``. By ratio:
    ``factor * e``, where that is beyond ``bound`` the bound; ``e`` is ``low`` below, ``high`` above.
    """
    pairs = []
    if limits.reject is not None and limits.accept is not None:
        if rule is not None and normal is not None and limits.reject_ratio is None:
            below = limits.side is Side.BELOW
            reject, accept = beyond(normal, rule, below)
            looser = min if below else max
            return Thresholds(looser(limits.reject, reject), looser(limits.accept, accept))
        pairs.append((limits.reject, limits.accept))
    if limits.reject_ratio is not None and limits.accept_ratio is not None and normal is not None and normal.median > 0:
        pairs.append((limits.reject_ratio * normal.median, limits.accept_ratio * normal.median))
    if not pairs:
        return Thresholds(None, None)
    stricter = max if limits.side is Side.BELOW else min
    return Thresholds(stricter(pair[0] for pair in pairs), stricter(pair[1] for pair in pairs))


def beyond(normal: Spread, rule: NormalRule, below: bool) -> tuple[float, float]:
    """Where a value lies beyond what is normal: the reject and the accept threshold of a rule."""
    if rule.odds is not None:
        edge = min(max(normal.high, 0.0), _MOST)
        reject, accept = (factor * edge / (1.0 - edge) for factor in rule.odds)
        return reject / (1.0 + reject), accept / (1.0 + accept)
    edge = normal.low if below else normal.high
    reject, accept = (factor * edge for factor in rule.ratio or (1.0, 1.0))
    if rule.bound is None:
        return reject, accept
    held = max if below else min
    return held(rule.bound, reject), held(rule.bound, accept)


class Check:
    """A value's smoother and its latch.

    Attributes:
        value: smoothed; ``None`` before the first value.
        faulty: whether the latch is set.
        head: the check of the bundle's fault head for the same fault, set by the gate where there is one.
        in_doubt: a latch too: set beyond ``accept``, cleared by a value on its good side by half of the hysteresis (the
            way from ``reject`` to ``accept``).
    """

    def __init__(self, name: str, limits: Limits, smoothing: SmoothingPolicy, normal: Spread | None) -> None:
        self.name = name
        self.reason = CHECKS[name].reason
        self.testifies = limits.role is Role.REJECT or CHECKS[name].witness
        self.value: float | None = None
        self.faulty = False
        self.in_doubt = False
        self.head: Check | None = None
        self._limits = limits
        self._below = limits.side is Side.BELOW
        self._smoother = _smoother(smoothing, CHECKS[name].slower) if CHECKS[name].smoothed else LesserOfTwo()
        self.relate_to(normal)

    def relate_to(self, normal: Spread | None) -> None:
        """Take the camera's own normal into account from now on."""
        spec = CHECKS[self.name]
        rule = None if normal is None or self._limits.reject_ratio is not None else spec.normal
        self.limits_now = thresholds(self._limits, normal, rule)
        insists = rule is not None and rule.decides
        self.decides = self._limits.role is Role.REJECT or insists
        self._yields = spec.yields and not insists
        self._worst = spec.worst if rule is None or rule.worst is None else rule.worst

    @property
    def counts(self) -> bool:
        """Whether it takes part: beside the head's probability only what is faulty does, and nothing that yields."""
        if self.head is None or self.head.value is None:
            return True
        return self.faulty and not self._yields

    @property
    def threshold(self) -> float | None:
        """The one that matters next: to leave the fault, or to enter it."""
        return self.limits_now.accept if self.faulty else self.limits_now.reject

    @property
    def severity(self) -> float:
        """How much of the way from ``accept`` to the worst the value has gone, in [0, 1]; 0 where it is acceptable.

        The one scale on which checks compare. ``accept`` is the threshold in force, so a baseline counts; a value as
        bad as ``worst`` of ``CHECKS``, or worse, is 1, and so is any beyond an ``accept`` that lies behind ``worst``.
        """
        accept = self.limits_now.accept
        if self.value is None or accept is None:
            return 0.0
        beyond, span = self.value - accept, self._worst - accept
        if self._below:
            beyond, span = -beyond, -span
        if beyond <= 0.0:
            return 0.0
        return 1.0 if beyond >= span else beyond / span

    def smooth(self, value: float | None, t: float) -> None:
        """Take in this frame's value; None leaves everything as it is."""
        if value is not None:
            self.value = self._smoother.update(value, t)

    def judge(self, t: float) -> None:
        """Set or clear the latch by the smoothed value; between the thresholds it stays."""
        reject, accept = self.limits_now.reject, self.limits_now.accept
        if self.value is None or reject is None or accept is None:
            return
        if self._below:
            self.faulty = self.value < accept if self.faulty else self.value < reject
        else:
            self.faulty = self.value > accept if self.faulty else self.value > reject
        good = accept + (0.5 if self.in_doubt else 0.0) * (accept - reject)
        self.in_doubt = self.value < good if self._below else self.value > good

    def forget(self) -> None:
        """Start smoothing anew; the latch stays."""
        self._smoother.reset()
        self.value = None


class FrozenCheck:
    """Whether the picture has stood still for too long; the attributes are those of :class:`Check`."""

    name = "change"
    reason = "frozen"
    decides = testifies = True

    def __init__(self, policy: FrozenPolicy) -> None:
        self.value: float | None = None
        self.faulty = False
        self._still_since: float | None = None
        self._moving_since: float | None = None
        self.judge_by(policy)

    def judge_by(self, policy: FrozenPolicy) -> None:
        """Since when the picture stands still is a matter of the picture, and stays; so does the latch."""
        self.counts = policy.role is not Role.OFF
        self.threshold = policy.change_at_most
        self._after_s = policy.after_s

    @property
    def severity(self) -> float:
        """Never the worst: what is black or covered stands still too, and that is the reason then."""
        return FROZEN.severity if self.faulty else 0.0

    def smooth(self, value: float | None, t: float) -> None:
        """Take in this frame's change; None where there was no frame to compare with."""
        self.value = value
        if value is not None and value <= self.threshold:
            self._moving_since = None
            if self._still_since is None:
                self._still_since = t
            return
        if self._moving_since is None:
            self._moving_since = t
        if value is None or value > max(self.threshold, FROZEN.keyframe) or t - self._moving_since >= FROZEN.keyframe_s:
            self._still_since = None

    def judge(self, t: float) -> None:
        """Frozen from the ``after_s``-th second of stillness on, until ``moving_s`` of nothing but new frames.

        A keyframe codes the same picture a little differently, which ends neither; a live one's carries new noise, and
        is more than ``keyframe`` away from all before.
        """
        if self.faulty:
            self.faulty = self._moving_since is None or t - self._moving_since < FROZEN.moving_s
        else:
            self.faulty = self._still_since is not None and t - self._still_since >= self._after_s

    def forget(self) -> None:
        """The next frame has none to compare with."""
        self.value = None
        self.faulty = False
        self._still_since = None
        self._moving_since = None


def _smoother(policy: SmoothingPolicy, slower: float) -> Smoother:
    if policy.method == "ema":
        return ExponentialAverage(slower * policy.time_constant_s)
    return MedianWindow(slower * policy.window_s) if policy.method == "median" else Unsmoothed()
