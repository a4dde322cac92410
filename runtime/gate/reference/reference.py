"""A reference view: what a camera is meant to see, the median of many frames, and why some frames make none.

Pure data and arithmetic; ``reference_file.py`` keeps it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import UnsuitableReferenceError
from .view import View, view_of
from .view_meter import LEAST_TILES, ViewMeter, is_dark

LEAST_SIDE = 64
SAMPLE_STEP = 4
LEARNED_VIEWS = 60
"""Frames of which a reference is learned: the median of so many leaves out who walked by."""

_MOST_MOVED = 0.033
_LEAST_LIKE = 0.43


@dataclass(frozen=True, eq=False)
class ReferenceView:
    """A camera's view.

    Attributes:
        width, height: of its frames, pixels.
        frames: how many it was made of.
        view: their median, cell by cell.
    """

    width: int
    height: int
    frames: int
    view: View


class ReferenceTaker:
    """Collects frames of one size until they are asked for a reference."""

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None
        self._views: list[View] = []

    def __len__(self) -> int:
        return len(self._views)

    def add(self, frame: NDArray[np.uint8]) -> None:
        """One frame, uint8 [H, W, 3] BGR. One of another size begins anew: the camera was set up otherwise."""
        size = frame.shape[1], frame.shape[0]
        if size != self._size:
            self._size, self._views = size, []
        if min(size) < LEAST_SIDE:
            raise UnsuitableReferenceError(
                f"frames of {size[0]}x{size[1]} pixels make no reference view: {LEAST_SIDE} are needed on each side"
            )
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
        self._views.append(view_of(grey, np.ascontiguousarray(frame[::SAMPLE_STEP, ::SAMPLE_STEP])))

    def thin(self) -> None:
        """Keep every second frame only."""
        self._views = self._views[::2]

    def take(self) -> ReferenceView:
        """The median of the frames.

        Raises:
            UnsuitableReferenceError: there is no frame, or the picture is dark, uniform or in motion.
        """
        if self._size is None:
            raise UnsuitableReferenceError("there is no frame to make a reference view of: look at the source")
        view = View(_median([view.levels for view in self._views]), _median([view.colours for view in self._views]))
        flaw = flaw_of(view) or _motion(self._views)
        if flaw is not None:
            raise UnsuitableReferenceError(f"this picture makes no reference view: {flaw}")
        return ReferenceView(*self._size, len(self._views), view)


class ReferenceLearner:
    """Takes a reference of ``LEARNED_VIEWS`` passing frames spread over some minutes."""

    def __init__(self, learn_minutes: float) -> None:
        self._every_s = 60.0 * learn_minutes / LEARNED_VIEWS
        self._taker = ReferenceTaker()
        self._last: float | None = None

    def add(self, frame: NDArray[np.uint8], t: float) -> ReferenceView | None:
        """Offer one passing frame, uint8 [H, W, 3] BGR, at time ``t``, seconds; the reference once there are enough.

        Raises:
            UnsuitableReferenceError: there are enough and they make none; it begins anew.
        """
        if min(frame.shape[:2]) < LEAST_SIDE or (self._last is not None and t - self._last < self._every_s):
            return None
        self._last = t
        self._taker.add(frame)
        if len(self._taker) < LEARNED_VIEWS:
            return None
        taker, self._taker = self._taker, ReferenceTaker()
        return taker.take()


def flaw_of(view: View) -> str | None:
    """Why nothing can be compared with such a view, and what to do; None where it can."""
    if is_dark(view):
        return "it is dark: take it by day, or with the light on"
    if ViewMeter(view).tiles < LEAST_TILES:
        return "it is uniform, hardly an edge to know it by: is the lens covered, or does it look at a wall?"
    return None


def _motion(views: Sequence[View]) -> str | None:
    """Most frames must be like the one in the middle; their median, in which what moves is smeared, would hide it."""
    meter = ViewMeter(views[len(views) // 2])
    if meter.tiles < LEAST_TILES:
        return "it changes, a frame of it is uniform: take it anew"
    found = [meter.measure(each) for each in views]
    unlike = sum((each.likeness or 0.0) < _LEAST_LIKE or (each.moved or 0.0) > _MOST_MOVED for each in found)
    if 4 * unlike > len(views):
        return f"it is in motion, {unlike} of {len(views)} frames show another view: let the camera stand still"
    return None


def _median(cells: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The middle one, of an even number the lower."""
    place = (len(cells) - 1) // 2
    return np.asarray(np.partition(np.stack(cells), place, axis=0)[place], np.int64)
