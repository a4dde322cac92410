"""``dgiqa-edge build``, which is also ``python export/build_engine.py``: checkpoints in, engine bundle out."""

import argparse
import json
import os

SUMMARY = "build an engine bundle: export, simplify, calibrate, quantize, check, pack"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    from ..build_options import configure as add_options

    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Build; prints the closing table to stdout, progress to stderr. Returns 0."""
    # Before torch loads OpenMP: its threads spin by default, and beside another job that makes seconds minutes.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from dgiqa_edge.runtime.atomic import write_text

    from ..build import Build
    from ..build_options import from_args
    from ..build_report import Reporter, print_table

    result = Build(from_args(args), Reporter(stages=Build.STAGES[args.precision or "int8"])).run()
    print_table(list(result.rows), result.caption)
    for note in result.notes:
        print(f"note: {note}")
    print(f"bundle: {result.bundle}")
    if args.json:
        write_text(args.json, json.dumps(result.to_json(), indent=1) + "\n")
    return 0
