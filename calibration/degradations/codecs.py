"""What compression and its transport do: JPEG, H.264 and H.265 at few bits, lost packets.

H.264 and H.265 need the program ffmpeg with their encoders; what a camera sends is a moving picture, so the photo is
panned over slowly and the last picture is taken.
"""

import shutil
import subprocess

import cv2
import numpy as np

from dgiqa_edge.runtime.errors import MachineError

from .scene import Degraded, Scene, between_powers, everywhere

BLOCK = 16
PICTURES = 5
FPS = 25
_SECONDS = 60.0


def jpeg(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Strong JPEG compression: quality 28 down to 4."""
    quality = max(4, round(28 - 24 * strength))
    _, code = cv2.imencode(".jpg", scene.photo, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return everywhere(np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR)))


def h264(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """H.264 with quantizers 31 to 50: about what a stream starved of bits has."""
    return _coded(scene, "libx264", round(31 + 19 * strength), rng)


def h265(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """H.265 with quantizers 33 to 51."""
    return _coded(scene, "libx265", round(33 + 18 * strength), rng)


def lost_blocks(scene: Scene, strength: float, rng: np.random.Generator) -> Degraded:
    """Packets that never came: runs of blocks shifted, repeated downwards, or grey."""
    height, width = scene.size
    picture, coverage = scene.photo.copy(), np.zeros(scene.size, np.float32)
    rows = np.arange(0, height - BLOCK + 1, BLOCK)
    lost = 0.0
    wanted = between_powers(strength, 0.04, 0.7)
    while lost < wanted:
        top = int(rng.choice(rows))
        bottom = min(height, top + BLOCK * int(rng.integers(1, 5)))
        longest = max(BLOCK, int((wanted - lost) * 1.2 * height * width / (bottom - top)))
        left = BLOCK * int(rng.integers(0, max(1, width // BLOCK)))
        run = np.s_[top:bottom, left : left + longest]
        area = picture[run]
        manner = int(rng.integers(3))
        if manner == 0:
            moved = np.roll(scene.photo, (int(rng.integers(-48, 49)), int(rng.integers(8, 64))), axis=(0, 1))
            area[:] = moved[run]
        elif manner == 1:
            area[:] = picture[max(0, top - 1), left : left + longest]  # the last good row, drawn out
        else:
            area[:] = 128 + (area.astype(int) - 128) // 8
        coverage[run] = 1.0
        lost = float(coverage.mean())
    return Degraded(picture, coverage)


def can_code() -> bool:
    """Whether :func:`h264` and :func:`h265` can run here."""
    return shutil.which("ffmpeg") is not None


def _coded(scene: Scene, encoder: str, quantizer: int, rng: np.random.Generator) -> Degraded:
    height, width = (side - side % 2 for side in scene.size)
    step = rng.integers(-4, 5, 2)
    clip = [
        np.roll(scene.photo, (step * (PICTURES - 1 - number)).tolist(), axis=(0, 1))[:height, :width]
        for number in range(PICTURES)
    ]
    raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(FPS)]
    container = "h264" if encoder == "libx264" else "hevc"
    coding = ["-c:v", encoder, "-preset", "veryfast", "-qp", str(quantizer), "-pix_fmt", "yuv420p"]
    quiet = ["-x265-params", f"log-level=none:qp={quantizer}"] if encoder == "libx265" else []
    stream = _ffmpeg([*raw, "-i", "-", *coding, *quiet, "-bf", "0", "-f", container, "-"], b"".join(map(bytes, clip)))
    pixels = _ffmpeg(["-f", container, "-i", "-", "-f", "rawvideo", "-pix_fmt", "bgr24", "-"], stream)
    last = np.frombuffer(pixels, np.uint8).reshape(-1, height, width, 3)[-1]
    picture = scene.photo.copy()
    picture[:height, :width] = last
    return everywhere(picture)


def _ffmpeg(arguments: list[str], given: bytes) -> bytes:
    program = shutil.which("ffmpeg")
    if program is None:
        raise MachineError("H.264 and H.265 need the program ffmpeg: install it, or leave these kinds out")
    command = [program, "-hide_banner", "-loglevel", "error", "-threads", "1", *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise MachineError(f"ffmpeg took longer than {_SECONDS:.0f} s and was stopped: is the machine busy?") from None
    if done.returncode or not done.stdout:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise MachineError(f"ffmpeg failed: {told[-1] if told else 'it says nothing'}")
    return done.stdout
