"""What the watch loop says about itself: one consistent snapshot for the summary, metrics and dashboard.

Data only, no lock and no clock; ``watch/loop/watch.py`` fills it in. Nothing here holds a credential: its texts go
through ``settings/credentials.py``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from ..gate.verdict import Verdict
from ..settings.credentials import masked


@dataclass(frozen=True)
class SinkStats:
    """Every event that ``put`` accepted or refused is in exactly one of these, once the queue is empty."""

    offered: int
    delivered: int
    ignored: int
    missed: int
    failed: int
    last_error: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "last_error", self.last_error and masked(self.last_error))


class CameraState(str, Enum):
    """``connecting`` until the first frame, ``retrying`` between attempts, ``ended`` where a file has no more frames.

    ``stalled``: open, but no frame for longer than its stall timeout. ``failed``: given up, see ``problem``.
    """

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"
    RETRYING = "retrying"
    ENDED = "ended"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Percentiles:
    """Of the last ``count`` frames, in milliseconds; all ``None`` before the first."""

    count: int = 0
    p50_ms: float | None = None
    p90_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None


@dataclass(frozen=True)
class CameraStatus:
    """One camera.

    Attributes:
        camera: its name in the configuration.
        source: its URI without credentials.
        state: of the connection.
        problem: the last error of the connection in one line, ``None`` while it is live.
        captured: frames whose outcome is settled; always ``scored + skipped + failed``.
        in_flight: frames read but not settled yet: waiting for the scorer, or in its hands.
        reconnects: connections after the first one that gave a frame.
        stalls: times the stall timeout ran out.
        size_changes: times a frame had another size than the one before.
        abandoned_reads: reads that hung and were left behind; ``hung_reads`` of them hang still.
        capture_fps, scored_fps, skipped_fps, failed_fps: over the last ten seconds.
        latency: from capture to verdict.
        stages: the parts of it by name: ``queue`` (waiting for the scorer), ``score``, ``gate``, ``publish``.
        verdict: the gate's last one, ``None`` before the first.
        verdict_at: wall clock since when the verdict's state holds, seconds since the epoch.
        lost: gives no verdicts any more; never lost and ``pass`` at once.
        verdicts: number of frames per state: ``pass``, ``reject``, ``unknown``.
        reasons: number of frames per verdict reason.
        thresholds: the gate's by name, as they are now (a baseline may move them).
        profile: name of the profile in force, of ``profiles``; None and none for a camera without any.
        frame_size: width, height of the last frame; ``None`` before the first.
        last_frame_at: wall clock of the last frame read, seconds since the epoch.
        depth_every: depth is refreshed every so many frames.
    """

    camera: str
    source: str
    state: CameraState
    problem: str | None = None
    captured: int = 0
    scored: int = 0
    skipped: int = 0
    failed: int = 0
    in_flight: int = 0
    reconnects: int = 0
    stalls: int = 0
    size_changes: int = 0
    abandoned_reads: int = 0
    hung_reads: int = 0
    capture_fps: float = 0.0
    scored_fps: float = 0.0
    skipped_fps: float = 0.0
    failed_fps: float = 0.0
    latency: Percentiles = field(default_factory=Percentiles)
    stages: Mapping[str, Percentiles] = field(default_factory=dict)
    verdict: Verdict | None = None
    verdict_at: float | None = None
    lost: bool = False
    verdicts: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    profile: str | None = None
    profiles: tuple[str, ...] = ()
    frame_size: tuple[int, int] | None = None
    last_frame_at: float | None = None
    depth_every: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", masked(self.source))
        object.__setattr__(self, "problem", self.problem and masked(self.problem))
        settled = self.scored + self.skipped + self.failed
        if self.captured != settled:
            raise AssertionError(
                f"{self.camera}: {self.captured} captured, but {self.scored} scored + {self.skipped} skipped + "
                f"{self.failed} failed = {settled}"
            )


@dataclass(frozen=True)
class RunningBundle:
    """The bundle that scores.

    Attributes:
        sha256: of its ``bundle.json``, which names all of it.
        version: when it was built (UTC), as its manifest says.
        on_trial: it is new, and the one before would take its place again.
        rollbacks: bundles taken back since the start.
        failed, reason: the last bundle that was taken back or refused here, also by an earlier process, and why.
    """

    sha256: str = ""
    version: str = ""
    on_trial: bool = False
    rollbacks: int = 0
    failed: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class WatchStatus:
    """All cameras and sinks of one process.

    Attributes:
        started_at: wall clock, seconds since the epoch.
        uptime_s: since then, on the monotonic clock.
        stopping: a stop was asked for; no new frames are taken.
        memory_mib: resident memory of the process, ``None`` where the system does not tell.
        bundle: path of the bundle; ``preset`` and ``precision`` as its manifest names them.
        engines: as ``Scorer.describe`` gives them.
        sinks: by name.
        running: which bundle that is.
    """

    started_at: float
    uptime_s: float
    stopping: bool
    memory_mib: float | None
    bundle: str
    preset: str
    precision: str
    engines: tuple[Mapping[str, Any], ...]
    cameras: tuple[CameraStatus, ...]
    sinks: Mapping[str, SinkStats]
    running: RunningBundle = field(default_factory=RunningBundle)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; enums as their values, percentiles and verdicts as nested objects."""
        document = asdict(self)
        for camera in document["cameras"]:
            camera["state"] = CameraState(camera["state"]).value
            if camera["verdict"] is not None:
                camera["verdict"]["state"] = camera["verdict"]["state"].value
        return document
