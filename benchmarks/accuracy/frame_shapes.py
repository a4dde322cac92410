"""What frames of another shape than the bundle's lose by each way of fitting them: agreement with people.

    python -m dgiqa_edge.benchmarks.accuracy.frame_shapes --bundle build/landscape --own build/portrait \\
        --photos photos/ --mos mos.csv --json build/frame_shapes.json

Photos are cut in their middle to one shape after the other, and keep the human score of the whole. Beside the bundle by
each fit, a shape is scored by a bundle of its own (``--own``), where one is given: differences to it say what is lost.
Every interval is a 95 % bootstrap over the photos, paired where it is of a difference.
"""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from dgiqa_edge.calibration.agreement import FEWEST, Figure, srcc_difference, srcc_figure
from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import input_path, output_file, parse, shape, threads
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.errors import ReportError
from dgiqa_edge.runtime.frames.images import quiet_decoder, read_image
from dgiqa_edge.runtime.ground.framing import FITS, Size, framing
from dgiqa_edge.runtime.scoring.scorer import Scorer

from ..measures.measures import Panel, bundle_measure
from ..measures.score_store import ScoreStore
from ..program import keep, program, table
from .accuracy import Bar, judged
from .circumstances import circumstances
from .degradation_series import Read
from .opinion_set import RatedPhoto, read_opinions

SHAPES = tuple(map(shape, ("3:4", "9:16", "4:3", "16:9", "1:1")))
OWN, STRETCH = "own bundle", "stretch"
_FINE = 10_000
"""Of a shape's unit, in pixels: so large that rounding to whole ones decides nothing."""


@dataclass(frozen=True)
class Row:
    """Photos of one shape by one way; differences are its SRCC less that of another, None where there is no other.

    ``failed``: photos that some way could not score; they count for none.
    """

    shape: str
    way: str
    photos: int
    failed: int
    srcc: Figure
    to_own: Figure | None
    to_stretch: Figure | None


def cut(photo: np.ndarray, to_shape: Size) -> np.ndarray:
    """The middle of a photo uint8 [H, W, 3], as much of it as has that shape (height and width, of any scale)."""
    box = framing(photo.shape, [side * _FINE for side in to_shape], "crop").shown
    return np.ascontiguousarray(photo[box.slices])


def reader(to_shape: Size | None) -> Read:
    """Reads photos, cut to a shape where one is given."""
    return read_image if to_shape is None else lambda path: cut(read_image(path), to_shape)


def fits_whole(scorer: Scorer, to_shape: Size) -> bool:
    """Whether frames of that shape are neither padded nor cropped for the bundle."""
    size = scorer.bundle.manifest.frame.height, scorer.bundle.manifest.frame.width
    return framing([side * _FINE for side in to_shape], size, "pad").at.unless_whole(size) is None


def rows_of(
    to_shape: Size, ways: Mapping[str, Scorer], photos: Sequence[RatedPhoto], store: ScoreStore, bar: Bar
) -> list[Row]:
    """One row for each of these ways to score photos, cut to a shape.

    Raises:
        ReportError: too few photos could be scored by all of them.
    """
    named, scores = f"{to_shape[1]}:{to_shape[0]}", {}
    for way, scorer in ways.items():
        panel = Panel([bundle_measure(scorer)], store)
        judged([photo.path for photo in photos], panel, bar(f"{named}, {way}", len(photos)), reader(to_shape))
        scores[way] = next(iter(panel.tallies.values())).scores
    scored = [photo for photo in photos if all(str(photo.path) in of_way for of_way in scores.values())]
    if len(scored) < FEWEST:
        raise ReportError(f"{len(scored)} of {len(photos)} photos of {named} could be scored: too few to correlate")
    human = np.array([photo.mos for photo in scored])
    found = {way: np.array([of_way[str(photo.path)] for photo in scored]) for way, of_way in scores.items()}

    def difference(way: str, other: str) -> Figure | None:
        return srcc_difference(found[way], found[other], human) if other in found and other != way else None

    failed = len(photos) - len(scored)
    return [
        Row(named, way, len(scored), failed, srcc_figure(own, human), difference(way, OWN), difference(way, STRETCH))
        for way, own in found.items()
    ]


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    columns = ("shape", "way", "SRCC", "less that of its own bundle", "less that of stretch")
    return table(columns, [(it.shape, it.way, str(it.srcc), _signed(it.to_own), _signed(it.to_stretch)) for it in rows])


def _signed(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value:+.4f} [{figure.low:+.4f}, {figure.high:+.4f}]"


def ways_of(to_shape: Size, fitting: Sequence[Scorer], own: Sequence[Scorer]) -> dict[str, Scorer]:
    """The scorers of a shape by their names: one of ``fitting`` will do where their bundle is of that very shape."""
    ways: dict[str, Scorer] = {one.fit: one for one in fitting[: 1 if fits_whole(fitting[0], to_shape) else None]}
    of_its_own = next((one for one in own if fits_whole(one, to_shape)), None)
    return ways if of_its_own is None else {**ways, OWN: of_its_own}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 0, or 3 where a photo has no score."""
    parser = program("accuracy.frame_shapes", __doc__)
    parser.add_argument(
        "--own", type=input_path, nargs="+", default=[], metavar="DIR", help="bundles built for the other shapes"
    )
    parser.add_argument("--photos", type=input_path, required=True, metavar="DIR", help="folder of the photos")
    parser.add_argument("--mos", type=input_path, required=True, metavar="CSV", help="columns file, mos (and split)")
    parser.add_argument("--split", metavar="NAME", help="only rows of this split")
    parser.add_argument("--shapes", nargs="+", type=shape, default=SHAPES, metavar="W:H", help="to cut them to")
    parser.add_argument("--fits", nargs="+", choices=FITS, default=list(FITS), help="by which to fit (default: all)")
    parser.add_argument("--threads", type=threads, default=1, metavar="N", help="of an engine (default: %(default)s)")
    parser.add_argument("--scores", type=output_file, metavar="JSONL", help="keep single scores there, to go on later")
    args = parse(parser, argv)
    quiet_decoder()
    photos = read_opinions(args.mos, args.photos, args.split)
    rows: list[Row] = []
    with contextlib.ExitStack() as stack:
        bundle = load_bundle(args.bundle)
        opened = [Scorer(bundle, threads=args.threads, allow_spinning=False, fit=fit) for fit in args.fits]
        own = [Scorer(path, threads=args.threads, allow_spinning=False) for path in args.own]
        for scorer in (*opened, *own):
            stack.enter_context(scorer)
        store, progress = stack.enter_context(ScoreStore(args.scores)), stack.enter_context(Progress())
        for to_shape in args.shapes:
            rows += rows_of(to_shape, ways_of(to_shape, opened, own), photos, store, progress.counter)
        command = [*parser.prog.split(), *sys.argv[1:]]
        first, *others = (circumstances(one, command, args.split) for one in (opened[0], *own))
    print(markdown(rows))
    del first.bundle["fit"]  # each row has its own
    keep(args.json, {**asdict(first), "own": [one.bundle for one in others], "rows": [asdict(row) for row in rows]})
    return 3 if any(row.failed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
