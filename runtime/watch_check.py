"""``watch --check``: what would keep a configuration from working on this machine, before it is left alone with it.

A camera that does not answer now is told, but is no fault: the watch loop waits for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .bundle import load_bundle
from .camera_probe import probe
from .errors import ConfigurationError, DgiqaEdgeError
from .watch_assembly import camera_source, plan_dashboard, plan_sinks
from .watch_config import CameraSettings, WatchSettings


@dataclass(frozen=True)
class Finding:
    """``error``: it will not work; without one ``note`` says what was found."""

    subject: str
    note: str
    error: DgiqaEdgeError | None = None


def check(settings: WatchSettings, listen: str | None = None) -> Iterator[Finding]:
    """Look at bundle, cameras, sinks, and dashboard, in this order; a finding for each.

    Args:
        listen: the dashboard's address from the command line.
    """
    yield _check_bundle(settings)
    for camera in settings.cameras:
        yield _check_camera(camera, settings)
    if settings.sinks:
        yield _check_sinks(settings)
    if listen is not None or settings.dashboard is not None:
        yield _check_dashboard(settings, listen)


def _check_bundle(settings: WatchSettings) -> Finding:
    try:
        manifest = load_bundle(settings.bundle).manifest
    except DgiqaEdgeError as error:
        return Finding("bundle", "", error)
    size = f"{manifest.frame.width}x{manifest.frame.height}"
    split = [camera.name for camera in settings.cameras if camera.depth_every > 1]
    if split and manifest.layout != "split":
        problem = f"{settings.bundle} is {manifest.layout}, depth_every of {split[0]} needs --layout split"
        return Finding("bundle", "", ConfigurationError(problem))
    return Finding("bundle", f"{settings.bundle}: {manifest.preset}, {manifest.precision.name}, {size}")


def _check_camera(camera: CameraSettings, settings: WatchSettings) -> Finding:
    subject = f"camera {camera.name}"
    try:
        source = camera_source(camera, settings.folder)
    except DgiqaEdgeError as error:
        return Finding(subject, "", error)
    answer = probe(source, camera.connection.open_timeout_s + camera.connection.stall_timeout_s)
    if answer.error is not None and not source.live:
        return Finding(subject, "", answer.error)
    if answer.size is None:
        return Finding(subject, f"{camera.shown}: no frame now ({answer.problem}); watch would keep trying")
    return Finding(subject, f"{camera.shown}: {answer.size[0]}x{answer.size[1]}")


def _check_sinks(settings: WatchSettings) -> Finding:
    try:
        plans = plan_sinks(settings)
    except DgiqaEdgeError as error:
        return Finding("sinks", "", error)
    return Finding("sinks", ", ".join(plan.name for plan in plans))


def _check_dashboard(settings: WatchSettings, listen: str | None) -> Finding:
    try:
        planned = plan_dashboard(settings, listen)
    except DgiqaEdgeError as error:
        return Finding("dashboard", "", error)
    return Finding("dashboard", "" if planned is None else planned.type)
