"""Writes small image files of every kind the native runtime reads, and what OpenCV decodes them to."""

import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 37, 27
ORIENTATION_TAG = 0x0112


def scene() -> NDArray[np.uint8]:
    """uint8 [27, 37, 3]: colours that change slowly and sharply, so that chroma interpolation shows."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = np.stack([x * 6, y * 9, 255 - x * 3 - y * 3], axis=-1).clip(0, 255)
    picture[8:18, 10:22] = [250, 20, 30]
    picture[3:9, 25:33] = np.random.default_rng(5).integers(0, 256, (6, 8, 3))
    return picture.astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file of Pillow's format ``kind``."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def orientation(value: int) -> Image.Exif:
    """EXIF data that state nothing but an orientation."""
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = value
    return exif


def files() -> dict[str, bytes]:
    """Every file by its name."""
    picture = Image.fromarray(scene())
    grey = picture.convert("L")
    deep = (scene().astype(np.uint16) * 257) ^ 0x35
    found = {
        "420.jpg": encoded(picture, "JPEG", quality=80, subsampling="4:2:0"),
        "422.jpg": encoded(picture, "JPEG", quality=80, subsampling="4:2:2"),
        "444.jpg": encoded(picture, "JPEG", quality=95, subsampling="4:4:4"),
        "progressive.jpg": encoded(picture, "JPEG", quality=70, progressive=True),
        "grey.jpg": encoded(grey, "JPEG", quality=80),
        "cmyk.jpg": encoded(picture.convert("CMYK"), "JPEG", quality=90),
        "rgb.png": encoded(picture, "PNG"),
        "grey.png": encoded(grey, "PNG"),
        "bits.png": encoded(grey.convert("1"), "PNG"),
        "palette.png": encoded(picture.quantize(40), "PNG"),
        "transparent.png": encoded(picture.quantize(40), "PNG", transparency=3),
        "rgba.png": encoded(Image.merge("RGBA", (*picture.split(), grey)), "PNG"),
        "turned.png": encoded(picture, "PNG", exif=orientation(6)),
        "deep.png": cv2.imencode(".png", deep)[1].tobytes(),
        "rgb.ppm": encoded(picture, "PPM"),
        "grey.pgm": encoded(grey, "PPM"),
        "comment.ppm": b"P6 # by hand\n2\t1\n# again\n255\n" + bytes([1, 2, 3, 250, 251, 252]),
    }
    for value in range(1, 9):
        found[f"orientation{value}.jpg"] = encoded(picture, "JPEG", quality=80, exif=orientation(value))
    return found


def write(folder: Path) -> None:
    """Write the files, ``cases.json`` and ``pixels.bin`` into ``folder``."""
    write_decoded(folder, files())


def write_decoded(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files and what OpenCV makes of them."""
    cases, pixels = [], bytearray()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        height, width = picture.shape[:2]
        cases.append({"file": name, "width": width, "height": height, "bgr": [len(pixels), picture.size]})
        pixels += picture.tobytes()
    (folder / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    (folder / "pixels.bin").write_bytes(bytes(pixels))
