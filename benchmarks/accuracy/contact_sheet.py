"""A contact sheet: one row per photo with its depth map, its degraded copies, and the score under each, as one picture.

Only drawing: scores and pictures come from ``degradation_order.py``. Text is drawn by OpenCV, so no font is needed.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dgiqa_edge.runtime.frames.depth_picture import depth_colours
from dgiqa_edge.runtime.ground.names import shown

from .degradation_order import PhotoPictures, PhotoScores

Colour = tuple[int, int, int]

# Colours are BGR, sizes pixels.
PAPER: Colour = (28, 24, 22)
CELL: Colour = (40, 35, 32)
TRACK: Colour = (78, 72, 68)
INK: Colour = (240, 238, 236)
FAINT: Colour = (168, 160, 154)
ALARM: Colour = (84, 84, 255)

MARGIN, GAP = 32, 10
PICTURE_WIDTH, PICTURE_HEIGHT, CAPTION = 204, 144, 36
CELL_HEIGHT = PICTURE_HEIGHT + CAPTION
ROW_HEIGHT = CELL_HEIGHT + GAP
HEADING, COLUMN_TITLES, LINE = 132, 26, 20
LEGEND_WIDTH, LEGEND_HEIGHT, FRAME = 300, 12, 3
FONT = cv2.FONT_HERSHEY_SIMPLEX
BOLD = cv2.FONT_HERSHEY_DUPLEX
TEXT, TITLE = 13, 24
_SCORE_COLOURS = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[np.newaxis], cv2.COLORMAP_VIRIDIS)


@dataclass(frozen=True)
class SheetTexts:
    """What the sheet says around its rows: a title, the lines under it, and the notes at the foot."""

    title: str
    lines: Sequence[str]
    notes: Sequence[str]


def draw_row(label: str, scores: PhotoScores, pictures: PhotoPictures) -> np.ndarray:
    """One photo's row, uint8 [ROW_HEIGHT, W, 3] BGR: photo, depth map, then one cell per degradation."""
    row = np.full((ROW_HEIGHT, sheet_width(len(scores.degraded)), 3), PAPER, np.uint8)
    cells = _cells(len(scores.degraded))
    _draw_scored(row, next(cells), _fitted(pictures.clean, pictures.shape), scores.clean)
    left = next(cells)
    _draw_picture(row, left, _fitted(depth_colours(pictures.depth), pictures.shape))
    _write(row, _shortened(label, PICTURE_WIDTH - 14), (left + 7, PICTURE_HEIGHT + 18), FAINT)
    for left, (kind, score) in zip(cells, scores.degraded.items(), strict=True):
        picture = _fitted(pictures.degraded[kind], pictures.shape)
        _draw_scored(row, left, picture, score, than=scores.clean, alarm=kind in scores.disordered)
    return row


def draw_sheet(rows: Sequence[np.ndarray], kinds: Sequence[str], texts: SheetTexts) -> np.ndarray:
    """The whole sheet, uint8 [H, W, 3] BGR, from the rows of ``draw_row`` for these kinds."""
    width = sheet_width(len(kinds))
    notes = [line for note in texts.notes for line in _wrapped(note, width - 2 * MARGIN)]
    heading = np.full((HEADING + COLUMN_TITLES, width, 3), PAPER, np.uint8)
    _write(heading, texts.title, (MARGIN, 46), INK, TITLE, BOLD)
    for number, line in enumerate(texts.lines):
        _write(heading, line, (MARGIN, 76 + number * LINE), FAINT)
    _draw_legends(heading, width - MARGIN)
    for left, name in zip(_cells(len(kinds)), ["photo", "depth", *kinds], strict=True):
        _write(heading, name.replace("_", " "), (left, HEADING + 14), INK)
    foot = np.full((MARGIN + LINE * len(notes), width, 3), PAPER, np.uint8)
    for number, line in enumerate(notes):
        _write(foot, line, (MARGIN, 16 + number * LINE), FAINT)
    return np.concatenate((heading, *rows, foot))


def sheet_width(kinds: int) -> int:
    """Width in pixels of a sheet with so many degradations."""
    return 2 * MARGIN + (kinds + 2) * (PICTURE_WIDTH + GAP) - GAP


def _cells(kinds: int) -> Iterator[int]:
    """Left edges of a row's cells."""
    return iter(range(MARGIN, MARGIN + (kinds + 2) * (PICTURE_WIDTH + GAP), PICTURE_WIDTH + GAP))


def _draw_scored(
    row: np.ndarray, left: int, picture: np.ndarray, score: float, than: float | None = None, alarm: bool = False
) -> None:
    """A picture, its score as a number and a bar, and the difference to the score it should stay below."""
    _draw_picture(row, left, picture)
    _write(row, f"{score:.3f}", (left + 7, PICTURE_HEIGHT + 18), ALARM if alarm else INK, font=BOLD)
    if than is not None:
        difference = f"{'!  ' if alarm else ''}{score - than:+.3f}"
        _write(row, difference, (left + PICTURE_WIDTH - 7, PICTURE_HEIGHT + 18), ALARM if alarm else FAINT, right=True)
    top, length = PICTURE_HEIGHT + 25, PICTURE_WIDTH - 14
    share = min(max(score, 0.0), 1.0)
    row[top : top + 5, left + 7 : left + 7 + length] = TRACK
    row[top : top + 5, left + 7 : left + 7 + round(length * share)] = _SCORE_COLOURS[0, round(255 * share)]
    if alarm:
        _draw_alarm(row[:CELL_HEIGHT, left : left + PICTURE_WIDTH])


def _draw_alarm(area: np.ndarray) -> None:
    """Frame an area from inside; OpenCV's thick lines would reach beyond it."""
    for edge in (area[:FRAME], area[-FRAME:], area[:, :FRAME], area[:, -FRAME:]):
        edge[:] = ALARM


def _draw_picture(row: np.ndarray, left: int, picture: np.ndarray) -> None:
    height, width = picture.shape[:2]
    row[:CELL_HEIGHT, left : left + PICTURE_WIDTH] = CELL
    x, y = left + (PICTURE_WIDTH - width) // 2, (PICTURE_HEIGHT - height) // 2
    row[y : y + height, x : x + width] = picture


def _draw_legends(heading: np.ndarray, right: int) -> None:
    left = right - LEGEND_WIDTH
    steps = np.linspace(0, 255, LEGEND_WIDTH).round().astype(np.uint8)[np.newaxis]
    bars = (
        (22, cv2.applyColorMap(steps, cv2.COLORMAP_VIRIDIS), ("score 0 (worst)", "1 (best)")),
        (60, depth_colours(steps), ("depth: far", "near")),
    )
    for top, bar, (low, high) in bars:
        heading[top : top + LEGEND_HEIGHT, left:right] = bar
        _write(heading, low, (left, top + LEGEND_HEIGHT + 16), FAINT)
        _write(heading, high, (right, top + LEGEND_HEIGHT + 16), FAINT, right=True)
    _draw_alarm(heading[101:117, left : left + 26])
    _write(heading, "score not below the photo's", (left + 38, 115), FAINT)


def _fitted(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The picture at the largest size of the photo's own proportions that a cell holds."""
    height, width = shape
    scale = min(PICTURE_WIDTH / width, PICTURE_HEIGHT / height)
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
