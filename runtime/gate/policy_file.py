"""A gate policy as a file: read and checked, and written as TOML text for people to edit."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..ground.error_text import one_line
from ..settings.file import read_settings
from ..settings.section import Section
from .policy import (
    CHECKS,
    CUE_CHECKS,
    BaselinePolicy,
    DwellPolicy,
    FrozenPolicy,
    GatePolicy,
    Limits,
    ReasonPolicy,
    Role,
    Side,
    SmoothingPolicy,
    StartPolicy,
    WatchdogPolicy,
    limit_keys,
)


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
    smoothing = _smoothing(section.section("smoothing"))
    dwell = _dwell(section.section("dwell"))
    reason = _reason(section.section("reason"))
    start = _start(section.section("start"))
    frozen = _frozen(section.section("frozen"))
    watchdog = _watchdog(section.section("watchdog"), dwell)
    baseline = _baseline(section.section("baseline"))
    cues = section.section("cues")
    limits |= {name: _limits(cues.section(name), name) for name in CUE_CHECKS}
    cues.finish()
    section.finish()
    policy = GatePolicy(
        {name: limits[name] for name in CHECKS}, smoothing, dwell, reason, start, frozen, watchdog, baseline
    )
    _check_ratios(policy, section)
    return policy


def policy_toml(policy: GatePolicy, remarks: Sequence[str] = ()) -> str:
    """All settings of a policy, one section each, after ``remarks`` as comments."""
    lines = [f"# {one_line(remark)}" for remark in remarks]
    return "\n".join([*lines, *_sections(policy.to_mapping(), "")]) + "\n"


def _reason(section: Section) -> ReasonPolicy:
    policy = ReasonPolicy(section.number("settle_s", ReasonPolicy().settle_s, 0.0, 86400.0))
    section.finish()
    return policy


def _limits(section: Section, name: str) -> Limits:
    spec = CHECKS[name]
    default = spec.default
    keys = limit_keys(name)
    role = Role(section.choice("role", default.role.value, _roles(name)))
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


def _roles(name: str) -> list[str]:
    return [role.value for role in Role if not (name == "score" and role is Role.EXPLAIN)]


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


def _smoothing(section: Section) -> SmoothingPolicy:
    default = SmoothingPolicy()
    policy = SmoothingPolicy(
        section.choice("method", default.method, ("ema", "median", "none")),
        section.number("time_constant_s", default.time_constant_s, 0.001, 3600.0),
        section.number("window_s", default.window_s, 0.001, 60.0),
    )
    section.finish()
    return policy


def _dwell(section: Section) -> DwellPolicy:
    default = DwellPolicy()
    policy = DwellPolicy(
        *(section.number(key, getattr(default, key), 0.0, 86400.0) for key in ("pass_s", "reject_s", "cool_down_s"))
    )
    section.finish()
    return policy


def _start(section: Section) -> StartPolicy:
    default = StartPolicy()
    policy = StartPolicy(
        section.integer("readings", default.readings, 1, 10_000),
        section.number("score_max_age_s", default.score_max_age_s, 0.0, 86400.0),
    )
    section.finish()
    return policy


def _frozen(section: Section) -> FrozenPolicy:
    default = FrozenPolicy()
    policy = FrozenPolicy(
        Role(section.choice("role", default.role.value, (Role.REJECT.value, Role.OFF.value))),
        section.number("change_at_most", default.change_at_most, 0.0, 255.0),
        section.number("after_s", default.after_s, 0.0, 86400.0),
    )
    section.finish()
    return policy


def _watchdog(section: Section, dwell: DwellPolicy) -> WatchdogPolicy:
    default = WatchdogPolicy()
    policy = WatchdogPolicy(
        section.optional_number("max_reject_s", default.max_reject_s, 0.0, 1e9),
        section.choice("action", default.action, ("report", "pass", "raise")),
    )
    section.finish()
    if policy.max_reject_s is None and policy.action != default.action:
        raise ConfigurationError(f"{section.path_of('max_reject_s')} is missing: action {policy.action!r} needs it")
    if policy.max_reject_s is not None and policy.max_reject_s < dwell.reject_s:
        raise ConfigurationError(
            f"{section.path_of('max_reject_s')} is {policy.max_reject_s:g}: "
            f"it must be at least dwell.reject_s ({dwell.reject_s:g})"
        )
    return policy


def _baseline(section: Section) -> BaselinePolicy:
    default = BaselinePolicy()
    policy = BaselinePolicy(
        section.number("learn_minutes", default.learn_minutes, 0.0, 1440.0),
        section.number("sample_every_s", default.sample_every_s, 0.01, 3600.0),
        section.choice("on_unusable", default.on_unusable, ("refuse", "relearn")),
    )
    section.finish()
    return policy


def _check_ratios(policy: GatePolicy, section: Section) -> None:
    """A ratio without a baseline would silently do nothing."""
    for name, limits in policy.limits.items():
        if limits.reject_ratio is not None and policy.baseline.learn_minutes == 0.0:
            place = section.path_of("score" if name == "score" else f"cues.{name}")
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
