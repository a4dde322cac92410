"""What a bundle says of pictures with a known fault: average precision, a confusion table, and how well it says where.

    python -m dgiqa_edge.benchmarks.accuracy.fault_confusion --bundle build/demo/bundle --photos photos/ \\
        --json benchmarks/results/fault_confusion.json

Photos should show no fault themselves, and none that the network was trained on. Each is judged as it is and degraded
in every way of ``calibration/degradations`` that names a fault. A picture is called by its most probable fault, or
healthy where none has a probability of 0.5. Faults that a kind may show beside its own are left out of the precision.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dgiqa_edge.calibration.agreement import average_precision
from dgiqa_edge.calibration.degradations.kinds import FAULTS, KINDS, degraded, runnable
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import parse, threads, whole
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.frames.images import expand_images, quiet_decoder, read_image
from dgiqa_edge.runtime.scoring.scorer import Scorer

from ..program import keep, program
from .circumstances import circumstances

HEALTHY = "healthy"
LEAST_PROBABILITY = 0.5
WEAKEST, STRONGEST = 0.2, 1.0
COVERED = 0.5
"""A cell is dirty where more than this of it is."""


@dataclass(frozen=True)
class Judged:
    """What is said of a picture.

    Attributes:
        kind: what was done to it, or :data:`HEALTHY`.
        faults: probabilities, float [K].
        overlap: of the cells said to be dirty and those that are (intersection over union); None where none is.
    """

    kind: str
    faults: np.ndarray
    overlap: float | None = None

    @property
    def called(self) -> str:
        """The most probable fault, or :data:`HEALTHY`."""
        at = int(self.faults.argmax())
        return FAULTS[at] if self.faults[at] >= LEAST_PROBABILITY else HEALTHY

    @property
    def labels(self) -> np.ndarray:
        """1 for its faults, 0 for those it does not show, NaN for those it may: float64 [K]."""
        none = np.zeros(len(FAULTS))
        return none if self.kind == HEALTHY else KINDS[self.kind].label(none)


def judge(scorer: Scorer, photos: Sequence[Path], seed: int, progress: Progress) -> Iterator[Judged]:
    """Every photo as it is, then degraded in each way at a strength drawn at random."""
    kinds = [kind for kind in runnable() if KINDS[kind].faults]
    for number, path in enumerate(photos):
        photo = read_image(path)
        rng = np.random.default_rng((seed, number))
        yield Judged(HEALTHY, _said(scorer, photo)[0])
        for kind in kinds:
            made = degraded(photo, kind, float(rng.uniform(WEAKEST, STRONGEST)), int(rng.integers(2**31)))
            faults, coverage = _said(scorer, made.picture)
            dirty = "dirty" in KINDS[kind].faults
            yield Judged(kind, faults, _overlap(made.coverage, coverage) if dirty else None)
        progress(number + 1, len(photos))


def report(judged: Iterable[Judged]) -> dict[str, Any]:
    """Average precision by fault and their mean, pictures by kind and what they were called, and the mean overlap."""
    found = list(judged)
    said, labels = (np.stack(of) for of in ([one.faults for one in found], [one.labels for one in found]))
    precision = {name: average_precision(said[:, at], labels[:, at]) for at, name in enumerate(FAULTS)}
    called: dict[str, Counter[str]] = {}
    for one in found:
        called.setdefault(one.kind, Counter())[one.called] += 1
    overlaps = [one.overlap for one in found if one.overlap is not None]
    return {
        "pictures": len(found),
        "average_precision": {**precision, "mean": float(np.mean(list(precision.values())))},
        "called": {kind: dict(calls) for kind, calls in called.items()},
        "dirt_overlap": float(np.mean(overlaps)) if overlaps else None,
        "dirty_pictures": len(overlaps),
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The figures, and a table with a line for each kind and a column for each fault."""
    yield "average precision: " + ", ".join(f"{name} {value:.3f}" for name, value in found["average_precision"].items())
    if found["dirt_overlap"] is not None:
        yield f"dirty cells: {found['dirt_overlap']:.2f} intersection over union, {found['dirty_pictures']} pictures"
    columns = (*FAULTS, HEALTHY)
    yield f"{'':<15}" + "".join(f"{name:>13}" for name in columns)
    for kind, calls in found["called"].items():
        yield f"{kind:<15}" + "".join(f"{calls.get(name, 0) or '.':>13}" for name in columns)


def _said(scorer: Scorer, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    quality = scorer.score(picture)
    if quality.coverage is None:
        raise ConfigurationError(f"{scorer.bundle.path} reads no faults: build one of nano")
    return np.array([quality.faults[name] for name in FAULTS]), quality.coverage[..., FAULTS.index("dirty")]


def _overlap(covered: np.ndarray, said: np.ndarray) -> float | None:
    truth = cv2.resize(covered, said.shape[::-1], interpolation=cv2.INTER_AREA) > COVERED
    claimed = said > LEAST_PROBABILITY
    return float((truth & claimed).sum() / (truth | claimed).sum()) if truth.any() else None


def main(argv: Sequence[str] | None = None) -> int:
    """Degrade, judge and print; returns 0."""
    parser = program("accuracy.fault_confusion", __doc__)
    parser.add_argument("--photos", action="append", required=True, metavar="PHOTOS", help="photos without faults")
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="of strengths (default: %(default)s)")
    parser.add_argument("--threads", type=threads, default=1, metavar="N", help="of the engine (default: %(default)s)")
    args = parse(parser, argv)
    quiet_decoder()
    with Scorer(args.bundle, threads=args.threads) as scorer:
        found = report(judge(scorer, expand_images(args.photos), args.seed, Progress("photos")))
        told = asdict(circumstances(scorer, ("fault_confusion", *(sys.argv[1:] if argv is None else argv)), None))
    print("\n".join(lines(found)))
    keep(args.json, {**told, **found})
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
