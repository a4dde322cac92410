"""Whatever a caller holds as a picture, as the one array that the rest works on: uint8 [H, W, 3], BGR.

Nothing is resized here. Neither Pillow nor PyTorch is needed: their pictures are known by what they can do.
"""

import os
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..ground.error_text import one_line
from ..ground.limits import pixels_flaw

ACCEPTED = (
    "a path, a PIL image, a numpy array (uint8, or float in 0..1; [H, W, 3], [H, W] grey, [H, W, 4] with alpha), "
    "or a torch tensor [3, H, W]"
)
_MORE_BITS = ("I", "F")
"""How the modes of PIL images begin whose pixels are no levels of 0..255."""


class PilImage(Protocol):
    """An image of Pillow, by what is used of it."""

    @property
    def mode(self) -> str:
        """How its pixels are stored."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        ...

    def getexif(self) -> Any:
        """What the camera wrote beside it."""
        ...


class Tensor(Protocol):
    """A tensor of PyTorch, by what is used of it."""

    def float(self) -> Any:
        """As float32."""
        ...

    def numpy(self, *, force: bool = False) -> Any:
        """As an array on the host."""
        ...


Image = str | os.PathLike[str] | NDArray[Any] | PilImage | Tensor
"""What ``as_bgr`` takes."""


def as_bgr(image: Image, rgb: bool = False) -> NDArray[np.uint8]:
    """A picture as uint8 [H, W, 3], BGR.

    Args:
        image: one of these.

            - a path (str or ``os.PathLike``) of an image file, see ``read_image``;
            - a PIL image of any mode of 8 bits, turned upright as its EXIF data say; alpha is dropped;
            - a numpy array: [H, W, 3] BGR is not copied; [H, W] or [H, W, 1] grey is repeated over the three
              channels; [H, W, 4] loses its alpha (colours are taken as they are, not blended). uint8, or a float type
              in 0..1;
            - a torch tensor [3, H, W] or [1, 3, H, W], RGB, uint8 or a float type in 0..1, on any device.
        rgb: the channels of a numpy array are in the order RGB(A). The other kinds have an order of their own.

    Raises:
        SourceError: another type, dtype, or shape; floats that are not in 0..1; an empty frame, one larger than
            ``ground/limits.py`` allows, or one whose strides leave its memory; a file that cannot be read.
    """
    if isinstance(image, str | os.PathLike):
        from .images import read_image

        return read_image(Path(image))
    if isinstance(image, np.ndarray):
        array = image
    elif hasattr(image, "getexif") and hasattr(image, "mode"):
        array, rgb = _from_pil(cast(PilImage, image)), True
    elif hasattr(image, "numpy") and hasattr(image, "detach"):
        array, rgb = _from_tensor(image), True
    else:
        raise SourceError(f"a frame must be {ACCEPTED}, not {type(image).__name__}")
    _check(array)
    if array.dtype != np.uint8:
        array = _levels(array)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.shape[2] == 1:
        return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))
    return np.ascontiguousarray(array[:, :, 2::-1] if rgb else array[:, :, :3])


def _from_pil(image: PilImage) -> NDArray[Any]:
    """[H, W, 3] RGB."""
    from PIL import ImageOps

    if image.mode.startswith(_MORE_BITS):
        raise SourceError(f"a PIL image of mode {image.mode} has no 8 bits per channel: convert it to 'RGB' first")
    _check_size(*image.size)
    try:
        return np.asarray(ImageOps.exif_transpose(cast(Any, image)).convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # it reads the file only now
        raise SourceError(f"the PIL image cannot be decoded: {one_line(error)}") from error


def _from_tensor(tensor: Tensor) -> NDArray[Any]:
    """[H, W, 3] RGB, a view of [3, H, W]."""
    if "bfloat16" in str(getattr(tensor, "dtype", "")):  # numpy has no such type
        tensor = tensor.float()
    array: NDArray[Any] = tensor.numpy(force=True)
    shape = list(array.shape)
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 3 or array.shape[0] != 3:
        batch = ": give a batch to score_many" if len(shape) == 4 and shape[1] == 3 else ""
        raise SourceError(f"a tensor must be [3, H, W] or [1, 3, H, W] in RGB, not {shape}{batch}")
    return array.transpose(1, 2, 0)


def _check(array: NDArray[Any]) -> None:
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise SourceError(
            f"a frame must be uint8 (0..255) or float (0..1), not {array.dtype}: "
            "scale it to 0..255 and convert it with .astype('uint8')"
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise SourceError(f"a frame must be [H, W, 3] BGR, [H, W] grey or [H, W, 4] BGRA, not {list(array.shape)}")
    if array.size == 0:
        raise SourceError(f"the frame is empty: {list(array.shape)}")
    _check_size(array.shape[1], array.shape[0])
    if not _within_its_memory(array):
        raise SourceError(f"the frame's strides {array.strides} leave its memory: give a copy of the picture")


def _check_size(width: int, height: int) -> None:
    flaw = pixels_flaw(width, height)
    if flaw is not None:
        raise SourceError(f"the frame {flaw}: give a smaller one")


def _levels(array: NDArray[Any]) -> NDArray[np.uint8]:
    """0..1 as the nearest of 0..255; what rounding alone put outside of 0..1 is let through."""
    levels = np.rint(np.multiply(array, 255.0, dtype=np.float32, casting="same_kind"))
    if not (levels.min() >= 0.0 and levels.max() <= 255.0):
        raise SourceError(
            f"a float frame must be in 0..1, but this one goes from {array.min():g} to {array.max():g}: "
            "divide it by its largest level, or clip it"
        )
    return levels.astype(np.uint8)


def _within_its_memory(frame: NDArray[Any]) -> bool:
    """Whether every pixel lies inside the array that the frame is a view of: ``as_strided`` checks nothing."""
    owner, below = frame, frame.base
    while below is not None:
        owner = below if isinstance(below, np.ndarray) else owner
        below = getattr(below, "base", None)
    low, high = _bounds(frame)
    owner_low, owner_high = _bounds(owner)
    return owner_low <= low and high <= owner_high


def _bounds(array: NDArray[Any]) -> tuple[int, int]:
    """First address, and the one behind the last."""
    steps = [(side - 1) * stride for side, stride in zip(array.shape, array.strides, strict=True)]
    first = array.__array_interface__["data"][0]
    return first + sum(min(step, 0) for step in steps), first + sum(max(step, 0) for step in steps) + array.itemsize
