"""``dgiqa-edge bench selfcheck``: does ``bench compare`` stay quiet on equal bundles and see a slower one, here?"""

import argparse
import uuid
from dataclasses import asdict
from typing import Any

from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import number, seconds, whole
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.commands.which_bundle import add_bundle_option, bundle_of

from .options import add_engine_options, open_scorer, photos

SUMMARY = "checks the comparison on this machine: equal runs must not alarm, a slower one must"
EXIT_FAILED = 5
BLOCK_S = 0.5  # the copies take turns at this pace
_EPILOG = """\
example:
  dgiqa-edge bench selfcheck --bundle build/engine --runs 10 --duration 20 --slowdown 10

Each run measures the bundle against itself in alternating blocks (A/A) and compares the two; runs are also compared
with the next one, as two measurements at different times would be. Then the second copy is lengthened on purpose.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.epilog = _EPILOG
    add_bundle_option(parser)
    parser.add_argument("--runs", type=whole(1), default=10, metavar="N", help="A/A runs (default: 10)")
    parser.add_argument(
        "--duration", type=seconds, default=20.0, metavar="S", help="of each copy per run (default: 20 s)"
    )
    parser.add_argument(
        "--slowdown",
        type=number(0.0, 10_000.0, above=True),
        default=10.0,
        metavar="PERCENT",
        help="on purpose (default: 10)",
    )
    add_json_option(parser, "every trial")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure, compare, print; 0, or 5 where an equal run alarmed or the slower one was missed."""
    from dgiqa_edge.calibration.significance import FEWEST_BLOCKS
    from dgiqa_edge.runtime.errors import ConfigurationError

    from ...compare.selfcheck import SelfCheck, neighbours, trial
    from ...environment import capture, tool

    if args.duration < FEWEST_BLOCKS * BLOCK_S:
        raise ConfigurationError(
            f"--duration is {args.duration:g} s: a comparison needs {FEWEST_BLOCKS} blocks of {BLOCK_S:g} s, "
            f"so give at least {FEWEST_BLOCKS * BLOCK_S:g}"
        )
    context = {"tool": tool(), "environment": capture()}
    trials, firsts = [], []
    slower = 1.0 + args.slowdown / 100.0
    with open_scorer(bundle_of(args), args) as scorer:
        for number in range(args.runs):
            first, second = _pair(scorer, args, 1.0, context, f"A/A {number + 1}/{args.runs}")
            trials.append(trial("A/A, alternating blocks", 1.0, first, second))
            firsts.append(first)
            _print(trials[-1])
        for before, after in neighbours(firsts):
            trials.append(trial("A/A, at different times", 1.0, before, after))
            _print(trials[-1])
        first, second = _pair(scorer, args, slower, context, "slower copy")
        trials.append(trial(f"slower by {args.slowdown:g} %, alternating blocks", slower, first, second))
        _print(trials[-1])
    check = SelfCheck(tuple(trials))
    equal = sum(one.factor == 1.0 for one in trials)
    seen = "missed" if check.missed else "seen"
    print(f"{check.false_alarms} of {equal} equal pairs alarmed; the slower copy was {seen}")
    if args.json:
        document: dict[str, Any] = {
            **context,
            "passed": check.passed,
            "false_alarms": check.false_alarms,
            "equal_pairs": equal,
            "missed": check.missed,
            "trials": [asdict(one) for one in trials],
        }
        args.json.write(document)
    return 0 if check.passed else EXIT_FAILED


def _pair(scorer: Any, args: argparse.Namespace, factor: float, context: dict[str, Any], message: str) -> list[Any]:
    """Two reports of one session: the bundle, and the same bundle lengthened by ``factor``."""
    from ...latency.frame_feed import FrameFeed
    from ...latency.latency import LatencyPlan, measure_in_turn
    from ...latency.samples import FrameServer
    from ...latency.yardstick import Yardstick
    from ...report.build import Measured, latency_report

    plan = LatencyPlan(duration_s=args.duration, min_queries=64, block_s=BLOCK_S)
    yardstick, size = Yardstick(), scorer.bundle.manifest.frame
    servers = [
        FrameServer(scorer, FrameFeed(photos(args), size), yardstick, plan.block_s, slowdown=slowdown)
        for slowdown in (1.0, factor)
    ]
    with Progress(message) as progress:
        runs = measure_in_turn(servers, plan, progress.share)
    session = uuid.uuid4().hex
    missing = {"telemetry": "not part of a self-check"}
    return [
        latency_report(
            scorer,
            Measured(run, plan, args.threads, None, None, (), None, missing),
            session={"id": session, "bundles": 2, "index": index},
            **context,
        )
        for index, run in enumerate(runs)
    ]


def _print(one: Any) -> None:
    cells = "  ".join(f"{name} {one.changes[name]:+.1%} {found.value}" for name, found in one.verdicts.items())
    print(f"{one.kind:<38} {cells}", flush=True)
