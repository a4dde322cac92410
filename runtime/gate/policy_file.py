"""A gate policy as a file: read and checked, and written as TOML text for people to edit."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ConfigurationError
from ..ground.error_text import one_line
from ..settings.file import read_settings
from ..settings.section import Section
from .policy import (
    CHECKS,
    CUE_CHECKS,
    HEAD_CHECKS,
    BaselinePolicy,
    DwellPolicy,
    FrozenPolicy,
    GatePolicy,
    Limits,
    ReasonPolicy,
    ReferencePolicy,
    Role,
    Side,
    SmoothingPolicy,
    StartPolicy,
    WatchdogPolicy,
    limit_keys,
    setting_of,
)

T = TypeVar("T")
_DAY_S = (0.0, 86400.0)
_RULES: Mapping[type, Mapping[str, tuple[Any, ...]]] = {
    SmoothingPolicy: {
        "method": ("ema", "median", "none"),
        "time_constant_s": (0.001, 3600.0),
        "window_s": (0.001, 60.0),
    },
    DwellPolicy: {"pass_s": _DAY_S, "reject_s": _DAY_S, "cool_down_s": _DAY_S},
    ReasonPolicy: {"settle_s": _DAY_S},
    StartPolicy: {"readings": (1, 10_000), "score_max_age_s": _DAY_S},
    FrozenPolicy: {"role": ("reject", "off"), "change_at_most": (0.0, 255.0), "after_s": _DAY_S},
    WatchdogPolicy: {"max_reject_s": (0.0, 1e9), "action": ("report", "pass", "raise")},
    BaselinePolicy: {
        "learn_minutes": (0.0, 1440.0),
        "sample_every_s": (0.01, 3600.0),
        "on_unusable": ("refuse", "relearn"),
    },
    ReferencePolicy: {"learn_minutes": (0.0, 1440.0)},
}
"""The settings of each part: the words of a choice, or the least and the largest number, whole where these are."""


def load_policy(path: str | Path) -> GatePolicy:
    """The policy of a TOML, YAML or JSON file.

    Raises:
        ConfigurationError: the file cannot be read, or a setting breaks a rule; the message names file, key and rule.
        MachineError: a YAML file without PyYAML.
    """
    content = read_settings(path)
    try:
        return parse_policy(content)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def parse_policy(values: Any, path: str = "") -> GatePolicy:
    """The policy of a settings mapping, for example the ``gate`` section of a larger file.

    Args:
        values: the mapping; what is absent keeps its default.
        path: dotted path of the mapping in its file, for messages.

    Raises:
        ConfigurationError: an unknown key, a wrong type, a value out of range, or settings that contradict each other.
    """
    section = Section(values, path)
    limits = {"score": _limits(section.section("score"), "score")}
    smoothing = _part(section.section("smoothing"), SmoothingPolicy)
    dwell = _part(section.section("dwell"), DwellPolicy)
    reason = _part(section.section("reason"), ReasonPolicy)
    start = _part(section.section("start"), StartPolicy)
    frozen = _part(section.section("frozen"), FrozenPolicy)
    watchdog = _watchdog(section.section("watchdog"), dwell)
    baseline = _part(section.section("baseline"), BaselinePolicy)
    reference = _part(section.section("reference"), ReferencePolicy)
    for part, names in (("cues", CUE_CHECKS), ("faults", HEAD_CHECKS)):
        inner = section.section(part)
        limits |= {name: _limits(inner.section(name.removeprefix("faults.")), name) for name in names}
        inner.finish()
    section.finish()
    policy = GatePolicy(
        {name: limits[name] for name in CHECKS}, smoothing, dwell, reason, start, frozen, watchdog, baseline, reference
    )
    _check_ratios(policy, section)
    return policy


def policy_toml(policy: GatePolicy, remarks: Sequence[str] = ()) -> str:
    """All settings of a policy, one section each, after ``remarks`` as comments."""
    lines = [f"# {one_line(remark)}" for remark in remarks]
    return "\n".join([*lines, *_sections(policy.to_mapping(), "")]) + "\n"


def _limits(section: Section, name: str) -> Limits:
    spec = CHECKS[name]
    default = spec.default
    keys = limit_keys(name)
    roles = [role.value for role in Role if not (name == "score" and role is Role.EXPLAIN)]
    role = Role(section.choice("role", default.role.value, roles))
    ratios_only = any(key in section for key in ("reject_ratio", "accept_ratio")) and not any(
        key in section for key in keys
    )
    values = [
        section.optional_number(key, None if ratios_only else value, spec.low, spec.high)
        for key, value in zip(keys, (default.reject, default.accept), strict=True)
    ]
    _ordered(section, keys, values, default.side)
    ratios: list[float | None] = [None, None]
    if spec.relative:
        ratio_keys = ("reject_ratio", "accept_ratio")
        ratios = [section.optional_number(key, None, 0.0, 1000.0) for key in ratio_keys]
        _ordered(section, ratio_keys, ratios, default.side)
    section.finish()
    return Limits(role, default.side, *values, *ratios)


def _ordered(section: Section, keys: tuple[str, str], values: list[float | None], side: Side) -> None:
    reject, accept = values
    if (reject is None) != (accept is None):
        given, absent = keys if accept is None else reversed(keys)
        raise ConfigurationError(f"{section.path_of(absent)} is missing: {given} needs it beside it")
    if reject is None or accept is None:
        return
    wrong = accept < reject if side is Side.BELOW else accept > reject
    if wrong:
        order = "at least" if side is Side.BELOW else "at most"
        raise ConfigurationError(
            f"{section.path_of(keys[1])} is {accept:g}: it must be {order} {keys[0]} ({reject:g}), "
            "or a fault would end before it began"
        )


def _part(section: Section, kind: type[T]) -> T:
    """A part of the policy by its rules; what is absent keeps its default."""
    default, values = kind(), {}
    for key, rule in _RULES[kind].items():
        normal = getattr(default, key)
        if isinstance(rule[0], str):
            values[key] = type(normal)(section.choice(key, normal, rule))
        elif isinstance(rule[0], int):
            values[key] = section.integer(key, normal, *rule)
        else:
            values[key] = section.optional_number(key, normal, *rule)
    section.finish()
    return kind(**values)


def _watchdog(section: Section, dwell: DwellPolicy) -> WatchdogPolicy:
    policy = _part(section, WatchdogPolicy)
    if policy.max_reject_s is None and policy.action != WatchdogPolicy().action:
        raise ConfigurationError(f"{section.path_of('max_reject_s')} is missing: action {policy.action!r} needs it")
    if policy.max_reject_s is not None and policy.max_reject_s < dwell.reject_s:
        raise ConfigurationError(
            f"{section.path_of('max_reject_s')} is {policy.max_reject_s:g}: "
            f"it must be at least dwell.reject_s ({dwell.reject_s:g})"
        )
    return policy


def _check_ratios(policy: GatePolicy, section: Section) -> None:
    """A ratio without a baseline would silently do nothing."""
    for name, limits in policy.limits.items():
        if limits.reject_ratio is not None and policy.baseline.learn_minutes == 0.0:
            place = section.path_of(setting_of(name))
            raise ConfigurationError(
                f"{place}.reject_ratio needs a baseline: set {section.path_of('baseline.learn_minutes')} above 0"
            )


def _sections(values: Mapping[str, Any], path: str) -> Iterator[str]:
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    if path and plain:
        yield from ("", f"[{path}]")
    for key, value in plain.items():
        yield f"{key} = {json.dumps(value)}"
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _sections(value, f"{path}.{key}" if path else key)
