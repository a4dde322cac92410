"""Draws the frames of the reference vectors and keeps what Python measures on them; ``README.md`` has the format."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from vectors import pictures as kept
from vectors.pictures import Picture, rounded, shipped

from dgiqa_edge.runtime.errors import UnsuitableReferenceError
from dgiqa_edge.runtime.gate.reference.reference import SAMPLE_STEP, ReferenceTaker, ReferenceView
from dgiqa_edge.runtime.gate.reference.reference_file import reference_text
from dgiqa_edge.runtime.gate.reference.view import view_of
from dgiqa_edge.runtime.gate.reference.view_meter import ViewMeter

SCENES = {"rocket": (128, 72), "mountain_path": (133, 75), "pagoda": (72, 128), "room_with_drum": (160, 120)}


def pictures() -> dict[str, Picture]:
    """All pictures by name, uint8 [H, W, 3]; seeded."""
    draw = np.random.default_rng(20261130)
    found: dict[str, Picture] = {}
    for scene, size in SCENES.items():
        photo = shipped(scene)
        plain = view(photo, size)
        found[scene] = plain
        found[f"{scene} noisy"] = rounded(plain + draw.normal(0.0, 6.0, plain.shape))
        found[f"{scene} half hidden"] = hidden(plain)
        found[f"{scene} moved"] = view(photo, size, along=0.07)
        found[f"{scene} turned"] = view(photo, size, degrees=9.0)
    rocket = found["rocket"]
    found["rocket panned far"] = view(shipped("coffee"), SCENES["rocket"])
    found["rocket dim"] = rounded(0.35 * rocket + draw.normal(0.0, 2.0, rocket.shape))
    found["rocket warm"] = rounded(rocket * np.array([0.7, 1.0, 1.2]))
    found["rocket infra-red"] = np.repeat(np.asarray(cv2.cvtColor(rocket, cv2.COLOR_BGR2GRAY))[..., None], 3, axis=2)
    found["rocket in fog"] = rounded(0.3 * rocket + 150.0)
    found["wall"] = rounded(np.full(rocket.shape, 140.0) + draw.normal(0.0, 3.0, rocket.shape))
    found["black"] = rounded(np.full(rocket.shape, 6.0) + draw.normal(0.0, 3.0, rocket.shape))
    return found


def view(photo: Picture, size: tuple[int, int], along: float = 0.0, degrees: float = 0.0) -> Picture:
    """What a camera sees of the middle of a photo, uint8 [H, W, 3]; ``along`` in widths of the view."""
    width, height = size
    seen = 0.6 * min(photo.shape[1], photo.shape[0] * width / height)
    middle = (photo.shape[1] / 2 + along * seen, photo.shape[0] / 2)
    whole = cv2.getRotationMatrix2D(middle, degrees, 640.0 / seen)
    large = (640, round(640 * height / width))
    whole[:, 2] += large[0] / 2 - middle[0], large[1] / 2 - middle[1]
    turned = cv2.warpAffine(photo, whole, large, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(turned, size, interpolation=cv2.INTER_AREA), np.uint8)


def hidden(plain: Picture) -> Picture:
    """Someone stands before the camera: a part of the picture, upside down, over another."""
    covered = plain.copy()
    width = plain.shape[1] * 2 // 5
    covered[:, :width] = plain[::-1, -width:]
    return covered


def references() -> dict[str, list[str]]:
    """The pictures of which each reference is taken, by its name."""
    return {
        **{scene: [scene, f"{scene} noisy", f"{scene} half hidden"] for scene in SCENES},
        "dark": ["black"],
        "uniform": ["wall"],
        "in motion": ["rocket", "rocket moved", "rocket panned far", "rocket turned"],
    }


def taken(found: dict[str, Picture], names: list[str]) -> ReferenceView | str:
    """The reference of these pictures, or why there is none."""
    taker = ReferenceTaker()
    try:
        for name in names:
            taker.add(found[name])
        return taker.take()
    except UnsuitableReferenceError as error:
        return str(error)


def measured(reference: ReferenceView, picture: Picture) -> dict[str, float]:
    """The cues that have a value."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    meter = ViewMeter(reference.view)
    difference = meter.measure(view_of(grey, np.ascontiguousarray(picture[::SAMPLE_STEP, ::SAMPLE_STEP]), meter.cells))
    return {name: value for name, value in difference._asdict().items() if value is not None}


def answers(found: dict[str, Picture]) -> list[dict[str, Any]]:
    """Each reference with what is measured against it on every picture."""
    all_of_them = []
    for name, names in references().items():
        reference = taken(found, names)
        entry: dict[str, Any] = {"name": name, "pictures": names}
        if isinstance(reference, str):
            entry["refused"] = reference
        else:
            entry["file"] = reference_text(reference)
            entry["measured"] = {each: measured(reference, picture) for each, picture in found.items()}
        all_of_them.append(entry)
    return all_of_them


def write(folder: Path) -> None:
    """Write index and pixels."""
    found = pictures()
    kept.write(folder, found, "references", answers(found))


def read(folder: Path) -> tuple[dict[str, Picture], list[dict[str, Any]]]:
    """Pictures by name and references, as kept."""
    pictures, document = kept.read(folder)
    return pictures, document["references"]
