"""How well each check tells photos from their degraded copies: the table the gate's default thresholds were read from.

    python -m dgiqa_edge.benchmarks.cameras.check_separation PHOTOS [PHOTOS ...] --bundle build/demo/bundle --every 12

Photos should be ones that people like: each share printed for them is one of false rejects. The same is asked of them
as a camera shows them at night and by infra-red, which are no faults; each fault is put into the photo, and into what
the camera shows of it at night. Without a bundle only the cues are measured.
"""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.calibration.degradations.kinds import KINDS, UNSEEN, degrade, runnable
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import parse, whole
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.images import expand_images, quiet_decoder, read_image
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.policy import CHECKS, Side
from dgiqa_edge.runtime.gate.reading import Reading
from dgiqa_edge.runtime.quality import FrameScorer
from dgiqa_edge.runtime.scoring.scorer import Scorer

from ..program import keep, program

CLEAN, NIGHT = "clean", "at night"
HEALTHY = {CLEAN: None, "night 0.2": ("night", 0.2), NIGHT: ("night", 0.5), "infrared 0.1": ("infrared", 0.1)}
STRENGTHS = (0.2, 0.5, 1.0)
SHARES = (0.5, 0.9, 0.95, 0.98, 1.0)

Values = Mapping[str, float]


@dataclass(frozen=True)
class Separation:
    """One check: its value on healthy pictures at rising strictness, and the share of each kind beyond its threshold.

    ``quantiles`` by healthy kind, then by share of pictures that lie on the good side; ``beyond`` by kind and strength.
    """

    check: str
    quantiles: dict[str, dict[float, float]]
    beyond: dict[str, float]


def measure(
    photos: Sequence[Path], every: int, scorer: FrameScorer | None
) -> tuple[dict[str, list[Values]], list[str]]:
    """Values of all healthy pictures and of copies of each ``every``-th, by kind and strength; and what failed."""
    found: dict[str, list[Values]] = {}
    failed: list[str] = []
    for index, path in enumerate(photos):
        try:
            photo = read_image(path)
        except SourceError as error:
            failed.append(str(error))
            continue
        for name, copy in _copies(photo, index, index % every == 0):
            found.setdefault(name, []).append(_values(copy, scorer))
    return found, failed


def separations(found: Mapping[str, Sequence[Values]]) -> list[Separation]:
    """One row per check that photos on their own have.

    Raises:
        SourceError: there is no photo large enough to measure.
    """
    rows = []
    for check, spec in CHECKS.items():
        limits = spec.default
        assert limits.reject is not None
        sign = -1.0 if limits.side is Side.BELOW else 1.0
        values = {
            name: sign * np.array([one[check] for one in kind if check in one], np.float64)
            for name, kind in found.items()
        }
        values = {name: kind for name, kind in values.items() if kind.size}
        if CLEAN in values:
            quantiles = {
                name: {share: sign * float(np.quantile(values[name], share)) for share in SHARES}
                for name in HEALTHY
                if name in values
            }
            beyond = {name: float(np.mean(kind > sign * limits.reject)) for name, kind in values.items()}
            rows.append(Separation(check, quantiles, beyond))
    if not rows:
        raise SourceError("no photo could be measured: give a folder of photos of at least 64x64 pixels")
    return rows


def _copies(photo: NDArray[np.uint8], seed: int, faulty: bool) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    shown = {name: photo if made is None else degrade(photo, *made, seed) for name, made in HEALTHY.items()}
    yield from shown.items()
    for kind in (*runnable(), *(kind for kind in UNSEEN if kind != "night")) if faulty else ():
        for strength in STRENGTHS:
            yield f"{kind} {strength:g}", degrade(photo, kind, strength, seed)
        if kind in UNSEEN or KINDS[kind].faults:
            yield f"{kind} {STRENGTHS[1]:g} {NIGHT}", degrade(shown[NIGHT], kind, STRENGTHS[1], seed)


def _values(picture: NDArray[np.uint8], scorer: FrameScorer | None) -> Values:
    cues = CueMeter().measure(picture)
    quality = None if scorer is None else scorer.score(picture)
    reading = Reading(cues=cues) if quality is None else Reading(quality.score, cues, quality.faults)
    return {check: value for check, value in reading.values().items() if value is not None}


def _print(rows: Sequence[Separation], found: Mapping[str, Sequence[Values]]) -> None:
    for name in HEALTHY:
        print(f"\n{len(found[name])} photos, {name}; value that so many of them lie on the good side of:")
        print(f"{'check':<20} {'default':>8} " + " ".join(f"{share:>8.0%}" for share in SHARES))
        for row in rows:
            values = " ".join(f"{value:8.3g}" for value in row.quantiles[name].values())
            print(f"{row.check:<20} {CHECKS[row.check].default.reject:8.4g} {values}")
    print("\nshare beyond the default threshold:")
    shown = [row.check.removeprefix("faults.")[:9] for row in rows]
    print(f"{'':<28} " + " ".join(f"{name:>9}" for name in shown))
    for name in found:
        print(f"{name:<28} " + " ".join(f"{row.beyond.get(name, 0.0):9.1%}" for row in rows))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns 0."""
    parser = program("cameras.check_separation", __doc__, bundle=False)
    parser.add_argument("photos", nargs="+", metavar="PHOTOS", help="folders, files, or quoted globs")
    parser.add_argument("--every", type=whole(1), default=1, metavar="N", help="degrade each N-th photo (default: all)")
    args = parse(parser, argv)
    quiet_decoder()
    cv2.setNumThreads(1)
    with contextlib.nullcontext() if args.bundle is None else Scorer(args.bundle, threads=1) as scorer:
        found, failed = measure(expand_images(args.photos), args.every, scorer)
    rows = separations(found)
    _print(rows, found)
    for problem in failed:
        print(f"not used: {problem}")
    keep(args.json, [asdict(row) for row in rows])
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
