"""Which parts of a camera's picture count: polygons to include and to exclude, and the mask that they give.

A time stamp, the sky, a neighbour's window or the hood of a car is no fault of the camera. Cues, score and coverage
look at what is included alone; ``runtime/native/src/regions/regions.cpp`` gives the same mask to the pixel.
"""

import functools
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigurationError
from ..ground.atomic import write_text
from ..ground.input_file import file_bytes
from ..ground.names import json_text
from ..ground.strict_text import parse_json
from ..settings.section import Section

Corner = tuple[float, float]
Polygon = tuple[Corner, ...]
Mask = NDArray[np.uint8]

MOST_POLYGONS = 32
MOST_CORNERS = 256
LEAST_SHARE = 0.01
_TRIAL = (90, 160)  # as small as cues look at a picture
_FINE = (1087, 2048)  # a prime and a power of two: a line that somebody draws misses all its centres
_WINDOW = np.ones((9, 9), np.uint8)  # what tells a cover must see whole, or a dead camera would seem good
_DECIMALS = 4


@dataclass(frozen=True)
class Regions:
    """What is inside of any polygon of ``include`` (none: the whole picture) and of none of ``exclude``.

    A corner is (x, y) as shares of the picture's width and height, 0 at the left and at the top. A polygon is closed by
    itself, and what its sides cross twice is outside of it (even-odd rule). False where there is no polygon at all.

    Example:
        >>> sky = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5))
        >>> Regions(exclude=(sky,)).mask(4, 2)[:, 0].tolist()
        [0, 0, 255, 255]

    Raises:
        ConfigurationError: a polygon of fewer than 3 corners or without area, a corner outside of 0..1, too many of
            them, or what is left too little, or too thin, for a covered lens to show in it.
    """

    include: tuple[Polygon, ...] = ()
    exclude: tuple[Polygon, ...] = ()

    def __post_init__(self) -> None:
        for name, polygons in (("include", self.include), ("exclude", self.exclude)):
            if len(polygons) > MOST_POLYGONS:
                raise ConfigurationError(f"{name} has {len(polygons)} polygons: give at most {MOST_POLYGONS}")
            for number, polygon in enumerate(polygons):
                _check(polygon, f"{name}[{number}]")
        if self and np.mean(cv2.erode(self.mask(*_TRIAL), _WINDOW) > 0) < LEAST_SHARE:
            raise ConfigurationError(
                "include and exclude leave too little of the picture to look at, or too thin a strip: draw them so "
                "that more of it is left"
            )

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude)

    def mask(self, height: int, width: int) -> Mask:
        """Read-only uint8 [height, width]: 255 where the centre of a pixel is included, else 0."""
        return _mask(self, height, width)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON and for ``parse_regions``; to a ten-thousandth of the picture."""
        return {
            name: [[[round(x, _DECIMALS), round(y, _DECIMALS)] for x, y in polygon] for polygon in polygons]
            for name, polygons in (("include", self.include), ("exclude", self.exclude))
        }


WHOLE = Regions()


def parse_regions(values: Mapping[str, Any], path: str = "") -> Regions:
    """Regions of a mapping with ``include`` and ``exclude``, lists of polygons as lists of ``[x, y]``; both may lack.

    Args:
        path: of the mapping in its file, for messages.

    Raises:
        ConfigurationError: another key, another shape, or as ``Regions`` does.
    """
    section = Section(values, path)
    regions = regions_of(section)
    section.finish()
    return regions


def regions_of(section: Section) -> Regions:
    """As ``parse_regions``, of a section that has other settings too."""
    include, exclude = (_polygons(section, name) for name in ("include", "exclude"))
    try:
        return Regions(include, exclude)
    except ConfigurationError as error:
        raise ConfigurationError(section.path_of(str(error))) from None


def read_regions(file: Path) -> Regions | None:
    """The regions in a JSON file as ``write_regions`` leaves it; None where there is no file.

    Raises:
        ConfigurationError: it cannot be read, or holds no regions; names the file.
    """
    try:
        return parse_regions(parse_json(file_bytes(file).decode()))
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = str(error.strerror)
    except ConfigurationError as error:
        problem = str(error)
    except ValueError:
        problem = "it is no JSON"
    raise ConfigurationError(f"{file}: no regions can be read ({problem}): mend the file, or delete it and draw anew")


def regions_from(given: Regions | str | Path | None) -> Regions:
    """Regions as they are, those in a file that must be there, or with None the whole picture.

    Raises:
        ConfigurationError: as ``read_regions``, or there is no such file.
    """
    if given is None or isinstance(given, Regions):
        return given or WHOLE
    found = read_regions(Path(given))
    if found is None:
        raise ConfigurationError(f"{given} is not there: give a JSON file with include and exclude")
    return found


def write_regions(file: Path, regions: Regions) -> None:
    """Write them; a crash at any moment leaves the old file or the new one.

    Raises:
        MachineError: the disk is full, or the folder cannot be written.
    """
    write_text(file, json_text(regions.to_dict()) + "\n")


def _check(polygon: Polygon, where: str) -> None:
    if not 3 <= len(polygon) <= MOST_CORNERS:
        raise ConfigurationError(f"{where} has {len(polygon)} corners: give 3 to {MOST_CORNERS}")
    for x, y in polygon:
        if not (0.0 <= x <= 1.0 and 0.0 <= y <= 1.0):
            raise ConfigurationError(
                f"{where} has a corner at [{x:g}, {y:g}]: give x and y as shares of the picture, from 0 to 1"
            )
    if not _turns(polygon, *_FINE)[:, :-1].any():
        raise ConfigurationError(f"{where} has no area: give corners that do not lie on one line")


def _polygons(section: Section, key: str) -> tuple[Polygon, ...]:
    values = section.listed(key)
    if not all(isinstance(polygon, list) and all(_is_corner(corner) for corner in polygon) for polygon in values):
        raise ConfigurationError(
            f"{section.path_of(key)} is no list of polygons: give [[[x, y], [x, y], [x, y]]], with x and y from 0 to 1"
        )
    return tuple(tuple((float(x), float(y)) for x, y in polygon) for polygon in values)


def _is_corner(corner: Any) -> bool:
    return (
        isinstance(corner, list)
        and len(corner) == 2
        and all(isinstance(share, int | float) and not isinstance(share, bool) for share in corner)
        and all(abs(share) <= sys.float_info.max for share in corner)  # a whole number may be beyond any float
    )


@functools.lru_cache(maxsize=8)
def _mask(regions: Regions, height: int, width: int) -> Mask:
    included = np.full((height, width), not regions.include)
    for polygon in regions.include:
        included |= _inside(polygon, height, width)
    for polygon in regions.exclude:
        included &= ~_inside(polygon, height, width)
    mask = included.astype(np.uint8) * np.uint8(255)
    mask.flags.writeable = False
    return mask


def _inside(polygon: Polygon, height: int, width: int) -> NDArray[np.bool_]:
    """Whether the centre of each pixel is inside, bool [height, width]."""
    return np.logical_xor.accumulate(_turns(polygon, height, width)[:, :-1], axis=1)


def _turns(polygon: Polygon, height: int, width: int) -> NDArray[np.bool_]:
    """Where a row goes in or out, bool [height, width + 1].

    Each side that crosses the line of a row's centres turns all pixels right of the crossing over. C++ does the same in
    the same order of operations, so that no rounding tells them apart.
    """
    turns = np.zeros((height, width + 1), np.bool_)
    centres = (np.arange(height) + 0.5) / height
    for (x0, y0), (x1, y1) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        rows = np.flatnonzero((y0 <= centres) != (y1 <= centres))
        crossings = x0 + (centres[rows] - y0) * ((x1 - x0) / (y1 - y0 if y1 != y0 else 1.0))
        first = np.clip(np.ceil(crossings * width - 0.5), 0, width).astype(np.intp)
        turns[rows, first] ^= True
    return turns
