"""Text on a terminal: rows of cells as lines, and colours of a few words.

Of colours there are none in a file or a pipe, with NO_COLOR (no-color.org), or TERM=dumb.
"""

import os
import sys
from collections.abc import Sequence
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


def aligned(rows: Sequence[Sequence[str]], *, left: int = 1, words: bool = False) -> list[str]:
    """The first ``left`` columns to the left, the others to the right; ``words``: the last is free text.

    No line ends in spaces.

    Example:
        >>> aligned([("camera", "frames"), ("front", "9")])
        ['camera  frames', 'front        9']
    """
    columns = len(rows[0]) - words
    widths = [max(len(row[column]) for row in rows) for column in range(columns)]
    return ["  ".join([*_padded(row, widths, left), *row[columns:]]).rstrip() for row in rows]


def _padded(row: Sequence[str], widths: Sequence[int], left: int) -> list[str]:
    cells = list(zip(row, widths, strict=False))
    return [cell.ljust(width) for cell, width in cells[:left]] + [cell.rjust(width) for cell, width in cells[left:]]
