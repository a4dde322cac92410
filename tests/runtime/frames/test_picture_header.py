"""Pictures as bytes: what a header claims, and what is not decoded."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import SHARED

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.images import decode_image, read_image
from dgiqa_edge.runtime.frames.picture_header import header_flaw, picture_format

PHOTO = (SHIPPED_PHOTOS / "cat.jpg").read_bytes()
PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
FAULTS = SHARED / "faults"


def encoded(suffix: str, image: np.ndarray = PICTURE, *options: int) -> bytes:
    return cv2.imencode(suffix, image, options)[1].tobytes()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_claiming(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def with_number(content: bytes, at: int, form: str, *values: int) -> bytes:
    packed = struct.pack(form, *values)
    return content[:at] + packed + content[at + len(packed) :]


def tiff(*entries: tuple[int, int, int, int], order: str = "<") -> bytes:
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(entries))
    packed = [
        struct.pack(f"{order}HHI", tag, kind, count)
        + struct.pack(order + ("HH" if kind == 3 else "I"), *((value, 0) if kind == 3 else (value,)))
        for tag, kind, count, value in entries
    ]
    return head + b"".join(packed) + bytes(4)


SOF = PHOTO.find(b"\xff\xc0")
TOO_LARGE = {
    "png": png_claiming(30_000, 30_000),
    "png of one bit": png_claiming(30_000, 30_000, 1, 0) + bytes(200_000),
    "jpeg": with_number(PHOTO, SOF + 5, ">HH", 60_000, 60_000),
    "bmp": with_number(encoded(".bmp"), 18, "<ii", 60_000, -60_000),
    "pgm": b"P5\n# a comment 1 2\n60000\n60000\n255\n" + bytes(100),
    "pam": b"P7\nWIDTH 60000\nHEIGHT 60000\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n" + bytes(100),
    "tiff": tiff((256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8)),
    "tiff, big-endian": tiff((256, 4, 1, 60_000), (257, 4, 1, 60_000), order=">"),
    "webp, extended": b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\x01" * 2,
    "jpeg 2000": b"\xff\x4f\xff\x51\x00\x2f\x00\x00" + struct.pack(">4I", 60_000, 60_000, 0, 0) + bytes(40),
    "avif": b"\0\0\0\x1cftypavif\0\0\0\0avif" + b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">2I", 60_000, 60_000),
    "side": png_claiming(70_000, 2) + bytes(1_000),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_a_size_over_the_limit_is_refused_by_the_header(kind: str) -> None:
    with pytest.raises(SourceError, match="claims"):
        decode_image(TOO_LARGE[kind])


@pytest.mark.skipif(not FAULTS.is_dir(), reason="the shared faults are not here")
def test_the_png_that_claims_30000_pixels_a_side() -> None:
    with pytest.raises(SourceError, match="claims 30000x30000 pixels"):
        read_image(FAULTS / "png_claims_30000.png")


@pytest.mark.parametrize(("width", "height", "depth", "colour"), [(4000, 4000, 8, 2), (16_000, 16_000, 8, 6)])
def test_a_png_cannot_claim_more_than_its_bytes_can_hold(width: int, height: int, depth: int, colour: int) -> None:
    with pytest.raises(SourceError, match="bytes can hold"):
        decode_image(png_claiming(width, height, depth, colour))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif", ".ppm", ".pgm", ".jp2", ".avif"])
@pytest.mark.parametrize("size", [(1, 1), (48, 64), (2000, 3000)])
def test_sound_pictures_of_every_format_have_no_flaw(suffix: str, size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    try:
        done, content = cv2.imencode(suffix, image[:, :, 0] if suffix == ".pgm" else image)
    except cv2.error:
        done = False
    if not done:
        pytest.skip(f"this OpenCV does not write {suffix}")
    assert header_flaw(content.tobytes()) is None
    assert decode_image(content.tobytes()).shape == (*size, 3)


def test_a_one_bit_png_of_one_colour_is_not_taken_for_a_bomb() -> None:
    content = encoded(".png", np.zeros((8000, 8000), np.uint8), cv2.IMWRITE_PNG_BILEVEL, 1)
    assert decode_image(content).shape == (8000, 8000, 3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC file, which OpenCV does not decode: convert it"),
        (b"GIF89a\x01\0\x01\0" + bytes(20), "is a GIF file"),
        (b"\xff\x0a" + bytes(20), "is a JPEG XL file"),
        (b"%PDF-1.7 " + bytes(20), "is a PDF file"),
        (b"\0\0\0\x18ftypisom" + bytes(20), "is a video or other ISO media file"),
        (
            tiff((256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 32), (339, 3, 1, 3)),
            "32-bit floating-point.*to 8 or 16 bits",
        ),
        (tiff((256, 4, 1, 8), (257, 4, 1, 8), (339, 3, 1, 3), order=">"), "floating-point"),
        (tiff((256, 4, 1, 8), (257, 4, 1, 8), (50706, 1, 4, 1)), "is a camera raw file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "its PNG header is cut off"),
        (b"not a picture", "not an image that OpenCV decodes"),
    ],
)
def test_what_is_not_decoded_is_named(content: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        decode_image(content)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*TOO_LARGE.values(), PHOTO[:3000], encoded(".tif"), encoded(".webp")]), st.data())
def test_any_bytes_have_an_answer(start: bytes, data: st.DataObject) -> None:
    content = bytearray(start[: data.draw(st.integers(0, min(len(start), 400)))])
    for _ in range(data.draw(st.integers(0, 4)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    header_flaw(bytes(content))
    picture_format(bytes(content))


JP2 = encoded(".jp2")
SIZ = JP2.find(b"\xff\x4f\xff\x51")
FEW_BYTES = {
    "JPEG 2000": with_number(with_number(JP2, SIZ + 8, ">II", 16_000, 16_000), SIZ + 24, ">II", 16_000, 16_000),
    "WebP": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x7f\x3e\0" * 2 + bytes(8),
    "TIFF": tiff((256, 4, 1, 2), (257, 4, 1, 2), (258, 3, 1, 8), (322, 4, 1, 60_000), (323, 4, 1, 4_000)),
}


@pytest.mark.parametrize("kind", FEW_BYTES)
def test_no_format_may_claim_what_its_bytes_cannot_hold(kind: str) -> None:
    with pytest.raises(SourceError, match=f"the {kind} claims .* more than its {len(FEW_BYTES[kind])} bytes can hold"):
        decode_image(FEW_BYTES[kind])


def test_a_jpeg_2000_without_all_its_tiles_is_cut_off() -> None:
    """OpenJPEG leaves the others as they are and reports success: 99 % of such a picture was never written."""
    with pytest.raises(SourceError, match="is cut off: 1 of its 84 tiles are there"):
        decode_image(with_number(JP2, SIZ + 8, ">II", 64 * 7, 48 * 12))
