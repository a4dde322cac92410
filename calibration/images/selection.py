"""Which photos a build takes of those it was given, and how far they must be enlarged: as words and as a record."""

from dataclasses import dataclass
from typing import Any

from .calibration_set import CalibrationSet

FAR_TOO_SMALL = 2.0
"""Enlarged by more, a photo has no detail of the frame's own scale: ranges observed on it are not the camera's."""

ORDER = "spread evenly over the sorted paths (over time in a video), by no chance: the same on every machine"


@dataclass(frozen=True)
class Selection:
    """What became of the photos of one source.

    Attributes:
        source: what the user named; ``found`` how many pictures it holds.
        most: how many are taken at most.
        calibration, held_out: taken for ranges and for the check alone.
        small: names of the photos that are enlarged by more than ``FAR_TOO_SMALL``.
        smallest: (width, height) of the one that is enlarged most.
        frame: (width, height).
    """

    source: str
    found: int
    most: int
    calibration: int
    held_out: int
    small: tuple[str, ...]
    smallest: tuple[int, int]
    frame: tuple[int, int]

    @classmethod
    def of(cls, photos: CalibrationSet, most: int, held_out: int) -> "Selection":
        """From the set as it was opened with ``count=most``."""
        frame = (photos.width, photos.height)
        factors = {image.name: image.enlarged_to(photos.height, photos.width, photos.fit) for image in photos.images}
        most_enlarged = max(photos.images, key=lambda image: factors[image.name])
        return cls(
            source=photos.source,
            found=photos.found,
            most=most,
            calibration=len(photos) - held_out,
            held_out=held_out,
            small=tuple(name for name, factor in factors.items() if factor > FAR_TOO_SMALL),
            smallest=(most_enlarged.width, most_enlarged.height),
            frame=frame,
        )

    @property
    def taken(self) -> int:
        return self.calibration + self.held_out

    def why_not_all(self) -> str:
        """Why some photos were left, and how to change it; empty where none was."""
        if self.taken < self.most or self.taken >= self.found:
            return ""
        return f"; these {self.taken} of {self.found} are {ORDER}; --calib-images and --check-images say how many"

    def warning(self) -> str | None:
        """A word on photos far smaller than the frame."""
        if not self.small:
            return None
        (width, height), (small_width, small_height) = self.frame, self.smallest
        return (
            f"{len(self.small)} of {self.taken} photos ({len(self.small) / self.taken:.0%}) are enlarged more than "
            f"{FAR_TOO_SMALL:g}x to {width}x{height} (the smallest is {small_width}x{small_height}): they lack the "
            "detail that the camera's frames have, so give frames of the camera with --calib"
        )

    def to_json(self) -> dict[str, Any]:
        """The record in ``calibration.json`` and the build's report."""
        return {
            "source": self.source,
            "found": self.found,
            "taken_at_most": self.most,
            "calibration": self.calibration,
            "held_out": self.held_out,
            "order": ORDER,
            "enlarged_more_than_twice": len(self.small),
            "smallest": list(self.smallest),
        }
