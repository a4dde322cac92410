"""``docs/configuration.md``: every setting of a watch file with type, default and rule, as the program reads them.

``python tests/settings_page.py`` writes the page; a test compares it. The readers of the settings are run with a
listener on ``Section``, so that no key, default or range is written twice; what a setting is for is said in
``docs/settings.toml``, one line each.
"""

import contextlib
import dataclasses
import functools
import inspect
import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from unittest import mock

from places import ROOT

from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.settings.section import Section
from dgiqa_edge.runtime.watch.assembly.config import parse_watch_settings
from dgiqa_edge.runtime.watch.dashboard.settings import dashboard_settings
from dgiqa_edge.runtime.watch.sinks import registry as sinks
from dgiqa_edge.runtime.watch.sources.registry import create_source

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = ROOT / "docs" / "configuration.md"
MEANINGS = ROOT / "docs" / "settings.toml"

# What a section has to hold so that all of its settings are asked for.
SOURCES = {
    "v4l2://": ("v4l2:///dev/video0", {"size": "1280x720", "fps": 30, "fourcc": "MJPG", "jpeg_decoder": "nvjpegdec"}),
    "csi://": ("csi://0", {"size": "1920x1080"}),
    "rtsp://, rtsps://": ("rtsp://192.0.2.1/", {}),
    "http://, https:// (MJPEG)": ("http://192.0.2.1/", {}),
    "gst:": ("gst:videotestsrc", {}),
    "test://": ("test://", {"size": "640x480"}),
    "a video file": ("video.mp4", {}),
    "images: a file, a folder, a glob": ("photos/*.jpg", {}),
}
SINKS: dict[str, dict[str, Any]] = {
    "json_lines": {"path": "events.jsonl"},
    "directory": {"path": "accepted"},
    "evidence": {"path": "evidence"},
    "shared_memory": {},
    "v4l2loopback": {"camera": "front", "size": "640x480"},
    "gstreamer": {"camera": "front", "pipeline": "fakesink", "size": "640x480"},
    "webhook": {"url": "http://192.0.2.1/"},
    "mqtt": {"host": "broker"},
    "prometheus": {},
}
SIZE = "WIDTHxHEIGHT"
READERS = {
    "number": "number",
    "optional_number": "number",
    "integer": "whole number",
    "optional_integer": "whole number",
    "flag": "true, false",
    "text": "text",
    "optional_text": "text",
    "file_path": "path",
    "choice": "one of",
    "optional_choice": "one of",
    "texts": "list of texts",
    "listed": "list",
    "mapping": "section",
    "optional_mapping": "section",
    "section": "section",
    "sections": "list of sections",
}


@dataclass(frozen=True)
class Setting:
    """One key as it is read."""

    path: str
    type: str
    default: str
    rule: str


@contextlib.contextmanager
def listening() -> Iterator[dict[str, Setting]]:
    """What is read of any section meanwhile, by path; where one reader calls another, the outer one counts."""
    heard: dict[str, Setting] = {}
    inside: list[str] = []

    def listener(name: str, read: Any) -> Any:
        signature = inspect.signature(read)

        @functools.wraps(read)
        def reading(self: Section, *given: Any, **named: Any) -> Any:
            if not inside:
                asked = signature.bind(self, *given, **named)
                asked.apply_defaults()
                said = _setting(self, name, asked.arguments)
                before = heard.get(said.path)
                # A path that may be absent is first asked for as a text.
                heard[said.path] = dataclasses.replace(said, default=before.default) if before else said
            inside.append(name)
            try:
                return read(self, *given, **named)
            finally:
                inside.pop()

        return reading

    with contextlib.ExitStack() as patches:
        for name in READERS:
            patches.enter_context(mock.patch.object(Section, name, listener(name, getattr(Section, name))))
        yield heard


def _setting(section: Section, name: str, asked: dict[str, Any]) -> Setting:
    key, default, choices = asked["key"], asked.get("default"), asked.get("choices")
    kind = SIZE if key == "size" else READERS[name]
    needed = name in ("text", "file_path") and default is None and key not in ("size", "policy")
    rule = ", ".join(f"`{word}`" for word in choices) if choices else _range(asked.get("low"), asked.get("high"))
    shown = "required" if needed else "" if default in (None, "") else f"`{_toml(default)}`"
    return Setting(section.path_of(key), kind, shown, rule)


def _toml(value: Any) -> str:
    value = getattr(value, "value", value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _range(low: Any, high: Any) -> str:
    if low is None or (math.isinf(low) and math.isinf(high)):
        return ""
    return f"at least {low:.12g}" if math.isinf(high) or high == 2**31 - 1 else f"{low:.12g} to {high:.12g}"


def settings() -> dict[str, dict[str, Setting]]:
    """The settings by heading, each by its path in the file."""
    found: dict[str, dict[str, Setting]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policy.toml").write_text("")
        cameras = [{"name": "front", "source": "test://", "gate": {"policy": "policy.toml"}}]
        content = {
            "bundle": "bundle",
            "baselines": "baselines",
            "regions": "regions",
            "engine": {"cache_folder": "cache", "fallback": "fallback"},
        }
        with listening() as heard:
            parse_watch_settings(content | {"cameras": cameras}, folder / "watch.toml", {})
        of_cameras = {path: it for path, it in heard.items() if path.startswith("cameras[0].")}
        with listening() as whole:
            parse_watch_settings(content | {"cameras": [{**cameras[0], "gate": {}}]}, folder / "watch.toml", {})
        found["The file"] = {path: it for path, it in whole.items() if "." not in path}
        found["[engine]"] = {path: it for path, it in whole.items() if path.startswith("engine.")}
        found["[[cameras]]"] = of_cameras
        for title, (uri, options) in SOURCES.items():
            with listening() as heard, contextlib.suppress(MachineError):
                create_source(uri, options, folder=folder, path="options")
            found[f"Options of {title}"] = heard
        found["[gate]"] = {
            path: it for path, it in whole.items() if path.startswith("gate.") and not it.type.endswith("section")
        }
        for kind, options in SINKS.items():
            with listening() as heard:
                sinks.plan({"type": kind, **options}, kind, folder=folder)
            found[f"Sink {kind}"] = heard
        with listening() as heard:
            dashboard_settings({}, "dashboard", folder=folder)
        found["[dashboard]"] = heard
        found["[update]"] = {path: it for path, it in whole.items() if path.startswith("update.")}
    return found


def meaning_of(name: str, heading: str, meanings: dict[str, dict[str, str]], used: set[tuple[str, str]]) -> str:
    """The line of ``docs/settings.toml``: under the heading itself, else under one with ``*`` that is for several."""
    shared = [section for section in meanings if "*" in section and fnmatchcase(heading, section)]
    for section in (heading, *shared):
        for pattern, text in meanings.get(section, {}).items():
            if pattern != "about" and fnmatchcase(name, pattern):
                used.add((section, pattern))
                return text
    raise SystemExit(f"{MEANINGS.name} has no line for {name} under [{heading!r}]: say what it is for")


def page() -> str:
    """The page's text.

    Raises:
        SystemExit: a setting without a meaning, a meaning without a setting.
    """
    meanings = tomllib.loads(MEANINGS.read_text(encoding="utf-8"))
    lines = [meanings.pop("page")["about"].strip()]
    used: set[tuple[str, str]] = set()
    for heading, rows in settings().items():
        lines += ["", f"## {heading}", ""]
        if about := meanings.get(heading, {}).get("about"):
            lines += [about.strip(), ""]
        if not rows:
            lines += ["None."]
            continue
        lines += ["| key | type | default | allowed | what it is for |", "|---|---|---|---|---|"]
        for path, it in rows.items():
            name = path.partition(".")[2] or path
            text = meaning_of(name, heading, meanings, used)
            lines.append(f"| `{name}` | {it.type} | {it.default} | {it.rule} | {text} |")
    written = {(section, key) for section, keys in meanings.items() for key in keys if key != "about"}
    if left := sorted(written - used):
        raise SystemExit(f"{MEANINGS.name} explains what there is not: {left}")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
