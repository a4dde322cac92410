"""``dgiqa-edge bench``: measurements of a bundle. ``bench accuracy`` compares its scores with people's."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..accuracy import AccuracyReport, Progress

SUMMARY = "measure a bundle: accuracy against human scores"

_EPILOG = """\
example:
  dgiqa-edge bench accuracy --bundle build/engine --photos photos/ --mos mos.csv --split test --json accuracy.json
  dgiqa-edge bench accuracy --bundle build/engine --photos photos/ --mos mos.csv --pairs haze/pairs.csv
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    accuracy = kinds.add_parser(
        "accuracy",
        help="SRCC, PLCC, KRCC, RMSE against human scores, with bootstrap intervals",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    accuracy.add_argument("--bundle", type=Path, required=True, metavar="DIR")
    accuracy.add_argument("--photos", type=Path, required=True, metavar="DIR", help="folder of the photos")
    accuracy.add_argument("--mos", type=Path, required=True, metavar="CSV", help="columns file, mos (and split)")
    accuracy.add_argument("--split", metavar="NAME", help="only rows of this split")
    accuracy.add_argument("--pairs", type=Path, metavar="CSV", help="columns scene, file, strength; photos beside it")
    accuracy.add_argument("--threads", type=int, metavar="N", help="CPU threads of the engine")
    accuracy.add_argument("--brisque-model", type=Path, metavar="YML", help="OpenCV's BRISQUE model file")
    accuracy.add_argument("--brisque-range", type=Path, metavar="YML", help="OpenCV's BRISQUE range file")
    accuracy.add_argument("--json", type=Path, metavar="FILE", help="write the whole report")


def run(args: argparse.Namespace) -> int:
    """Measure and print; returns 0."""
    from dgiqa_edge.runtime.atomic import write_text
    from dgiqa_edge.runtime.scorer import Scorer

    from ..accuracy import measure_accuracy
    from ..baselines import baselines
    from ..opinion_set import read_opinions, read_pairs

    photos = read_opinions(args.mos, args.photos, args.split)
    pairs = read_pairs(args.pairs, args.pairs.parent) if args.pairs else ()
    with Scorer(args.bundle, threads=args.threads) as scorer:
        report = measure_accuracy(
            scorer, photos, baselines(args.brisque_model, args.brisque_range), pairs, _progress(sys.stderr.isatty())
        )
    _print(report)
    if args.json:
        write_text(args.json, json.dumps(report.to_json(), indent=1) + "\n")
    return 0


def _progress(terminal: bool) -> "Progress":
    def show(done: int, total: int) -> None:
        if terminal:
            end = "\n" if done == total else ""
            print(f"\r{done}/{total} photos", end=end, file=sys.stderr, flush=True)

    return show


def _print(report: "AccuracyReport") -> None:
    print(f"{'measure':<20} {'SRCC':>24} {'PLCC':>24} {'KRCC':>24} {'RMSE':>24} {'p50 ms':>8}")
    for row in report.measured:
        figures = row.agreement
        cells = " ".join(f"{figure!s:>24}" for figure in (figures.srcc, figures.plcc, figures.krcc, figures.rmse))
        print(f"{row.name:<20} {cells} {row.p50_ms:8.1f}")
    for name, reason in report.not_measured.items():
        print(f"{name:<20} not measured: {reason}")
    print(f"{len(report.human)} photos, {len(report.skipped)} not readable; intervals are 95 % bootstrap")
    for reason in report.skipped:
        print(f"  {reason}")
    if report.order is not None:
        print(f"{report.order:.1%} of {report.pairs} pairs in order")
