"""Writes ``cases.json`` and ``pixels.bin`` beside this file; ``README.md`` has the format."""

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.runtime.frames.fit import fit_frame
from dgiqa_edge.runtime.ground.framing import FITS, Fit, framing, scaled_box

Pixels = NDArray[np.uint8]
SHIFT = 20
# Black level, then factors of Y, U to blue, U to green, V to green, V to red. OpenCV keeps three decimals.
MATRICES: dict[str, tuple[int, tuple[float, float, float, float, float]]] = {
    "bt601_limited": (16, (1.164, 2.018, -0.391, -0.813, 1.596)),
    "bt601_full": (0, (1.0, 1.772, -0.344136, -0.714136, 1.402)),
    "bt709_limited": (16, (1.164384, 2.112402, -0.213249, -0.532909, 1.792741)),
    "bt709_full": (0, (1.0, 1.8556, -0.187324, -0.468124, 1.5748)),
}
YUV_FORMATS = {"nv12": cv2.COLOR_YUV2BGR_NV12, "yuyv": cv2.COLOR_YUV2BGR_YUYV, "i420": cv2.COLOR_YUV2BGR_I420}
PACKED_FORMATS = {"bgr": 3, "rgb": 3, "bgra": 4, "rgba": 4, "grey": 1}
# (width, height) of a picture and of the result
RESIZES = [
    ((64, 48), (64, 48)),
    ((64, 48), (32, 24)),
    ((90, 60), (30, 20)),
    ((64, 60), (32, 20)),
    ((64, 48), (64, 24)),
    ((96, 54), (51, 51)),
    ((53, 37), (53, 30)),
    ((100, 75), (99, 74)),
    ((80, 60), (7, 5)),
    ((80, 60), (1, 1)),
    ((64, 48), (51, 51)),
    ((40, 30), (80, 60)),
    ((30, 20), (50, 41)),
    ((17, 13), (64, 48)),
    ((30, 60), (64, 20)),
    ((1, 1), (5, 4)),
    ((1, 9), (3, 12)),
]

# (width, height) of a picture and of the result: narrower, wider, larger, smaller, of one row, of the result's own
# aspect but for less than a pixel, mirrored several times.
SHAPES = [
    ((48, 64), (64, 48)),
    ((36, 64), (64, 48)),
    ((64, 36), (48, 48)),
    ((30, 53), (53, 30)),
    ((90, 67), (31, 48)),
    ((75, 100), (41, 30)),
    ((61, 46), (64, 48)),
    ((61, 34), (32, 18)),
    ((9, 60), (64, 30)),
    ((70, 5), (33, 47)),
    ((64, 1), (16, 12)),
    ((1, 40), (13, 10)),
    ((64, 48), (32, 30)),
]
# Sizes of cameras in sizes of bundles, and the size of a depth map, as numbers alone.
FRAMINGS = [
    ((3024, 4032), (640, 480), (56, 40)),
    ((1080, 1920), (640, 480), (56, 40)),
    ((1920, 1080), (640, 480), (56, 40)),
    ((1366, 768), (640, 360), (64, 36)),
    ((1440, 1080), (360, 640), (40, 56)),
    ((2048, 2048), (1280, 720), (64, 36)),
    ((65535, 3), (640, 480), (56, 40)),
    ((3, 65535), (65535, 4000), (2, 3)),
]


class PixelFile:
    """The arrays that go to ``pixels.bin``, one after the other."""

    def __init__(self) -> None:
        self.content = bytearray()

    def add(self, pixels: Pixels) -> list[int]:
        """Offset and length of the array's bytes in the file."""
        start = len(self.content)
        self.content += pixels.tobytes()
        return [start, pixels.size]


def yuv_to_bgr(y: Pixels, u: Pixels, v: Pixels, matrix: str) -> Pixels:
    """BGR of planes of one size in 20-bit fixed point; ``matrix`` is one of ``MATRICES``."""
    black, factors = MATRICES[matrix]
    luma, blue_u, green_u, green_v, red_v = (int(np.rint(factor * (1 << SHIFT))) for factor in factors)
    base = np.maximum(y.astype(np.int64) - black, 0) * luma + (1 << (SHIFT - 1))
    du, dv = u.astype(np.int64) - 128, v.astype(np.int64) - 128
    sums = (base + blue_u * du, base + green_u * du + green_v * dv, base + red_v * dv)
    return np.stack([np.clip(value >> SHIFT, 0, 255) for value in sums], axis=-1).astype(np.uint8)


def planes_of(name: str, width: int, height: int, rng: np.random.Generator) -> list[Pixels]:
    """Random planes of a format, without gaps; each row of a plane is a row of the array."""
    if name in PACKED_FORMATS:
        return [rng.integers(0, 256, (height, width * PACKED_FORMATS[name]), dtype=np.uint8)]
    shapes = {
        "yuyv": [(height, width * 2)],
        "nv12": [(height, width), (height // 2, width)],
        "i420": [(height, width), (height // 2, width // 2), (height // 2, width // 2)],
    }
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes[name]]


def by_opencv(name: str, planes: list[Pixels]) -> Pixels:
    """The picture as OpenCV converts it (BT.601 limited)."""
    height, width = planes[0].shape[0], planes[0].shape[1]
    if name == "grey":
        return cv2.cvtColor(planes[0], cv2.COLOR_GRAY2BGR).astype(np.uint8)
    if name in PACKED_FORMATS:
        packed = planes[0].reshape(height, -1, PACKED_FORMATS[name])
        codes = {"rgb": cv2.COLOR_RGB2BGR, "bgra": cv2.COLOR_BGRA2BGR, "rgba": cv2.COLOR_RGBA2BGR}
        return packed if name == "bgr" else cv2.cvtColor(packed, codes[name]).astype(np.uint8)
    if name == "yuyv":
        return cv2.cvtColor(planes[0].reshape(height, width // 2, 2), YUV_FORMATS[name]).astype(np.uint8)
    joined = np.concatenate([plane.ravel() for plane in planes]).reshape(height * 3 // 2, width)
    return cv2.cvtColor(joined, YUV_FORMATS[name]).astype(np.uint8)


def full_planes(name: str, planes: list[Pixels]) -> tuple[Pixels, Pixels, Pixels]:
    """Y, U and V of every pixel."""
    if name == "yuyv":
        packed = planes[0].reshape(planes[0].shape[0], -1, 2)
        return packed[..., 0], packed[:, 0::2, 1].repeat(2, 1), packed[:, 1::2, 1].repeat(2, 1)
    u, v = (planes[1][:, 0::2], planes[1][:, 1::2]) if name == "nv12" else (planes[1], planes[2])
    return planes[0], u.repeat(2, 0).repeat(2, 1), v.repeat(2, 0).repeat(2, 1)


def padded(plane: Pixels, gap: int, rng: np.random.Generator) -> Pixels:
    """The plane with ``gap`` meaningless bytes behind each row."""
    return np.hstack([plane, rng.integers(0, 256, (plane.shape[0], gap), dtype=np.uint8)])


def conversion_cases(file: PixelFile, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Every format, every matrix where it matters, with and without gaps behind the rows."""
    cases = []
    for name in (*PACKED_FORMATS, *YUV_FORMATS):
        for matrix in MATRICES if name in YUV_FORMATS else ["bt601_limited"]:
            for width, height, gap in ((34, 22, 0), (26, 18, 13), (2, 2, 0)):
                planes = planes_of(name, width, height, rng)
                if matrix == "bt601_limited":
                    expected = by_opencv(name, planes)
                else:
                    expected = yuv_to_bgr(*full_planes(name, planes), matrix)
                stored = [padded(plane, gap, rng) for plane in planes]
                cases.append(
                    {
                        "name": f"{name} {matrix} {width}x{height} gap {gap}",
                        "format": name,
                        "matrix": matrix,
                        "width": width,
                        "height": height,
                        "strides": [plane.shape[1] if gap else 0 for plane in stored],
                        "planes": [file.add(plane) for plane in stored],
                        "bgr": file.add(expected),
                    }
                )
    return cases


def resize_cases(file: PixelFile, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Every rule of resizing, on noise (the worst case for rounding)."""
    cases = []
    for (from_width, from_height), (width, height) in RESIZES:
        picture = rng.integers(0, 256, (from_height, from_width, 3), dtype=np.uint8)
        cases.append(
            {
                "name": f"{from_width}x{from_height} to {width}x{height}",
                "from": {"width": from_width, "height": from_height, "bgr": file.add(picture)},
                "width": width,
                "height": height,
                "bgr": file.add(fit_frame(picture, height, width)),
            }
        )
    return cases


def boxes(size: tuple[int, int], to_size: tuple[int, int], fit: Fit) -> dict[str, list[int]]:
    """``shown`` and ``at`` of a framing, as left, top, width, height; sizes are (width, height)."""
    placed = framing(size[::-1], to_size[::-1], fit)
    return {"shown": list(astuple(placed.shown)), "at": list(astuple(placed.at))}


def fit_cases(file: PixelFile, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Every fit of every pair of sizes, on noise."""
    cases = []
    for (from_width, from_height), (width, height) in SHAPES:
        picture = rng.integers(0, 256, (from_height, from_width, 3), dtype=np.uint8)
        pixels = file.add(picture)
        cases += [
            {
                "name": f"{from_width}x{from_height} to {width}x{height} by {fit}",
                "fit": fit,
                "from": {"width": from_width, "height": from_height, "bgr": pixels},
                "width": width,
                "height": height,
                **boxes((from_width, from_height), (width, height), fit),
                "bgr": file.add(fit_frame(picture, height, width, fit)),
            }
            for fit in ("pad", "crop")
        ]
    return cases


def framing_cases() -> list[dict[str, Any]]:
    """Geometry alone, and what a depth map shows of the picture."""
    cases = []
    for size, to_size, depth in FRAMINGS:
        for fit in FITS:
            placed = framing(size[::-1], to_size[::-1], fit)
            depth_box = scaled_box(placed.at, to_size[::-1], depth[::-1])
            cases.append(
                {
                    "fit": fit,
                    "from": list(size),
                    "to": list(to_size),
                    **boxes(size, to_size, fit),
                    "depth": list(depth),
                    "depth_box": list(astuple(depth_box)),
                }
            )
    return cases


def write(folder: Path) -> None:
    """Write both files into ``folder``."""
    rng, file = np.random.default_rng(7), PixelFile()
    document = {
        "conversions": conversion_cases(file, rng),
        "resizes": resize_cases(file, rng),
        "fits": fit_cases(file, rng),
        "framings": framing_cases(),
    }
    (folder / "cases.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "pixels.bin").write_bytes(bytes(file.content))
