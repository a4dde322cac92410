"""Colours of a few words on a terminal: none in a file or a pipe, with NO_COLOR (no-color.org), or TERM=dumb."""

import os
import sys
from typing import TextIO

_CODES = {"red": "31", "green": "32", "yellow": "33"}


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """The text for ``stream`` (standard output by default), in ``colour`` where the stream shows any.

    ``colour`` "" is none. Pad first: the codes have no width on the screen, but they have a length.
    """
    place = sys.stdout if stream is None else stream
    if colour not in _CODES or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not place.isatty():
        return text
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"
