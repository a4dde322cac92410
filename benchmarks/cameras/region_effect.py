"""What a time stamp does to scores and faults, and what is left of it where its place is excluded.

    python -m dgiqa_edge.benchmarks.cameras.region_effect --bundle build/demo/bundle calibration/photos

Each photo is scored as it is and in six circumstances: by how much score and faults differ from the photo's own.
"""

import sys
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import parse
from dgiqa_edge.runtime.frames.images import expand_images, quiet_decoder, read_image
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.reading import CUE_NAMES
from dgiqa_edge.runtime.gate.regions import WHOLE, Polygon, Regions
from dgiqa_edge.runtime.quality import Quality
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.seen import Seen

from ..program import keep, program, table

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


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns 0."""
    parser = program("cameras.region_effect", __doc__)
    parser.add_argument("photos", nargs="+", metavar="PHOTOS", help="folders, files, or quoted globs")
    args = parse(parser, argv)
    quiet_decoder()
    photos = expand_images(args.photos)
    with Scorer(args.bundle) as scorer:
        measured = [list(differences(read_image(path), scorer)) for path in photos]
    found = []
    for case in zip(*measured, strict=True):
        score, fault, cues = np.array([numbers for _, *numbers in case]).T
        score = np.abs(score)
        found.append((case[0][0], score.mean(), score.max(), fault.mean(), fault.max(), cues.mean()))
    columns = ["score differs by, mean", "at most", "the fault that differs most, mean", "at most"]
    columns = [f"{len(photos)} photos", *columns, "cues that differ by a tenth"]
    print(table(columns, [[name, *(f"{number:.3f}" for number in rest), f"{cues:.1f}"] for name, *rest, cues in found]))
    keys = ("case", "score_mean", "score_most", "fault_mean", "fault_most", "cues_mean")
    keep(args.json, [dict(zip(keys, row, strict=True)) for row in found])
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
