"""``docs/configuration.md`` says what the program reads, and the program's own default policy is what it says."""

import pytest
import settings_page

from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.watch.sinks.registry import TYPES
from dgiqa_edge.runtime.watch.sources.uri import KNOWN


def test_the_page_is_what_the_program_reads() -> None:
    written = settings_page.PAGE.read_text(encoding="utf-8")
    assert written == settings_page.page(), "python tests/settings_page.py writes it anew"


def test_every_source_and_every_sink_has_its_table() -> None:
    assert set(settings_page.SINKS) == set(TYPES)
    schemes = " ".join(settings_page.SOURCES)
    assert [name for name in KNOWN if name != "file" and f"{name}:" not in schemes] == []


def test_the_gates_defaults_are_heard() -> None:
    heard = settings_page.settings()["[gate]"]
    policy = GatePolicy()
    assert heard["gate.score.reject_below"].default == f"`{policy.limits['score'].reject:g}`"
    assert heard["gate.frozen.role"].default == f'`"{policy.frozen.role.value}"`'
    assert heard["gate.watchdog.max_reject_s"].default == ""


def test_a_setting_without_a_line_is_refused(monkeypatch, tmp_path) -> None:
    text = settings_page.MEANINGS.read_text(encoding="utf-8").replace("spinning = ", "spining = ")
    (tmp_path / "settings.toml").write_text(text)
    monkeypatch.setattr(settings_page, "MEANINGS", tmp_path / "settings.toml")
    with pytest.raises(SystemExit, match="no line for spinning"):
        settings_page.page()
