"""From a checked configuration to the parts of a watch loop: cameras, scorer, sinks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .baseline import Baseline
from .errors import ConfigurationError, DgiqaEdgeError
from .frame_event import Sink
from .scorer import Scorer
from .sources.options import Surroundings
from .sources.protocol import Source
from .sources.registry import create_source
from .watch import WatchedCamera
from .watch_config import CameraSettings, EngineSettings, WatchSettings


def create_scorer(bundle: Path, engine: EngineSettings) -> Scorer:
    """The scorer that all cameras share; raises as ``Scorer`` does."""
    return Scorer(
        bundle,
        threads=engine.threads,
        backend=engine.backend,
        providers=engine.providers,
        allow_spinning=engine.spinning,
    )


def camera_source(camera: CameraSettings, folder: Path) -> Source:
    """A source of this camera, not opened.

    Raises:
        ConfigurationError, MachineError: names the camera and the key.
    """
    surroundings = Surroundings(camera.connection.open_timeout_s, camera.connection.stall_timeout_s)
    try:
        return create_source(camera.source, camera.options, surroundings, folder=folder, path=camera.options_path)
    except DgiqaEdgeError as error:
        raise type(error)(f"camera {camera.name}: {error}") from None


def watched_camera(camera: CameraSettings, folder: Path, baseline: Baseline | None = None) -> WatchedCamera:
    """One camera as the watch loop takes it."""
    return WatchedCamera(
        name=camera.name,
        create=lambda: camera_source(camera, folder),
        shown=camera.shown,
        line=camera.line,
        connection=camera.connection,
        policy=camera.policy,
        baseline=baseline,
        depth_every=camera.depth_every,
    )


def create_sinks(settings: WatchSettings) -> list[Sink]:
    """All sinks of the configuration; where one cannot be made, those before it are closed again.

    Raises:
        ConfigurationError: names the entry; also where two have the same name.
        MachineError: a sink's package is missing.
    """
    sinks: list[Sink] = []
    try:
        for number, section in enumerate(settings.sinks):
            sinks.append(_create_sink(section, number, settings.folder))
            names = [sink.name for sink in sinks]
            if names.count(names[-1]) > 1:
                raise ConfigurationError(f"sinks[{number}] is called {names[-1]!r} as well: give it another name")
    except BaseException:
        for sink in sinks:
            sink.close(0.0)
        raise
    return sinks


def _create_sink(section: Mapping[str, Any], number: int, folder: Path) -> Sink:
    from .sinks.registry import create

    try:
        return create(section)
    except DgiqaEdgeError as error:
        raise type(error)(f"sinks[{number}]: {error}") from None
