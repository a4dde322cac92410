"""Every type is found by its name, checked without being opened, and complains by the path of its setting."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.extra_packages import install_command
from dgiqa_edge.runtime.watch.assembly.reference import SINKS
from dgiqa_edge.runtime.watch.sinks import create, registry


@pytest.mark.parametrize("kind", SINKS)
def test_a_plan_checks_and_opens_nothing(kind: str, tmp_path: Path) -> None:
    plan = registry.plan({"type": kind, "name": "mine", **SINKS[kind]}, "sinks.2", folder=tmp_path)
    assert plan.name == "mine"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", SINKS)
def test_an_unknown_option_is_refused_by_its_path(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"sinks\.2\.colour is not a setting"):
        registry.plan({"type": kind, **SINKS[kind], "colour": "red"}, "sinks.2", folder=tmp_path)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({}, "sinks.0.type"),
        ({"type": "json_line"}, "did you mean 'json_lines'"),
        ({"type": 3}, "give one of"),
        ("json_lines", "section of named settings"),
        ({"type": "json_lines", "path": "x", "name": ""}, "name"),
        ({"type": "json_lines", "path": "x", "queue": 0}, "queue"),
        ({"type": "json_lines", "path": "x", "when_full": "both"}, "when_full"),
        ({"type": "json_lines", "path": "x", "cameras": "front"}, "cameras.*a list of texts"),
        ({"type": "json_lines", "path": "x", "cameras": ["a", "a"]}, "twice"),
        ({"type": "json_lines", "path": "x", "states": ["passes"]}, "did you mean 'pass'"),
        ({"type": "prometheus", "listen": "here"}, "listen"),
    ],
)
def test_a_wrong_setting_is_named(section: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        registry.plan(section, "sinks.0", folder=tmp_path)


@pytest.mark.parametrize(
    ("kind", "blocked"), [("mqtt", "paho"), ("prometheus", "prometheus_client"), ("dashboard", "starlette")]
)
def test_a_missing_package_is_named_with_the_extra(kind: str, blocked: str) -> None:
    made = (
        "from dgiqa_edge.runtime.watch.dashboard import Dashboard, DashboardSettings; Dashboard(DashboardSettings())"
        if kind == "dashboard"
        else "from dgiqa_edge.runtime.watch.sinks import create; "
        f"create({ ({'type': kind, **SINKS[kind]})!r}, 'sinks.0')"
    )
    code = (
        f"import sys\nsys.modules[{blocked!r}] = None\n"
        "from dgiqa_edge.runtime.errors import MachineError\n"
        f"try:\n    {made}\nexcept MachineError as error:\n    print(error)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert install_command("watch") in finished.stdout
    assert blocked.partition("_")[0] in finished.stdout


def test_create_opens(tmp_path: Path) -> None:
    sink = create({"type": "json_lines", "path": "e.jsonl"}, "sinks.0", folder=tmp_path)
    assert sink.name == "json_lines"
    sink.close(5.0)
    assert (tmp_path / "e.jsonl").exists()
