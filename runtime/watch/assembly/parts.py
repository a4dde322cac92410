"""From a checked configuration to the parts of a watch loop: cameras, sinks, dashboard."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError, DgiqaEdgeError
from ...gate.regions import Regions, write_regions
from ...settings.credentials import shown_address
from ..frame_judge import References
from ..loop.watch import Baselines, Watch, WatchedCamera
from ..sinks.protocol import Sink
from ..sources.protocol import Source, Surroundings
from ..sources.registry import create_source
from .config import CameraSettings, WatchSettings

if TYPE_CHECKING:
    from ..sinks.registry import SinkPlan

log = logging.getLogger("dgiqa_edge.watch")


def camera_source(camera: CameraSettings, folder: Path, frame_size: tuple[int, int] | None = None) -> Source:
    """A source of this camera, not opened.

    Args:
        folder: what relative paths are relative to.
        frame_size: width and height at which its frames are scored, where that is known.

    Raises:
        ConfigurationError, MachineError: names the camera and the key.
    """
    surroundings = Surroundings(camera.connection.open_timeout_s, camera.connection.stall_timeout_s, frame_size)
    try:
        return create_source(camera.source, camera.options, surroundings, folder=folder, path=camera.options_path)
    except DgiqaEdgeError as error:
        raise type(error)(f"camera {camera.name}: {error}") from None


def watched_camera(
    camera: CameraSettings,
    folder: Path,
    baselines: Baselines | None = None,
    references: References | None = None,
    frame_size: Callable[[], tuple[int, int]] | None = None,
) -> WatchedCamera:
    """One camera as the watch loop takes it; as ``camera_source``, the size being asked for with each connection."""
    return WatchedCamera(
        name=camera.name,
        create=lambda: camera_source(camera, folder, None if frame_size is None else frame_size()),
        shown=camera.shown,
        line=camera.line,
        connection=camera.connection,
        policy=camera.policy,
        profiles=camera.profiles,
        baselines=baselines or {},
        references=references or {},
        depth_every=camera.depth_every,
        regions=camera.regions,
    )


def plan_sinks(settings: WatchSettings) -> "list[SinkPlan]":
    """All sinks of the configuration, checked and not opened.

    Raises:
        ConfigurationError: names the entry; also where two have the same name.
    """
    from ..sinks.registry import plan

    plans: list[SinkPlan] = []
    for number, section in enumerate(settings.sinks):
        where = f"sinks[{number}]"
        _refuse_unknown_cameras(section, where, settings)
        plans.append(plan(section, where, folder=settings.folder))
        if any(earlier.name == plans[-1].name for earlier in plans[:-1]):
            raise ConfigurationError(f"{where} is called {plans[-1].name!r} as one before: give it a 'name' of its own")
    return plans


def _refuse_unknown_cameras(section: Mapping[str, Any], where: str, settings: WatchSettings) -> None:
    """A sink for a camera that there is none of would wait for it in silence."""
    known = [camera.name for camera in settings.cameras]
    listed = section.get("cameras")
    for name in [*(listed if isinstance(listed, list) else ()), section.get("camera")]:
        if isinstance(name, str) and name not in known:
            raise ConfigurationError(f"{where} names the camera {shown_address(name)!r}: known are {', '.join(known)}")


def plan_dashboard(settings: WatchSettings, listen: str | None) -> "SinkPlan | None":
    """The dashboard, which is a sink, not serving yet; None where neither configuration nor command line wants one.

    Args:
        listen: the command line's address, in place of the configuration's.

    Raises:
        ConfigurationError: no address, or one that others can reach without a token.
    """
    if listen is None and settings.dashboard is None:
        return None
    from ...ground.extra_packages import watch_package
    from ..dashboard.settings import dashboard_settings
    from ..sinks.reach import free_address
    from ..sinks.registry import SinkPlan

    section = dict(settings.dashboard or {})
    if listen is not None:
        section["listen"] = listen
    where = "--dashboard" if settings.dashboard is None else "dashboard"
    planned = dashboard_settings(section, where, folder=settings.folder)

    def open_dashboard() -> Sink:
        from ..dashboard.dashboard import Dashboard

        dashboard = Dashboard(planned)
        log.info("dashboard at %s", dashboard.url)
        return dashboard

    def reach(_: float) -> str:
        for package in ("starlette", "uvicorn"):
            watch_package(package, "the dashboard")
        return free_address(planned.listen)

    return SinkPlan("dashboard", open_dashboard, reach)


def open_sinks(plans: "Sequence[SinkPlan]") -> list[Sink]:
    """Sinks at work; where one cannot be opened, those before it are closed again.

    Raises:
        MachineError: a sink's package is missing.
        SinkError: its file, folder or port cannot be had.
    """
    sinks: list[Sink] = []
    try:
        for plan in plans:
            sinks.append(plan.open())
    except BaseException:
        for sink in sinks:
            sink.close(0.0)
        raise
    return sinks


def attach(watch: Watch, sinks: Sequence[Sink], regions: Path | None = None) -> None:
    """Give the watch loop its sinks, and those that show its status or change regions the means to.

    Args:
        regions: the folder that keeps what is drawn, a file per camera; None: nothing can be drawn to stay.
    """
    from ..sinks.registry import BringsMessages, FollowsStatus, RegionMeans, SetsRegions

    def keep(camera: str, drawn: Regions) -> None:
        watch.regions(camera)  # refuses a name that would lead out of the folder, for no camera is called so
        if regions is not None:
            write_regions(regions / f"{camera}.json", drawn)
        watch.set_regions(camera, drawn)

    brings = [sink for sink in sinks if isinstance(sink, BringsMessages)]
    for one in brings[:1]:
        one.bring(watch.topics, watch.tell)
    for sink in sinks:
        if isinstance(sink, SetsRegions):
            sink.follow_regions(RegionMeans(watch.regions, keep, regions is not None))
        if isinstance(sink, FollowsStatus):
            sink.follow(watch.status)
        watch.add_sink(sink)
