"""The geometry of a frame graph: every size and position that follows from the build options.

Pure numbers, no torch. The rules are those of ``networks/published_sizes.py``; combinations that make no sense are
refused.
"""

from dataclasses import dataclass

from dgiqa_edge.runtime.errors import ConfigurationError

from ..networks.published_sizes import CROP, PATCH, Size, crop_grid, depth_input_size, quality_image_size

MIN_FRAME = 64
MAX_ASPECT = 4.0


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
