"""The most that is taken of what a file, a header or a caller may claim: beyond it nothing is allocated, only refused.

The numbers are data, ``limits.json``: the native runtime makes its header of the same file, so both refuse alike.
134,217,728 pixels (2^27) are 403 MB as BGR; the longest row, BGRA of 32,768 pixels, is an eighth of the longest stride.
"""

import json
from pathlib import Path

_LIMITS: dict[str, int] = json.loads((Path(__file__).parent / "limits.json").read_text(encoding="utf-8"))

IMAGE_SIDE = _LIMITS["image_side"]
"""Pixels of the longer side of an image or frame."""
IMAGE_PIXELS = _LIMITS["image_pixels"]
"""Width x height of an image or frame."""
IMAGE_FILE_BYTES = _LIMITS["image_file_bytes"]
"""Bytes of an image file: they are read into memory before they are decoded."""
ROW_STRIDE_BYTES = _LIMITS["row_stride_bytes"]
"""Bytes from one row of a frame's plane to the next (C API)."""
TEXT_FILE_BYTES = _LIMITS["text_file_bytes"]
"""Bytes of a text file that is read whole: a policy, a manifest, settings, a list of files."""
THREADS = _LIMITS["threads"]
"""Threads of an engine: each one costs memory even when it sleeps."""
