"""Pictures that show their number, and what a source gives back of them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.watch.sources import End, Frame

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg (apt-get install ffmpeg)")

LEVEL = 210  # bright, and no grey that a limited range cannot have


def picture(index: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """A picture whose grey level tells its number."""
    width, height = size
    image = np.full((height, width, 3), 20 * (index % 12), np.uint8)
    cv2.circle(image, (width // 2, height // 2), height // 4, (0, 255, 255), 2)
    return image


def jpeg(index: int, size: tuple[int, int] = (64, 48)) -> bytes:
    return cv2.imencode(".jpg", picture(index, size))[1].tobytes()


def read_all(source: Any) -> list[Any]:
    """What a source gives from its opening to its end."""
    source.open()
    results: list[Any] = []
    while not (results and isinstance(results[-1], End)):
        results.append(source.read())
    source.close()
    return results


def numbers(results: list[Any]) -> list[int]:
    """The number that each frame's picture shows."""
    return [round(float(result.image[0, 0, 0]) / 20) for result in results if isinstance(result, Frame)]


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


def encode(bright: Path, out: Path, *options: str) -> Path:
    ffmpeg("-framerate", "10", "-i", bright / "%d.png", "-pix_fmt", "yuv420p", *options, out)
    return out
