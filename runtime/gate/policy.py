"""The gate's policy: what is a fault, how long it must last, and what happens then.

Pure data: ``policy_file.py`` reads and writes it, the gate applies it (``gate.py``), ``tuning/thresholds.py`` proposes
thresholds for it. Its defaults are the published ones of ``defaults.json``, which the native runtime reads too.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from ..ground.strict_text import parse_json

_DEFAULTS = parse_json((Path(__file__).parent / "defaults.json").read_text(encoding="utf-8"))
_POLICY = _DEFAULTS["policy"]
HEAD_CHECKS = tuple(f"faults.{name}" for name in _POLICY["faults"])
"""The checks of the bundle's fault head, by the bundle's names."""


class Role(str, Enum):
    """What a check may do: reject on its own, reject with a doubtful score only and else name reasons, or nothing.

    Reasons are named by ``accept`` alone: a value that would not end a fault explains a low score.
    """

    REJECT = "reject"
    EXPLAIN = "explain"
    OFF = "off"


class Side(str, Enum):
    """On which side of its threshold a value is a fault."""

    BELOW = "below"
    ABOVE = "above"


@dataclass(frozen=True)
class Limits:
    """When one value is a fault, and when it is one no longer.

    Below: a fault from ``value < reject`` until ``value >= accept``. Above: from ``value > reject`` until
    ``value <= accept``. The ratios are thresholds as multiples of the camera's own median, in force once its baseline
    is learned; where both kinds are given, the stricter holds. None: no such threshold.
    """

    role: Role
    side: Side
    reject: float | None = None
    accept: float | None = None
    reject_ratio: float | None = None
    accept_ratio: float | None = None


@dataclass(frozen=True)
class NormalRule:
    """What a check makes of the camera's normal (``baseline.py``); a policy that gives ratios of its own goes before.

    Its edge is the normal's ``low`` where a fault is below, ``high`` where it is above. The two thresholds are moved
    out to where a value lies beyond that edge (``checks.thresholds``), never in: what is healthy for this camera is no
    fault, and what is no fault elsewhere is none here.

    Attributes:
        odds: of a share or a probability, fault above: the thresholds' odds as multiples of the edge's odds.
        ratio: the thresholds as multiples of the edge.
        bound: no threshold of a ratio goes beyond it, whatever is normal.
        decides: a check that only explains may reject where it knows what is normal, beside the bundle's head too.
        worst: takes the place of the check's there.
    """

    odds: tuple[float, float] | None = None
    ratio: tuple[float, float] | None = None
    bound: float | None = None
    decides: bool = False
    worst: float | None = None


@dataclass(frozen=True)
class CheckSpec:
    """One check: the word for its fault, its range, and what it makes of a baseline.

    ``witness``: whether it may reject together with a doubtful score where its role is to explain. Contrast is as much
    the scene's as the picture's, so it is none.
    ``smoothed``: by the policy, over ``slower`` times as long; otherwise two frames in a row must show the fault.
    ``head``: what bundles call the same fault. Where the reading has its probability, the check is but its safety net:
    it takes part only where it is faulty, and where it ``yields``, which ones that the head sees better do, not at all.
    ``relative``: whether a policy may give it ratios. ``normal``: what the camera's normal does to it without any.
    ``worst``: a value at which this fault is as bad as it gets; the gate compares faults by it (``Check.severity``).
    """

    reason: str
    low: float
    high: float
    worst: float
    default: Limits
    relative: bool = False
    witness: bool = False
    smoothed: bool = True
    slower: float = 1.0
    head: str | None = None
    yields: bool = False
    normal: NormalRule | None = None


# The settings of a check's two thresholds: they say the direction.
_KEYS = {Side.BELOW: ("reject_below", "accept_above"), Side.ABOVE: ("reject_above", "accept_below")}


def setting_of(check: str) -> str:
    """The dotted path of a check's section in a policy: ``score``, ``cues.NAME``, ``faults.NAME``."""
    return check if check == "score" or check in HEAD_CHECKS else f"cues.{check}"


def _check(name: str, normal: Mapping[str, Any] | None = None, **facts: Any) -> CheckSpec:
    settings = _POLICY
    for key in setting_of(name).split("."):
        settings = settings[key]
    side = next(side for side, keys in _KEYS.items() if keys[0] in settings)
    reject, accept = _KEYS[side]
    limits = Limits(Role(settings["role"]), side, settings[reject], settings[accept])
    return CheckSpec(default=limits, normal=None if normal is None else _normal_rule(**normal), **facts)


def _normal_rule(**facts: Any) -> NormalRule:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    return NormalRule(**values)


# In this order: of faults that are equally severe the first one gives the verdict its reason. Dark, haze and covers all
# take contrast away, so it is the least of reasons: its worst lies where no picture gets.
CHECKS: Mapping[str, CheckSpec] = {facts["name"]: _check(**facts) for facts in _DEFAULTS["checks"]}
CUE_CHECKS = tuple(name for name in CHECKS if name != "score" and name not in HEAD_CHECKS)


@dataclass(frozen=True)
class SmoothingPolicy:
    """``ema``: exponential with ``time_constant_s``; ``median``: of the last ``window_s``; ``none``."""

    method: str = _POLICY["smoothing"]["method"]
    time_constant_s: float = _POLICY["smoothing"]["time_constant_s"]
    window_s: float = _POLICY["smoothing"]["window_s"]


@dataclass(frozen=True)
class DwellPolicy:
    """Least seconds in ``pass`` and in ``reject``, and seconds without a fault before ``pass``."""

    pass_s: float = _POLICY["dwell"]["pass_s"]
    reject_s: float = _POLICY["dwell"]["reject_s"]
    cool_down_s: float = _POLICY["dwell"]["cool_down_s"]


@dataclass(frozen=True)
class ReasonPolicy:
    """Seconds that a verdict's state and reason must stay the same before people are told of it."""

    settle_s: float = _POLICY["reason"]["settle_s"]


@dataclass(frozen=True)
class StartPolicy:
    """Readings before the first decision, and how old the last score may be; both else ``unknown``."""

    readings: int = _POLICY["start"]["readings"]
    score_max_age_s: float = _POLICY["start"]["score_max_age_s"]


_FROZEN_ROLE = Role(_POLICY["frozen"]["role"])


@dataclass(frozen=True)
class FrozenPolicy:
    """A picture is frozen when its change (``change.py``) stays within ``change_at_most`` grey levels.

    The default lies between frozen clips and live ones of still scenes that went through codecs, as
    ``python -m dgiqa_edge.benchmarks.cameras.frozen_clips`` measures them. A codec that drops all noise
    of a live still scene between keyframes farther apart than ``after_s`` leaves nothing to tell it by: give
    ``after_s`` more than that.
    """

    role: Role = _FROZEN_ROLE
    change_at_most: float = _POLICY["frozen"]["change_at_most"]
    after_s: float = _POLICY["frozen"]["after_s"]


@dataclass(frozen=True)
class FrozenFacts:
    """What tells a frozen picture from a live one, and how severe it is among other faults.

    ``keyframe``: what an encoder's keyframe changes in a frozen picture, grey levels; ``keyframe_s``: the seconds until
    it is as before. ``moving_s``: seconds of nothing but new frames that end it.
    """

    keyframe: float
    keyframe_s: float
    moving_s: float
    severity: float


FROZEN = FrozenFacts(**_DEFAULTS["frozen"])


@dataclass(frozen=True)
class WatchdogPolicy:
    """Rejecting for ``max_reject_s``: ``report`` marks the verdicts, ``pass`` lets frames through, ``raise`` raises."""

    max_reject_s: float | None = None
    action: str = _POLICY["watchdog"]["action"]


@dataclass(frozen=True)
class BaselinePolicy:
    """Minutes of passing frames to learn from (0: no baseline), a sample at most every ``sample_every_s``.

    ``on_unusable``: whether a damaged or foreign baseline file is an error (``refuse``) or learned anew (``relearn``).
    """

    learn_minutes: float = _POLICY["baseline"]["learn_minutes"]
    sample_every_s: float = _POLICY["baseline"]["sample_every_s"]
    on_unusable: str = _POLICY["baseline"]["on_unusable"]


@dataclass(frozen=True)
class ReferencePolicy:
    """Minutes of passing frames to learn the camera's view from, where it has no reference; 0: none is learned."""

    learn_minutes: float = _POLICY["reference"]["learn_minutes"]


@dataclass(frozen=True)
class GatePolicy:
    """All of it; the defaults are the published ones. ``limits`` has one entry per name in :data:`CHECKS`."""

    limits: Mapping[str, Limits] = field(default_factory=lambda: {name: spec.default for name, spec in CHECKS.items()})
    smoothing: SmoothingPolicy = SmoothingPolicy()
    dwell: DwellPolicy = DwellPolicy()
    reason: ReasonPolicy = ReasonPolicy()
    start: StartPolicy = StartPolicy()
    frozen: FrozenPolicy = FrozenPolicy()
    watchdog: WatchdogPolicy = WatchdogPolicy()
    baseline: BaselinePolicy = BaselinePolicy()
    reference: ReferencePolicy = ReferencePolicy()

    def to_mapping(self) -> dict[str, Any]:
        """The settings that :func:`parse_policy` reads back to an equal policy."""
        sections = {
            name: _plain(asdict(getattr(self, name)))
            for name in ("smoothing", "dwell", "reason", "start", "frozen", "watchdog", "baseline", "reference")
        }
        checks: dict[str, dict[str, Any]] = {"score": {}, "cues": {}, "faults": {}}
        for name, limits in self.limits.items():
            section, _, key = setting_of(name).partition(".")
            mapping = _limits_mapping(name, limits)
            checks[section] |= {key: mapping} if key else mapping
        return {"score": checks.pop("score"), **sections, **checks}


def limit_keys(name: str) -> tuple[str, str]:
    """The settings of a check's two thresholds: they say the direction."""
    return _KEYS[CHECKS[name].default.side]


def _limits_mapping(name: str, limits: Limits) -> dict[str, Any]:
    keys = (*limit_keys(name), "reject_ratio", "accept_ratio")
    values = (limits.reject, limits.accept, limits.reject_ratio, limits.accept_ratio)
    return {"role": limits.role.value} | {
        key: value for key, value in zip(keys, values, strict=True) if value is not None
    }


def _plain(section: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.value if isinstance(value, Enum) else value for key, value in section.items() if value is not None
    }
