"""Where a frame of any shape lies in the bundle's: three ways, in whole pixels.

``stretch`` takes the whole frame to the whole of the bundle's and keeps no aspect. ``pad`` keeps it and shows the whole
picture, in the middle; what is left is filled with the picture mirrored at its edges. ``crop`` keeps it and fills the
bundle's frame with the middle of the picture. Halves round up; ``runtime/native/src/frames/framing.cpp`` does the
same, and ``tests/vectors/frames`` holds both to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import ConfigurationError

Fit = Literal["stretch", "pad", "crop"]
FITS: tuple[Fit, ...] = get_args(Fit)
Size = Sequence[int]
"""Height and width in pixels, as an array's ``shape`` begins."""


@dataclass(frozen=True)
class FrameSize:
    """Height and width in pixels of the frame that the engines take: uint8 [1, height, width, 3], BGR."""

    height: int
    width: int


@dataclass(frozen=True)
class Box:
    """A part of a picture, in its pixels; ``left`` and ``top`` count from its first column and row."""

    left: int
    top: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of an array [h, w, ...] that the box takes."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def unless_whole(self, size: Size) -> "Box | None":
        """The box itself, None where it takes all of a picture of that size."""
        return None if (self.height, self.width) == tuple(size[:2]) else self


@dataclass(frozen=True)
class Framing:
    """The part of the frame that is ``shown``, and where the fitted frame shows it, ``at``."""

    shown: Box
    at: Box


def fit_named(name: str) -> Fit:
    """One of ``FITS`` by its name.

    Raises:
        ConfigurationError: there is no such way.
    """
    for fit in FITS:
        if fit == name:
            return fit
    raise ConfigurationError(f"fit is {name!r}: give {', '.join(FITS[:-1])} or {FITS[-1]}")


def framing(size: Size, to_size: Size, fit: Fit) -> Framing:
    """Where a frame of one size goes in one of another.

    A frame that would take all of the other but for less than half a pixel is shown whole and takes all of it, whatever
    ``fit`` says: 1366x768 in 640x360.
    """
    (height, width), (to_height, to_width) = size[:2], to_size[:2]
    if width * to_height > height * to_width:
        inside = to_width, _rounded(height * to_width, width)
        covering = _rounded(height * to_width, to_height), height
    else:
        inside = _rounded(width * to_height, height), to_height
        covering = width, _rounded(width * to_height, to_width)
    crops = fit == "crop" and inside != (to_width, to_height)
    return Framing(
        shown=_centred(covering if crops else (width, height), width, height),
        at=_centred(inside if fit == "pad" else (to_width, to_height), to_width, to_height),
    )


def scaled_box(box: Box, size: Size, to_size: Size) -> Box:
    """A box of a picture of ``size`` in the pixels of the same picture at ``to_size``.

    Its edges go to the nearest of these pixels, but it has at least one.
    """
    top, bottom = _edges(box.top, box.height, size[0], to_size[0])
    left, right = _edges(box.left, box.width, size[1], to_size[1])
    return Box(left, top, right - left, bottom - top)


def _edges(first: int, length: int, size: int, to_size: int) -> tuple[int, int]:
    start = min((2 * first * to_size + size) // (2 * size), to_size - 1)
    return start, max((2 * (first + length) * to_size + size) // (2 * size), start + 1)


def _rounded(number: int, by: int) -> int:
    return max(1, (2 * number + by) // (2 * by))


def _centred(size: tuple[int, int], width: int, height: int) -> Box:
    return Box((width - size[0]) // 2, (height - size[1]) // 2, *size)
