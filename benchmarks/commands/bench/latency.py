"""``dgiqa-edge bench latency``: how fast a bundle is, on what power, as one report."""

import argparse
import contextlib
import time
import uuid
from typing import TYPE_CHECKING, Any

from dgiqa_edge.runtime.commands.option_types import duration, input_path, number, output_file, seconds, whole
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.commands.which_bundle import add_bundle_option, bundle_of

from .options import (
    add_engine_options,
    add_output_options,
    open_scorer,
    photos,
    print_report,
    sampler,
    write_outputs,
)

if TYPE_CHECKING:
    from dgiqa_edge.runtime.scoring.scorer import Scorer

    from ...latency.latency import LatencyPlan
    from ...report.build import Measured

SUMMARY = "latency percentiles, stages, power and temperatures, as one report"
_EPILOG = """\
example:
  dgiqa-edge bench latency --bundle build/engine --json latency.json --html latency.html
  dgiqa-edge bench latency --bundle build/engine --duration 600 --scenario single-stream --json mlperf.json
  dgiqa-edge bench latency --bundle new/ --against old/ --json new.json --against-json old.json

MLPerf's LoadGen drives the queries where it is installed (extra bench, x86-64), the project's own loop elsewhere. With
--against, blocks of both bundles alternate in one process, so that `bench compare` can tell them apart on a busy
machine. A percentile that the queries do not support reads "not measured". The offline scenario scores a frame per core
where `dgiqa-edge score` does; --threads N gives all of them to one frame after the other.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.epilog = _EPILOG
    add_bundle_option(parser, remote=True)
    parser.add_argument(
        "--against", type=input_path, metavar="DIR", help="a second bundle, measured in alternating blocks"
    )
    parser.add_argument(
        "--scenario",
        choices=["single-stream", "multi-stream", "offline", "server"],
        default="single-stream",
        help="MLPerf's scenarios (default: single-stream)",
    )
    parser.add_argument("--driver", choices=["auto", "loadgen", "loop"], default="auto", help="who issues the queries")
    parser.add_argument(
        "--duration", type=seconds, default=60.0, metavar="S", help="at least so long, as 60, 5m (default: 60 s)"
    )
    parser.add_argument(
        "--warm-up", type=duration("s"), default=0.2, metavar="S", help="thrown away before (default: 0.2 s)"
    )
    parser.add_argument(
        "--min-queries", type=whole(1), metavar="N", help="at least so many (default: 662 for p99 if they fit, else 64)"
    )
    parser.add_argument(
        "--streams", type=whole(1, 10_000), default=8, metavar="N", help="frames per query of multi-stream"
    )
    parser.add_argument(
        "--target-qps", type=number(0.0, 1e6, above=True), metavar="R", help="queries per second of the server scenario"
    )
    parser.add_argument(
        "--latency-bound",
        type=duration("ms", high=1e9, above=True),
        default=100.0,
        metavar="MS",
        help="of the server scenario",
    )
    parser.add_argument("--accuracy", type=input_path, metavar="FILE", help="document of `bench accuracy` to include")
    parser.add_argument("--against-json", type=output_file, metavar="FILE", help="report of the second bundle")
    add_engine_options(parser)
    add_output_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure, print, write; returns 0."""
    from dgiqa_edge.runtime.errors import ConfigurationError

    from ...environment import capture, tool
    from ...latency.latency import LatencyPlan
    from ...report.accuracy import checked_accuracy
    from ...report.build import latency_report
    from ...report.document import read_json
    from ...report.subject import subject_section

    if args.accuracy and args.against:
        raise ConfigurationError("--accuracy belongs to one bundle: add it to a report with bench report")
    if args.against and (args.scenario != "single-stream" or args.driver == "loadgen"):
        raise ConfigurationError(
            "--against alternates blocks of single-stream frames: leave --scenario and --driver out"
        )
    if args.against_json and not args.against:
        raise ConfigurationError("--against-json has nothing to write without --against DIR")
    plan = LatencyPlan(duration_s=args.duration, min_queries=args.min_queries, warm_up_s=args.warm_up)
    context: dict[str, Any] = {"tool": tool(), "environment": capture()}
    if args.against:
        return _run_pair(args, plan, context)
    with contextlib.ExitStack() as stack:
        scorers = _scorers(args, stack)
        scorer = scorers[0]
        more = {}
        if args.accuracy:  # refused before minutes are spent
            subject = subject_section(scorer)
            more["accuracy"] = checked_accuracy(read_json(args.accuracy), subject, str(args.accuracy))
        report = latency_report(scorer, _measure(scorers, args, plan), more=more, **context)
    print_report(report)
    write_outputs(args, report)
    return 0


def _scorers(args: argparse.Namespace, stack: contextlib.ExitStack) -> "list[Scorer]":
    """One, or for the offline scenario as many as ``dgiqa-edge score`` lets work side by side."""
    from dgiqa_edge.runtime.engines.remote.model import open_bundle
    from dgiqa_edge.runtime.scoring.scorer_pool import frames_at_once, usable_cores

    bundle = open_bundle(bundle_of(args))
    if args.scenario == "offline" and args.threads is None and args.providers == "cpu":
        at_once = frames_at_once(bundle, args.backend, usable_cores())
        if at_once > 1:
            args.threads = 1
            return [stack.enter_context(open_scorer(bundle, args)) for _ in range(at_once)]
    return [stack.enter_context(open_scorer(bundle, args))]


def _measure(scorers: "list[Scorer]", args: argparse.Namespace, plan: "LatencyPlan") -> "Measured":
    from dgiqa_edge.runtime.errors import MachineError

    from ...latency import loadgen
    from ...latency.device_stages import device_stages
    from ...latency.frame_feed import FrameFeed
    from ...latency.latency import measure_in_turn
    from ...latency.samples import FrameServer
    from ...latency.yardstick import Yardstick
    from ...report.build import Measured

    scorer = scorers[0]
    feeds = [FrameFeed(photos(args), scorer.bundle.manifest.frame) for _ in scorers]
    feed = feeds[0]
    # Only single-stream leaves time between queries; elsewhere a yardstick would be part of them.
    yardstick = Yardstick() if args.scenario == "single-stream" else None
    clock = time.process_time if len(scorers) == 1 else time.thread_time
    servers = [
        FrameServer(one, own, yardstick, plan.block_s, cpu_clock=clock) for one, own in zip(scorers, feeds, strict=True)
    ]
    missing: dict[str, str] = {}
    shares = _node_shares(scorer, args, missing)
    device = device_stages(scorer, feed.at(0).frame)
    driven = args.driver == "loadgen" or (args.driver == "auto" and loadgen.is_installed())
    if not driven and args.scenario != "single-stream":
        raise MachineError(f"the scenario {args.scenario} needs LoadGen: pip install mlcommons-loadgen (x86-64)")
    if not driven and args.driver == "auto":
        missing["latency.loadgen"] = "LoadGen is not installed here (it has x86-64 wheels only)"
    with sampler(args) as telemetry, Progress("measuring") as progress:
        if driven:
            settings = loadgen.ScenarioSettings(args.streams, args.target_qps, args.latency_bound)
            run, summary = loadgen.measure_with_loadgen(
                servers, len(feed), args.scenario, plan, settings, progress.share
            )
        else:
            run, summary = measure_in_turn(servers, plan, progress.share)[0], None
        found = telemetry.stop()
    return Measured(run, plan, args.threads, summary, shares, device, found, missing)


def _node_shares(scorer: "Scorer", args: argparse.Namespace, missing: dict[str, str]) -> dict[str, float] | None:
    from ...latency.node_shares import node_shares

    shares = node_shares(scorer, args.threads)
    if shares is None:
        missing["latency.node_shares_percent"] = "read from ONNX Runtime's profiler on the CPU, for fused engines only"
    return shares


def _run_pair(args: argparse.Namespace, plan: "LatencyPlan", context: dict[str, Any]) -> int:
    from ...latency.frame_feed import FrameFeed
    from ...latency.latency import measure_in_turn
    from ...latency.samples import FrameServer
    from ...latency.yardstick import Yardstick
    from ...report.build import Measured, latency_report

    with contextlib.ExitStack() as stack:
        scorers = [
            stack.enter_context(open_scorer(bundle, args, "in runs")) for bundle in (bundle_of(args), args.against)
        ]
        yardstick = Yardstick()
        servers = [
            FrameServer(scorer, FrameFeed(photos(args), scorer.bundle.manifest.frame), yardstick, plan.block_s)
            for scorer in scorers
        ]
        with Progress("measuring both") as progress:
            runs = measure_in_turn(servers, plan, progress.share)
        missing = {
            "telemetry": "two bundles shared the device: its readings cannot be told apart",
            "latency.node_shares_percent": "not taken in runs with alternating blocks",
        }
        session = {"id": uuid.uuid4().hex, "bundles": len(scorers)}
        reports = [
            latency_report(
                scorer,
                Measured(run, plan, args.threads, None, None, (), None, missing),
                session={**session, "index": index},
                **context,
            )
            for index, (scorer, run) in enumerate(zip(scorers, runs, strict=True))
        ]
    for report in reports:
        print_report(report)
    write_outputs(args, reports[0])
    if args.against_json:
        from ...report.document import write_report

        write_report(args.against_json, reports[1])
    return 0
