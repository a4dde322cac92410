"""The schema takes every configuration that ships or stands in a document, and refuses what the program refuses."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from places import ROOT

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.strict_text import parse_toml
from dgiqa_edge.runtime.watch.assembly.config import parse_watch_settings
from dgiqa_edge.runtime.watch.assembly.parts import plan_sinks
from dgiqa_edge.runtime.watch.assembly.schema import watch_schema
from dgiqa_edge.runtime.watch.sources.registry import create_source

_BLOCK = re.compile(r"^```toml[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def configurations() -> dict[str, str]:
    """Whole configurations: the examples, and the blocks of documents that name a bundle and cameras."""
    found = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "runtime" / "examples").glob("*.toml")}
    for page in sorted((ROOT / "docs").glob("*.md")):
        for number, text in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8"))):
            if "[[cameras]]" in text and "bundle =" in text:
                found[f"{page.name} {number}"] = text
    return found


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft7Validator:
    schema = watch_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


@pytest.mark.parametrize("name", configurations())
def test_what_ships_is_valid(name: str, validator: jsonschema.Draft7Validator) -> None:
    validator.validate(parse_toml(configurations()[name]))


def test_documents_hold_configurations() -> None:
    assert len([name for name in configurations() if ".md" in name]) >= 1


def whole(**changes: Any) -> dict[str, Any]:
    camera = {"name": "front", "source": "test://?fps=5", **changes.pop("camera", {})}
    return {"bundle": "bundle", "cameras": [camera], **changes}


@pytest.mark.parametrize(
    ("content", "valid"),
    [
        (whole(), True),
        (whole(camera={"options": {"loop": True}}), True),
        (whole(camera={"options": {"transport": "udp"}}), False),
        (whole(camera={"source": "rtsp://192.0.2.1/", "options": {"transport": "udp"}}), True),
        (whole(camera={"source": "video.mp4", "options": {"pace": "realtime"}}), True),
        (whole(camera={"source": "photos/*.jpg", "options": {"fps": 5}}), True),
        (whole(camera={"source": "video.mp4", "options": {"transport": "udp"}}), False),
        (whole(camera={"gate": {"score": {"role": "off"}}}), True),
        (whole(camera={"gate": {"score": {"role": "of"}}}), False),
        (whole(camera={"exclude": [[[0, 0], [0.5, 0], [0, 0.1]]]}), True),
        (whole(camera={"exclude": [[0, 0], [0.5, 0], [0, 0.1]]}), False),
        (whole(camera={"exclude": [[[0, 0], [0.5, 0]]]}), False),
        (whole(camera={"include": [[[0, 0], [640, 0], [0, 480]]]}), False),
        (whole(camera={"queue": 0}), False),
        (whole(camera={"stall_timeout_s": "5"}), False),
        (whole(camera={"nmae": "x"}), False),
        (whole(engine={"threads": 2}), True),
        (whole(engine={"threads": 2.5}), False),
        (whole(engine={"thread": 2}), False),
        (whole(sinks=[{"type": "mqtt", "host": "broker"}, {"type": "prometheus"}]), True),
        (whole(sinks=[{"type": "mqtt"}]), False),
        (whole(sinks=[{"type": "mqt", "host": "broker"}]), False),
        (whole(sinks=[{"type": "prometheus", "host": "broker"}]), False),
        (whole(gate={"frozen": {"after_s": -1}}), False),
        ({"bundle": "bundle"}, False),
        ({"cameras": whole()["cameras"]}, False),
    ],
)
def test_schema_and_program_agree(
    content: dict[str, Any], valid: bool, validator: jsonschema.Draft7Validator, tmp_path: Path
) -> None:
    try:
        settings = parse_watch_settings(content, tmp_path / "watch.toml", {})
        plan_sinks(settings)
        for camera in settings.cameras:
            create_source(camera.source, camera.options, folder=tmp_path)
        taken = True
    except ConfigurationError:
        taken = False
    assert (taken, validator.is_valid(content)) == (valid, valid)
