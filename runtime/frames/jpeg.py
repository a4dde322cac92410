"""Whether a JPEG's bytes can be the picture they claim to be, known before a decoder trusts them.

OpenCV fills what is missing with grey and reports success, and allocates whatever size the header states.
"""

JPEG_START = b"\xff\xd8\xff"

# A block of 8x8 pixels takes one bit at the very least (progressive, one component): 64 pixels to the bit.
_MOST_PIXELS_PER_BYTE = 512
_MARKERS_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_NO_FRAME_HEADERS = frozenset({0xC4, 0xC8, 0xCC})  # Huffman tables, reserved, arithmetic coding


def jpeg_flaw(content: bytes) -> str | None:
    """Why these bytes are no whole JPEG, in words that follow "it"; None where nothing speaks against it.

    Inside a scan every FF byte is followed by 00 or a restart marker, so the last start-of-scan (FF DA) must be
    followed by an end-of-image (FF D9); an embedded thumbnail's markers both come earlier.
    """
    if content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda"):
        return "is cut off: the JPEG ends in the middle of its picture"
    size = jpeg_size(content)
    if size is not None and size[0] * size[1] > _MOST_PIXELS_PER_BYTE * len(content):
        return f"is damaged: the JPEG claims {size[0]}x{size[1]} pixels, more than its {len(content)} bytes can hold"
    return None


def jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height that the first frame header states; None where there is none before the picture data."""
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            at += 1
            continue
        marker = content[at + 1]
        if marker == 0xFF or marker in _MARKERS_WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xD9, 0xDA):
            return None
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADERS:
            height, width = (int.from_bytes(content[at + start : at + start + 2], "big") for start in (5, 7))
            return width, height
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None
