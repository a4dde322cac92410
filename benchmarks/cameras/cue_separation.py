"""How well each cue tells photos from their degraded copies: the table the gate's default thresholds were read from.

    python -m dgiqa_edge.benchmarks.cameras.cue_separation PHOTOS [PHOTOS ...] [--every 12]

Photos should be ones that people like: each share printed for them is one of false rejects.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.calibration.degradations.kinds import degrade, runnable
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import output_file, parse, whole
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.images import expand_images, quiet_decoder, read_image
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.policy import CHECKS, CUE_CHECKS, Side
from dgiqa_edge.runtime.gate.reading import Cues
from dgiqa_edge.runtime.ground.names import json_text

STRENGTHS = (0.2, 0.5, 1.0)
SHARES = (0.5, 0.95, 0.97, 0.99, 0.995, 1.0)


@dataclass(frozen=True)
class Separation:
    """One cue: its value on the photos at rising strictness, and the share of each kind beyond its default threshold.

    ``quantiles`` by share of photos that lie on the good side; ``beyond`` by kind and strength, ``clean`` among them.
    """

    cue: str
    quantiles: dict[float, float]
    beyond: dict[str, float]


def measure(photos: Sequence[Path], every: int) -> tuple[dict[str, list[Cues]], list[str]]:
    """Cues of all photos (``clean``) and of copies of each ``every``-th, by kind and strength; and what failed."""
    found: dict[str, list[Cues]] = {"clean": []}
    failed: list[str] = []
    for index, path in enumerate(photos):
        try:
            photo = read_image(path)
        except SourceError as error:
            failed.append(str(error))
            continue
        found["clean"].append(CueMeter().measure(photo))
        if index % every == 0:
            for name, copy in _copies(photo, seed=index):
                found.setdefault(name, []).append(CueMeter().measure(copy))
    return found, failed


def separations(found: dict[str, list[Cues]]) -> list[Separation]:
    """One row per cue that photos on their own have (all but ``change``).

    Raises:
        SourceError: there is no photo large enough to measure.
    """
    rows = []
    for cue in CUE_CHECKS:
        limits = CHECKS[cue].default
        sign = -1.0 if limits.side is Side.BELOW else 1.0
        assert limits.reject is not None
        values = {name: sign * _values(cue, cues) for name, cues in found.items()}
        if not values["clean"].size:
            raise SourceError("no photo could be measured: give a folder of photos of at least 64x64 pixels")
        rows.append(
            Separation(
                cue,
                {share: sign * float(np.quantile(values["clean"], share)) for share in SHARES},
                {name: float(np.mean(kind > sign * limits.reject)) for name, kind in values.items() if kind.size},
            )
        )
    return rows


def _copies(photo: NDArray[np.uint8], seed: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    for kind in runnable():
        for strength in STRENGTHS:
            yield f"{kind} {strength:g}", degrade(photo, kind, strength, seed)


def _values(cue: str, cues: Sequence[Cues]) -> NDArray[np.float64]:
    values = [getattr(measured, cue) for measured in cues]
    return np.array([value for value in values if value is not None], dtype=np.float64)


def _print(rows: Sequence[Separation], found: dict[str, list[Cues]]) -> None:
    print(f"{len(found['clean'])} photos; value that so many of them lie on the good side of:")
    print(f"{'cue':<10} {'default':>8} " + " ".join(f"{share:>8.1%}" for share in SHARES))
    for row in rows:
        values = " ".join(f"{value:8.3g}" for value in row.quantiles.values())
        print(f"{row.cue:<10} {CHECKS[row.cue].default.reject:8.3g} {values}")
    print("\nshare beyond the default threshold:")
    print(f"{'':<18} " + " ".join(f"{row.cue:>9}" for row in rows))
    for name in found:
        print(f"{name:<18} " + " ".join(f"{row.beyond.get(name, 0.0):9.1%}" for row in rows))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m dgiqa_edge.benchmarks.cameras.cue_separation", description=__doc__)
    parser.add_argument("photos", nargs="+", metavar="PHOTOS", help="folders, files, or quoted globs")
    parser.add_argument("--every", type=whole(1), default=1, metavar="N", help="degrade each N-th photo (default: all)")
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write the rows there")
    args = parse(parser, argv)
    quiet_decoder()
    cv2.setNumThreads(1)
    found, failed = measure(expand_images(args.photos), args.every)
    rows = separations(found)
    _print(rows, found)
    for problem in failed:
        print(f"not used: {problem}")
    if args.json:
        from dgiqa_edge.runtime.ground.atomic import write_result

        content = [{"cue": row.cue, "quantiles": row.quantiles, "beyond": row.beyond} for row in rows]
        write_result(args.json, json_text(content, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
