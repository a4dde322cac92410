"""The options of ``dgiqa-edge build --from``: which of a build's options a build on the device heeds."""

import argparse
from dataclasses import dataclass, fields
from pathlib import Path

from dgiqa_edge.runtime.errors import ConfigurationError

from . import build_options, tensorrt_options
from .accuracy_budget import FLOOR, NO_LIMITS, AccuracyBudget
from .tensorrt_options import TensorRtOptions

_SETTINGS = {one.name for one in fields(tensorrt_options.BuilderSettings)} - {"calibrator", "targets"}
_HEEDED = {"source", "out", "work", "json", "threads", "rungs", "precision"} | _SETTINGS
_HEEDED |= {"accuracy_budget", "latency_target", "no_accuracy_check", "timing_cache"}


@dataclass(frozen=True)
class DeviceOptions:
    """Everything that a build on the device depends on besides the bundle ``source``.

    Attributes:
        rungs: the precisions that may be taken; empty: any that the bundle carries.
        limits: None: those that the bundle says.
        latency_target_ms: None: what the bundle says.
    """

    source: Path
    out: Path
    work: Path
    rungs: tuple[str, ...]
    limits: AccuracyBudget | None
    latency_target_ms: float | None
    threads: int
    tensorrt: TensorRtOptions
    argv: tuple[str, ...]


def from_args(args: argparse.Namespace) -> DeviceOptions:
    """Read the options; ``args.source`` is a path.

    Raises:
        ConfigurationError: an option was given that only a build from checkpoints heeds, or two contradict.
    """
    parser = argparse.ArgumentParser()
    build_options.configure(parser)
    for name, value in vars(parser.parse_args([])).items():
        if name not in _HEEDED and getattr(args, name) != value:
            option = f"--{name.replace('_', '-')}"
            raise ConfigurationError(f"{option} does nothing with --from, whose graphs are made: leave it out")
    if args.no_accuracy_check and args.accuracy_budget is not None:
        raise ConfigurationError("--no-accuracy-check contradicts --accuracy-budget: give one of them")
    limits = NO_LIMITS if args.no_accuracy_check else args.accuracy_budget and args.accuracy_budget.over(FLOOR)
    rungs = args.rungs or ((args.precision,) if args.precision else ())
    out = args.out or args.source
    tensorrt = tensorrt_options.read(args)
    argv = ["dgiqa-edge", "build", "--from", str(args.source), "--out", str(out)]
    argv += ["--rungs", ",".join(rungs)] if rungs else []
    argv += ["--accuracy-budget", str(args.accuracy_budget)] if args.accuracy_budget else []
    argv += ["--latency-target", f"{args.latency_target!r}ms"] if args.latency_target else []
    argv += ["--no-accuracy-check"] if args.no_accuracy_check else []
    return DeviceOptions(
        source=args.source,
        out=out,
        work=args.work or out.parent / ".stages",
        rungs=tuple(rungs),
        limits=limits,
        latency_target_ms=args.latency_target,
        threads=args.threads,
        tensorrt=tensorrt,
        argv=(*argv, *tensorrt.command()),
    )
