"""How many cameras one machine takes: the watch's own waiting lines, run in simulated time on measured scoring times.

``python -m dgiqa_edge.benchmarks.cameras.fleet --bundle DIR --json FILE``. Model: cameras send frames at their rate
with a random phase and 5 % jitter; one thread scores, in turns, and a frame that waits is dropped for a newer one
(``runtime/watch/loop/intake.py``, the code that runs); a frame takes a time drawn from those measured here, score and
verdict together. Not in it: decoding, which takes cores of its own, sinks, the network. A real ``watch`` of drawn
cameras says how far that is from the truth.
"""

import argparse
import heapq
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime import Gate
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import input_path, output_file, parse, seconds
from dgiqa_edge.runtime.commands.progress import say
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.ground.atomic import write_result
from dgiqa_edge.runtime.ground.input_file import file_bytes
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.machine.processor import processor
from dgiqa_edge.runtime.watch.event import Outcome
from dgiqa_edge.runtime.watch.loop.intake import Intake, LineSettings

RATES = (0.2, 1.0, 5.0, 15.0)
"""Frames per second of a camera."""
CAMERAS = (1, 2, 4, 8, 16, 32, 64)
"""64 is the most that one watch takes."""
LOST = 0.01
"""Share of frames that a machine may drop and still be said to take its cameras."""
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


def most_cameras(fps: float, service_s: Sequence[float], seconds: float) -> int:
    """As many as one watch takes at that rate while it drops no more than ``LOST``; 0 where one is too many."""
    low, high = 0, CAMERAS[-1]
    while low < high:
        middle = (low + high + 1) // 2
        if simulate(middle, fps, service_s, seconds).skipped <= LOST:
            low = middle
        else:
            high = middle - 1
    return low


def watched(bundle: Path, cameras: int, fps: float, seconds: float) -> dict[str, Any]:
    """The last status of a real ``watch`` of that many drawn cameras."""
    with tempfile.TemporaryDirectory() as place:
        settings = Path(place, "watch.toml")
        drawn = "\n".join(
            f'[[cameras]]\nname = "c{number}"\nsource = "test://?script=clean:30&fps={fps:g}&loop=true"\n'
            for number in range(cameras)
        )
        settings.write_text(f"bundle = {json_text(str(bundle.absolute()))}\n{drawn}")
        status = Path(place, "status.json")
        command = ["watch", settings, f"--json={status}", "--duration", f"{seconds:g}", "--quiet"]
        subprocess.run(
            [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", *map(str, command)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        found: dict[str, Any] = parse_json(file_bytes(status).decode())
        return found


def _measure(bundle: Path, seconds: float, say_of: Any = say) -> dict[str, Any]:
    frames = [read_image(path) for path in sorted(SHIPPED_PHOTOS.glob("*.jpg"))[:12]]
    with Gate(bundle, allow_spinning=False) as gate:
        scoring_times(gate, frames, 12)
        service = scoring_times(gate, frames, 300)
    say_of(f"score and verdict of 300 frames: p50 {np.percentile(service, 50) * 1e3:.1f} ms")
    loads = [simulate(cameras, fps, service, seconds) for fps in RATES for cameras in CAMERAS]
    most = {f"{fps:g}": most_cameras(fps, service, seconds) for fps in RATES}
    # About two thirds more frames than can be scored: where skipping matters, and the processor is full.
    rate = 5.0 / 3.0 / float(np.mean(service)) / 8
    say_of(f"a watch of 8 drawn cameras at {rate:.1f} frames/s, 30 s")
    status = watched(bundle, 8, rate, 30.0)
    totals = {key: sum(camera[key] for camera in status["cameras"]) for key in ("captured", "scored", "skipped")}
    return {
        "processor": processor().model,
        "service_ms": {f"p{share}": float(np.percentile(service, share) * 1e3) for share in (50, 90, 99)},
        "mean_service_ms": float(np.mean(service) * 1e3),
        "most_cameras": most,
        "loads": [asdict(load) for load in loads],
        "check": {
            "cameras": 8,
            "fps": rate,
            "watch": {**totals, "skipped_share": totals["skipped"] / totals["captured"]},
            "model": asdict(simulate(8, rate, service, 30.0)),
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, simulate, check, print; returns the exit code."""
    return guarded(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=input_path, required=True, metavar="DIR")
    parser.add_argument("--seconds", type=seconds, default=120.0, metavar="S", help="simulated (default: 120)")
    parser.add_argument("--json", type=output_file, metavar="FILE")
    args = parse(parser, arguments)
    found = _measure(args.bundle, args.seconds)
    print(f"{'fps':>5} {'cameras':>8} {'skipped':>8} {'busy':>6} {'age p50':>8} {'p99':>7}")
    for load in found["loads"]:
        print(
            f"{load['fps']:5g} {load['cameras']:8} {load['skipped']:8.1%} {load['busy']:6.0%} "
            f"{load['age_p50_ms']:5.0f} ms {load['age_p99_ms']:4.0f} ms"
        )
    for fps, count in found["most_cameras"].items():
        print(f"{fps} frames/s: {count} cameras drop no more than {LOST:.0%}")
    check = found["check"]
    print(
        f"8 drawn cameras at {check['fps']:.1f} frames/s: watch skipped {check['watch']['skipped_share']:.0%}, "
        f"the model says {check['model']['skipped']:.0%}"
    )
    if args.json:
        write_result(args.json, json_text(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
