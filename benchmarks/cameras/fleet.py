"""How many cameras one machine takes: the watch's own waiting lines, run in simulated time on measured scoring times.

``python -m dgiqa_edge.benchmarks.cameras.fleet --bundle DIR --video FILE --json FILE``. Model: cameras send frames at
their rate with a random phase and 5 % jitter; one thread scores, in turns, and a frame that waits is dropped for a
newer one (``runtime/watch/loop/intake.py``, the code that runs). A frame takes a time drawn from those measured here,
score and verdict together, longer by as much as decoding leaves fewer cores for it. What a captured frame costs beside
its score (decoding, copying) is measured by the processor time of a real ``watch`` of ``FIT`` cameras of the video; one
of ``CHECK`` cameras, which the model has not seen, says how far it is from the truth. Not in it: sinks, the network.
"""

import heapq
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime import Gate
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import input_path, parse, seconds
from dgiqa_edge.runtime.commands.progress import say
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.ground.input_file import file_bytes
from dgiqa_edge.runtime.ground.names import json_text, shown
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.machine.processor import processor
from dgiqa_edge.runtime.scoring.scorer_pool import usable_cores
from dgiqa_edge.runtime.watch.event import Outcome
from dgiqa_edge.runtime.watch.loop.intake import Intake, LineSettings

from ..program import keep, program

RATES = (0.2, 1.0, 5.0, 15.0)
"""Frames per second of a camera."""
CAMERAS = (1, 2, 4, 8, 16, 32, 64)
"""64 is the most that one watch takes."""
LOST = 0.01
"""Share of frames that a machine may drop and still be said to take its cameras."""
FIT, CHECK = (4, 5.0), (8, 15.0)
"""Cameras, and their frames per second."""
WATCH_S = 20.0
_NO_FRAME = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True)
class Load:
    """What a machine makes of so many cameras: shares in [0, 1]; age of a frame at its verdict, in milliseconds."""

    cameras: int
    fps: float
    skipped: float
    busy: float
    age_p50_ms: float
    age_p99_ms: float


def simulate(cameras: int, fps: float, service_s: Sequence[float], seconds: float, seed: int = 0) -> Load:
    """Run the watch's waiting lines in simulated time.

    Args:
        service_s: seconds that frames took, drawn from with replacement.
    """
    rng = random.Random(seed)
    names = [str(number) for number in range(cameras)]
    intake = Intake({name: LineSettings() for name in names})
    arrivals = [(rng.random() / fps, name) for name in names]
    heapq.heapify(arrivals)
    now = busy = 0.0
    ages: list[float] = []
    while True:
        frame = intake.take(0.0)
        if frame is None:
            now = max(now, arrivals[0][0])
        else:
            took = rng.choice(service_s)
            now, busy = now + took, busy + took
        while arrivals[0][0] <= now:
            at, name = heapq.heappop(arrivals)
            intake.offer(name, _NO_FRAME, at, at, lambda: True)
            heapq.heappush(arrivals, (at + rng.uniform(0.95, 1.05) / fps, name))
        if frame is not None:
            intake.settle(frame, Outcome.SCORED)
            ages.append(now - frame.at)
        if now >= seconds:
            break
    counts = intake.counts().values()
    skipped = sum(each.skipped for each in counts) / max(1, sum(each.captured for each in counts))
    p50, p99 = np.percentile(ages, (50, 99)) * 1e3
    return Load(cameras, fps, skipped, min(1.0, busy / now), float(p50), float(p99))


def scoring_times(gate: Gate, frames: Sequence[Any], count: int) -> list[float]:
    """Seconds of score and verdict of each of ``count`` frames, one after the other."""
    times = []
    for number in range(count):
        started = time.perf_counter()
        gate.judge(frames[number % len(frames)])
        times.append(time.perf_counter() - started)
    return times


def beside_decoding(service_s: Sequence[float], cameras: int, fps: float, capture_s: float, cores: int) -> list[float]:
    """Scoring times where frames that are captured, ``capture_s`` of a core each, leave it fewer cores."""
    left = max(0.02, 1.0 - cameras * fps * capture_s / cores)
    return [one / left for one in service_s]


def most_cameras(load: Callable[[int, float], Load], fps: float) -> int:
    """As many as one watch takes at that rate while it drops no more than ``LOST``; 0 where one is too many."""
    low, high = 0, CAMERAS[-1]
    while low < high:
        middle = (low + high + 1) // 2
        if load(middle, fps).skipped <= LOST:
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(frozen=True)
class Watched:
    """A real ``watch``: its frames, and its processor time with all its processes, in seconds."""

    captured: int
    scored: int
    skipped: int
    cpu_s: float


def watched(bundle: Path, video: Path, cameras: int, fps: float, seconds: float) -> Watched:
    """Run the command on so many cameras that show the video, over and over, at that rate.

    Raises:
        SourceError: the command refused, in words of its own on standard error.
    """
    query = f"pace=realtime&fps={fps:g}&loop=true"
    with tempfile.TemporaryDirectory() as place:
        settings, status = Path(place, "watch.json"), Path(place, "status.json")
        sources = [f"{video.absolute().as_uri()}?{query}"] * cameras
        named = [{"name": f"c{at}", "source": source, "frames": "latest"} for at, source in enumerate(sources)]
        settings.write_text(json_text({"bundle": str(bundle.absolute()), "cameras": named}))
        words = ["watch", settings, f"--json={status}", "--duration", f"{seconds:g}", "--quiet"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", *map(str, words)]
        code = subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if code:
            raise SourceError(f"watch ended on {shown(video)} with exit code {code}: see what it said, mend that")
        said = parse_json(file_bytes(status).decode())["cameras"]
    totals = {key: sum(camera[key] for camera in said) for key in ("captured", "scored", "skipped")}
    return Watched(**totals, cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measure(bundle: Path, video: Path, seconds: float) -> dict[str, Any]:
    """Times, loads of all rates and numbers of cameras, and the check."""
    frames = [read_image(path) for path in sorted(SHIPPED_PHOTOS.glob("*.jpg"))[:12]]
    with Gate(bundle, allow_spinning=False) as gate:
        scoring_times(gate, frames, len(frames))
        started = time.process_time()
        service = scoring_times(gate, frames, 300)
        score_cpu_s = (time.process_time() - started) / len(service)
    say(f"score and verdict of 300 frames: p50 {np.percentile(service, 50) * 1e3:.1f} ms")
    idle = watched(bundle, video, 1, 1.0, 1.0)
    fit = watched(bundle, video, *FIT, WATCH_S)
    spent = fit.cpu_s - idle.cpu_s - (fit.scored - idle.scored) * score_cpu_s
    capture_s = max(0.0, spent / max(1, fit.captured - idle.captured))
    say(f"a captured frame: {capture_s * 1e3:.1f} ms of one core, a scored one {score_cpu_s * 1e3:.1f} ms more")
    cores = usable_cores()

    def load(cameras: int, fps: float) -> Load:
        return simulate(cameras, fps, beside_decoding(service, cameras, fps, capture_s, cores), seconds)

    return {
        "processor": processor().model,
        "cores": cores,
        "video": video.name,
        "service_ms": {f"p{share}": float(np.percentile(service, share) * 1e3) for share in (50, 90, 99)},
        "score_cpu_ms": score_cpu_s * 1e3,
        "capture_cpu_ms": capture_s * 1e3,
        "most_cameras": {f"{fps:g}": most_cameras(load, fps) for fps in RATES},
        "loads": [asdict(load(cameras, fps)) for fps in RATES for cameras in CAMERAS],
        "fit": {"watch": asdict(fit), "model": asdict(load(*FIT))},
        "check": {"watch": asdict(watched(bundle, video, *CHECK, WATCH_S)), "model": asdict(load(*CHECK))},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, simulate, check, print; returns 0."""
    parser = program("cameras.fleet", __doc__)
    parser.add_argument("--video", type=input_path, required=True, metavar="FILE", help="what each camera shows")
    parser.add_argument("--seconds", type=seconds, default=120.0, metavar="S", help="simulated (default: 120)")
    args = parse(parser, arguments)
    found = measure(args.bundle, args.video, args.seconds)
    print(f"{'fps':>5} {'cameras':>8} {'skipped':>8} {'busy':>6} {'age p50':>8} {'p99':>7}")
    for load in found["loads"]:
        print(
            f"{load['fps']:5g} {load['cameras']:8} {load['skipped']:8.1%} {load['busy']:6.0%} "
            f"{load['age_p50_ms']:5.0f} ms {load['age_p99_ms']:4.0f} ms"
        )
    for fps, count in found["most_cameras"].items():
        print(f"{fps} frames/s: {count} cameras drop no more than {LOST:.0%}")
    for name, (cameras, fps) in (("fit", FIT), ("check", CHECK)):
        watch, model = found[name]["watch"], found[name]["model"]
        skipped = watch["skipped"] / max(1, watch["captured"])
        print(
            f"{name}: of {cameras} cameras at {fps:g} frames/s watch skipped {skipped:.0%}, "
            f"the model says {model['skipped']:.0%}"
        )
    keep(args.json, found)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
