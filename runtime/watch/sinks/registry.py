"""Which type of sink is which module, and what all sinks share in the configuration. A new sink is one file and one
line here.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

from ...gate.regions import Regions
from ...settings.section import Section
from ..status import WatchStatus
from .protocol import Sink

# type -> module with a function `plan(options, name, folder)`: imported when a configuration names it.
TYPES: Mapping[str, str] = {
    "json_lines": ".json_lines",
    "directory": ".frame_directory",
    "evidence": ".evidence.sink",
    "gstreamer": ".video_pipeline",
    "v4l2loopback": ".v4l2_loopback",
    "shared_memory": ".shared_frames",
    "webhook": ".webhook",
    "mqtt": ".mqtt.sink",
    "prometheus": "..metrics.prometheus",
}

Opener = Callable[[], Sink]
Reach = Callable[[float], str]


class Planned(NamedTuple):
    """What a sink's module makes of its settings: how to open it, and how to ask within some seconds whether it can be
    reached, which changes nothing there; see ``SinkPlan``.
    """

    open: Opener
    reach: Reach


Planner = Callable[[Section, str, Path], Planned]


@runtime_checkable
class FollowsStatus(Protocol):
    """A sink that also shows counters: the watch loop gives it a function that takes a snapshot, before any event."""

    def follow(self, status: Callable[[], WatchStatus]) -> None: ...


@dataclass(frozen=True)
class RegionMeans:
    """How to see and to change what counts of a camera's picture; any thread.

    ``get`` and ``set`` raise KeyError where there is no such camera. ``set`` first keeps the regions, where
    ``is_kept``, and raises MachineError where the disk does not take them; else they would be forgotten at the end.
    """

    get: Callable[[str], Regions]
    set: Callable[[str, Regions], None]
    is_kept: bool


@runtime_checkable
class SetsRegions(Protocol):
    """A sink in which people draw regions: it is given the means before any event."""

    def follow_regions(self, means: RegionMeans) -> None: ...


@runtime_checkable
class BringsMessages(Protocol):
    """A sink whose connection also brings messages: ``tell`` gets topic and payload of each one on these topics, from
    the sink's own thread.
    """

    def bring(self, topics: frozenset[str], tell: Callable[[str, str], None]) -> None: ...


@dataclass(frozen=True)
class SinkPlan:
    """A sink whose settings have been checked; nothing is opened yet.

    ``open`` raises MachineError where a package or program is missing, SinkError where a file or port cannot be had.
    A server that does not answer is no error: the sink goes on trying.

    ``reach`` takes a time limit in seconds and says what was reached. It raises MachineError for what waiting will not
    mend, SinkError for what may come back.
    """

    name: str
    open: Opener
    reach: Reach


def plan(section: Mapping[str, Any], where: str, *, folder: Path | None = None) -> SinkPlan:
    """Check a sink's settings without opening anything.

    Args:
        section: ``type``, optionally ``name`` (default: the type), and the options of the type.
        where: dotted path of the section in its file, for messages.
        folder: what relative paths are relative to; the working directory where it is None.

    Raises:
        ConfigurationError: an unknown type, an unknown option, a value that breaks its rule.
    """
    options = Section(section, where)
    kind = options.choice("type", "", tuple(TYPES))
    name = options.text("name", kind)
    planner = cast(Planner, importlib.import_module(TYPES[kind], __package__).plan)
    planned = planner(options, name, folder or Path())
    options.finish()
    return SinkPlan(name, planned.open, planned.reach)


def create(section: Mapping[str, Any], where: str, *, folder: Path | None = None) -> Sink:
    """A sink at work.

    Raises:
        ConfigurationError: as for :func:`plan`.
        MachineError: this machine lacks a package or a program that it needs.
        SinkError: its file, folder or port cannot be had.
    """
    return plan(section, where, folder=folder).open()
