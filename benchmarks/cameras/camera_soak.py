"""A soak of the watch loop against a real RTSP server on loopback that is killed, stopped, resized and corrupted.

``python -m dgiqa_edge.benchmarks.cameras.camera_soak --bundle DIR --video FILE --json FILE``. It says whether
every frame was accounted for at every moment, whether the camera came back each time, and how memory grew. Latency is
not its subject. The server needs system packages: see ``rtsp_server.py``.
"""

import platform
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import input_path, parse, seconds, whole
from dgiqa_edge.runtime.commands.watch.scorers import open_scorer
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.images import write_image
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.machine.memory import resident_mib
from dgiqa_edge.runtime.machine.processor import processor
from dgiqa_edge.runtime.version import VERSION
from dgiqa_edge.runtime.watch.assembly.config import load_watch_settings
from dgiqa_edge.runtime.watch.assembly.parts import watched_camera
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome
from dgiqa_edge.runtime.watch.loop.watch import Watch
from dgiqa_edge.runtime.watch.sources import Frame, create_source
from dgiqa_edge.runtime.watch.status import CameraState, SinkStats

from ..program import keep, program
from .rtsp_process import RtspProcess, free_port

_STALL_TIMEOUT_S = 4.0
_MOST_DOWN_S = 60.0
_MOST_FRAMES = 150
_SIZES = ("640x480", "320x240")
_FAULTS = ("corrupt", "stop", "resize", "loss")
_CONFIG = """\
bundle = {bundle}
[engine]
threads = 1
[[cameras]]
name = "soak"
source = "rtsp://127.0.0.1:{port}/live"
stall_timeout_s = {stall_timeout_s}
reconnect_first_s = 0.25
reconnect_longest_s = 2
"""


@dataclass(frozen=True)
class Kill:
    """One death of the server: seconds it was down, and from its return to the next live frame (None: never)."""

    at_s: float
    fault_before: str
    down_s: float
    live_again_s: float | None


@dataclass(frozen=True)
class Soak:
    """What came out; every figure is measured by this run."""

    duration_s: float
    kills: tuple[Kill, ...]
    faults: dict[str, int]
    statuses_checked: int
    captured: int
    scored: int
    skipped: int
    failed: int
    in_flight_at_exit: int
    events: dict[str, int]
    events_exact: bool
    reconnects: int
    stalls: int
    size_changes: int
    abandoned_reads: int
    warm_up_s: float
    memory_after_warm_up_mib: float
    memory_at_end_mib: float
    memory_growth_percent: float
    memory_mib: tuple[float, ...]
    states_s: dict[str, int]

    @property
    def problems(self) -> list[str]:
        """Acceptance lines that do not hold."""
        found = []
        lost = [kill for kill in self.kills if kill.live_again_s is None]
        if lost:
            found.append(f"{len(lost)} of {len(self.kills)} times the camera did not come back")
        if self.captured != self.scored + self.skipped + self.failed or self.in_flight_at_exit:
            found.append("the ledger does not balance at exit")
        if not self.events_exact:
            found.append("sinks did not get exactly one event per captured frame")
        if self.memory_growth_percent >= 5.0:
            found.append(f"memory grew by {self.memory_growth_percent:.1f} %")
        return found


class CountingSink:
    """Remembers the outcome of each frame's index, to find any that came twice or never."""

    name = "counting"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.outcomes: dict[int, Outcome] = {}
        self.twice = 0

    def put(self, event: FrameEvent) -> None:
        if event.index is None or not isinstance(event.outcome, Outcome):
            return  # of a camera, not of a frame
        with self._lock:
            self.twice += event.index in self.outcomes
            self.outcomes[event.index] = event.outcome

    def stats(self) -> SinkStats:
        count = len(self.outcomes)
        return SinkStats(count, count, 0, 0, 0)

    def close(self, timeout_s: float) -> SinkStats:
        return self.stats()

    def describe(self) -> dict[str, Any]:
        return {"kind": "counting"}

    def is_exact(self, captured: int) -> bool:
        """Whether each index from 0 came once."""
        return self.twice == 0 and self.outcomes.keys() == set(range(captured))


@dataclass
class _Samples:
    """Once per second: memory and state. Taking a status checks the ledger."""

    memory_mib: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    broken: str | None = None


def run_soak(bundle: Path, video: Path, duration_s: float, kills: int, seed: int = 0) -> Soak:
    """Run it.

    Args:
        bundle: of any size.
        video: real footage; up to 150 frames of it are served again and again at 8 frames per second.
        duration_s: at least 25 s per kill; longer where the camera is slow to come back.
        kills: how often the server dies.
        seed: of the times that it is down.

    Raises:
        SourceError: the video cannot be read.
        MachineError: no interpreter here can run the server.
    """
    with tempfile.TemporaryDirectory() as scratch:
        frames = Path(scratch) / "frames"
        frames.mkdir()
        _extract(video, frames)
        port = free_port()
        config = Path(scratch) / "watch.toml"
        config.write_text(
            _CONFIG.format(bundle=json_text(str(bundle.resolve())), port=port, stall_timeout_s=_STALL_TIMEOUT_S)
        )
        settings = load_watch_settings(config)
        sink, samples, stop = CountingSink(), _Samples(), threading.Event()
        with open_scorer(settings) as scorer:
            cameras = [watched_camera(camera, settings.folder) for camera in settings.cameras]
            watch = Watch(cameras, scorer, [sink])
            sampler = threading.Thread(target=_sample, args=(watch, samples, stop), daemon=True)
            script = _Script(watch, frames, port, duration_s, kills, random.Random(seed), stop)
            sampler.start()
            script.start()
            started = time.monotonic()
            status = watch.run(stop)
            took = time.monotonic() - started
            script.join()
            sampler.join()
    if samples.broken or script.broken:
        raise SourceError(f"the soak broke: {samples.broken or script.broken}")
    camera = status.cameras[0]
    warm_up = len(samples.memory_mib) // 5
    settled = samples.memory_mib[warm_up:]
    tenth = max(1, len(settled) // 10)
    before, after = float(np.median(settled[:tenth])), float(np.median(settled[-tenth:]))
    return Soak(
        duration_s=round(took, 1),
        kills=tuple(script.kills),
        faults=dict(script.faults),
        statuses_checked=len(samples.memory_mib),
        captured=camera.captured,
        scored=camera.scored,
        skipped=camera.skipped,
        failed=camera.failed,
        in_flight_at_exit=camera.in_flight,
        events={key.value: count for key, count in Counter(sink.outcomes.values()).items()},
        events_exact=sink.is_exact(camera.captured),
        reconnects=camera.reconnects,
        stalls=camera.stalls,
        size_changes=camera.size_changes,
        abandoned_reads=camera.abandoned_reads,
        warm_up_s=float(warm_up),
        memory_after_warm_up_mib=round(before, 1),
        memory_at_end_mib=round(after, 1),
        memory_growth_percent=round(100.0 * (after - before) / before, 2),
        memory_mib=tuple(round(value, 1) for value in samples.memory_mib),
        states_s=dict(samples.states),
    )


class _Script(threading.Thread):
    """Kills, stops, resizes and corrupts the server on schedule, then ends the watch."""

    def __init__(
        self,
        watch: Watch,
        frames: Path,
        port: int,
        duration_s: float,
        kills: int,
        rng: random.Random,
        stop: threading.Event,
    ) -> None:
        super().__init__(name="soak-script", daemon=True)
        self._watch = watch
        self._frames = frames
        self._port = port
        self._cycle_s = duration_s / kills
        self._count = kills
        self._rng = rng
        self._stop_watch = stop
        self.kills: list[Kill] = []
        self.faults: Counter[str] = Counter()
        self.broken: str | None = None

    def run(self) -> None:
        server = RtspProcess(self._frames, self._port, _SIZES[0])
        try:
            started = time.monotonic()
            self._live_within(_MOST_DOWN_S)
            for number in range(self._count):
                end = started + (number + 1) * self._cycle_s
                fault = _FAULTS[number % len(_FAULTS)]
                time.sleep(0.15 * self._cycle_s)
                self._misbehave(server, fault)
                server.kill()
                at = time.monotonic()
                down = self._rng.uniform(0.5, 0.1 * self._cycle_s)
                time.sleep(down)
                # A server that comes back with another picture size is what a camera does after a settings change.
                server = RtspProcess(self._frames, self._port, _SIZES[number % 2])
                back = self._live_within(_MOST_DOWN_S)
                self.kills.append(Kill(round(at - started, 1), fault, round(down, 2), back))
                time.sleep(max(0.0, end - time.monotonic()))
        except Exception as error:
            self.broken = f"{type(error).__name__}: {error}"
        finally:
            server.kill()
            self._stop_watch.set()

    def _misbehave(self, server: RtspProcess, fault: str) -> None:
        self.faults[fault] += 1
        if fault == "stop":
            server.pause()
            time.sleep(2 * _STALL_TIMEOUT_S + 1.0)  # FFmpeg's time-out may run twice before it gives up
            server.go_on()
            return
        if fault == "corrupt":
            server.order("corrupt 0.002")
        elif fault == "loss":
            server.order("loss 0.3")
        else:
            server.order(f"size {_SIZES[1]}")
        time.sleep(0.25 * self._cycle_s)

    def _live_within(self, seconds: float) -> float | None:
        """Seconds until a frame arrives that is newer than now; None where none does in time."""
        now, started = time.time(), time.monotonic()
        while time.monotonic() - started < seconds:
            camera = self._watch.status().cameras[0]
            if camera.state is CameraState.LIVE and (camera.last_frame_at or 0.0) > now:
                return round(time.monotonic() - started, 2)
            time.sleep(0.05)
        return None


def _sample(watch: Watch, samples: _Samples, stop: threading.Event) -> None:
    while not stop.wait(1.0):
        try:
            camera = watch.status().cameras[0]
        except AssertionError as error:  # a frame unaccounted for
            samples.broken = str(error)
            stop.set()
            return
        samples.states[camera.state.value] += 1
        samples.memory_mib.append(resident_mib() or 0.0)


def _extract(video: Path, folder: Path) -> None:
    source = create_source(str(video.resolve()))
    source.open()
    count = 0
    while count < _MOST_FRAMES and isinstance(result := source.read(), Frame):
        picture = cv2.resize(result.image, (640, 480), interpolation=cv2.INTER_AREA)
        write_image(folder / f"{count:05d}.jpg", picture)
        count += 1
    source.close()
    if count < 2:
        raise SourceError(f"{video} holds no frames that OpenCV decodes: give a video of real footage")


def main(argv: list[str] | None = None) -> int:
    """Run the soak and write its report; 1 where an acceptance line does not hold."""
    parser = program("cameras.camera_soak", __doc__)
    parser.add_argument("--video", type=input_path, required=True, metavar="FILE", help="real footage to serve")
    parser.add_argument("--duration", type=seconds, default=600.0, metavar="S")
    parser.add_argument("--kills", type=whole(0), default=20, metavar="N")
    args = parse(parser, argv)
    soak = run_soak(args.bundle, args.video, args.duration, args.kills)
    report = {
        "tool": {"name": "dgiqa-edge", "version": VERSION},
        "machine": {"processor": processor().model, "platform": platform.platform(), "opencv": cv2.__version__},
        "video": args.video.name,
        "problems": soak.problems,
        **asdict(soak),
    }
    keep(args.json, report)
    shown = {key: value for key, value in report.items() if key not in ("memory_mib", "kills")}
    print(json_text(shown, indent=1))
    return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
