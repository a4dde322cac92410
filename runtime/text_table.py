"""Rows of cells as lines of text, for a terminal."""

from collections.abc import Sequence


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
