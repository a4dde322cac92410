"""Camera-like faults put into real footage: does the gate name each in 2 s and nothing else, and clean ones nothing?

    python -m dgiqa_edge.benchmarks.cameras.gate_clips --bundle build/demo/bundle --photos calibration/photos \\
        --json benchmarks/results/gate_clips.json

It prints the tables of docs/watch.md. ``--readings FILE`` keeps what was measured, or takes it from there if it exists:
another policy is tried in a second. Nobody should choose thresholds by the footage that is reported.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import cv2

from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import input_path, output_file, output_folder, parse, threads, whole
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.frames.images import quiet_decoder
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.policy_file import load_policy
from dgiqa_edge.runtime.scoring.scorer import Scorer

from ...program import keep, program
from .clips import clips
from .footage import footage
from .readings import Measured, measure, read_readings, write_readings
from .report import PROFILED, TITLES, judge, markdown, reason_scores, rows
from .vectors import write_vectors


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, judge and print; returns 0."""
    parser = program("cameras.gate_clips", __doc__)
    parser.add_argument("--policy", type=input_path, metavar="FILE", help="default: the published one")
    parser.add_argument("--photos", action="append", default=[], metavar="PHOTOS", help="that a camera looks at")
    parser.add_argument("--films", metavar="DIR", help="a folder of healthy films")
    parser.add_argument("--most", type=whole(1), default=12, metavar="N", help="photos (default: %(default)s)")
    parser.add_argument(
        "--clean", type=whole(0), default=600, metavar="S", help="seconds of clean footage (default: %(default)s)"
    )
    parser.add_argument("--threads", type=threads, default=1, metavar="N", help="of the engine (default: %(default)s)")
    parser.add_argument("--readings", type=output_file, metavar="FILE", help="keep them there, or take them")
    parser.add_argument("--vectors", type=output_folder, metavar="DIR", help="write clips there, as vectors")
    args = parse(parser, argv)
    policy = load_policy(args.policy) if args.policy else GatePolicy()
    quiet_decoder()
    cv2.setNumThreads(1)
    if args.readings and args.readings.exists():
        found = read_readings(args.readings)
    else:
        found = list(_measured(args))
        if args.readings:
            write_readings(args.readings, found)
    if args.vectors:
        write_vectors(args.vectors, found)
    document: dict[str, Any] = {"policy": policy.to_mapping()}
    for title in TITLES:
        outcomes = [judge(clip, policy, title) for clip in found if title != PROFILED or clip.fault is None]
        scores = {name: score.to_dict() for name, score in reason_scores(outcomes).items()}
        document[title] = {"clips": rows(outcomes), "reasons": scores}
    print(markdown(document))
    keep(args.json, document)
    return 0


def _measured(args: argparse.Namespace) -> Iterator[Measured]:
    made = clips(footage(args.photos, args.films, args.most), args.clean)
    with Scorer(args.bundle, threads=args.threads) as scorer, Progress("clips") as progress:
        finished = progress.counter("clips", len(made))
        for clip in measure(made, scorer):
            finished()
            yield clip


if __name__ == "__main__":
    sys.exit(guarded(main, extra="bench"))
