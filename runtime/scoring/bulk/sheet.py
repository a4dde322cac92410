"""A sheet of small pictures with a line under each, as one picture. Only drawing; text is drawn by OpenCV."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ACROSS = 6
CELL = (200, 150)
"""Width and height of a picture's place, pixels."""
_LINE, _GAP = 18, 8
_LETTERS = 30
_PAPER, _INK = 28, 235


def draw_sheet(pictures: Sequence[tuple[NDArray[np.uint8] | None, Sequence[str]]]) -> NDArray[np.uint8]:
    """Pictures (uint8 [H, W, 3] BGR; None of one that is gone) and the lines under each, uint8 [H, W, 3] BGR."""
    import cv2

    lines = max(len(text) for _, text in pictures)
    width, height = CELL[0] + _GAP, CELL[1] + _GAP + lines * _LINE
    down = -(-len(pictures) // ACROSS)
    sheet = np.full((down * height + _GAP, min(len(pictures), ACROSS) * width + _GAP, 3), _PAPER, np.uint8)
    for number, (picture, text) in enumerate(pictures):
        top, left = _GAP + number // ACROSS * height, _GAP + number % ACROSS * width
        if picture is not None:
            scale = min(CELL[0] / picture.shape[1], CELL[1] / picture.shape[0])
            size = tuple(max(1, round(side * scale)) for side in picture.shape[1::-1])
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            sheet[top : top + small.shape[0], left : left + small.shape[1]] = small
        for row, line in enumerate(text, 1):
            plain = line[-_LETTERS:].encode("ascii", "replace").decode()
            at = (left, top + CELL[1] + row * _LINE - 4)
            cv2.putText(sheet, plain, at, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (_INK,) * 3, 1, cv2.LINE_AA)
    return sheet
