"""The watch loop: cameras -> waiting lines -> one scorer -> gates -> sinks, with every frame accounted for.

It wires the parts together and looks after them once per second; each part stands in its own module. Reading the
configuration is ``watch/assembly/config.py``'s work, showing the result ``watch/summary.py``'s.
"""

import logging
import random
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...bundle.bundle import Bundle
from ...errors import ConfigurationError, DgiqaEdgeError, EngineCompatibilityError
from ...gate.baseline import Baseline
from ...gate.policy import GatePolicy
from ...gate.profiles.profiled_gate import ProfiledGate, Profiles
from ...gate.regions import WHOLE, Regions
from ...ground.error_text import one_line
from ...machine.memory import resident_mib
from ...quality import FrameScorer
from ..event import Outcome
from ..sinks.protocol import FollowsBundle, Sink
from ..sources.protocol import Source
from ..status import CameraState, CameraStatus, RunningBundle, SinkStats, WatchStatus
from .capture import Capture, CaptureSnapshot, ConnectionSettings
from .clock import Clock, SystemClock
from .event_fan import EventFan
from .intake import CapturedFrame, Counts, Intake, LineSettings
from .judge import CameraJudge, Learned, References, ViewLearned
from .roll_call import Limits, RollCall
from .rolling import RollingRate
from .scoring_loop import ScoringLoop, ended_event
from .slot_follower import SlotFollower

log = logging.getLogger("dgiqa_edge.watch")

# By the profile that learned it, None: a camera's own settings.
Baselines = Mapping[str | None, Baseline | None]

_TICK_S = 1.0
_LOOK_S = 0.2  # how soon the end of all cameras is noticed
_SLOW_ENGINE_S = 30.0
_RATES = ("capture_fps", "scored_fps", "skipped_fps", "failed_fps")


@dataclass(frozen=True)
class WatchedCamera:
    """What the loop needs to know of one camera. ``create`` makes its source, not opened; ``shown`` describes it."""

    name: str
    create: Callable[[], Source]
    shown: str
    line: LineSettings = field(default_factory=LineSettings)
    connection: ConnectionSettings = field(default_factory=ConnectionSettings)
    policy: GatePolicy = field(default_factory=GatePolicy)
    profiles: Profiles = field(default_factory=Profiles)
    baselines: Baselines = field(default_factory=dict)
    references: References = field(default_factory=dict)
    depth_every: int = 1
    regions: Regions = WHOLE


@dataclass(frozen=True)
class Grace:
    """Seconds that parts may take to end: captures together, the scorer, each sink."""

    capture_s: float = 4.0
    scorer_s: float = 10.0
    sink_s: float = 5.0


class Watch:
    """Watches cameras until it is told to stop or none has frames left. Use it once.

    Args:
        cameras: at least one, each with a name of its own.
        scorer: loaded; stays the caller's to close.
        sinks: take every event; closed by the loop at its end.
        clock: the machine's where None.
        grace: how long parts may take to end.
        learned: called when a camera's baseline has been learned, so that it can be kept.
        view_learned: likewise, when its reference view has.
        most_engine_failures: engine failures in a row that end the loop.
        seed: of the reconnects' jitter; random where None.
        follower: where other scorers come from while it runs; it has given ``scorer``.
        baselines: each camera's, for a bundle that takes over.

    Raises:
        ConfigurationError: no camera, a name twice, or ``depth_every`` with a bundle that is not split.
    """

    def __init__(
        self,
        cameras: Sequence[WatchedCamera],
        scorer: FrameScorer,
        sinks: Iterable[Sink] = (),
        *,
        clock: Clock | None = None,
        grace: Grace | None = None,
        learned: Learned | None = None,
        view_learned: ViewLearned | None = None,
        most_engine_failures: int = 20,
        seed: int | None = None,
        follower: SlotFollower | None = None,
        baselines: Callable[[Bundle], Mapping[str, Baselines]] | None = None,
    ) -> None:
        _check(cameras)
        refuse_unfit(cameras, scorer)
        self._cameras = {camera.name: camera for camera in cameras}
        self._follower = follower
        self._baselines = baselines
        self._told: RunningBundle | None = None
        self._sinks: list[Sink] = []
        self._clock = clock or SystemClock()
        self._grace = grace or Grace()
        self._fan = EventFan()
        self._intake = Intake({camera.name: camera.line for camera in cameras})
        self._judges = {
            camera.name: CameraJudge(
                camera.name,
                ProfiledGate(camera.policy, camera.profiles, camera.baselines),
                camera.depth_every,
                self._clock,
                learned,
                camera.regions,
                camera.references,
                view_learned,
            )
            for camera in cameras
        }
        self._roll = RollCall(self._judges, self._fan.publish, self._clock)
        self._loop = ScoringLoop(
            scorer,
            self._judges,
            self._intake,
            self._roll.frame,
            self._clock,
            most_engine_failures,
            follower,
            self._taken_over,
        )
        rng = random.Random(seed)
        self._captures = {
            camera.name: Capture(
                camera.name, camera.create, self._intake, camera.connection, self._clock, rng, self._settled
            )
            for camera in cameras
        }
        self._rates_lock = threading.Lock()
        self._rates = {camera.name: {name: RollingRate() for name in _RATES} for camera in cameras}
        self._stopping = False
        self._final_sinks: Mapping[str, SinkStats] | None = None
        for sink in sinks:
            self.add_sink(sink)
        self._started_at = self._clock.wall()
        self._started = self._clock.monotonic()

    @property
    def fatal(self) -> DgiqaEdgeError | None:
        """Why the loop ended by itself before its cameras did; None where it did not."""
        return self._loop.fatal

    def run(self, stop: threading.Event, duration_s: float | None = None) -> WatchStatus:
        """Watch until ``stop`` is set, ``duration_s`` are over, no camera has frames left, or an error is fatal.

        Returns the last status, in which no frame is in flight unless the engine hangs. Sinks are closed by then.

        Raises:
            ConfigurationError, MachineError: a source cannot be made on this machine; nothing was started.
        """
        try:
            self._roll.begin()
            self._tell_bundle()
            for capture in self._captures.values():
                capture.start()
            self._loop.start()
            next_tick = self._clock.monotonic() + _TICK_S
            while not (stop.is_set() or self._is_over(duration_s)):
                self._clock.wait(stop, _LOOK_S)
                if self._clock.monotonic() >= next_tick:
                    next_tick = self._clock.monotonic() + _TICK_S
                    self.tick()
        finally:
            self._shut_down()
        return self.status()

    def tick(self) -> None:
        """What happens every second: hung reads, cameras without verdicts, rates, a slow engine."""
        now = self._clock.monotonic()
        busy_since = self._loop.busy_since
        busy_s = 0.0 if busy_since is None else now - busy_since
        if busy_s > _SLOW_ENGINE_S:
            log.warning("the engine has been busy with one frame for %.0f s", busy_s)
            if self._follower is not None and self._follower.hangs(busy_s):
                self._loop.fatal = EngineCompatibilityError(
                    f"the engine hung with one frame for {busy_s:.0f} s: its bundle was taken back, start it again"
                )
        self._tell_bundle()
        for capture in self._captures.values():
            capture.tick()
        shown = {name: capture.snapshot() for name, capture in self._captures.items()}
        counts = self._intake.counts()  # after the states: of a connection that is gone no frame comes any more
        for name in self._cameras:
            self._call(name, shown[name], counts[name], busy_s)
        with self._rates_lock:
            for name, rates in self._rates.items():
                ledger = counts[name]
                numbers = (ledger.received, ledger.scored, ledger.skipped, ledger.failed)
                for rate, number in zip(_RATES, numbers, strict=True):
                    rates[rate].sample(now, number)

    def _call(self, name: str, shown: CaptureSnapshot, ledger: Counts, busy_s: float) -> None:
        """Tell whether the camera is lost or over."""
        camera = self._cameras[name]
        if shown.state is CameraState.ENDED:
            if not ledger.waiting + ledger.in_hand:
                self._roll.end(name, shown.state, shown.problem)
            return
        limits = Limits(
            silent_s=camera.connection.stall_timeout_s + self._captures[name].interval_s,
            failing_s=camera.policy.start.score_max_age_s,
            engine_s=_SLOW_ENGINE_S,
        )
        absence = self._roll.absence(name, shown.state, shown.problem, ledger, busy_s, limits)
        if absence is not None:
            self._roll.lose(name, absence)

    def _taken_over(self, scorer: FrameScorer) -> None:
        """Gates begin anew with another bundle, frozen ones as such; by the scoring thread, between frames."""
        known = {} if self._baselines is None else self._baselines(scorer.bundle)
        for name, judge in self._judges.items():
            camera = self._cameras[name]
            judge.restart(ProfiledGate(camera.policy, camera.profiles, known.get(name)))
        self._roll.begin_again()

    def _running(self) -> RunningBundle:
        if self._follower is not None:
            return self._follower.status()
        bundle = self._loop.scorer.bundle
        return RunningBundle(bundle.sha256, bundle.manifest.created)

    def _tell_bundle(self) -> None:
        """Tell the sinks that show it which bundle runs, and each change."""
        running = self._running()
        if running != self._told:
            self._told = running
            for sink in self._sinks:
                if isinstance(sink, FollowsBundle):
                    sink.follow_bundle(running)

    def status(self) -> WatchStatus:
        """A snapshot; the counts of all cameras are of one moment. From any thread."""
        counts = self._intake.counts()
        scorer = self._loop.scorer
        manifest = scorer.bundle.manifest
        return WatchStatus(
            started_at=self._started_at,
            uptime_s=self._clock.monotonic() - self._started,
            stopping=self._stopping,
            memory_mib=resident_mib(),
            bundle=str(scorer.bundle.path),
            preset=manifest.preset,
            precision=manifest.precision.name,
            engines=tuple(scorer.describe()),
            cameras=tuple(self._camera_status(name, counts[name]) for name in self._cameras),
            sinks=self._final_sinks or {sink.name: sink.stats() for sink in self._sinks},
            running=self._running(),
        )

    def regions(self, camera: str) -> Regions:
        """What of the camera's frames counts now. From any thread.

        Raises:
            KeyError: there is no such camera.
        """
        return self._judges[camera].regions

    def set_regions(self, camera: str, regions: Regions) -> None:
        """Let these count from the next frame on; change is measured anew. From any thread.

        Raises:
            KeyError: there is no such camera.
        """
        self._judges[camera].regions = regions

    def tell(self, topic: str, payload: str) -> None:
        """A message has come that may choose a profile of some cameras. From any thread."""
        for judge in self._judges.values():
            judge.tell(topic, payload)

    @property
    def topics(self) -> frozenset[str]:
        """Those whose messages choose profiles."""
        return frozenset(topic for camera in self._cameras.values() for topic in camera.profiles.topics)

    def add_sink(self, sink: Sink) -> None:
        """One more sink, before ``run``: for those that need the loop's own status, such as the dashboard."""
        self._sinks.append(sink)
        self._fan.add(sink)

    def _camera_status(self, name: str, ledger: Counts) -> CameraStatus:
        camera = self._cameras[name]
        connection = self._captures[name].snapshot()
        judged = self._judges[name].snapshot()
        with self._rates_lock:
            rates: dict[str, Any] = {key: rate.per_second for key, rate in self._rates[name].items()}
        return CameraStatus(
            camera=name,
            source=camera.shown,
            captured=ledger.captured,
            scored=ledger.scored,
            skipped=ledger.skipped,
            failed=ledger.failed,
            in_flight=ledger.waiting + ledger.in_hand,
            lost=self._roll.is_lost(name),
            depth_every=camera.depth_every,
            **rates,
            **vars(connection),
            **vars(judged),
        )

    def _settled(self, frame: CapturedFrame, outcome: Outcome) -> None:
        self._roll.frame(ended_event(frame, outcome))

    def _is_over(self, duration_s: float | None) -> bool:
        if self._loop.fatal is not None:
            return True
        if duration_s is not None and self._clock.monotonic() - self._started >= duration_s:
            return True
        return all(capture.is_finished and self._intake.is_empty(name) for name, capture in self._captures.items())

    def _shut_down(self) -> None:
        """Captures first, so that nothing arrives behind the last count; then what waits, the scorer, the sinks."""
        self._stopping = True
        for capture in self._captures.values():
            capture.request_stop()
        deadline = self._clock.monotonic() + self._grace.capture_s
        for capture in self._captures.values():
            capture.stop(max(0.1, deadline - self._clock.monotonic()))
        for frame in self._intake.close():
            self._settled(frame, Outcome.SKIPPED)
        if not self._loop.stop(self._grace.scorer_s):
            log.error("the engine did not return within %g s: its frame stays in flight", self._grace.scorer_s)
        fatal = None if self._loop.fatal is None else one_line(self._loop.fatal)
        for name, capture in self._captures.items():
            shown = capture.snapshot()
            self._roll.end(name, shown.state, fatal or shown.problem)
        self._final_sinks = {sink.name: self._closed(sink) for sink in self._sinks}

    def _closed(self, sink: Sink) -> SinkStats:
        try:
            return sink.close(self._grace.sink_s)
        except Exception:  # the other sinks still have something to deliver
            log.exception("sink %s raised while closing", sink.name)
            return sink.stats()


def _check(cameras: Sequence[WatchedCamera]) -> None:
    if not cameras:
        raise ConfigurationError("there is no camera to watch: give at least one")
    names = [camera.name for camera in cameras]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"two cameras are called {name!r}: give each a name of its own")


def refuse_unfit(cameras: Iterable[Any], scorer: FrameScorer) -> None:
    """Refuse a bundle that cannot do what a camera wants.

    Raises:
        ConfigurationError: ``depth_every`` of one of the cameras wants the split layout.
    """
    for camera in cameras:
        if camera.depth_every > 1 and not scorer.takes_depth:
            raise ConfigurationError(
                f"camera {camera.name!r} has depth_every = {camera.depth_every}, but {scorer.bundle.path} is not "
                "of the split layout: build it with --layout split, or leave depth_every out"
            )
