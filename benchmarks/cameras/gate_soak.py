"""Cameras for an operator, all at once: films with faults in them, each with regions, a reference view and profiles, to
the dashboard and to the sink ``evidence``; and what that costs.

``python -m dgiqa_edge.benchmarks.cameras.gate_soak --bundle DIR --photos calibration/photos --json FILE``. A real
``watch`` runs for the time given; meanwhile its status is read: at every reading captured frames must be scored +
skipped + failed, the evidence must be within its bound, and memory is noted. Then score and gate take turns on the same
frames on one thread each, by processor time.
"""

import argparse
import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2

from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import number, parse, seconds, whole
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.images import quiet_decoder
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.profiles.profiled_gate import ProfiledGate
from dgiqa_edge.runtime.gate.reading import Reading
from dgiqa_edge.runtime.gate.reference.reference import ReferenceTaker, ReferenceView
from dgiqa_edge.runtime.gate.reference.reference_file import save_reference
from dgiqa_edge.runtime.gate.regions import Regions
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.ground.input_file import file_bytes
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.machine.processor import processor
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.scoring.scorer_pool import usable_cores

from ..program import keep, program
from .gate_clips.clips import MEANS, Clip
from .gate_clips.footage import DAY, FPS, Picture, footage
from .rtsp_process import free_port

FAULTS = ("out of focus", "too little light", "dirt", "moved view", "fog", "over-exposed", "frozen", "noise")
CLEAN_S = 6.0
READ_EVERY_S = 5.0
DISK_MIB = 16
WARM_UP = 0.2
"""Share of the time after which memory should grow no more."""
STAMP = ((0.0, 0.0), (0.4, 0.0), (0.4, 0.06), (0.0, 0.06))
TIMED = 150


def write_film(path: Path, clip: Clip) -> tuple[list[Picture], ReferenceView]:
    """A clip that is clean, faulty and clean, as Motion JPEG; its frames, and the reference of its first second."""
    frames = [frame for frame in clip.frames() if frame is not None]
    frames += frames[: round(CLEAN_S * FPS)]
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (width, height))
    taker = ReferenceTaker()
    for index, frame in enumerate(frames):
        writer.write(frame)
        if index < FPS:
            taker.add(frame)
    writer.release()
    return frames, taker.take()


def configuration(folder: Path, films: Sequence[Path], bundle: Path, rate: float, port: int) -> dict[str, Any]:
    """A watch file of all that the gate has."""
    profiles = [{"name": "night"}, {"name": "infra-red"}]
    query = f"pace=realtime&fps={rate:g}&loop=true"
    return {
        "bundle": str(bundle.absolute()),
        "baselines": str(folder / "kept"),
        "cameras": [
            {
                "name": film.stem,
                "source": f"{film.absolute().as_uri()}?{query}",
                "frames": "latest",
                "exclude": [STAMP],
                "profiles": profiles,
            }
            for film in films
        ],
        "sinks": [{"type": "evidence", "path": str(folder / "evidence"), "disk_mib": DISK_MIB, "memory_mib": 8}],
        # Its score curve fills while the run warms up: what grows after that grows for ever.
        "dashboard": {"listen": f"127.0.0.1:{port}", "history_minutes": 1.0},
    }


def soak(folder: Path, settings: dict[str, Any], port: int, duration_s: float) -> dict[str, Any]:
    """Run ``watch`` and read its status meanwhile.

    Raises:
        SourceError: the command refused, in words of its own on standard error.
        AssertionError: a reading did not balance, or the evidence went beyond its bound.
    """
    write_text(folder / "watch.json", json_text(settings))
    command = [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", "watch", str(folder / "watch.json"), "--quiet"]
    command += ["--json", str(folder / "summary.json"), "--duration", f"{duration_s:g}"]
    readings = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process, Progress("watching") as progress:
        started = time.monotonic()
        try:
            while process.poll() is None:
                time.sleep(READ_EVERY_S)
                progress(round(time.monotonic() - started), round(duration_s))
                if (status := _status(port)) is not None:
                    readings.append(_reading(status, folder / "evidence", time.monotonic() - started))
        finally:
            process.terminate()  # of no effect where it has ended
    if process.returncode:
        raise SourceError(f"watch ended with exit code {process.returncode}: see what it said, mend that")
    summary = parse_json(file_bytes(folder / "summary.json").decode())
    return {
        "readings": readings,
        "final": _reading(summary, folder / "evidence", duration_s),
        "reasons": {camera["camera"]: camera["reasons"] for camera in summary["cameras"]},
        "stages_p50_ms": {
            stage: median(camera["stages"][stage]["p50_ms"] for camera in summary["cameras"])
            for stage in ("queue", "score", "gate", "publish")
        },
        "sinks": summary["sinks"],
    }


def _status(port: int) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status", timeout=5.0) as answer:
            status: dict[str, Any] | None = parse_json(answer.read().decode())["status"]
            return status
    except OSError:  # not up yet, or gone between two readings
        return None


def _reading(status: dict[str, Any], evidence: Path, at_s: float) -> dict[str, float]:
    for camera in status["cameras"]:
        settled = camera["scored"] + camera["skipped"] + camera["failed"]
        assert camera["captured"] == settled, f"{camera['camera']}: {camera['captured']} captured, {settled} settled"
    kept = _kept(evidence)
    assert kept <= DISK_MIB * 2**20, f"{kept} bytes of evidence"
    totals = {
        key: sum(camera[key] for camera in status["cameras"]) for key in ("captured", "scored", "skipped", "failed")
    }
    return {"at_s": round(at_s, 1), "memory_mib": status["memory_mib"], "evidence_mib": kept / 2**20, **totals}


def _kept(folder: Path) -> int:
    """Bytes below; what is removed meanwhile is none."""
    found = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found += Path(place, name).stat().st_size
    return found


def processor_ms(bundle: Path, frames: Sequence[Picture], reference: ReferenceView) -> dict[str, float]:
    """Milliseconds of processor time of a frame, medians: the score, and the gate with cues, regions and reference."""
    regions = Regions(exclude=(STAMP,))
    meter, gate = CueMeter(regions, reference), ProfiledGate(GatePolicy())
    found: dict[str, list[float]] = {"score": [], "gate": []}
    with Scorer(bundle, threads=1, allow_spinning=False) as scorer:
        for index, frame in enumerate(itertools.islice(itertools.cycle(frames), TIMED)):
            began = time.process_time()
            quality = scorer.score(frame)
            scored = time.process_time()
            gate.update(Reading(quality.score, meter.measure(frame), quality.faults), index / FPS)
            found["score"].append(scored - began)
            found["gate"].append(time.process_time() - scored)
    return {part: median(times) * 1e3 for part, times in found.items()}


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Films, the watch, the costs."""
    cameras = footage(args.photos, args.films, args.cameras)
    with tempfile.TemporaryDirectory() as place:
        folder, port = Path(place), free_port()
        films = []
        for number, fault in zip(range(args.cameras), itertools.cycle(FAULTS), strict=False):
            camera = cameras[number % len(cameras)]
            film = folder / f"c{number}.avi"
            clip = Clip(camera, DAY, fault, CLEAN_S, CLEAN_S + MEANS[fault].faulty_s)
            frames, reference = write_film(film, clip)
            (folder / "kept").mkdir(exist_ok=True)
            save_reference(folder / "kept" / f"{film.stem}.reference.json", reference)
            films.append(film)
        found = soak(folder, configuration(folder, films, args.bundle, args.fps, port), port, args.seconds)
    readings = [*found["readings"], found["final"]]
    warm = [each["memory_mib"] for each in readings if each["at_s"] >= WARM_UP * args.seconds]
    return {
        "processor": processor().model,
        "cores": usable_cores(),
        "cameras": args.cameras,
        "fps": args.fps,
        "seconds": args.seconds,
        "size": [frames[0].shape[1], frames[0].shape[0]],
        "processor_ms": processor_ms(args.bundle, frames, reference),
        "memory_mib": {"warm": warm[0], "least": min(warm), "most": max(warm), "last": warm[-1]},
        "evidence_mib": {"most": max(each["evidence_mib"] for each in readings), "bound": DISK_MIB},
        **found,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Make films, watch, measure, print; returns 0."""
    parser = program("cameras.gate_soak", __doc__)
    parser.add_argument("--photos", action="append", default=[], metavar="PHOTOS", help="that a camera looks at")
    parser.add_argument("--films", metavar="DIR", help="a folder of healthy films")
    parser.add_argument("--cameras", type=whole(1), default=8, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--fps", type=number(0.1, 1000.0), default=5.0, metavar="N", help="of each camera (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=seconds, default=600.0, metavar="S", help="default: 600")
    args = parse(parser, arguments)
    quiet_decoder()
    found = measure(args)
    final, memory = found["final"], found["memory_mib"]
    print(
        f"{args.cameras} cameras, {args.seconds:g} s: {final['captured']} captured = {final['scored']} scored + "
        f"{final['skipped']} skipped + {final['failed']} failed, at each of {len(found['readings'])} readings too"
    )
    print(f"evidence: at most {found['evidence_mib']['most']:.1f} MiB of {DISK_MIB}")
    print(f"memory: {memory['warm']:.0f} MiB once warm, {memory['most']:.0f} at most, {memory['last']:.0f} at the end")
    cost = found["processor_ms"]
    print(f"processor time of a frame: score {cost['score']:.1f} ms, gate {cost['gate']:.1f} ms")
    keep(args.json, found)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
