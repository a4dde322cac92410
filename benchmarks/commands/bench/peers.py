"""``dgiqa-edge bench peers``: the bundle beside PyTorch, OpenVINO, other bundles and classic quality measures."""

import argparse
import contextlib
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import input_path, threads
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.commands.which_bundle import add_bundle_option, bundle_of

if TYPE_CHECKING:
    from ...measures.timing import TimingReport

SUMMARY = "the same frames through PyTorch, torch.compile, OpenVINO, other bundles, BRISQUE, NIQE: a table of ratios"
FRAMES = 8
_EPILOG = """\
example:
  dgiqa-edge bench peers --bundle build/nano-int8 --beside build/nano-fp32 build/nano-fp32-split --threads 2

All take turns, frame by frame, in one process: the ratios hold on a busy machine too. PyTorch runs the network in FP32
from the same weights.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.epilog = _EPILOG
    add_bundle_option(parser)
    parser.add_argument(
        "--beside", nargs="+", type=input_path, default=[], metavar="DIR", help="more bundles of its frame size"
    )
    parser.add_argument("--photos", nargs="+", metavar="PHOTOS", help="frames to score (default: photos that ship)")
    parser.add_argument("--threads", type=threads, metavar="N", help="threads of every peer")
    add_json_option(parser, "the table")


def run(args: argparse.Namespace) -> int:
    """Time all peers and print the table; returns 0."""
    from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
    from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
    from dgiqa_edge.runtime.scoring.scorer import Scorer

    from ...environment import provenance
    from ...measures.baselines import baselines
    from ...measures.measures import Measure, bundle_measure
    from ...measures.peers import ABSENT, differences, frames_of, peers
    from ...measures.timing import ROUNDS, time_measures

    bundle = bundle_of(args)
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress("opening the peers"))
        paths = (bundle, *args.beside)
        scorers = [stack.enter_context(Scorer(path, threads=args.threads, allow_spinning="in runs")) for path in paths]
        if len({scorer.bundle.manifest.frame for scorer in scorers}) > 1:
            raise ConfigurationError("the bundles have different frame sizes: build them for one")
        first = scorers[0]
        frames = frames_of(args.photos or sorted(SHIPPED_PHOTOS.glob("*.jpg"))[:FRAMES], first.bundle)
        if not frames:
            raise SourceError("no photo to score: give files or a folder with --photos")
        ours = [bundle_measure(first)]
        ours += [replace(bundle_measure(other), name=f"bundle {other.bundle.path.name}") for other in scorers[1:]]
        same_network = peers(first.bundle, args.threads)
        found = {**same_network, **baselines(), **ABSENT}
        missing = {name: reason for name, reason in found.items() if isinstance(reason, str)}
        runnable = [one for one in found.values() if isinstance(one, Measure)]
        timing = time_measures([*ours, *runnable], frames, args.threads, progress.counter("timing rounds", ROUNDS))
        deltas = differences([*ours, *(one for one in runnable if one.name in same_network)], frames)
    _print(timing, missing, deltas)
    if args.json:
        document = {
            **provenance(),
            "bundle": bundle.name,
            "timing": asdict(timing),
            "score_difference": deltas,
            "not_measured": {**missing, **timing.not_timed},
        }
        args.json.write(document)
    return 0


def _print(timing: "TimingReport", missing: dict[str, str], deltas: dict[str, float]) -> None:
    print(f"{timing.width}x{timing.height}, {timing.rounds} rounds taking turns, medians")
    print(f"{'peer':<34} {'p50 ms':>9} {'least ms':>9} {'CPU ms':>9} {'ratio':>7}  score difference")
    for row in timing.measures:
        delta = f"{deltas[row.name]:.5f}" if row.name in deltas else ""
        print(
            f"{row.name:<34} {row.p50_ms:9.2f} {row.min_ms:9.2f} {row.cpu_p50_ms:9.2f} {row.times_bundle:7.2f}  {delta}"
        )
    for name, reason in {**missing, **timing.not_timed}.items():
        print(f"{name:<34} not measured: {reason}")
