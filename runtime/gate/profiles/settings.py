"""Profiles as settings: ``profiles``, a list of sections, and ``switch`` beside it, of a camera or a file of its own.

What is published for a night and for an infra-red picture is in ``defaults.json``, which the native runtime reads too;
a profile of such a name needs nothing more.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...ground.input_file import file_bytes
from ...ground.strict_text import parse_json
from ...settings.file import read_settings
from ...settings.section import Section
from ..policy import GatePolicy
from ..policy_file import parse_policy
from .chooser import BLACK, ClockRule, MessageRule, PictureRule, Rule, SwitchPolicy
from .profiled_gate import OWN, Profile, Profiles

MOST_PROFILES = 16
PUBLISHED: Mapping[str, Mapping[str, Any]] = parse_json(file_bytes(Path(__file__).with_name("defaults.json")).decode())
"""By name: ``when`` and ``gate``."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_PERIOD = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")
_PICTURES = ("dark", "grey")
_FORMS = "'picture:dark', 'picture:grey', '21:00-06:00' or 'mqtt:topic=payload'"
_RANGES = {"hold_s": (0.0, 60.0), "settle_s": (0.0, 600.0)}
_LEVELS = (0.0, 255.0)


def load_profiles(path: str | Path, own: GatePolicy) -> Profiles:
    """The profiles of a TOML, YAML or JSON file with ``profiles`` and ``switch``.

    Raises:
        ConfigurationError: the file cannot be read, or as ``parse_profiles``; the message names the file.
        MachineError: a YAML file without PyYAML.
    """
    content = read_settings(path)
    try:
        section = Section(content, "")
        profiles = parse_profiles(section, own)
        section.finish()
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    return profiles


def parse_profiles(section: Section, own: GatePolicy) -> Profiles:
    """The profiles of a section that has ``profiles`` and ``switch`` among its keys.

    Args:
        own: the camera's policy, over which those of the profiles are laid.

    Raises:
        ConfigurationError: names the key and the rule.
    """
    sections = section.sections("profiles")
    switch = _switch(section.section("switch"))
    if len(sections) > MOST_PROFILES:
        raise ConfigurationError(
            f"{section.path_of('profiles')} has {len(sections)} entries: give at most {MOST_PROFILES}"
        )
    each = tuple(_profile(it, own) for it in sections)
    seen: dict[str, str] = {OWN: "the camera's own settings"}
    for it, where in zip(each, sections, strict=True):
        key = it.name.casefold()
        if key in seen:
            raise ConfigurationError(
                f"{where.path_of('name')} is {it.name!r}, as {seen[key]}: give each a name of its own"
            )
        seen[key] = where.path_of("name")
    for number, (it, where) in enumerate(zip(each, sections, strict=True)):
        if (first := next(at for at, other in enumerate(each) if other.rule == it.rule)) < number:
            raise ConfigurationError(
                f"{where.path_of('when')} says the same as {sections[first].path_of('when')}, which goes before: it "
                "would never be in force; give it another rule"
            )
    return Profiles(each, switch)


def _profile(section: Section, own: GatePolicy) -> Profile:
    name = section.text("name")
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{section.path_of('name')} is {name[:40]!r}: give up to 32 letters, digits, '-' or '_', for files and "
            "metrics are named after it"
        )
    published = PUBLISHED.get(name, {})
    when = section.optional_text("when") or published.get("when")
    if when is None:
        raise ConfigurationError(f"{section.path_of('when')} is missing: give {_FORMS}")
    given = section.mapping("gate")
    section.finish()
    values = laid_over(laid_over(own.to_mapping(), published.get("gate", {})), given)
    return Profile(name, _rule(when, section.path_of("when")), parse_policy(values, section.path_of("gate")))


def _rule(text: str, path: str) -> Rule:
    kind, _, rest = text.partition(":")
    if kind == "picture" and rest in _PICTURES:
        return PictureRule(rest)
    if match := _PERIOD.fullmatch(text):
        begin_h, begin_m, end_h, end_m = map(int, match.groups())
        begins_s, ends_s = 60 * (60 * begin_h + begin_m), 60 * (60 * end_h + end_m)
        if begins_s != ends_s:
            return ClockRule(begins_s, ends_s)
    topic, equals, payload = rest.partition("=")
    if kind == "mqtt" and topic and equals and payload and not any(character in topic for character in "+#\0"):
        return MessageRule(topic, payload)
    raise ConfigurationError(f"{path} is {text[:60]!r}: give {_FORMS}")


def _switch(section: Section) -> SwitchPolicy:
    default = SwitchPolicy()
    names = [item.name for item in fields(SwitchPolicy)]
    values = {name: section.number(name, getattr(default, name), *_RANGES.get(name, _LEVELS)) for name in names}
    section.finish()
    for below, above, least in (("dark_below", "light_above", BLACK), ("grey_below", "colour_above", 0.0)):
        if values[below] <= least:
            where = f"{section.path_of(below)} is {values[below]:g}"
            raise ConfigurationError(f"{where}: it must be more than {least:g}, or no picture is below it")
        if values[above] < values[below]:
            raise ConfigurationError(
                f"{section.path_of(above)} is {values[above]:g}: it must be at least {below} ({values[below]:g})"
            )
    return SwitchPolicy(**values)


def laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of ``under`` with those of ``over`` in their place, section by section."""
    both = dict(under)
    for key, value in over.items():
        below = both.get(key)
        both[key] = laid_over(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return both
