"""Depth maps as colour pictures for people: brighter is nearer. The numbers stay in ``Quality.depth``."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..hashing import sha256_bytes
from .images import write_image

_SUFFIX = ".depth.png"
_DIGEST_STEP = 8


def write_depth_picture(path: Path, depth: NDArray[np.uint8]) -> None:
    """Write a depth map (uint8 [h, w], 255 nearest) as an INFERNO-coloured PNG, atomically.

    Raises:
        MachineError: the disk is full or the folder cannot be written.
    """
    write_image(path, depth_colours(depth))


def depth_colours(depth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A depth map (uint8 [h, w], 255 nearest) in the INFERNO colours, uint8 [h, w, 3] BGR."""
    import cv2

    return np.asarray(cv2.applyColorMap(depth, cv2.COLORMAP_INFERNO), dtype=np.uint8)


def picture_names(images: Sequence[Path]) -> dict[Path, str]:
    """A file name for each image's depth picture, no two alike even where upper and lower case are the same.

    ``photo.jpg`` gives ``photo.depth.png``; images that share a stem get a digest of their full path as well,
    so a name does not depend on the order of the images.
    """
    names = {image: image.stem + _SUFFIX for image in images}
    length = _DIGEST_STEP
    while clashing := _clashing(names):
        for image in clashing:
            digest = sha256_bytes(str(image.absolute()).encode(errors="surrogateescape"))
            names[image] = f"{image.stem}-{digest[:length]}{_SUFFIX}"
        length += _DIGEST_STEP
    return names


def _clashing(names: dict[Path, str]) -> list[Path]:
    uses = Counter(name.casefold() for name in names.values())
    return [image for image, name in names.items() if uses[name.casefold()] > 1]
