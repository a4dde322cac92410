"""A contact sheet: one row per photo with its depth, its degraded copies, and the score under each, as one picture.

Only drawing: scores and pictures come from ``degradation_order.py``. Text is drawn by OpenCV, so no font is needed.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dgiqa_edge.runtime.frames.depth_picture import depth_colours
from dgiqa_edge.runtime.frames.depth_upsampling import depth_over_frame
from dgiqa_edge.runtime.ground.names import shown

from .degradation_order import PhotoPictures, PhotoScores

Colour = tuple[int, int, int]

# Colours are BGR, sizes pixels. A sheet is as wide as it is to be looked at.
PAPER: Colour = (28, 24, 22)
CELL: Colour = (40, 35, 32)
TRACK: Colour = (78, 72, 68)
INK: Colour = (240, 238, 236)
FAINT: Colour = (176, 168, 162)
ALARM: Colour = (84, 84, 255)
BAD: Colour = (56, 130, 235)
UNSURE: Colour = (90, 200, 235)
GOOD: Colour = (165, 185, 60)

WIDTH, MARGIN, GAP = 1280, 24, 8
PHOTO = (276, 246)
"""Width and height of the picture in the cells of a photo and of its depth: as high as two rows of copies."""
COPY = (160, 104)
"""The same of a degraded copy."""
CAPTION = 30
COPIES_ACROSS = 4
HEADING, LINE, BAR, FRAME = 152, 21, 5, 3
SCALE_WIDTH, SCALE_HEIGHT = 500, 14
FONT = cv2.FONT_HERSHEY_SIMPLEX
BOLD = cv2.FONT_HERSHEY_DUPLEX
TEXT, TITLE = 12, 19


@dataclass(frozen=True)
class Anchors:
    """Two scores of the scale: worse than ``bad`` the gate rejects, from ``good`` on it lets pass."""

    bad: float
    good: float

    def colour(self, score: float) -> Colour:
        """Of a score, by the side of the anchors it lies on."""
        return BAD if score < self.bad else GOOD if score >= self.good else UNSURE


@dataclass(frozen=True)
class SheetTexts:
    """What the sheet says around its rows: a headline, the lines under it, and the notes at the foot."""

    headline: str
    lines: Sequence[str]
    notes: Sequence[str]


def draw_row(label: str, scores: PhotoScores, pictures: PhotoPictures, anchors: Anchors) -> np.ndarray:
    """One photo's row, uint8 [H, WIDTH, 3] BGR: photo, depth, and its degraded copies in a grid of their own."""
    row = np.full((row_height(len(scores.degraded)), WIDTH, 3), PAPER, np.uint8)
    photo, depth, *copies = (row[box] for box in cells(len(scores.degraded)))
    _draw_scored(photo, PHOTO, _fitted(pictures.clean, pictures.shape, PHOTO), label, scores.clean, anchors)
    _draw_depth(depth, depth_over_frame(pictures.depth, pictures.clean), pictures.shape)
    for cell, (kind, score) in zip(copies, scores.degraded.items(), strict=True):
        picture = _fitted(pictures.degraded[kind], pictures.shape, COPY)
        _draw_scored(cell, COPY, picture, kind.replace("_", " "), score, anchors, alarm=kind in scores.disordered)
    return row


def draw_sheet(rows: Sequence[np.ndarray], texts: SheetTexts, anchors: Anchors) -> np.ndarray:
    """The whole sheet, uint8 [H, WIDTH, 3] BGR, from the rows of ``draw_row``."""
    notes = [line for note in texts.notes for line in _wrapped(note, WIDTH - 2 * MARGIN)]
    heading = np.full((HEADING, WIDTH, 3), PAPER, np.uint8)
    _write(heading, texts.headline, (MARGIN, 46), INK, TITLE, BOLD)
    lines = [part for line in texts.lines for part in _wrapped(line, WIDTH - 3 * MARGIN - SCALE_WIDTH)]
    for number, line in enumerate(lines):
        _write(heading, line, (MARGIN, 78 + number * LINE), FAINT)
    _draw_scale(heading[68:], WIDTH - MARGIN - SCALE_WIDTH, anchors)
    foot = np.full((MARGIN + LINE * len(notes), WIDTH, 3), PAPER, np.uint8)
    for number, line in enumerate(notes):
        _write(foot, line, (MARGIN, 16 + number * LINE), FAINT)
    return np.concatenate((heading, *rows, foot))


def row_height(copies: int) -> int:
    """Of a row with so many degraded copies, the gap below it included."""
    down = -(-copies // COPIES_ACROSS)
    return max(PHOTO[1] + CAPTION, down * (COPY[1] + CAPTION + GAP) - GAP) + 2 * GAP


def cells(copies: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of a row's cells: photo, depth, then the degraded copies."""
    for number in range(2):
        yield _cell(MARGIN + number * (PHOTO[0] + GAP), 0, PHOTO)
    left = MARGIN + 2 * (PHOTO[0] + GAP)
    for number in range(copies):
        down, across = divmod(number, COPIES_ACROSS)
        yield _cell(left + across * (COPY[0] + GAP), down * (COPY[1] + CAPTION + GAP), COPY)


def _cell(left: int, top: int, size: tuple[int, int]) -> tuple[slice, slice]:
    return slice(top, top + size[1] + CAPTION), slice(left, left + size[0])


def _draw_scored(
    cell: np.ndarray,
    size: tuple[int, int],
    picture: np.ndarray,
    name: str,
    score: float,
    anchors: Anchors,
    alarm: bool = False,
) -> None:
    """A picture with its name, its score as a number and as a bar, framed where the score is not as it should be."""
    _draw_picture(cell, size, picture)
    width, base = cell.shape[1], cell.shape[0] - 12
    number = f"{'! ' if alarm else ''}{score:.2f}"
    _write(cell, number, (width - 7, base), ALARM if alarm else INK, font=BOLD, right=True)
    room = width - 22 - _text_width(number, font=BOLD)
    _write(cell, _shortened(name, room), (7, base), FAINT)
    share = min(max(score, 0.0), 1.0)
    cell[-BAR:] = TRACK
    cell[-BAR:, : round(width * share)] = anchors.colour(score)
    if alarm:
        _draw_alarm(cell)


def _draw_depth(cell: np.ndarray, depth: np.ndarray, shape: tuple[int, int]) -> None:
    _draw_picture(cell, PHOTO, _fitted(depth_colours(depth), shape, PHOTO))
    base = cell.shape[0] - 12
    _write(cell, "depth: far", (7, base), FAINT)
    _write(cell, "near", (cell.shape[1] - 7, base), FAINT, right=True)
    cell[-BAR:] = depth_colours(np.linspace(0, 255, cell.shape[1]).round().astype(np.uint8)[np.newaxis])


def _draw_alarm(area: np.ndarray) -> None:
    """Frame an area from inside; OpenCV's thick lines would reach beyond it."""
    for edge in (area[:FRAME], area[-FRAME:], area[:, :FRAME], area[:, -FRAME:]):
        edge[:] = ALARM


def _draw_picture(cell: np.ndarray, size: tuple[int, int], picture: np.ndarray) -> None:
    cell[:] = CELL
    height, width = picture.shape[:2]
    x, y = (size[0] - width) // 2, (size[1] - height) // 2
    cell[y : y + height, x : x + width] = picture


def _draw_scale(canvas: np.ndarray, left: int, anchors: Anchors) -> None:
    """Scores from 0 to 1 in their colours, with what the anchors mean."""
    bar = canvas[22 : 22 + SCALE_HEIGHT, left : left + SCALE_WIDTH]
    for place in range(SCALE_WIDTH):
        bar[:, place] = anchors.colour((place + 0.5) / SCALE_WIDTH)
    below = 22 + SCALE_HEIGHT + 18
    _write(canvas, "bad: a gate rejects it", (left, 14), BAD)
    _write(canvas, "good: it may pass", (left + SCALE_WIDTH, 14), GOOD, right=True)
    _write(canvas, "score 0", (left, below), FAINT)
    _write(canvas, "1", (left + SCALE_WIDTH, below), FAINT, right=True)
    for value, right in ((anchors.bad, True), (anchors.good, False)):
        at = left + round(SCALE_WIDTH * value)
        canvas[22 : 22 + SCALE_HEIGHT + 4, at : at + 1] = INK
        _write(canvas, f"{value:g}", (at + (2 if right else -2), below), FAINT, right=right)


def _fitted(picture: np.ndarray, shape: tuple[int, int], room: tuple[int, int]) -> np.ndarray:
    """The picture at the largest size of the photo's own proportions that has ``room``, width and height."""
    height, width = shape
    scale = min(room[0] / width, room[1] / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _write(
    canvas: np.ndarray,
    text: str,
    at: tuple[int, int],
    colour: Colour,
    height: int = TEXT,
    font: int = FONT,
    right: bool = False,
) -> None:
    """Text whose baseline begins at ``at`` (x, y), or ends there with ``right``; ``height`` of a capital letter."""
    text = _drawable(text)
    x = at[0] - _text_width(text, height, font) if right else at[0]
    scale = cv2.getFontScaleFromHeight(font, height, 1)
    cv2.putText(canvas, text, (x, at[1]), font, scale, colour, 1, cv2.LINE_AA)


def _text_width(text: str, height: int = TEXT, font: int = FONT) -> int:
    return int(cv2.getTextSize(text, font, cv2.getFontScaleFromHeight(font, height, 1), 1)[0][0])


def _drawable(text: str) -> str:
    """The text as OpenCV can draw it: version 5 crashes on what is not UTF-8, version 4 has no letters but ASCII."""
    text = shown(text)
    if int(cv2.__version__.partition(".")[0]) >= 5:
        return text
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _shortened(text: str, width: int) -> str:
    """The end of the text, which tells files apart, where the whole is wider than ``width`` pixels."""
    if _text_width(_drawable(text)) <= width:
        return text
    while text and _text_width(_drawable("..." + text)) > width:
        text = text[1:]
    return "..." + text


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and _text_width(_drawable(longer)) > width:
            yield line
            longer = word
        line = longer
    if line:
        yield line
