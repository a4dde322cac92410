"""What a picture's first bytes say: its format and its size in pixels, before a decoder allocates what they claim.

Formats are told by content, never by the file's name. Only what is listed here reaches OpenCV.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from ..ground.limits import pixels_flaw
from .jpeg import JPEG_START, jpeg_flaw, jpeg_size

_TILE_PART = b"\xff\x90"

Sizes = Iterator[tuple[int, int]]
"""Every (width, height) that a header states."""

_FIRST_BYTES = 32
# Deflate packs at most 1032 bytes into one.
_DEFLATE_RATIO = 1032
# No photo has fewer bytes for its pixels, in any format; so many pixels more cost little, whatever the file is.
_PIXELS_PER_BYTE = 1 << 14
_CHEAP_PIXELS = 1 << 24
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ISO_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"hevc": "HEIC", b"heim": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF"}
_OTHERS = {
    b"GIF8": "GIF",
    b"8BPS": "Photoshop",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<?xm": "SVG",
    b"\x00\x00\x01\x00": "icon",
    b"\xff\x0a": "JPEG XL",
    b"FUJIFILM": "camera raw",
    b"IIRO": "camera raw",
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
}


def picture_format(head: bytes) -> str | None:
    """The format that is decoded, by a picture's first bytes (32 are enough); None for anything else."""
    return next((name for name, (starts, _) in _FORMATS.items() if starts(head)), None)


def first_bytes(path: Path) -> bytes:
    """As many bytes of a file as tell the format."""
    with path.open("rb") as stream:
        return stream.read(_FIRST_BYTES)


def other_format(head: bytes) -> str | None:
    """The name of a picture's format that is not decoded; None where it is not known either."""
    if head[4:8] == b"ftyp":
        return _ISO_BRANDS.get(head[8:12], "video or other ISO media")
    if head[4:12] == b"JXL \r\n\x87\n":
        return "JPEG XL"
    return next((name for start, name in _OTHERS.items() if head.startswith(start)), None)


def header_flaw(content: bytes) -> str | None:
    """Why these bytes are no picture to decode, in words that follow "it"; None where nothing speaks against it."""
    kind = picture_format(content)
    if kind is None:
        other = other_format(content)
        if other is not None:
            return f"is a {other} file, which OpenCV does not decode: convert it to JPEG or PNG"
        return "is damaged or not an image that OpenCV decodes: give a JPEG, PNG, TIFF, WebP or BMP"
    if kind == "JPEG" and (flaw := jpeg_flaw(content)) is not None:
        return f"{flaw}; copy the file again"
    try:
        for width, height in _FORMATS[kind][1](content):
            flaw = pixels_flaw(width, height)
            if flaw is not None:
                return flaw
            if width * height > _CHEAP_PIXELS + _PIXELS_PER_BYTE * len(content):
                return _too_few_bytes(kind, width, height, content)
        more = _FLAWS.get(kind)
        return None if more is None else more(content)
    except (IndexError, ValueError):
        return f"is damaged: its {kind} header is cut off or wrong; copy the file again"


def _png_sizes(content: bytes) -> Sizes:
    yield _big(content, 16, 4), _big(content, 20, 4)


def _png_flaw(content: bytes) -> str | None:
    width, height, depth, colour = _big(content, 16, 4), _big(content, 20, 4), content[24], content[25]
    needed = height * width * depth * _PNG_CHANNELS.get(colour, 1) // 8
    if needed > _DEFLATE_RATIO * len(content):
        return _too_few_bytes("PNG", width, height, content)
    return None


def _too_few_bytes(kind: str, width: int, height: int, content: bytes) -> str:
    return f"is damaged: the {kind} claims {width}x{height} pixels, more than its {len(content)} bytes can hold"


def _jpeg_sizes(content: bytes) -> Sizes:
    size = jpeg_size(content)
    if size is not None:
        yield size


def _bmp_sizes(content: bytes) -> Sizes:
    if _little(content, 14, 4) == 12:
        yield _little(content, 18, 2), _little(content, 20, 2)
        return
    width, height = (int.from_bytes(content[at : at + 4], "little", signed=True) for at in (18, 22))
    yield width, abs(height)  # a negative height: rows from the top


def _webp_sizes(content: bytes) -> Sizes:
    chunk = content[12:16]
    if chunk == b"VP8X":
        yield _little(content, 24, 3) + 1, _little(content, 27, 3) + 1
    elif chunk == b"VP8L":
        packed = _little(content, 21, 4)
        yield (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    else:
        yield _little(content, 26, 2) & 0x3FFF, _little(content, 28, 2) & 0x3FFF


def _tiff_tags(content: bytes) -> dict[int, int]:
    """First value of each tag of the first page; a value that does not fit into its entry is read where it lies."""
    order = "little" if content[:2] == b"II" else "big"
    large = int.from_bytes(content[2:4], order) == 43  # type: ignore[arg-type]

    def number(at: int, size: int) -> int:
        if at + size > len(content):
            raise IndexError
        return int.from_bytes(content[at : at + size], order)  # type: ignore[arg-type]

    at = number(8, 8) if large else number(4, 4)
    count = number(at, 8) if large else number(at, 2)
    first, step, word = (at + 8, 20, 8) if large else (at + 2, 12, 4)
    tags = {}
    for entry in range(first, first + min(count, 4096) * step, step):
        size = {1: 1, 3: 2, 4: 4, 16: 8}.get(number(entry + 2, 2))
        if size is not None:
            inside = size * number(entry + 4, word) <= word
            value = entry + 4 + word
            tags[number(entry, 2)] = number(value if inside else number(value, word), size)
    return tags


def _tiff_sizes(content: bytes) -> Sizes:
    tags = _tiff_tags(content)
    yield tags.get(256, 0), tags.get(257, 0)
    if 322 in tags:
        yield tags[322], tags.get(323, 0)


def _tiff_flaw(content: bytes) -> str | None:
    tags = _tiff_tags(content)
    if 50706 in tags or content[8:10] == b"CR":  # DNG, CR2: their first page is a thumbnail
        return "is a camera raw file, which OpenCV does not decode: develop it to JPEG or TIFF"
    bits, number = tags.get(258, 1), {2: "signed", 3: "floating-point"}.get(tags.get(339, 1))
    if number == "floating-point" or bits > 16:
        return (
            f"holds {bits}-bit {number or 'whole'} numbers, whose white is not known: convert it to 8 or 16 bits, as "
            "with `magick in.tif -auto-level -depth 16 out.tif`"
        )
    return None


def _pnm_sizes(content: bytes) -> Sizes:
    head = content[:4096]
    if head.startswith(b"P7"):
        fields = {key: int(value) for key, value in re.findall(rb"(?m)^(WIDTH|HEIGHT)[ \t]+(\d{1,10})", head)}
        yield fields.get(b"WIDTH", 0), fields.get(b"HEIGHT", 0)
        return
    numbers = re.findall(rb"\d{1,10}", re.sub(rb"#[^\r\n]*", b" ", head[2:]))
    yield int(numbers[0]), int(numbers[1])


def _jpeg2000_sizes(content: bytes) -> Sizes:
    found = False
    for match in re.finditer(rb"\xff\x4f\xff\x51.{4}(.{16})|ihdr(.{8})", content[: 1 << 20], re.DOTALL):
        found = True
        if match[1] is not None:
            right, bottom, left, top = (_big(match[1], at, 4) for at in (0, 4, 8, 12))
            yield right - left, bottom - top
        else:
            yield _big(match[2], 4, 4), _big(match[2], 0, 4)
    if not found:
        raise ValueError


def _jpeg2000_flaw(content: bytes) -> str | None:
    """The decoder leaves tiles that are not there as they came from memory, and reports success."""
    at = content.find(b"\xff\x4f\xff\x51") + 2
    right, bottom = _big(content, at + 6, 4), _big(content, at + 10, 4)
    across, down, left, top = (_big(content, at + 22 + 4 * number, 4) for number in range(4))
    if not (across and down):
        raise ValueError
    tiles = -(-(right - left) // across) * -(-(bottom - top) // down)
    while content[at : at + 2] != _TILE_PART:
        at += 2 + _big(content, at + 2, 2)
    found = set()
    while content[at : at + 2] == _TILE_PART:
        found.add(_big(content, at + 4, 2))
        at += _big(content, at + 6, 4) or len(content)
    return None if len(found) >= tiles else f"is cut off: {len(found)} of its {tiles} tiles are there; copy it again"


def _avif_sizes(content: bytes) -> Sizes:
    matches = list(re.finditer(rb"ispe.{4}(.{4})(.{4})", content[: 1 << 20], re.DOTALL))
    if not matches:
        raise ValueError
    yield from ((_big(match[1], 0, 4), _big(match[2], 0, 4)) for match in matches)


def _big(content: bytes, at: int, size: int) -> int:
    return _number(content, at, size, "big")


def _little(content: bytes, at: int, size: int) -> int:
    return _number(content, at, size, "little")


def _number(content: bytes, at: int, size: int, order: str) -> int:
    if at + size > len(content):
        raise IndexError
    return int.from_bytes(content[at : at + size], order)  # type: ignore[arg-type]


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(starts)


_FORMATS: dict[str, tuple[Callable[[bytes], bool], Callable[[bytes], Sizes]]] = {
    "JPEG": (_begins(JPEG_START), _jpeg_sizes),
    "PNG": (_begins(b"\x89PNG\r\n\x1a\n"), _png_sizes),
    "WebP": (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _webp_sizes),
    "TIFF": (_begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff_sizes),
    "BMP": (_begins(b"BM"), _bmp_sizes),
    "PNM": (lambda head: head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3].isspace(), _pnm_sizes),
    "JPEG 2000": (_begins(b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"), _jpeg2000_sizes),
    "AVIF": (lambda head: head[4:8] == b"ftyp" and (b"avif" in head[8:] or b"avis" in head[8:]), _avif_sizes),
}
_FLAWS: dict[str, Callable[[bytes], str | None]] = {
    "PNG": _png_flaw,
    "TIFF": _tiff_flaw,
    "JPEG 2000": _jpeg2000_flaw,
}
"""What else of a format can be told before it is decoded."""
