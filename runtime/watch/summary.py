"""What a watch run ends with: a table for people, the whole status as JSON for programs."""

from ..ground.terminal import aligned
from .status import CameraStatus, WatchStatus

_COLUMNS = (
    "camera",
    "state",
    "captured",
    "scored",
    "skipped",
    "failed",
    "pass",
    "reject",
    "unknown",
    "reconnects",
    "p50 ms",
)


def summary_table(status: WatchStatus) -> str:
    """One line per camera and per sink, and what is still in flight or hangs, if anything."""
    lines = aligned([_COLUMNS, *(_row(camera) for camera in status.cameras)], left=2)
    for camera in status.cameras:
        if camera.in_flight or camera.hung_reads:
            lines.append(f"{camera.camera}: {camera.in_flight} frames in flight, {camera.hung_reads} reads hang")
        if camera.problem:
            lines.append(f"{camera.camera}: {camera.problem}")
    for name, sink in status.sinks.items():
        line = f"sink {name}: {sink.delivered} delivered, {sink.missed} missed, {sink.failed} failed"
        lines.append(line if sink.last_error is None else f"{line} (last: {sink.last_error})")
    return "\n".join(lines)


def _row(camera: CameraStatus) -> tuple[str, ...]:
    p50 = camera.latency.p50_ms
    return (
        camera.camera,
        camera.state.value,
        *(str(count) for count in (camera.captured, camera.scored, camera.skipped, camera.failed)),
        *(str(camera.verdicts.get(state, 0)) for state in ("pass", "reject", "unknown")),
        str(camera.reconnects),
        "-" if p50 is None else f"{p50:.1f}",
    )
