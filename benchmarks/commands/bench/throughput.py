"""``dgiqa-edge bench throughput``: frames per second by the number of frames that an engine takes at once."""

import argparse
import contextlib
from dataclasses import asdict

from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import input_path, seconds, whole
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.commands.which_bundle import add_bundle_option, bundle_of

from .options import add_engine_options, open_scorer, photos

SUMMARY = "frames per second by batch size, of a bundle that was built with --batch"
_EPILOG = """\
example:
  dgiqa-edge bench throughput --bundle build/int8-batch --beside build/fp32-batch --batches 1 2 4 8 --threads 2

All sizes of all bundles take turns in one process: the ratios hold on a busy machine too.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.epilog = _EPILOG
    add_bundle_option(parser)
    parser.add_argument("--beside", nargs="+", type=input_path, default=[], metavar="DIR", help="more bundles")
    parser.add_argument(
        "--batches",
        nargs="+",
        type=whole(1, 64),
        default=[1, 2, 4, 8],
        metavar="N",
        help="sizes; those that a bundle does not take are left out (default: 1 2 4 8)",
    )
    parser.add_argument(
        "--duration", type=seconds, default=30.0, metavar="S", help="of all together, at least (default: 30 s)"
    )
    add_engine_options(parser)
    add_json_option(parser, "the table")


def run(args: argparse.Namespace) -> int:
    """Time all sizes and print the table; returns 0."""
    from ...environment import provenance
    from ...latency.frame_feed import FrameFeed
    from ...latency.throughput import time_batches

    with contextlib.ExitStack() as stack:
        paths = (bundle_of(args), *args.beside)
        scorers = [stack.enter_context(open_scorer(path, args, "in runs")) for path in paths]
        feeds = [FrameFeed(photos(args), scorer.bundle.manifest.frame) for scorer in scorers]
        with Progress("measuring") as progress:
            rows = time_batches(scorers, feeds, sorted(set(args.batches)), args.duration, progress.share)
        frame = scorers[0].bundle.manifest.frame
    print(f"{frame.width}x{frame.height}, {rows[0].rounds} rounds taking turns, medians")
    print(f"{'precision':<12} {'batch':>5} {'frames/s':>9} {'ms/batch':>9} {'least ms':>9} {'times':>6}  bundle")
    for row in rows:
        print(
            f"{row.precision:<12} {row.batch:>5} {row.frames_per_s:9.1f} {row.p50_ms:9.2f} {row.min_ms:9.2f} "
            f"{row.times_smallest:6.2f}  {row.bundle}"
        )
    if args.json:
        args.json.write({**provenance(), "threads": args.threads, "sizes": [asdict(row) for row in rows]})
    return 0
