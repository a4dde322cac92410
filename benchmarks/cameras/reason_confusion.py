"""What the gate calls each fault: clips with one known fault, encoded, decoded, scored and judged; a confusion table.

    python -m dgiqa_edge.benchmarks.cameras.reason_confusion --bundle build/demo/bundle --photos calibration/photos \\
        --real hazy='../shared/data/haze/*_haze10.jpg' --real healthy=../shared/data/field/videos_plain \\
        --json benchmarks/results/reasons.json

Scripted clips are the scene of ``test://`` with its faults; ``--photos`` are panned over, healthy at first and then
degraded (``calibration/degradations``); ``--real FAULT=PHOTOS`` are panned over as they are, videos played. A clip
counts under the reason at its end, "passes" where it is not rejected then; a healthy clip, and the healthy beginning
of any, must never be rejected. Encoders are those of the ``ffmpeg`` command, one after the other.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.calibration.degradations.kinds import degrade
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import input_path, output_file, parse, threads, whole
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError
from dgiqa_edge.runtime.frames.images import IMAGE_SUFFIXES, expand_images, quiet_decoder, read_image
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.policy_file import load_policy
from dgiqa_edge.runtime.gate.reading import Cues, Reading
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.replay import Recording
from dgiqa_edge.runtime.watch.sources.scene import FAULTS, Scene

Picture = NDArray[np.uint8]

FPS = 5
SIZE = (416, 312)  # less than the smallest photos: enlarged ones are blurred
HEALTHY_FRAMES, FAULTY_FRAMES = 15, 40
SCORE_EVERY = 4  # frames: what a slow machine does, well within start.score_max_age_s
HEALTHY, FROZEN, PASSES = "healthy", "frozen", "passes"
FAULT_NAMES = ("blurred", "noisy", "too dark", "hazy", "over-exposed", "dirty or blocked", FROZEN)
SCENE_FAULTS = {"blurred": "blur", "noisy": "noise", "too dark": "dark", "hazy": "haze", "over-exposed": "bright"}
SCENE_FAULTS |= {"dirty or blocked": "occluded"}
PHOTO_FAULTS = {"blurred": "defocus", "noisy": "noise", "too dark": "low_light", "hazy": "haze"}
PHOTO_FAULTS |= {"over-exposed": "over_exposure"}
STRENGTHS = (0.5, 0.9)
ENCODERS = {
    "h264": ("mkv", ["libx264", "-preset", "veryfast", "-crf", "23", "-g", "10"]),
    "h264-500k": ("mkv", ["libx264", "-preset", "veryfast", "-b:v", "500k", "-g", "10"]),
    "mpeg4": ("avi", ["mpeg4", "-q:v", "5", "-g", "10"]),
    "mjpeg": ("avi", ["mjpeg", "-q:v", "5"]),
    "vp8": ("mkv", ["libvpx", "-b:v", "1M", "-deadline", "realtime", "-cpu-used", "8", "-g", "10"]),
}


@dataclass(frozen=True)
class Clip:
    """``fault`` from frame ``from_frame`` on, or ``HEALTHY``; a video file, or pictures still to be encoded."""

    kind: str
    fault: str
    name: str
    from_frame: int
    video: Path | None = None
    pictures: Iterable[Picture] = ()
    encoder: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a clip ended (``PASSES`` or a reason), and the reason of a rejected healthy frame in it, if any."""

    kind: str
    fault: str
    name: str
    end: str
    false_reject: str | None


def scripted_clips(seeds: Sequence[int]) -> Iterator[Clip]:
    """The scene of ``test://``, healthy, then with each fault."""
    encoders = itertools.cycle(ENCODERS)
    for seed in seeds:
        scene = Scene(SIZE, seed)
        for fault in FAULT_NAMES:
            yield Clip(
                "scripted",
                fault,
                f"seed {seed}",
                HEALTHY_FRAMES,
                None,
                _scene_frames(scene, seed, fault),
                next(encoders),
            )


def photo_clips(photos: Sequence[Path]) -> Iterator[Clip]:
    """Pans over photos, healthy, then with each fault at each strength."""
    encoders = itertools.cycle(ENCODERS)
    for path in photos:
        for fault in FAULT_NAMES:
            for strength in STRENGTHS if fault in PHOTO_FAULTS else (1.0,):
                pictures = _photo_frames(path, fault, strength)
                yield Clip("photos", fault, f"{path.name} {strength:g}", HEALTHY_FRAMES, None, pictures, next(encoders))


def real_clips(fault: str, source: str, most: int) -> Iterator[Clip]:
    """Videos as they are; pans over photos, evenly picked."""
    folder = Path(source)
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    for video in [path for path in inside if path.suffix.lower() in (".mp4", ".avi", ".mkv")]:
        yield Clip("real", fault, video.name, 0, video)
    if inside and not any(path.suffix.lower() in IMAGE_SUFFIXES for path in inside):
        return
    photos = expand_images([source])
    encoders = itertools.cycle(ENCODERS)
    for path in photos[:: -(-len(photos) // most)]:
        yield Clip("real", fault, path.name, 0, None, _pan(read_image(path), 25), next(encoders))


def readings_of(clip: Clip, scorer: Scorer, folder: Path, most_frames: int) -> list[dict[str, Any]]:
    """Cues of every decoded frame and the score of some, JSON-ready."""
    video = clip.video or _encoded(clip, folder)
    meter = CueMeter()
    found = []
    for index, frame in enumerate(itertools.islice(Recording(str(video), None), most_frames)):
        if frame.image is not None:
            score = scorer.score(frame.image).score if index % SCORE_EVERY == 0 else None
            found.append({"t": frame.t_s, "score": score, "cues": asdict(meter.measure(frame.image))})
    return found


def outcome(clip: dict[str, Any], policy: GatePolicy) -> Outcome:
    """Play a clip's readings through a gate of its own."""
    gate = Gate(policy)
    end, false_reject = PASSES, None
    for index, step in enumerate(clip["readings"]):
        verdict = gate.update(Reading(step["score"], Cues(**step["cues"])), step["t"])
        rejected = verdict.state.value == "reject"
        end = verdict.reason if rejected else PASSES
        if rejected and (clip["fault"] == HEALTHY or index < clip["from_frame"]):
            false_reject = false_reject or verdict.reason
    return Outcome(clip["kind"], clip["fault"], clip["name"], false_reject or end, false_reject)


def table(outcomes: Sequence[Outcome]) -> dict[str, dict[str, dict[str, int]]]:
    """Clips by kind, fault and what they were called."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for result in outcomes:
        found.setdefault(result.kind, {}).setdefault(result.fault, Counter())[result.end] += 1
    return {kind: {fault: dict(calls) for fault, calls in rows.items()} for kind, rows in found.items()}


def print_table(rows: dict[str, dict[str, int]], title: str) -> None:
    """One confusion table: a line per fault, a column per reason that occurs."""
    seen = {reason for calls in rows.values() for reason in calls}
    columns = [name for name in (*FAULT_NAMES, PASSES) if name in seen] + sorted(seen - {*FAULT_NAMES, PASSES})
    print(f"\n{title}\n{'':<15}" + "".join(f"{name:>15}" for name in columns))
    for fault, calls in rows.items():
        print(f"{fault:<15}" + "".join(f"{calls.get(name, 0) or '.':>15}" for name in columns))


def _scene_frames(scene: Scene, seed: int, fault: str) -> Iterator[Picture]:
    rng = np.random.default_rng(seed)
    for index in range(HEALTHY_FRAMES):
        yield scene.picture(index)
    still = scene.picture(HEALTHY_FRAMES)
    for index in range(HEALTHY_FRAMES, HEALTHY_FRAMES + FAULTY_FRAMES):
        yield still if fault == FROZEN else FAULTS[SCENE_FAULTS[fault]](scene.picture(index), rng)


def _photo_frames(path: Path, fault: str, strength: float) -> Iterator[Picture]:
    frames = list(_pan(read_image(path), HEALTHY_FRAMES + FAULTY_FRAMES))
    yield from frames[:HEALTHY_FRAMES]
    for index, frame in enumerate(frames[HEALTHY_FRAMES:]):
        if fault == FROZEN:
            yield frames[HEALTHY_FRAMES]
        elif fault == "dirty or blocked":
            yield _covered(frame)
        else:
            yield degrade(frame, PHOTO_FAULTS[fault], strength, index)


def _covered(frame: Picture) -> Picture:
    """Something close before the lens: its own mid grey with the light of the scene's edges."""
    tone = np.array([88.0, 92.0, 96.0]) + 0.02 * cv2.GaussianBlur(frame, (0, 0), 40).astype(np.float32)
    noise = np.random.default_rng(int(frame[0, 0, 0])).normal(0.0, 1.0, frame.shape)
    return np.clip(np.rint(tone + noise), 0, 255).astype(np.uint8)


def _pan(photo: Picture, frames: int) -> Iterator[Picture]:
    """A window of ``SIZE`` that moves over the photo, which is enlarged where it is too small."""
    width, height = SIZE
    scale = max(1.1 * width / photo.shape[1], 1.1 * height / photo.shape[0])
    if scale > 1.0 or scale < 0.5:
        method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        photo = np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=method), np.uint8)
    down, right = photo.shape[0] - height, photo.shape[1] - width
    for index in range(frames):
        top, left = down * index // frames, right * index // frames
        yield np.ascontiguousarray(photo[top : top + height, left : left + width])


def _encoded(clip: Clip, folder: Path) -> Path:
    suffix, options = ENCODERS[clip.encoder]
    video = folder / f"clip.{suffix}"
    arguments = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-r", str(FPS)]
    arguments += ["-s", f"{SIZE[0]}x{SIZE[1]}", "-i", "-", "-c:v", *options, "-pix_fmt", "yuv420p", str(video)]
    try:
        finished = subprocess.run(
            arguments, input=b"".join(picture.tobytes() for picture in clip.pictures), capture_output=True, check=False
        )
    except FileNotFoundError:
        raise MachineError("there is no ffmpeg to encode the clips: install it, e.g. apt-get install ffmpeg") from None
    if finished.returncode:
        raise MachineError(f"ffmpeg cannot encode {clip.encoder}: {finished.stderr.decode().strip()[-200:]}")
    return video


def _measured(args: argparse.Namespace) -> list[dict[str, Any]]:
    clips = list(scripted_clips(range(1, args.seeds + 1)))
    if args.photos:
        photos = expand_images(args.photos)
        clips += photo_clips(photos[:: -(-len(photos) // args.most)])
    for pair in args.real:
        fault, _, source = pair.partition("=")
        if fault not in (*FAULT_NAMES, HEALTHY) or not source:
            raise ConfigurationError(
                f"--real {pair}: give FAULT=PHOTOS with one of {', '.join((*FAULT_NAMES, HEALTHY))}"
            )
        clips += real_clips(fault, source, args.most)
    found = []
    with Scorer(args.bundle, threads=args.threads) as scorer, tempfile.TemporaryDirectory() as folder:
        for number, clip in enumerate(clips, 1):
            print(f"\r{number}/{len(clips)} clips", end="", flush=True)
            readings = readings_of(clip, scorer, Path(folder), args.most_frames)
            found.append(
                {"kind": clip.kind, "fault": clip.fault, "name": f"{clip.name} {clip.encoder}".strip()}
                | {"from_frame": clip.from_frame, "readings": readings}
            )
    print()
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, judge and print; returns 0."""
    parser = argparse.ArgumentParser(
        prog="python -m dgiqa_edge.benchmarks.cameras.reason_confusion",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", type=input_path, required=True, metavar="DIR", help="the bundle that scores")
    parser.add_argument("--policy", type=input_path, metavar="FILE", help="default: the published one")
    parser.add_argument("--seeds", type=whole(0), default=3, metavar="N", help="scripted scenes (default: %(default)s)")
    parser.add_argument("--photos", action="append", default=[], metavar="PHOTOS", help="healthy photos to degrade")
    parser.add_argument(
        "--real", action="append", default=[], metavar="FAULT=PHOTOS", help="as they are; also healthy="
    )
    parser.add_argument("--most", type=whole(1), default=8, metavar="N", help="photos a source (default: %(default)s)")
    parser.add_argument("--most-frames", type=whole(1), default=300, metavar="N", help="a video (default: %(default)s)")
    parser.add_argument("--threads", type=threads, default=1, metavar="N", help="of the engine (default: %(default)s)")
    parser.add_argument("--readings", type=output_file, metavar="FILE", help="keep scores and cues there, or take them")
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write tables and outcomes there")
    args = parse(parser, argv)
    quiet_decoder()
    cv2.setNumThreads(1)
    if args.readings and args.readings.exists():
        clips = parse_json(args.readings.read_text())
    else:
        clips = _measured(args)
        if args.readings:
            write_text(args.readings, json_text(clips))
    policy = load_policy(args.policy) if args.policy else GatePolicy()
    outcomes = [outcome(clip, policy) for clip in clips]
    tables = table(outcomes)
    for kind, rows in tables.items():
        print_table(rows, f"{kind}: {sum(sum(calls.values()) for calls in rows.values())} clips")
    rejected = [result for result in outcomes if result.false_reject]
    print(f"\nclips whose healthy frames were rejected: {len(rejected)}")
    for result in rejected:
        print(f"  {result.kind} {result.fault} {result.name}: {result.false_reject}")
    if args.json:
        document = {"policy": policy.to_mapping(), "tables": tables, "outcomes": [asdict(item) for item in outcomes]}
        write_text(args.json, json_text(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
