"""How much is too much: every limit on what a file, an option or a caller may ask for. Numbers and nothing else.

The numbers are data, ``limits.json``: the native runtime's header is made of the same file, so both refuse alike.
"""

from pathlib import Path

from .strict_text import parse_json

_LIMITS: dict[str, int] = parse_json((Path(__file__).parent / "limits.json").read_text(encoding="utf-8"))

MOST_PIXELS = _LIMITS["most_pixels"]
"""Pixels of one picture: 16384 x 16384. Cameras make up to 200 megapixels, and 2^28 of them are 768 MiB as BGR."""

LONGEST_SIDE = _LIMITS["longest_side"]
"""Pixels of a picture's side: what JPEG itself can state."""

MOST_FRAME_PIXELS = 1 << 26
"""Pixels of the frame an engine is built for: twice a frame of 8K video. A larger photo is resized to it."""

MOST_NETWORK_SIDE = 4096
"""Pixels of the short side of a network's input: eight times the largest preset's, whose cost grows with its square."""

MOST_STRIDE_BYTES = _LIMITS["most_stride_bytes"]
"""Bytes from one row to the next: the longest row of BGRA is a quarter of it, so every second row still fits."""

MOST_THREADS = _LIMITS["most_threads"]
"""Threads of one engine: more than an edge device has cores by far; each costs a stack, and waits for the others."""

MOST_IMAGE_BYTES = _LIMITS["most_image_bytes"]
"""Bytes of one image file: the most pixels, as 16-bit RGBA without any compression."""

MOST_TEXT_BYTES = _LIMITS["most_text_bytes"]
"""Bytes of one settings, list or JSON file: the largest report that ships has 0.4 MiB."""

MOST_BUNDLE_BYTES = 1 << 33
"""Bytes of one bundle that is fetched: four engines of the largest preset, with their FP32 graph."""

MOST_BUNDLE_FILES = 10_000
"""Of one bundle that is fetched: those that are built have a dozen."""

MOST_COUNT = _LIMITS["most_count"]
"""Of anything that is counted and has no limit of its own: repetitions, frames, a seed."""

MOST_SECONDS = float(_LIMITS["most_seconds"])
"""Of any waiting or measuring time: 31 years, and far from where clocks and time-outs overflow."""


def pixels_flaw(width: int, height: int) -> str | None:
    """Why a picture of that size is refused, in words that follow "it"; None where it is not."""
    if width <= 0 or height <= 0:
        return f"has no pixels ({width}x{height})"
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        return (
            f"claims {width}x{height} pixels, more than the {MOST_PIXELS} pixels and {LONGEST_SIDE} per side "
            "that are read"
        )
    return None
