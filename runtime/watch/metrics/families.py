"""The Prometheus metrics that a status snapshot holds: names, help, labels. ``prometheus.py`` serves them.

A reason or a fault as a label is its slug of ``gate/vocabulary.py``, without blanks.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from ...gate.verdict import State
from ...gate.vocabulary import slug
from ...ground.extra_packages import watch_package
from ...version import VERSION
from ..fault_states import fault_states
from ..status import CameraState, CameraStatus, Percentiles, WatchStatus

PREFIX = "dgiqa_edge"

# metric, help, field of CameraStatus
_CAMERA_COUNTERS = (
    ("captured_frames", "Frames captured; always scored + skipped + failed.", "captured"),
    ("scored_frames", "Frames that got a verdict.", "scored"),
    ("skipped_frames", "Frames that a newer one replaced before they were scored.", "skipped"),
    ("failed_frames", "Frames that could not be decoded or scored.", "failed"),
    ("reconnects", "Connections after the first.", "reconnects"),
    ("stalls", "Times that the stall timeout ran out.", "stalls"),
    ("frame_size_changes", "Times that the frame size changed.", "size_changes"),
    ("abandoned_reads", "Reads that hung and were left behind.", "abandoned_reads"),
)
_CAMERA_GAUGES = (
    ("in_flight_frames", "Frames read but not settled yet.", "in_flight"),
    ("capture_frames_per_second", "Frames captured, over the last seconds.", "capture_fps"),
    ("scored_frames_per_second", "Frames scored, over the last seconds.", "scored_fps"),
    ("lost", "1 while nothing of the camera is scored, whatever the reason.", "lost"),
    ("last_frame_timestamp_seconds", "When the last frame was read.", "last_frame_at"),
)
_SINK_COUNTERS = (
    ("offered", "Events put into the sink."),
    ("delivered", "Events that reached their destination."),
    ("ignored", "Events that the sink's filter leaves out."),
    ("missed", "Events dropped because the sink was too slow, dead, or closed."),
    ("failed", "Events that the destination refused, or that all attempts failed for."),
)

Values = Iterable[tuple[tuple[str, ...], float | None]]


def status_families(status: WatchStatus) -> Iterator[Any]:
    """The snapshot as ``prometheus_client`` metric families; what has no value yet has no sample."""
    yield from _process_families(status)
    yield from _camera_families(status.cameras)
    for camera_labels, name, text, values in _labelled_gauges(status.cameras):
        yield _gauge(name, text, camera_labels, values)
    for kind, text in _SINK_COUNTERS:
        yield _counter(
            f"sink_{kind}_events", text, ("sink",), (((name,), getattr(it, kind)) for name, it in status.sinks.items())
        )


def _process_families(status: WatchStatus) -> Iterator[Any]:
    build = (VERSION, status.preset, status.precision)
    yield _gauge("build_info", "Always 1.", ("version", "preset", "precision"), [(build, 1)])
    running = status.running
    bundle = [((running.sha256, running.version), 1)]
    yield _gauge("bundle_info", "Always 1; the bundle that scores.", ("hash", "version"), bundle)
    yield _gauge("bundle_on_trial", "1 while it is new, and the one before may return.", (), [((), running.on_trial)])
    yield _counter("bundle_rollbacks", "Bundles that were taken back.", (), [((), running.rollbacks)])
    yield _gauge("uptime_seconds", "Since the watch started.", (), [((), status.uptime_s)])
    memory = None if status.memory_mib is None else status.memory_mib * 2**20
    yield _gauge("memory_bytes", "Resident memory of the process.", (), [((), memory)])
    servers = (((engine["device"],), engine["answers"]) for engine in status.engines if "answers" in engine)
    yield _gauge("server_answers", "1 while the server of a remote engine answers.", ("server",), servers)
    here = [((), engine["scored_here"]) for engine in status.engines if "scored_here" in engine][:1]
    yield _counter("fallback_frames", "Frames scored here because the server did not answer.", (), here)


def _camera_families(cameras: tuple[CameraStatus, ...]) -> Iterator[Any]:
    for name, text, field in _CAMERA_COUNTERS:
        yield _counter(name, text, ("camera",), (((it.camera,), getattr(it, field)) for it in cameras))
    for name, text, field in _CAMERA_GAUGES:
        yield _gauge(name, text, ("camera",), (((it.camera,), getattr(it, field)) for it in cameras))
    states = (((it.camera, state), count) for it in cameras for state, count in it.verdicts.items())
    yield _counter("verdicts", "Scored frames by the state after them.", ("camera", "state"), states)
    reasons = (((it.camera, slug(reason)), count) for it in cameras for reason, count in it.reasons.items())
    yield _counter("verdict_reasons", "Scored frames by the reason.", ("camera", "reason"), reasons)


def _labelled_gauges(cameras: tuple[CameraStatus, ...]) -> Iterator[tuple[tuple[str, ...], str, str, Values]]:
    verdicts = [(it.camera, it.verdict) for it in cameras if it.verdict is not None]
    yield ("camera",), "score", "Of the last scored frame.", (((name,), verdict.score) for name, verdict in verdicts)
    smoothed = (((name,), verdict.smoothed) for name, verdict in verdicts)
    yield ("camera",), "smoothed_score", "What the gate compares with its thresholds.", smoothed
    connection = (((it.camera, state.value), it.state is state) for it in cameras for state in CameraState)
    yield ("camera", "state"), "source_state", "1 for the state that the connection is in.", connection
    gate = (((it.camera, state.value), _state_of(it) is state) for it in cameras for state in State)
    yield ("camera", "state"), "verdict_state", "1 for the state that the gate is in.", gate
    faults = (
        ((name, slug(fault)), there)
        for name, verdict, lost in ((it.camera, it.verdict, it.lost) for it in cameras)
        if verdict is not None
        for fault, there in fault_states(verdict, scored=not lost).items()
    )
    yield ("camera", "fault"), "fault", "1 while the camera has the fault; no sample where nobody can tell.", faults
    profiles = (((name, verdict.profile), 1.0) for name, verdict in verdicts if verdict.profile is not None)
    yield ("camera", "profile"), "profile_info", "Always 1; the profile in force, where the camera has some.", profiles
    limits = (((it.camera, name), value) for it in cameras for name, value in it.thresholds.items())
    yield ("camera", "threshold"), "threshold", "The gate's thresholds in force.", limits
    latencies = (
        ((it.camera, stage, quantile), value)
        for it in cameras
        for stage, percentiles in {"total": it.latency, **it.stages}.items()
        for quantile, value in _quantiles(percentiles)
    )
    yield ("camera", "stage", "quantile"), "recent_latency_seconds", "Of the last frames, by stage.", latencies


def _counter(name: str, text: str, labels: tuple[str, ...], values: Values) -> Any:
    return _filled(watch_package("prometheus_client.core", "metrics").CounterMetricFamily, name, text, labels, values)


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Values) -> Any:
    return _filled(watch_package("prometheus_client.core", "metrics").GaugeMetricFamily, name, text, labels, values)


def _filled(kind: Any, name: str, text: str, labels: tuple[str, ...], values: Values) -> Any:
    family = kind(f"{PREFIX}_{name}", text, labels=labels)
    for label_values, value in values:
        if value is not None:
            family.add_metric(label_values, float(value))
    return family


def _state_of(camera: CameraStatus) -> State:
    return State.UNKNOWN if camera.verdict is None else camera.verdict.state


def _quantiles(percentiles: Percentiles) -> Iterator[tuple[str, float | None]]:
    for quantile, value_ms in (("0.5", percentiles.p50_ms), ("0.9", percentiles.p90_ms), ("0.99", percentiles.p99_ms)):
        yield quantile, None if value_ms is None else value_ms / 1e3
