"""``dgiqa-edge bench soak``: the same frame rate for minutes or hours, and whether it holds."""

import argparse

from dgiqa_edge.runtime.commands.option_types import duration
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.commands.which_bundle import add_bundle_option, bundle_of
from dgiqa_edge.runtime.ground.limits import MOST_SECONDS

from .options import add_engine_options, add_output_options, open_scorer, photos, print_report, sampler, write_outputs

SUMMARY = "latency, temperature and clocks over minutes or hours; finds drift and throttling"
_EPILOG = """\
example:
  dgiqa-edge bench soak --bundle build/engine --minutes 30 --json soak.json --html soak.html
"""
EXIT_FOUND = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.epilog = _EPILOG
    add_bundle_option(parser)
    parser.add_argument(
        "--minutes",
        type=duration("min", high=MOST_SECONDS / 60, above=True),
        required=True,
        metavar="N",
        help="how long, as 30, 30m or 8h",
    )
    parser.add_argument(
        "--fail", action="store_true", help=f"exit with {EXIT_FOUND} where drift or throttling is found"
    )
    add_engine_options(parser)
    add_output_options(parser)


def run(args: argparse.Namespace) -> int:
    """Soak, print, write; 0, or 5 with ``--fail`` where something was found."""
    from ...environment import capture, tool
    from ...latency.frame_feed import FrameFeed
    from ...latency.latency import LatencyPlan
    from ...latency.samples import FrameServer
    from ...latency.soak import findings, soak
    from ...latency.yardstick import Yardstick
    from ...report.build import Measured, latency_report
    from ...report.sections import soak_section

    block_s = max(1.0, args.minutes)  # about sixty blocks, whatever the length
    environment = capture()
    with open_scorer(bundle_of(args), args) as scorer:
        server = FrameServer(scorer, FrameFeed(photos(args), scorer.bundle.manifest.frame), Yardstick(), block_s)
        with sampler(args) as telemetry, Progress("soak") as progress:
            measured = soak(server, args.minutes, block_s, progress.share)
            read = telemetry.stop()
        found = findings(measured.samples, read, measured.started)
        plan = LatencyPlan(duration_s=args.minutes * 60.0, block_s=block_s, min_queries=1)
        report = latency_report(
            scorer,
            Measured(
                measured, plan, args.threads, None, None, (), read, {"latency.node_shares_percent": "not in a soak"}
            ),
            tool=tool(),
            environment=environment,
            more={"soak": soak_section(found, args.minutes)},
        )
    print_report(report)
    print_findings(report["soak"])
    write_outputs(args, report)
    throttled = bool(report["soak"]["clock_drops"] or report["telemetry"]["throttled"])
    return EXIT_FOUND if args.fail and (throttled or found.latency.found) else 0


def print_findings(soak: dict) -> None:  # type: ignore[type-arg]
    """One line per series."""
    from ...report.facts import soak_table

    for row in soak_table(soak).rows:
        print("  " + "  ".join(cell for cell in row if cell))
