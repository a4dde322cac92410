"""The configuration of ``dgiqa-edge watch``: a TOML, YAML or JSON file as typed, checked values.

Reads no camera and no bundle: ``check.py`` looks at those. Relative paths count from the file's own folder.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...backoff import BackoffPolicy
from ...errors import ConfigurationError
from ...gate.policy import GatePolicy
from ...gate.policy_file import load_policy, parse_policy
from ...gate.profiles.profiled_gate import Profiles
from ...gate.profiles.settings import parse_profiles
from ...gate.regions import WHOLE, Regions, read_regions, regions_of
from ...ground.framing import FITS, Fit
from ...ground.limits import MOST_THREADS
from ...settings.credentials import shown_address
from ...settings.file import read_settings
from ...settings.remote_address import is_remote, remote_path
from ...settings.section import Section
from ..loop.capture import ConnectionSettings
from ..loop.intake import Drop, LineSettings, Policy
from ..loop.judge import kept_name
from ..loop.slot_follower import TrialSettings
from ..sources.registry import is_finite
from ..sources.uri import parse_uri

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
REFERENCE = ".reference"  # behind a camera's name, of the file of its reference view
_MOST_CAMERAS = 64
_MOST_PLACES = 1000


@dataclass(frozen=True)
class EngineSettings:
    """As ``Scorer`` takes them; ``spinning`` off leaves the cores to others between frames.

    ``fit`` is how cameras of another shape take the bundle's frame; None as the bundle says.
    ``cache_folder`` is where a backend keeps what it compiles: for a service whose user has no home folder.
    ``fallback`` is the bundle that scores while the server of ``bundle`` is away; ``fallback_differs`` that it may be
    another than the server's.
    """

    backend: str = "auto"
    threads: int | None = None
    providers: tuple[str, ...] = ("cpu",)
    spinning: bool = False
    fit: Fit | None = None
    cache_folder: Path | None = None
    most_failures: int = 20
    fallback: Path | None = None
    fallback_differs: bool = False


@dataclass(frozen=True)
class CameraSettings:
    """One camera. ``source`` holds credentials and is not shown; ``shown`` is for people."""

    name: str
    source: str = field(repr=False)
    shown: str
    options: Mapping[str, Any] = field(repr=False)
    options_path: str
    line: LineSettings
    connection: ConnectionSettings
    policy: GatePolicy
    depth_every: int
    regions: Regions = WHOLE
    profiles: Profiles = field(default_factory=Profiles)


@dataclass(frozen=True)
class UpdateSettings:
    """Of bundles over the air: whose they must be, and how a new one is tried."""

    require_signature: tuple[Path, ...] = ()
    trial: TrialSettings = field(default_factory=TrialSettings)


@dataclass(frozen=True)
class WatchSettings:
    """The whole file. ``sinks`` and ``dashboard`` are as written; their own modules read them."""

    path: Path
    bundle: Path
    engine: EngineSettings
    cameras: tuple[CameraSettings, ...]
    baselines: Path | None
    regions: Path | None
    sinks: tuple[Mapping[str, Any], ...] = field(repr=False)
    dashboard: Mapping[str, Any] | None = field(repr=False)
    update: UpdateSettings = field(default_factory=UpdateSettings)

    @property
    def folder(self) -> Path:
        """What relative paths are relative to."""
        return self.path.parent


def load_watch_settings(path: str | Path, environment: Mapping[str, str] | None = None) -> WatchSettings:
    """Read a configuration file.

    Args:
        path: .toml, .yaml, .yml or .json.
        environment: for ``${NAME}`` in sources; the process's own where None.

    Raises:
        ConfigurationError: the file cannot be read, or a setting breaks a rule; names the file, the key and the rule.
        MachineError: a YAML file without PyYAML.
    """
    file = Path(path)
    content = read_settings(file)
    try:
        return parse_watch_settings(content, file, os.environ if environment is None else environment)
    except ConfigurationError as error:
        raise ConfigurationError(f"{file}: {error}") from None


def parse_watch_settings(content: Any, file: Path, environment: Mapping[str, str]) -> WatchSettings:
    """The settings of a mapping as the file holds it.

    Raises:
        ConfigurationError: names the key by its path.
    """
    section = Section(content, "")
    folder = file.parent
    named = section.text("bundle")
    bundle = remote_path(named) if is_remote(named) else section.file_path("bundle", folder)
    engine = _engine(section.section("engine"), folder)
    shared_gate = _policy(section.mapping("gate"), "gate", folder)
    drawn = section.optional_path("regions", folder)
    cameras = tuple(_camera(camera, folder, environment, shared_gate, drawn) for camera in _cameras(section))
    _refuse_twins(cameras)
    baselines = section.optional_path("baselines", folder)
    sinks = tuple(_sink(sink) for sink in section.sections("sinks"))
    _refuse_unheard(cameras, sinks)
    dashboard = section.optional_mapping("dashboard")
    update = _update(section.section("update"), folder)
    section.finish()
    settings = WatchSettings(
        path=file,
        bundle=bundle,
        engine=engine,
        cameras=cameras,
        baselines=baselines,
        regions=drawn,
        sinks=sinks,
        dashboard=dashboard,
        update=update,
    )
    _refuse_shared_files(settings)
    return settings


def _update(section: Section, folder: Path) -> UpdateSettings:
    trial = TrialSettings()
    settings = UpdateSettings(
        require_signature=tuple(folder / name for name in section.texts("require_signature", ())),
        trial=TrialSettings(
            seconds=section.number("trial_minutes", trial.seconds / 60, 0.01, 1440.0) * 60,
            most_failures=section.integer("trial_failures", trial.most_failures, low=1, high=10_000),
        ),
    )
    section.finish()
    return settings


def _cameras(section: Section) -> list[Section]:
    cameras = section.sections("cameras")
    if not 1 <= len(cameras) <= _MOST_CAMERAS:
        raise ConfigurationError(f"cameras has {len(cameras)} entries: give 1 to {_MOST_CAMERAS} [[cameras]]")
    return cameras


def _camera(
    section: Section, folder: Path, environment: Mapping[str, str], shared_gate: GatePolicy, drawn: Path | None
) -> CameraSettings:
    name = section.text("name")
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{section.path_of('name')} is {shown_address(name)[:80]!r}: give up to 64 letters, digits, '-', '_' or "
            "'.', for files and metrics are named after it"
        )
    source = _expanded(section.text("source"), section.path_of("source"), environment)
    try:
        shown = parse_uri(source, folder).shown
        finite = is_finite(source, folder)
    except ConfigurationError as error:
        raise ConfigurationError(f"{section.path_of('source')}: {error}") from None
    own_gate = section.mapping("gate")
    regions = regions_of(section)
    if drawn is not None and (kept := read_regions(drawn / f"{name}.json")) is not None:
        regions = kept
    policy = _policy(own_gate, section.path_of("gate"), folder) if own_gate else shared_gate
    settings = CameraSettings(
        name=name,
        source=source,
        shown=shown,
        options=section.mapping("options"),
        options_path=section.path_of("options"),
        line=_line(section, finite),
        connection=_connection(section),
        policy=policy,
        depth_every=section.integer("depth_every", 1, low=1, high=10_000),
        regions=regions,
        profiles=parse_profiles(section, policy),
    )
    section.finish()
    return settings


def _line(section: Section, finite: bool) -> LineSettings:
    """Each frame of a file is scored; of a camera the latest, for an old frame is no use to anyone."""
    policy = Policy(section.choice("frames", "every" if finite else "latest", [item.value for item in Policy]))
    drop = Drop(section.choice("drop", "oldest", [item.value for item in Drop]))
    places = section.integer("queue", 2 if policy is Policy.EVERY else 1, low=1, high=_MOST_PLACES)
    return LineSettings(policy, drop, places)


def _connection(section: Section) -> ConnectionSettings:
    default, backoff = ConnectionSettings(), BackoffPolicy()
    first = section.number("reconnect_first_s", backoff.first_s, 0.01, 3600.0)
    longest = section.number("reconnect_longest_s", max(first, backoff.longest_s), 0.01, 86_400.0)
    if longest < first:
        raise ConfigurationError(
            f"{section.path_of('reconnect_longest_s')} is {longest:g}: "
            f"it must be at least reconnect_first_s ({first:g})"
        )
    return ConnectionSettings(
        open_timeout_s=section.number("open_timeout_s", default.open_timeout_s, 0.5, 600.0),
        stall_timeout_s=section.number("stall_timeout_s", default.stall_timeout_s, 0.5, 3600.0),
        backoff=BackoffPolicy(first_s=first, longest_s=longest),
    )


def _policy(values: dict[str, Any], path: str, folder: Path) -> GatePolicy:
    """Written here, or in a file of its own named by ``policy``."""
    section = Section(values, path)
    file = section.optional_path("policy", folder)
    if file is None:
        return parse_policy(values, path)
    section.finish()
    return load_policy(file)


def _engine(section: Section, folder: Path) -> EngineSettings:
    default = EngineSettings()
    settings = EngineSettings(
        backend=section.text("backend", default.backend),
        threads=section.optional_integer("threads", low=1, high=MOST_THREADS),
        providers=section.texts("providers", default.providers),
        spinning=section.flag("spinning", default.spinning),
        fit=section.optional_choice("fit", FITS),
        cache_folder=section.optional_path("cache_folder", folder),
        most_failures=section.integer("most_failures", default.most_failures, low=1),
        fallback=section.optional_path("fallback", folder),
        fallback_differs=section.flag("fallback_differs", default.fallback_differs),
    )
    if not settings.providers:
        raise ConfigurationError(f"{section.path_of('providers')} is empty: give at least 'cpu'")
    section.finish()
    return settings


def _sink(section: Section) -> Mapping[str, Any]:
    section.text("type")
    return section.all_values()


def _refuse_twins(cameras: tuple[CameraSettings, ...]) -> None:
    seen: dict[str, int] = {}
    for number, camera in enumerate(cameras):
        before = seen.setdefault(camera.name.casefold(), number)
        if before != number:
            raise ConfigurationError(
                f"cameras[{number}].name is {camera.name!r}, as cameras[{before}].name: give each a name of its own"
            )


def _refuse_shared_files(settings: WatchSettings) -> None:
    """Of each camera and profile a baseline and a reference view are kept, of a camera the regions too."""
    if settings.regions and settings.baselines and settings.regions.resolve() == settings.baselines.resolve():
        raise ConfigurationError(f"regions and baselines are both {settings.regions}: give each a folder of its own")
    owners: dict[str, str] = {}
    for camera in settings.cameras:
        for profile in (None, *(it.name for it in camera.profiles.each)):
            owner = f"{'' if profile is None else f'the profile {profile!r} of '}camera {camera.name!r}"
            kept = kept_name(camera.name, profile)
            for file in (kept, kept + REFERENCE):
                other = owners.setdefault(file.casefold(), owner)
                if other != owner:
                    raise ConfigurationError(
                        f"a file of {owner} is called {file!r}, as one of {other}: give one of them another name"
                    )


def _refuse_unheard(cameras: tuple[CameraSettings, ...], sinks: tuple[Mapping[str, Any], ...]) -> None:
    """Messages come by the connection of a sink."""
    if any(sink["type"] == "mqtt" for sink in sinks):
        return
    for number, camera in enumerate(cameras):
        for topic in sorted(camera.profiles.topics):
            raise ConfigurationError(
                f"cameras[{number}].profiles wait for messages on {topic!r}, and no sink is of type 'mqtt': add one, "
                "whose broker they come from"
            )


def _expanded(text: str, path: str, environment: Mapping[str, str]) -> str:
    """``${NAME}`` from the environment, percent-encoded, so that a password may hold any character."""

    def value_of(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise ConfigurationError(f"{path} needs the environment variable {match[1]}, which is not set: set it")
        return quote(os.fsencode(environment[match[1]]), safe="")

    if text.startswith("gst:"):
        if _VARIABLE.search(text):
            raise ConfigurationError(
                f"{path} is {shown_address(text)!r}: a pipeline takes no ${{NAME}}; write the value"
            )
        return text
    return _VARIABLE.sub(value_of, text)
