"""Every setting is found and explained; a line too few or too many is refused."""

from pathlib import Path

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.watch.assembly import reference as module
from dgiqa_edge.runtime.watch.assembly.reference import SINKS, SOURCES, find, plain, reference, toml_value
from dgiqa_edge.runtime.watch.sinks.registry import TYPES
from dgiqa_edge.runtime.watch.sources.uri import KNOWN


def test_every_source_and_every_sink_has_its_group() -> None:
    assert set(SINKS) == set(TYPES)
    schemes = " ".join(SOURCES)
    assert [name for name in KNOWN if name != "file" and f"{name}:" not in schemes] == []


def test_the_defaults_are_the_programs() -> None:
    found = {it.key: it for group in reference() for it in group.settings}
    policy = GatePolicy()
    assert found["gate.score.reject_below"].default == f"{policy.limits['score'].reject:g}"
    assert found["gate.frozen.role"].default == f'"{policy.frozen.role.value}"'
    assert found["gate.watchdog.max_reject_s"].default == ""
    assert found["cameras.queue"].allowed == "1 to 1000"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("spinning = ", "spining = ", "no line for spinning"),
        ("[dashboard]", "[dashbord]", "no line for listen"),
        ("spinning = ", 'nothing = "of it"\nspinning = ', "explains what there is not.*nothing"),
    ],
)
def test_a_line_too_few_or_too_many_is_refused(
    old: str, new: str, problem: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = module.MEANINGS.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "settings.toml").write_text(text.replace(old, new))
    monkeypatch.setattr(module, "MEANINGS", tmp_path / "settings.toml")
    with pytest.raises(ConfigurationError, match=problem):
        reference()


@pytest.mark.parametrize(
    ("key", "keys"),
    [
        ("cameras.stall_timeout_s", {"cameras.stall_timeout_s"}),
        ("stall_timeout_s", {"cameras.stall_timeout_s"}),
        ("gate.frozen", {"gate.frozen.role", "gate.frozen.change_at_most", "gate.frozen.after_s"}),
        ("[update]", {"update", "update.require_signature", "update.trial_minutes", "update.trial_failures"}),
        ("*_timeout_s", {"cameras.stall_timeout_s", "cameras.open_timeout_s"}),
        ("prometheus", {"sinks.type", "sinks.name", "sinks.listen"}),
    ],
)
def test_settings_are_found_by_a_part_of_their_path(key: str, keys: set[str]) -> None:
    assert {it.key for _, it in find(key)} == keys


def test_what_is_not_there_is_told_with_what_was_meant() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'stall_timeout_s'"):
        find("stall_timeouts")


def test_words_for_a_terminal_and_for_toml() -> None:
    assert plain("see [the page](page.md), `key`\n*now*") == "see the page, key now"
    assert toml_value([True, 0.5, 3, 'a "b" \\']) == r'[true, 0.5, 3, "a \"b\" \\"]'
