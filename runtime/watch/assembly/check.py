"""``watch --check``: what is configured, what of it is reached now, and what would keep it from working here.

Everything is tried at once, each try within its own time limit. A camera, broker or server that does not answer now is
no fault of the configuration, for the watch loop goes on trying; it is told from one that answers all the same.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...errors import ConfigurationError, DgiqaEdgeError, RemoteError, SinkError
from ...quality import FrameScorer
from ..sinks.reach import writable_folder
from ..sources.decoding.gst_launch import refuse_missing_elements
from ..sources.uri import parse_uri
from .config import CameraSettings, WatchSettings
from .parts import camera_source, plan_dashboard, plan_sinks
from .probe import probe

OpenScorer = Callable[[WatchSettings], AbstractContextManager[FrameScorer]]

_LONGEST_S = 20.0  # for a camera or a sink: no one waits half a minute for each of a dozen
_SINK_S = 10.0
_ENGINE_S = 600.0  # an engine may be loaded for minutes where its cache is cold
_MARGIN_S = 3.0  # a try's own limit comes first


@dataclass(frozen=True)
class Finding:
    """``error``: it will not work. Else ``note`` says what was found, and ``reached`` whether it answered just now."""

    subject: str
    note: str
    error: DgiqaEdgeError | None = None
    reached: bool = True


class _Try:
    """One try in a thread of its own, begun at once."""

    def __init__(self, subject: str, limit_s: float, look: Callable[[], Finding]) -> None:
        self._subject = subject
        self._limit_s = limit_s
        self._look = look
        self._found: Finding | None = None
        self._thread = threading.Thread(target=self._run, name="check", daemon=True)
        self._thread.start()

    def finding(self) -> Finding:
        self._thread.join(self._limit_s + _MARGIN_S)
        return self._found or Finding(self._subject, f"no answer within {self._limit_s:g} s", reached=False)

    def _run(self) -> None:
        try:
            self._found = self._look()
        except DgiqaEdgeError as error:
            self._found = Finding(self._subject, "", error)
        except Exception as error:  # one broken driver must not hide what the others say
            problem = ConfigurationError(f"internal error while looking: {type(error).__name__}: {error}")
            self._found = Finding(self._subject, "", problem)


def check(settings: WatchSettings, open_scorer: OpenScorer, listen: str | None = None) -> Iterator[Finding]:
    """Look at bundle and engine, cameras, baselines, regions, sinks, and dashboard; a finding for each, in this order.

    Args:
        open_scorer: opens the scorer that the cameras would share.
        listen: the dashboard's address from the command line.
    """
    tries = [_Try("bundle", _ENGINE_S, lambda: _bundle(settings, open_scorer))]
    tries += [_camera(camera, settings) for camera in settings.cameras]
    for name, folder in (("baselines", settings.baselines), ("regions", settings.regions)):
        if folder is not None:
            tries.append(_Try(name, _SINK_S, partial(_folder, name, folder)))
    tries += [*_sinks(settings), *_dashboard(settings, listen)]
    for one in tries:
        yield one.finding()


def _folder(name: str, folder: Path) -> Finding:
    return Finding(name, writable_folder(folder))


def _bundle(settings: WatchSettings, open_scorer: OpenScorer) -> Finding:
    try:
        opened = open_scorer(settings)
    except RemoteError as error:
        return Finding("bundle", str(error), reached=False)
    with opened as scorer:
        manifest = scorer.bundle.manifest
        engines = scorer.describe()
        backends = ", ".join(dict.fromkeys(engine["backend"] for engine in engines))
    reached = all(engine.get("answers", True) for engine in engines)
    size = f"{manifest.frame.width}x{manifest.frame.height}"
    split = [camera.name for camera in settings.cameras if camera.depth_every > 1]
    if split and manifest.layout != "split":
        problem = f"{settings.bundle} is {manifest.layout}, depth_every of {split[0]} needs --layout split"
        raise ConfigurationError(problem)
    where = f"{settings.bundle}: {manifest.preset}, {manifest.precision.name}, {size}, {backends}"
    return Finding("bundle", where, reached=reached)


def _camera(camera: CameraSettings, settings: WatchSettings) -> _Try:
    subject = f"camera {camera.name}"
    limit_s = min(_LONGEST_S, camera.connection.open_timeout_s + camera.connection.stall_timeout_s)

    def look() -> Finding:
        source = camera_source(camera, settings.folder)
        uri = parse_uri(camera.source, settings.folder)
        if uri.scheme == "gst":  # watch would take it for a camera that is away
            refuse_missing_elements(uri.address)
        answer = probe(source, limit_s)
        if answer.error is not None and (not source.live or not answer.may_come_back):
            raise answer.error
        if answer.size is None:
            why = answer.problem.removeprefix(f"{camera.shown} ")
            return Finding(subject, f"{camera.shown}: no frame now ({why})", reached=False)
        return Finding(subject, f"{camera.shown}: {answer.size[0]}x{answer.size[1]}")

    return _Try(subject, limit_s, look)


def _sinks(settings: WatchSettings) -> list[_Try]:
    try:
        plans = plan_sinks(settings)
    except DgiqaEdgeError as error:
        return [_told("sinks", error)]
    return [_reached(f"sink {plan.name}", plan.reach) for plan in plans]


def _dashboard(settings: WatchSettings, listen: str | None) -> list[_Try]:
    try:
        planned = plan_dashboard(settings, listen)
    except DgiqaEdgeError as error:
        return [_told("dashboard", error)]
    return [] if planned is None else [_reached("dashboard", planned.reach)]


def _reached(subject: str, reach: Callable[[float], str]) -> _Try:
    def look() -> Finding:
        try:
            return Finding(subject, reach(_SINK_S))
        except SinkError as error:
            return Finding(subject, str(error), reached=False)

    return _Try(subject, _SINK_S, look)


def _told(subject: str, error: DgiqaEdgeError) -> _Try:
    return _Try(subject, _SINK_S, lambda: Finding(subject, "", error))
