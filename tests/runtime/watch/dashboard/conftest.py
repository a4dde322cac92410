"""A feeder that plays the watch loop's part: events of two cameras and a status whose counters agree with them."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.gate.reading import Cues
from dgiqa_edge.runtime.gate.verdict import RunnerUp, State, Verdict
from dgiqa_edge.runtime.settings.listen_address import ListenAddress
from dgiqa_edge.runtime.watch.dashboard import Dashboard, DashboardSettings
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome, Presence
from dgiqa_edge.runtime.watch.status import CameraState, CameraStatus, Percentiles, SinkStats, WatchStatus

PHOTO = next(SHIPPED_PHOTOS.glob("*.jpg"))
PATIENCE_MS = 60_000  # a shared machine may be slow; nothing here measures time
THRESHOLDS = {
    "score.reject": 0.4,
    "score.accept": 0.5,
    "luminance.reject": 40.0,
    "luminance.accept": 60.0,
    "noise.reject": 5.0,
    "noise.accept": 4.0,
}
WHERE = ((0.0, 0.9, 0.0, 0.0), (0.0, 0.7, 0.3, 0.0), (0.0, 0.0, 0.0, 0.0))

SINKS = {
    "events": SinkStats(offered=500, delivered=500, ignored=0, missed=0, failed=0),
    "broker": SinkStats(offered=500, delivered=310, ignored=0, missed=180, failed=10, last_error="no connection"),
}


class Feeder:
    """Each ``step`` gives every camera one frame; every eighth is skipped, every fiftieth fails, 20 in 60 reject.

    ``rejects``: the cameras that do so always, and no others.
    """

    def __init__(self, cameras: tuple[str, ...] = ("front", "rear"), size: tuple[int, int] = (640, 360)) -> None:
        photo = cv2.imread(str(PHOTO))
        assert photo is not None
        self._clean = np.asarray(cv2.resize(photo, size), np.uint8)
        self._dark = (self._clean * 0.15).astype(np.uint8)
        self._depth = np.asarray(cv2.resize(self._clean[:, :, 1], (size[0] // 2, size[1] // 2)), np.uint8)
        self._size = size
        self._lock = threading.Lock()
        self._index = 0
        self._counts = {camera: Counter() for camera in cameras}
        self._verdicts: dict[str, Verdict] = {}
        self.started_at = time.time()
        self.problem: str | None = None
        self.ended = False
        self.rejects: set[str] | None = None
        self._lost: dict[str, float] = {}

    def lose(self, put: Callable[[FrameEvent], None], camera: str, away_s: float, presence: str = "lost") -> None:
        """The camera is lost; its last frame was so long before. ``step`` gives it no more frames."""
        reason = "no signal" if presence == "lost" else presence
        verdict = Verdict(State.UNKNOWN, reason, changed=True, announced=True)
        self.ended = presence == "ended"
        with self._lock:
            self._lost[camera] = time.time() - away_s
            self._verdicts[camera] = verdict
        put(
            FrameEvent(
                camera,
                None,
                time.time(),
                Presence(presence),
                verdict,
                error="no answer from the camera",
                source_state="retrying",
                away_s=away_s,
            )
        )

    def bring_back(self, put: Callable[[FrameEvent], None], camera: str, away_s: float) -> None:
        with self._lock:
            del self._lost[camera]
        verdict = Verdict(State.UNKNOWN, "starting")
        put(FrameEvent(camera, None, time.time(), Presence.RETURNED, verdict, source_state="live", away_s=away_s))

    def step(self, put: Callable[[FrameEvent], None]) -> None:
        with self._lock:
            index, self._index = self._index, self._index + 1
        for number, camera in enumerate(self._counts):
            if camera in self._lost:
                continue
            event = self._event(camera, index + 30 * number, index)
            with self._lock:
                self._counts[camera][event.outcome] += 1
                if event.verdict is not None:
                    self._counts[camera][event.verdict.state] += 1
                    self._verdicts[camera] = event.verdict
            put(event)

    def status(self) -> WatchStatus:
        with self._lock:
            cameras = tuple(self._camera(camera) for camera in self._counts)
        return WatchStatus(
            started_at=self.started_at,
            uptime_s=time.time() - self.started_at,
            stopping=False,
            memory_mib=123.4,
            bundle="bundle",
            preset="nano",
            precision="int8",
            engines=(),
            cameras=cameras,
            sinks=SINKS,
        )

    def _event(self, camera: str, phase: int, index: int) -> FrameEvent:
        now = time.time()
        if index % 50 == 49:
            return FrameEvent(camera, index, now, Outcome.FAILED, error="the decoder gave a damaged frame")
        if index % 8 == 7:
            return FrameEvent(camera, index, now, Outcome.SKIPPED)
        rejects = phase % 60 >= 40 if self.rejects is None else camera in self.rejects
        score = (0.2 if rejects else 0.75) + 0.04 * np.sin(index / 3)
        state = State.REJECT if rejects else State.PASS
        before = self._verdicts.get(camera)
        verdict = Verdict(
            state=state,
            reason="too dark" if rejects else "good",
            cue="luminance" if rejects else None,
            value=18.5 if rejects else None,
            threshold=60.0 if rejects else None,
            score=float(score),
            smoothed=float(score),
            runner_up=RunnerUp("noisy", "noise", 5.5, 5.0) if rejects else None,
            where=WHERE if rejects else None,
            changed=before is None or before.state is not state,
            announced=before is None or before.state is not state,
        )
        frame = (self._dark if rejects else self._clean).copy()
        cv2.putText(frame, f"{camera} {index}", (16, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2)
        cues = Cues(luminance=18.5 if rejects else 190.0, noise=5.5 if rejects else 1.0, sharpness=0.5, contrast=50.0)
        return FrameEvent(
            camera,
            index,
            now,
            Outcome.SCORED,
            verdict,
            frame,
            self._depth,
            cues=cues,
            faults={"dark": 0.9 if rejects else 0.01, "dirty": 0.02},
            latency_ms=20.0 + index % 7,
        )

    def _camera(self, camera: str) -> CameraStatus:
        counts, lost_at = self._counts[camera], self._lost.get(camera)
        outcomes = {outcome.value: counts[outcome] for outcome in Outcome}
        wobble = self._index % 7
        latency = Percentiles(100, 20.0 + wobble, 24.0 + wobble, 31.0 + wobble, 40.0)
        return CameraStatus(
            camera=camera,
            source="rtsp://***@192.0.2.7/live",
            state=CameraState.ENDED
            if self.ended
            else CameraState.RETRYING
            if self.problem or lost_at
            else CameraState.LIVE,
            problem=self.problem,
            lost=lost_at is not None,
            verdict_at=lost_at or self.started_at,
            captured=sum(outcomes.values()),
            **outcomes,
            in_flight=1,
            capture_fps=14.8,
            scored_fps=12.9,
            latency=latency,
            stages={"queue": Percentiles(100, 1.0, 2.0, 3.0, 4.0), "score": Percentiles(100, 17.0, 20.0, 25.0, 30.0)},
            verdict=self._verdicts.get(camera),
            verdicts={state.value: counts[state] for state in State},
            reasons={},
            thresholds=THRESHOLDS,
            frame_size=self._size,
            last_frame_at=lost_at or (time.time() if counts else None),
        )


class Running:
    """A feeder at work in a thread."""

    def __init__(self, feeder: Feeder, put: Callable[[FrameEvent], None], fps: float) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(feeder, put, 1.0 / fps), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self, feeder: Feeder, put: Callable[[FrameEvent], None], pause_s: float) -> None:
        while not self._stop.wait(pause_s):
            feeder.step(put)


@pytest.fixture(scope="session")
def make_feeder() -> Callable[..., Feeder]:
    return Feeder


@pytest.fixture
def keep_feeding() -> Iterator[Callable[..., Running]]:
    """Starts feeders; all are stopped at the end of the test."""
    started: list[Running] = []

    def start(feeder: Any, put: Callable[[FrameEvent], None], fps: float = 15.0) -> Running:
        started.append(Running(feeder, put, fps))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., Dashboard]]:
    """Opens dashboards; all are closed at the end of the test."""
    started: list[Dashboard] = []

    def open_dashboard(**settings: Any) -> Dashboard:
        started.append(Dashboard(DashboardSettings(**{"listen": ListenAddress("127.0.0.1", 0), **settings})))
        return started[-1]

    yield open_dashboard
    for dashboard in started:
        dashboard.close(5.0)


class Watched:
    """A page whose requests, console messages and errors are all recorded."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def until(self, condition: str) -> None:
        """Poll from outside: the page's own policy forbids the evaluation that Playwright's wait would inject."""
        until = time.monotonic() + PATIENCE_MS / 1e3
        while not self.page.evaluate(condition):
            assert time.monotonic() < until, f"not in time: {condition}"
            self.page.wait_for_timeout(50)


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Watched]]:
    contexts: list[Any] = []

    def open_page(url: str, **options: Any) -> Watched:
        contexts.append(
            chromium.new_context(viewport=options.pop("viewport", {"width": 1440, "height": 900}), **options)
        )
        contexts[-1].set_default_timeout(PATIENCE_MS)
        watched = Watched(contexts[-1].new_page())
        watched.page.goto(url, wait_until="domcontentloaded")
        return watched

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def serve(make_feeder: Callable[..., Any], keep_feeding: Callable[..., Any]) -> Iterator[Callable[..., Dashboard]]:
    started: list[Dashboard] = []

    def start(port: int = 0, feeder: Any = None, fps: float = 15.0, **settings: Any) -> Dashboard:
        feeder = feeder or make_feeder()
        dashboard = Dashboard(DashboardSettings(listen=ListenAddress("127.0.0.1", port), **settings))
        dashboard.follow(feeder.status)
        keep_feeding(feeder, dashboard.put, fps)
        started.append(dashboard)
        return dashboard

    yield start
    for dashboard in started:
        dashboard.close(5.0)
