"""``dgiqa-edge build``, which is also ``python export/build_engine.py``: checkpoints in, engine bundle out."""

import argparse
import os
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dgiqa_edge.runtime.bundle.manifest import LadderRecord

    from ..stages.outcome import BuildResult

SUMMARY = "build an engine bundle: export, simplify, calibrate, quantize, check, pack"
EXTRA = "export"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    from ..options.build_options import configure as add_options

    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Build, or build on the device; prints the closing table to stdout, progress to stderr. Returns 0."""
    # Before torch loads OpenMP: its threads spin by default, and beside another job that makes seconds minutes.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from dgiqa_edge.runtime.commands.which_bundle import remember_built
    from dgiqa_edge.runtime.errors import BudgetError

    from ..stages.outcome import table_lines

    build = _on_device if args.source else _from_checkpoints
    try:
        result = build(args)
    except BudgetError as error:
        _tell(error.ladder)
        if args.json:
            args.json.write({"bundle": None, "error": str(error), "ladder": _plain(error.ladder)})
        raise
    for line in () if result.ladder else table_lines(result.rows):
        print(line)
    _tell(result.ladder)
    print(result.caption)
    for note in result.notes:
        print(f"note: {note}")
    print(f"bundle: {result.bundle}")
    if args.json:
        args.json.write(result.to_json())
    _close(result, args.no_engine)
    if not args.no_engine:
        remember_built(result.bundle)
    return 0


def _close(result: "BuildResult", for_a_device: bool) -> None:
    """What it comes to, and the commands that a user wants now."""
    from ..stages.outcome import closing_sentence

    bundle = shlex.quote(str(result.bundle))
    sentence = closing_sentence(result.rows, result.latency_differs)
    if for_a_device:
        print(f"\n{sentence} Next, on the device: dgiqa-edge build --from {bundle}")
        return
    print(f"\n{sentence} Next: dgiqa-edge score {bundle} photos/")
    print(f"Also: dgiqa-edge bench latency {bundle}; dgiqa-edge gate run {bundle} video.mp4")


def _from_checkpoints(args: argparse.Namespace) -> "BuildResult":
    from ..build.build import Build, stage_count
    from ..options.build_options import from_args
    from ..stages.reporter import Reporter

    options = from_args(args)
    return Build(options, Reporter(stages=stage_count(options))).run()


def _on_device(args: argparse.Namespace) -> "BuildResult":
    """Nothing on this way may need more than a device has: numpy, OpenCV, TensorRT, a CUDA binding."""
    from ..on_device.build import DeviceBuild
    from ..options.device_options import from_args
    from ..stages.reporter import Reporter

    return DeviceBuild(from_args(args), Reporter(stages=0)).run()


def _tell(ladder: "LadderRecord | None") -> None:
    from dgiqa_edge.runtime.bundle.ladder_table import ladder_lines

    for line in ladder_lines(ladder) if ladder else ():
        print(line)


def _plain(ladder: "LadderRecord | None") -> dict[str, Any] | None:
    from dgiqa_edge.runtime.bundle.records import plain

    return plain(ladder) if ladder else None
