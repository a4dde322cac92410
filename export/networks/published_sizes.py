"""Sizes and crops of the published pipeline, for its frame graph and its training alike.

Depth input: lower bound on the short side, aspect kept, multiples of 14. Quality image: short side fixed. The published
random crops are replaced by a fixed grid. Pure numbers, no torch.
"""

import math

from dgiqa_edge.runtime.errors import ConfigurationError

PATCH = 14
CROP = 224
RANGE_EPSILON = 1e-8
"""Added to the range of depth before it becomes levels: a flat depth has none."""

Size = tuple[int, int]
"""Height, width in pixels."""


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
