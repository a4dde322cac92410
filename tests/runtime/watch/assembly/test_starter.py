"""A first configuration is one that the program takes, also with every comment made a setting that has a value."""

import re
from pathlib import Path

import jsonschema
import pytest

from dgiqa_edge.runtime.ground.strict_text import parse_toml
from dgiqa_edge.runtime.watch.assembly.config import parse_watch_settings
from dgiqa_edge.runtime.watch.assembly.parts import plan_dashboard, plan_sinks
from dgiqa_edge.runtime.watch.assembly.schema import watch_schema
from dgiqa_edge.runtime.watch.assembly.starter import SCENE, starter_toml

SOURCES = ["rtsp://192.0.2.10/stream1", 'gst:filesrc location="a \\ b.mp4" ! decodebin']


@pytest.mark.parametrize("sources", [[], SOURCES])
@pytest.mark.parametrize("every_default", [False, True])
def test_it_is_valid(sources: list[str], every_default: bool, tmp_path: Path) -> None:
    text = starter_toml("models/bundle", sources, tmp_path / "watch.schema.json")
    assert text.startswith(f"#:schema {(tmp_path / 'watch.schema.json').as_uri()}\n")
    if every_default:
        text, count = re.subn(r"^# (\w+ = [^<\n]+)$", r"\1", text, flags=re.MULTILINE)
        assert count > 20
    content = parse_toml(text)
    jsonschema.validate(content, watch_schema())
    settings = parse_watch_settings(content, tmp_path / "watch.toml", {})
    assert [camera.source for camera in settings.cameras] == (sources or [SCENE])
    assert len({camera.name for camera in settings.cameras}) == len(settings.cameras)
    assert settings.bundle == tmp_path / "models" / "bundle"
    assert [plan.name for plan in plan_sinks(settings)] == ["json_lines"]
    assert plan_dashboard(settings, None) is not None
