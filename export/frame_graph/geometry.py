"""The geometry of a frame graph: every size and position that follows from the build options.

Pure numbers, no torch. It states the published pipeline's size rules (depth input: lower bound on the short side,
aspect kept, multiples of 14; quality image: short side fixed), replaces its random crops by a fixed grid, and
refuses combinations that make no sense.
"""

import math
from dataclasses import dataclass

from dgiqa_edge.runtime.errors import ConfigurationError

PATCH = 14
CROP = 224
MIN_FRAME = 64
MAX_ASPECT = 4.0

Size = tuple[int, int]
"""Height, width in pixels."""


@dataclass(frozen=True)
class Geometry:
    """All sizes of one frame graph, in pixels; sizes are (height, width), crop boxes (x, y) of the top-left corner."""

    frame: Size
    depth_side: int
    short_side: int
    depth_input: Size
    quality_image: Size
    crop_boxes: tuple[tuple[int, int], ...]

    @property
    def depth_tokens(self) -> int:
        """Tokens of the depth encoder, class token included: what its attention cost follows."""
        height, width = self.depth_input
        return (height // PATCH) * (width // PATCH) + 1


def plan(
    frame: Size,
    depth_side: int = 518,
    short_side: int = 384,
    crop_boxes: list[tuple[int, int]] | None = None,
    crops: int = 20,
) -> Geometry:
    """Work out every size of a frame graph.

    Args:
        frame: height and width of the camera frame.
        depth_side: lower bound of the depth network's short side, a multiple of 14.
        short_side: short side of the image the crops are cut from, at least 224.
        crop_boxes: top-left corners (x, y) in that image; ``None`` takes an even grid of ``crops``.
        crops: number of crops of the grid.

    Raises:
        ConfigurationError: a combination that breaks a rule; the message states the rule.
    """
    height, width = frame
    if min(height, width) < MIN_FRAME:
        raise ConfigurationError(f"frame {width}x{height} is too small: both sides must be at least {MIN_FRAME} pixels")
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise ConfigurationError(
            f"frame {width}x{height} is too elongated: the long side may be at most {MAX_ASPECT:g} times the short one"
        )
    if depth_side % PATCH or depth_side < PATCH * 4:
        below = max(depth_side // PATCH, 4) * PATCH
        raise ConfigurationError(
            f"depth side {depth_side} must be a multiple of {PATCH} (the encoder's patch) and at least {PATCH * 4}: "
            f"take {below} or {below + PATCH}"
        )
    if short_side < CROP:
        raise ConfigurationError(f"short side {short_side} must be at least {CROP}, the size of a crop")
    image = quality_image_size(frame, short_side)
    boxes = tuple(crop_boxes) if crop_boxes is not None else crop_grid(image, crops)
    if not boxes:
        raise ConfigurationError("no crop boxes: give at least one (x, y), or leave them out for the grid")
    for x, y in boxes:
        if not (0 <= x <= image[1] - CROP and 0 <= y <= image[0] - CROP):
            raise ConfigurationError(
                f"crop box ({x}, {y}) leaves the {image[1]}x{image[0]} image: x must be 0..{image[1] - CROP} and "
                f"y 0..{image[0] - CROP}"
            )
    return Geometry(frame, depth_side, short_side, depth_input_size(frame, depth_side), image, boxes)


def depth_input_size(frame: Size, depth_side: int) -> Size:
    """Size of the depth network's input: aspect kept, no side below ``depth_side``, multiples of 14."""
    scale = max(depth_side / frame[0], depth_side / frame[1])

    def constrain(side: int) -> int:
        rounded = round(side * scale / PATCH) * PATCH
        return rounded if rounded >= depth_side else math.ceil(side * scale / PATCH) * PATCH

    return constrain(frame[0]), constrain(frame[1])


def quality_image_size(frame: Size, short_side: int) -> Size:
    """Size of the image the crops are cut from: its short side is ``short_side``, its aspect the frame's."""
    scale = short_side / min(frame)
    return round(frame[0] * scale), round(frame[1] * scale)


def crop_grid(image: Size, crops: int) -> tuple[tuple[int, int], ...]:
    """An even grid of ``crops`` distinct 224-pixel boxes that reaches all four borders, row by row.

    Of all ways to write ``crops`` as rows x columns, the one whose steps down and across are most alike is taken.

    Raises:
        ConfigurationError: so many crops do not fit as distinct boxes.
    """
    if crops < 1:
        raise ConfigurationError(f"{crops} crops: at least one is needed")
    free_y, free_x = image[0] - CROP, image[1] - CROP
    fits = [
        (rows, crops // rows)
        for rows in range(1, crops + 1)
        if crops % rows == 0 and rows <= free_y + 1 and crops // rows <= free_x + 1
    ]
    if not fits:
        raise ConfigurationError(
            f"{crops} distinct crops of {CROP}x{CROP} do not fit as a grid into {image[1]}x{image[0]}: "
            "take fewer crops, a count with more divisors, or a larger short side"
        )

    def unevenness(grid: tuple[int, int]) -> float:
        step_y, step_x = ((free + CROP) / count for free, count in zip((free_y, free_x), grid, strict=True))
        return abs(math.log(step_y / step_x))

    rows, columns = min(fits, key=unevenness)
    return tuple((x, y) for y in _spread(free_y, rows) for x in _spread(free_x, columns))


def _spread(free: int, count: int) -> list[int]:
    if count == 1:
        return [free // 2]
    return [round(index * free / (count - 1)) for index in range(count)]
