"""Frozen pictures and live ones of still scenes, through codecs: ``frozen.change_at_most`` was read from its table.

    python -m dgiqa_edge.benchmarks.cameras.frozen_clips --json benchmarks/results/frozen_clips.json

A frozen clip is one frame of a noisy camera over and over; a live one has new sensor noise in each frame and nothing
that moves. Each is encoded by ``ffmpeg``, decoded, and played through the gate's frozen check.
"""

import itertools
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.calibration.degradations.kinds import degrade
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import parse, whole
from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.frames.images import quiet_decoder, read_image
from dgiqa_edge.runtime.gate.change import ChangeMeter
from dgiqa_edge.runtime.gate.checks import FrozenCheck
from dgiqa_edge.runtime.gate.policy import FrozenPolicy
from dgiqa_edge.runtime.watch.replay import Recording
from dgiqa_edge.runtime.watch.sources.scene import Scene

from ..program import keep, program

Picture = NDArray[np.uint8]

FPS = 15
SIZE = (640, 480)
FROZEN_NOISE = 2.0
LIVE_NOISE = (0.7, 2.0)
_X264 = ["libx264", "-preset", "veryfast"]
_VPX = ["-deadline", "realtime", "-cpu-used", "8", "-g", "30"]
ENCODERS = {
    "h264 crf 18": ("mkv", [*_X264, "-crf", "18", "-g", "30"]),
    "h264 crf 23": ("mkv", [*_X264, "-crf", "23", "-g", "30", "-bf", "2"]),
    "h264 crf 28": ("mkv", [*_X264, "-crf", "28", "-g", "60", "-bf", "3"]),
    "h264 crf 23, keyframe each 250": ("mkv", [*_X264, "-crf", "23"]),
    "h264 2 Mbit/s": ("mkv", [*_X264, "-b:v", "2M", "-maxrate", "2M", "-bufsize", "2M", "-g", "30"]),
    "h264 500 kbit/s": ("mkv", [*_X264, "-b:v", "500k", "-maxrate", "500k", "-bufsize", "500k", "-g", "30"]),
    "hevc crf 28": (
        "mkv",
        ["libx265", "-preset", "ultrafast", "-crf", "28", "-g", "30", "-x265-params", "log-level=1"],
    ),
    "mpeg4 q 5": ("avi", ["mpeg4", "-q:v", "5", "-g", "12"]),
    "mpeg4 500 kbit/s": ("avi", ["mpeg4", "-b:v", "500k", "-g", "12"]),
    "mjpeg q 5": ("avi", ["mjpeg", "-q:v", "5"]),
    "mjpeg q 20": ("avi", ["mjpeg", "-q:v", "20"]),
    "vp8 1 Mbit/s": ("mkv", ["libvpx", "-b:v", "1M", *_VPX]),
    "vp9 crf 30": ("mkv", ["libvpx-vp9", "-b:v", "0", "-crf", "30", *_VPX]),
}
SCENES = ("street", "photo", "night", "screen")


def frames_of(scene: str, noise: float, frames: int) -> Iterator[Picture]:
    """Frames of a still scene.

    Args:
        scene: one of ``SCENES``.
        noise: standard deviation of the sensor noise that is new in each frame, grey levels; 0: a frozen picture,
            whose one frame has ``FROZEN_NOISE``.
    """
    still, draw = _still(scene).astype(np.float32), np.random.default_rng(1)
    patterns = [draw.normal(0.0, noise or FROZEN_NOISE, still.shape).astype(np.float32) for _ in range(16)]
    for index in range(frames if noise else 1):
        shifted = np.roll(patterns[index % 16], 37 * (index // 16), axis=1)
        picture = np.clip(np.rint(still + shifted), 0, 255).astype(np.uint8)
        yield from itertools.repeat(picture, 1 if noise else frames)


def encoded(pictures: Iterator[Picture], encoder: str, folder: Path) -> Path:
    """The clip as a file in ``folder``.

    Raises:
        MachineError: there is no ``ffmpeg``, or it lacks the encoder.
    """
    suffix, options = ENCODERS[encoder]
    video = folder / f"clip.{suffix}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-r", str(FPS)]
    command += ["-s", f"{SIZE[0]}x{SIZE[1]}", "-i", "-", "-c:v", *options, "-pix_fmt", "yuv420p", str(video)]
    content = b"".join(picture.tobytes() for picture in pictures)
    try:
        finished = subprocess.run(command, input=content, capture_output=True, check=False)
    except FileNotFoundError:
        raise MachineError("there is no ffmpeg to encode the clips: install it, e.g. apt-get install ffmpeg") from None
    if finished.returncode:
        raise MachineError(f"ffmpeg cannot encode {encoder}: {finished.stderr.decode().strip()[-200:]}")
    return video


def changes_of(video: Path) -> list[tuple[float, float]]:
    """Time and change of every frame but the first."""
    meter = ChangeMeter()
    found = []
    for frame in Recording(str(video), None):
        change = None if frame.image is None else meter.measure(frame.image)
        if change is not None:
            found.append((frame.t_s, change))
    return found


def first_frozen(changes: Sequence[tuple[float, float]], policy: FrozenPolicy | None = None) -> float | None:
    """When the gate calls the clip frozen, seconds; None: never."""
    check = FrozenCheck(policy or FrozenPolicy())
    for t, change in changes:
        check.smooth(change, t)
        check.judge(t)
        if check.faulty:
            return t
    return None


def _still(scene: str) -> Picture:
    width, height = SIZE
    if scene == "street":
        return Scene(SIZE, 1).picture(0)
    if scene == "screen":
        page = np.full((height, width, 3), 245, np.uint8)
        for line in range(12):
            cv2.putText(
                page, f"Status {line}: ok", (20, 40 + 36 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2
            )
        return page
    photo = read_image(SHIPPED_PHOTOS / "coffee.jpg")
    photo = np.asarray(cv2.resize(photo, SIZE, interpolation=cv2.INTER_AREA), np.uint8)
    return photo if scene == "photo" else np.asarray(degrade(photo, "low_light", 0.4, 1), np.uint8)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the clips, measure and print; returns 0."""
    parser = program("cameras.frozen_clips", __doc__, bundle=None)
    parser.add_argument(
        "--seconds", type=whole(6, 3600), default=16, metavar="S", help="of each clip (default: %(default)s)"
    )
    args = parse(parser, argv)
    quiet_decoder()
    rows = []
    print(f"{'encoder':<32}{'scene':<8}{'noise':>6}{'median':>9}{'95 %':>9}{'max':>9}  frozen from (s)")
    with tempfile.TemporaryDirectory() as folder:
        for scene, noise, encoder in itertools.product(SCENES, (0.0, *LIVE_NOISE), ENCODERS):
            video = encoded(frames_of(scene, noise, args.seconds * FPS), encoder, Path(folder))
            changes = changes_of(video)
            late = np.array([change for t, change in changes if t > 5.0])
            median, most, top = (float(np.quantile(late, share)) for share in (0.5, 0.95, 1.0))
            frozen = first_frozen(changes)
            rows.append(
                {"encoder": encoder, "scene": scene, "live_noise": noise, "frozen_from_s": frozen}
                | {"median": median, "p95": most, "max": top}
            )
            print(
                f"{encoder:<32}{scene:<8}{noise or 'frozen':>6}{median:9.4f}{most:9.4f}{top:9.4f}  "
                f"{'never' if frozen is None else f'{frozen:.1f}'}",
                flush=True,
            )
    still = [row for row in rows if row["live_noise"] == 0.0]
    live = [row for row in rows if row["live_noise"] != 0.0]
    found, false = (sum(row["frozen_from_s"] is not None for row in group) for group in (still, live))
    print(f"\n{found} of {len(still)} frozen clips are called frozen, {false} of {len(live)} live ones")
    keep(args.json, {"fps": FPS, "size": SIZE, "clips": rows})
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
