"""Masks, pictures, cues and places under regions, by Python; ``README.md`` has the format."""

import hashlib
import json
import math
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from vectors.cues import make_vectors as of_cues
from vectors.pictures import INDEX, Picture

from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.regions import Polygon, Regions, parse_regions
from dgiqa_edge.runtime.ground.framing import Box
from dgiqa_edge.runtime.quality import Quality, Timings
from dgiqa_edge.runtime.watch.seen import Seen, where


def rectangle(left: float, top: float, right: float, bottom: float) -> Polygon:
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _star(corners: int, x: float, y: float, radius: float) -> Polygon:
    """Every second corner of a regular polygon after the other: it crosses itself."""
    turns = [4.0 * math.pi * corner / corners for corner in range(corners)]
    return tuple((round(x + radius * math.sin(t), 4), round(y - radius * math.cos(t), 4)) for t in turns)


REGIONS = {
    "stamp": Regions(exclude=(rectangle(0.02, 0.02, 0.4, 0.12),)),
    "no sky": Regions(exclude=(rectangle(0.0, 0.0, 1.0, 0.4137),)),
    "triangle": Regions(include=(((0.07, 0.93), (0.51, 0.03), (0.97, 0.88)),)),
    "star": Regions(exclude=(_star(5, 0.5, 0.5, 0.45),)),
    "apart": Regions(include=(rectangle(0.0, 0.0, 0.3, 0.35), rectangle(0.6, 0.55, 1.0, 1.0))),
    "both": Regions(
        (rectangle(0.1, 0.1, 0.95, 0.9),), (((0.4, 0.3), (0.7, 0.35), (0.55, 0.75)), _star(7, 0.3, 0.6, 0.2))
    ),
    "strip": Regions(include=(rectangle(0.0, 0.38, 1.0, 0.5),)),
}
SIZES = [(48, 64), (65, 67), (97, 131), (120, 213)]
SEQUENCES: list[tuple[str, list[tuple[str, list[int] | None]]]] = [
    *((name, [("coffee", None), ("coffee moved", None), ("coffee with noise", None)]) for name in REGIONS),
    *((name, [("pagoda with lost chroma", None), ("coffee with repeated lines", None)]) for name in REGIONS),
    *((name, [("dandelions", [480, 640])]) for name in REGIONS),
    *((name, [("coffee", [721, 1283]), ("coffee moved", [721, 1283])]) for name in ("stamp", "star", "both")),
    ("apart", [("random 65x67", None), ("too small 63x80", None), ("too small 63x80", None)]),
    ("triangle", [("bright", None), ("dark", None), ("gradient with noise", None), ("almost flat", None)]),
    ("stamp", [("room_with_drum", [1080, 1920])]),
]
REFUSED = [
    '{"include": [[[0, 0], [1, 1]]]}',
    '{"exclude": [[[0, 0], [1.5, 0], [1, 1]]]}',
    '{"exclude": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}',
    '{"include": [[[0.5, 0.5], [0.52, 0.5], [0.5, 0.52]]]}',
    '{"exclude": [[[0.1, 0.1], [0.1, 0.1], [0.1, 0.1]]]}',
    '{"exclude": [[[0.1, 0.3], [0.5, 0.3], [0.9, 0.3]]]}',
    '{"exclude": [[[0.3, 0.1], [0.3, 0.5], [0.3, 0.9]]]}',
    '{"exclude": [[[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]]}',
    '{"include": [[[0, 0], [1, 0], [1, 1]], [[0.2, 0.2], [0.6, 0.2], [0.6, 0.7], [0.6, 0.2]]]}',
    '{"include": [[["a", 0], [1, 0], [1, 1]]]}',
    '{"include": 5}',
    '{"inside": []}',
    "[]",
    "{",
]


def frame(height: int, width: int) -> Picture:
    y, x, channel = np.indices((height, width, 3))
    return ((7 * x + 13 * y + 29 * channel + x * y // 8) % 251).astype(np.uint8)


def _hash(picture: Picture) -> str:
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).hexdigest()


def masks() -> list[dict[str, Any]]:
    return [
        {
            "regions": name,
            "height": height,
            "width": width,
            "mask": _hash(regions.mask(height, width)),
            "picture": _hash(Seen(regions).picture(frame(height, width))),
        }
        for name, regions in REGIONS.items()
        for height, width in SIZES
    ]


def cues(pictures: dict[str, Picture]) -> list[dict[str, Any]]:
    found = []
    for name, frames in SEQUENCES:
        meter = CueMeter(REGIONS[name])
        measured = [
            asdict(meter.measure(of_cues.spread(pictures[it], size) if size else pictures[it])) for it, size in frames
        ]
        kept = [{cue: value for cue, value in values.items() if value is not None} for values in measured]
        shown = [{"picture": it, "size": size} for it, size in frames]
        found.append({"regions": name, "frames": shown, "cues": kept})
    return found


def places() -> list[dict[str, Any]]:
    draw = np.random.default_rng(20261130)
    found = []
    for name, regions in {"none": Regions(), **REGIONS}.items():
        height, width = (int(side) for side in draw.integers(200, 900, 2))
        whole, part = Box(0, 0, width, height), Box(width // 5, 0, width - 2 * (width // 5), height)
        for padded, box in ((Box(0, 0, 40, 30), whole), (Box(0, 5, 40, 19), whole), (Box(7, 0, 26, 30), part)):
            cells = draw.random((4, 4)).round(3)
            quality = Quality(
                0.5,
                np.zeros(1, np.float32),
                np.zeros((30, 40), np.uint8),
                Timings(0.0, 0.0, 0.0),
                MappingProxyType({"dirty": 0.9}),
                cells[..., np.newaxis],
                padded.unless_whole((30, 40)),
                box.unless_whole((height, width)),
            )
            found.append(
                {
                    "regions": name,
                    "height": height,
                    "width": width,
                    "frame_box": list(asdict(box).values()),
                    "depth_box": list(asdict(padded).values()),
                    "depth": [30, 40],
                    "cells": cells.tolist(),
                    "where": where(quality, "dirty", (height, width), regions),
                }
            )
    return found


def document(pictures: dict[str, Picture]) -> dict[str, Any]:
    """All of it, of the pictures of the cue vectors."""
    return {
        "regions": {"none": Regions().to_dict(), **{name: regions.to_dict() for name, regions in REGIONS.items()}},
        "masks": masks(),
        "cues": cues(pictures),
        "places": places(),
        "refused": REFUSED,
    }


def write(folder: Path) -> None:
    """Write the index, of the pictures that are kept beside it."""
    assert all(parse_regions(regions.to_dict()) == regions for regions in REGIONS.values()), "more than four decimals"
    made = document(of_cues.read(folder.parent / "cues")[0])
    lines = []
    for key, value in made.items():
        items = value.items() if isinstance(value, dict) else value
        texts = [
            f"{json.dumps(it[0])}: {json.dumps(it[1])}" if isinstance(value, dict) else json.dumps(it) for it in items
        ]
        brackets = "{}" if isinstance(value, dict) else "[]"
        lines.append(f'"{key}": {brackets[0]}\n  ' + ",\n  ".join(texts) + f"\n {brackets[1]}")
    (folder / INDEX).write_text("{" + ",\n ".join(lines) + "}\n", encoding="utf-8")
