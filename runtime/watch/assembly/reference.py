"""Every setting of a watch file with type, default, range and meaning: for the command line, the schema and the page.

The readers of the settings are run and listened to, so that no key, default or range is written twice; what a setting
is for is said in ``settings.toml``, one line each. Reads no camera, opens no sink.
"""

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError, MachineError
from ...ground.error_text import one_line
from ...ground.input_file import file_bytes
from ...ground.names import json_text
from ...ground.strict_text import parse_toml
from ...settings.listening import Setting, listening
from ..dashboard.settings import dashboard_settings
from ..sinks.registry import plan
from ..sources.registry import create_source
from .config import parse_watch_settings

MEANINGS = Path(__file__).with_name("settings.toml")

_A_FILE = r"^file:|^(?!\$\{|[A-Za-z][A-Za-z0-9+.-]*:)"  # no scheme, nor a variable that may hold one
# A source of each kind, and what the sources of the kind look like (a regular expression of JSON Schema).
SOURCES: Mapping[str, tuple[str, str]] = {
    "v4l2://": ("v4l2:///dev/video0", "^v4l2:"),
    "csi://": ("csi://0", "^csi:"),
    "rtsp://, rtsps://": ("rtsp://192.0.2.1/", "^rtsps?:"),
    "http://, https:// (MJPEG)": ("http://192.0.2.1/", "^https?:"),
    "gst:": ("gst:videotestsrc", "^gst:"),
    "test://": ("test://", "^test:"),
    "a video file": ("video.mp4", _A_FILE),
    "images: a file, a folder, a glob": ("photos/*.jpg", _A_FILE),
}
# What a sink needs so that all of its settings are asked for.
SINKS: Mapping[str, Mapping[str, Any]] = {
    "json_lines": {"path": "events.jsonl"},
    "evidence": {"path": "evidence"},
    "directory": {"path": "accepted"},
    "shared_memory": {},
    "v4l2loopback": {"camera": "front"},
    "gstreamer": {"camera": "front", "pipeline": "fakesink"},
    "webhook": {"url": "http://192.0.2.1/"},
    "mqtt": {"host": "broker"},
    "prometheus": {},
}
_FILE = {"bundle": "bundle", "cameras": [{"name": "front", "source": "test://", "profiles": [{"name": "night"}]}]}
_WHOLE_SECTIONS = {"The file": "", "[engine]": "engine", "[[cameras]]": "cameras[]"}
_PROFILES = {"[[cameras.profiles]]": "cameras[].profiles[]", "[cameras.switch]": "cameras[].switch"}
_LATER_SECTIONS = {"[update]": "update"}
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@dataclass(frozen=True)
class Explained:
    """One setting of a group: its ``name`` there, and what it is for (Markdown)."""

    name: str
    setting: Setting
    meaning: str

    @property
    def key(self) -> str:
        """The whole path, as people write it: ``cameras.name``."""
        return self.setting.path.replace("[]", "")

    @property
    def default(self) -> str:
        """As TOML; empty where there is none."""
        return "" if self.setting.default is None else toml_value(self.setting.default)

    @property
    def allowed(self) -> str:
        """The words, or the bounds of a number; empty where any value will do."""
        it = self.setting
        if it.choices:
            return ", ".join(it.choices)
        if math.isinf(it.low) and math.isinf(it.high):
            return ""
        return f"at least {it.low:.12g}" if math.isinf(it.high) else f"{it.low:.12g} to {it.high:.12g}"


@dataclass(frozen=True)
class Group:
    """The settings under one heading.

    Attributes:
        place: dotted path of the section that holds them, ``[]`` behind each list.
        about: what is to be said of all of them (Markdown); may be empty.
        only: of sinks their type, of a source's options the pattern of its address; empty elsewhere.
    """

    heading: str
    place: str
    about: str
    settings: tuple[Explained, ...]
    only: str = ""


def reference() -> tuple[Group, ...]:
    """All groups, in the order of the page.

    Raises:
        ConfigurationError: a setting without a meaning, or a meaning without a setting: a mistake in the program.
    """
    meanings = _Meanings(parse_toml(file_bytes(MEANINGS).decode()))
    groups = [meanings.group(*heard) for heard in _heard()]
    meanings.refuse_unused()
    return tuple(groups)


def find(key: str) -> list[tuple[Group, Explained]]:
    """Settings by their path or a part of it (``gate``, ``cameras.name``, ``stall_timeout_s``), by a pattern with
    ``*``, by a sink's type or by a heading.

    Raises:
        ConfigurationError: there is none.
    """
    wanted = key.strip("[]")
    every = [(group, it) for group in reference() for it in group.settings]
    found = [
        (group, it)
        for group, it in every
        if f".{wanted}." in f".{it.key}." or fnmatchcase(it.key, wanted) or wanted in (group.heading, group.only)
    ]
    if found:
        return found
    names = sorted({name for _, it in every for name in (it.key, it.name)})
    close = get_close_matches(wanted, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "'dgiqa-edge watch reference' prints all"
    raise ConfigurationError(f"there is no setting {key!r}: {hint}")


def toml_value(value: Any) -> str:
    """A default as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, str):
        return json_text(value, ensure_ascii=False)  # its escapes are among TOML's
    return f"{value:g}" if isinstance(value, float) else str(value)


def plain(markdown: str) -> str:
    """Without links and backticks, in one line, for a terminal."""
    return one_line(_LINK.sub(r"\1", markdown).replace("`", "").replace("*", ""))


def _heard() -> Iterator[tuple[str, str, Mapping[str, Setting], str]]:
    """Heading, place, what is asked there, ``only``."""
    folder = Path()
    with listening() as whole:
        parse_watch_settings(_FILE, folder / "watch.toml", {})

    def below(place: str) -> dict[str, Setting]:
        return {path: it for path, it in whole.items() if path.rpartition(".")[0] == place}

    for heading, place in _WHOLE_SECTIONS.items():
        yield heading, place, below(place), ""
    for title, (uri, pattern) in SOURCES.items():
        with listening() as heard, contextlib.suppress(MachineError):
            create_source(uri, {}, folder=folder, path="cameras[].options")
        yield f"Options of {title}", "cameras[].options", heard, pattern
    for heading, place in _PROFILES.items():
        yield heading, place, below(place), ""
    gate = {path: it for path, it in whole.items() if path.startswith("gate.") and "section" not in it.kind}
    yield "[gate]", "gate", gate, ""
    for kind, options in SINKS.items():
        with listening() as heard:
            plan({"type": kind, **options}, "sinks[]", folder=folder)
        yield f"Sink {kind}", "sinks[]", heard, kind
    with listening() as heard:
        dashboard_settings({}, "dashboard", folder=folder)
    yield "[dashboard]", "dashboard", heard, ""
    for heading, place in _LATER_SECTIONS.items():
        yield heading, place, below(place), ""


class _Meanings:
    """The lines of ``settings.toml``, each of which is for something."""

    def __init__(self, sections: Mapping[str, Mapping[str, str]]) -> None:
        self._sections = sections
        self._used: set[tuple[str, str]] = set()

    def group(self, heading: str, place: str, heard: Mapping[str, Setting], only: str) -> Group:
        names = {path: path.removeprefix(f"{place}.") for path in heard}
        explained = tuple(Explained(names[path], it, self._of(names[path], heading)) for path, it in heard.items())
        return Group(heading, place, self._sections.get(heading, {}).get("about", "").strip(), explained, only)

    def refuse_unused(self) -> None:
        written = {(section, key) for section, keys in self._sections.items() for key in keys if key != "about"}
        if left := sorted(written - self._used):
            raise ConfigurationError(f"{MEANINGS.name} explains what there is not: {left}: remove it")

    def _of(self, name: str, heading: str) -> str:
        """Under the heading itself, else under one with ``*`` that is for several."""
        shared = [section for section in self._sections if "*" in section and fnmatchcase(heading, section)]
        for section in (heading, *shared):
            for pattern, text in self._sections.get(section, {}).items():
                if pattern != "about" and fnmatchcase(name, pattern):
                    self._used.add((section, pattern))
                    return text
        raise ConfigurationError(f"{MEANINGS.name} has no line for {name} under [{heading!r}]: say what it is for")
