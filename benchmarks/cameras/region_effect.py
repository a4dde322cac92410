"""What a time stamp does to scores and faults, and what is left of it where its place is excluded.

``python -m dgiqa_edge.benchmarks.cameras.region_effect --bundle build/demo/bundle PHOTOS...`` scores each photo as it
is and in the circumstances below, and tells by how much score and faults differ from the photo's own.
"""

import argparse
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.runtime.commands.option_types import input_path
from dgiqa_edge.runtime.frames.images import expand_images, read_image
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.reading import CUE_NAMES
from dgiqa_edge.runtime.gate.regions import WHOLE, Polygon, Regions
from dgiqa_edge.runtime.quality import Quality
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.seen import Seen

Frame = NDArray[np.uint8]


def _rectangle(left: float, top: float, right: float, bottom: float) -> Polygon:
    return (left, top), (right, top), (right, bottom), (left, bottom)


STAMP = _rectangle(0.02, 0.02, 0.62, 0.12)
CASES = {
    "stamp": (True, WHOLE),
    "stamp, its place excluded": (True, Regions(exclude=(STAMP,))),
    "no stamp, its place excluded": (False, Regions(exclude=(STAMP,))),
    "top fifth excluded": (False, Regions(exclude=(_rectangle(0.0, 0.0, 1.0, 0.2),))),
    "middle tenth excluded": (False, Regions(exclude=(_rectangle(0.34, 0.34, 0.66, 0.66),))),
    "middle half included": (False, Regions(include=(_rectangle(0.15, 0.15, 0.85, 0.85),))),
}


def stamped(photo: Frame) -> Frame:
    """A copy with date and time on a black bar in ``STAMP``, as cameras burn it into the picture."""
    copy = photo.copy()
    height, width = photo.shape[:2]
    left, top, right, bottom = (round(STAMP[i][j] * (width, height)[j]) for i, j in ((0, 0), (0, 1), (2, 0), (2, 1)))
    scale = (bottom - top) / 40.0
    copy[top:bottom, left:right] = 0
    text, thick = "2026-11-30 23:59:58  CAM 04", max(1, round(2 * scale))
    wide = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)[0][0]
    scale *= min(1.0, 0.96 * (right - left) / wide)
    place = (left + round(0.02 * (right - left)), bottom - round(0.28 * (bottom - top)))
    cv2.putText(copy, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), thick, cv2.LINE_AA)
    return copy


def differences(photo: Frame, scorer: Scorer) -> Iterator[tuple[str, float, float, int]]:
    """Per case: that of the score, the largest of a fault's probability, and how many cues differ by over a tenth."""
    whole, cues = scorer.score(photo), CueMeter().measure(photo)
    for name, (with_stamp, regions) in CASES.items():
        frame = stamped(photo) if with_stamp else photo
        seen = scorer.score(Seen(regions).picture(frame))
        now = CueMeter(regions).measure(frame)
        moved = sum(_differs(getattr(cues, cue), getattr(now, cue)) for cue in CUE_NAMES)
        yield name, seen.score - whole.score, _largest(seen, whole), moved


def _largest(one: Quality, other: Quality) -> float:
    return max((abs(one.faults[name] - other.faults[name]) for name in other.faults), default=0.0)


def _differs(before: float | None, after: float | None) -> bool:
    return before is not None and (after is None or abs(after - before) > 0.1 * abs(before) + 0.01)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=input_path, required=True)
    parser.add_argument("photos", nargs="+")
    args = parser.parse_args()
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in CASES}
    with Scorer(args.bundle) as scorer:
        for path in expand_images(args.photos):
            for name, *numbers in differences(read_image(path), scorer):
                found[name].append(tuple(numbers))  # type: ignore[arg-type]
    rows = []
    for name, measured in found.items():
        score, fault, cues = (np.array(column) for column in zip(*measured, strict=True))
        numbers = [np.abs(score).mean(), np.abs(score).max(), fault.mean(), fault.max()]
        rows.append([name, *(f"{number:.3f}" for number in numbers), f"{cues.mean():.1f}"])
    head = ["beside the photo itself", "score, mean", "most", "a fault, mean", "most", "cues that differ"]
    for row in [head, *rows]:
        print("  ".join([f"{row[0]:30}", *(f"{cell:>13}" for cell in row[1:])]))
    print(f"{len(next(iter(found.values())))} photos")


if __name__ == "__main__":
    main()
