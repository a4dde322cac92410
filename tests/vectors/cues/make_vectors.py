"""Draws the frames of the cue vectors and keeps them with the cues that Python measures: ``README.md`` has the form."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from vectors import pictures as kept
from vectors.pictures import Picture, rounded, shipped

from dgiqa_edge.runtime.gate.cues import CueMeter


@dataclass(frozen=True)
class Step:
    """One frame of a sequence: a picture by name, spread to a larger size where one is given."""

    picture: str
    spread: tuple[int, int] | None = None
    restart: bool = False


def spread(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture repeated over ``size`` (height, width), each repetition moved by one pixel more."""
    height, width = picture.shape[:2]
    y, x = np.indices(size)
    return np.ascontiguousarray(picture[(y + x // width) % height, (x + y // height) % width])


def measured(pictures: dict[str, Picture], steps: list[Step]) -> Iterator[dict[str, Any]]:
    """Each step with its cues, measured in order by one meter."""
    meter = CueMeter()
    for step in steps:
        if step.restart:
            meter.restart()
        picture = pictures[step.picture]
        cues = meter.measure(picture if step.spread is None else spread(picture, step.spread))
        yield {**asdict(step), "cues": {name: value for name, value in asdict(cues).items() if value is not None}}


def pictures() -> dict[str, Picture]:
    """All pictures by name, uint8 [H, W, 3]; seeded."""
    draw = np.random.default_rng(20260301)
    found: dict[str, Picture] = {}
    for height, width in ((64, 64), (65, 67), (64, 70), (71, 64), (97, 131)):
        found[f"random {height}x{width}"] = draw.integers(0, 256, (height, width, 3), np.uint8)
    for height, width in ((63, 80), (80, 63), (5, 3), (1, 1)):
        found[f"too small {height}x{width}"] = draw.integers(0, 256, (height, width, 3), np.uint8)
    for level in (0, 128, 255):
        found[f"flat {level}"] = np.full((66, 72, 3), level, np.uint8)
    ramp = np.linspace(0.0, 255.0, 90 * 110).reshape(90, 110)
    found["gradient"] = rounded(np.dstack([ramp, ramp[::-1], ramp[:, ::-1]]))
    found["gradient with noise"] = rounded(found["gradient"] + draw.normal(0.0, 6.0, (90, 110, 3)))
    found["almost flat"] = rounded(120.0 + draw.normal(0.0, 2.9, (100, 120, 3)))
    found["dark"] = rounded(20.0 + draw.normal(0.0, 9.0, (81, 77, 3)))
    found["bright"] = rounded(250.0 + draw.normal(0.0, 5.0, (77, 81, 3)))
    for number, photo in enumerate(("coffee", "dandelions", "mountain_path", "pagoda", "room_with_drum")):
        whole = shipped(photo)
        top, left = (int(place) for place in draw.integers(0, (whole.shape[0] - 120, whole.shape[1] - 160)))
        crop = np.ascontiguousarray(whole[top : top + 96 + number, left : left + 128 + 3 * number])
        found[photo] = crop
        found[f"{photo} blurred"] = np.asarray(cv2.GaussianBlur(crop, (0, 0), 1.0 + number / 2.0), np.uint8)
    coffee = found["coffee"]
    found["coffee with noise"] = rounded(coffee + draw.normal(0.0, 12.0, coffee.shape))
    found["coffee with haze"] = rounded(0.4 * coffee + 0.6 * 210.0)
    found["coffee moved"] = np.roll(coffee, (1, 2), (0, 1))
    smeared = coffee.copy()
    smeared[40:] = smeared[39]
    found["coffee with repeated lines"] = smeared
    lost = found["pagoda"].copy()
    lost[:, 60:] = (0, 135, 0)
    found["pagoda with lost chroma"] = lost
    return found


def sequences(names: list[str]) -> dict[str, list[Step]]:
    """What is measured in which order, by name."""
    large = [
        (720, 1280),
        (480, 640),
        (1080, 1920),
        (721, 1283),
        (480, 848),
        (100, 644),
        (64, 2600),
        (65, 1968),
        (64, 10300),
    ]
    return {
        **{name: [Step(name)] for name in names},
        **{f"spread to {height}x{width}": [Step("coffee", (height, width))] for height, width in large},
        "spread noise": [Step("random 97x131", (360, 720)), Step("random 65x67", (1081, 1921))],
        "spread photos": [Step("dandelions", (600, 802)), Step("pagoda blurred", (768, 1366))],
        "change": [Step("coffee"), Step("coffee"), Step("coffee moved"), Step("coffee with noise"), Step("coffee")],
        "change of size": [
            Step("coffee"),
            Step("pagoda"),
            Step("coffee", (720, 1280)),
            Step("coffee moved", (720, 1280)),
        ],
        "restart": [Step("coffee"), Step("coffee moved", restart=True), Step("coffee moved")],
        "small frames change too": [Step("too small 5x3"), Step("too small 5x3"), Step("too small 1x1")],
    }


def write(folder: Path) -> None:
    """Write index and pixels."""
    drawn = pictures()
    found = ({"name": name, "steps": list(measured(drawn, it))} for name, it in sequences(list(drawn)).items())
    kept.write(folder, drawn, "sequences", found)


def read(folder: Path) -> tuple[dict[str, Picture], dict[str, list[dict[str, Any]]]]:
    """Pictures and measured sequences as kept, by name."""
    pictures, document = kept.read(folder)
    return pictures, {sequence["name"]: sequence["steps"] for sequence in document["sequences"]}
