"""A camera's reference view on disk: one JSON file, versioned, written whole or not at all, refused when unfit."""

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import GateError
from ...ground.atomic import write_text
from ...ground.limits import LONGEST_SIDE
from ...ground.names import shown
from ...settings.own_file import UnusableError, own_document, own_text
from .reference import LEAST_SIDE, ReferenceView, flaw_of
from .view import COLOUR_CELLS, MOST_LEVEL, Cells, View, cells_of

VERSION = 1
_KIND = "dgiqa-edge reference view"
_MOST_FRAMES = 1_000_000


def reference_text(reference: ReferenceView) -> str:
    """The file's text, which the native runtime reads too."""
    content = {
        "width": reference.width,
        "height": reference.height,
        "frames": reference.frames,
        "levels": reference.view.levels.tolist(),
        "colours": reference.view.colours.tolist(),
    }
    return own_text(_KIND, VERSION, content)


def save_reference(path: Path, reference: ReferenceView) -> None:
    """Write the reference; a crash at any moment leaves the old file or the new one.

    Raises:
        MachineError: the disk is full, or the folder cannot be written.
    """
    write_text(path, reference_text(reference))


def load_reference(path: Path) -> ReferenceView:
    """The reference view in the file.

    Raises:
        GateError: the file cannot be used; the message says why and what to do.
    """
    try:
        return _reference(own_document(path, _KIND, VERSION))
    except FileNotFoundError as error:
        problem = str(error.strerror)
    except UnusableError as error:
        problem = str(error)
    raise GateError(
        f"{shown(path)}: this reference view cannot be used ({problem}): take it anew with 'dgiqa-edge gate reference'"
    )


def _reference(document: dict[str, Any]) -> ReferenceView:
    width, height = (_whole(document, name, LEAST_SIDE, LONGEST_SIDE) for name in ("width", "height"))
    frames = _whole(document, "frames", 1, _MOST_FRAMES)
    rows, columns = cells_of(width, height)
    levels = _cells(document, "levels", (rows, columns))
    colours = _cells(document, "colours", (rows // COLOUR_CELLS, columns // COLOUR_CELLS, 3))
    view = View(levels, colours)
    flaw = flaw_of(view)
    if flaw is not None:
        raise UnusableError(flaw)
    return ReferenceView(width, height, frames, view)


def _whole(document: dict[str, Any], name: str, low: int, high: int) -> int:
    value = document.get(name)
    if type(value) is not int or not low <= value <= high:
        raise UnusableError(f"it is damaged: {name} is no whole number from {low} to {high}")
    return value


def _cells(document: dict[str, Any], name: str, shape: tuple[int, ...]) -> Cells:
    found = _flat(document.get(name), shape)
    if found is None or not all(type(value) is int and 0 <= value <= MOST_LEVEL for value in found):
        size = "x".join(map(str, shape))
        raise UnusableError(f"it is damaged: {name} are not {size} whole numbers from 0 to {MOST_LEVEL}")
    return np.array(found, np.int64).reshape(shape)


def _flat(value: Any, shape: tuple[int, ...]) -> list[Any] | None:
    """The values of lists in lists of exactly this shape."""
    if not shape:
        return [value]
    if not isinstance(value, list) or len(value) != shape[0]:
        return None
    parts = [_flat(part, shape[1:]) for part in value]
    return None if any(part is None for part in parts) else [one for part in parts if part for one in part]
