"""Holding photos out: the engine is checked on photos whose ranges it did not see, wherever there are enough."""

from dataclasses import replace

from .images.calibration_set import CalibrationSet


def split(photos: CalibrationSet, held_out: int) -> tuple[CalibrationSet, CalibrationSet]:
    """Two disjoint sets: the rest, and ``held_out`` images spread evenly over ``photos``."""
    count = len(photos)
    chosen = {round((index + 0.5) * count / held_out - 0.5) for index in range(held_out)} if held_out else set()
    rest = tuple(image for index, image in enumerate(photos.images) if index not in chosen)
    kept = tuple(image for index, image in enumerate(photos.images) if index in chosen)
    return replace(photos, images=rest), replace(photos, images=kept)


def first(photos: CalibrationSet, count: int) -> CalibrationSet:
    """The first ``count`` images."""
    return replace(photos, images=photos.images[:count])
