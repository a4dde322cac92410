"""``dgiqa-edge debug``: where a bundle's graph leaves FP32, where a backend leaves the graph, and what mends it."""

import argparse
import math
from typing import Any

from dgiqa_edge.runtime.commands.engine_options import add_engine_options
from dgiqa_edge.runtime.commands.option_types import input_path
from dgiqa_edge.runtime.ground.names import json_text

SUMMARY = "find the layer at which a bundle goes wrong, and the blocks that have to stay in FP32"
EXTRA = "debug"
EXIT_FOUND = 3

_EPILOG = """\
examples:
  dgiqa-edge debug build/demo/bundle
  dgiqa-edge debug build/orin --reference build/orin-fp32

The golden frame goes through the graph piece by piece, on ONNX Runtime as it is written and on the backend. A tensor is
held to what its own precision explains: 16 times what rounding alone would do, in standard deviations of the tensor.
Without --reference the FP32 graph is looked for beside the bundle, where the build left it; else the rounding is taken
out of the bundle's own graph, which shows everything but wrong weights. The exit code is 3 where something is wrong.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    parser.add_argument("bundle", type=input_path, metavar="BUNDLE", help="the bundle that build_engine.py wrote")
    add_engine_options(parser)
    parser.add_argument(
        "--reference",
        type=input_path,
        metavar="PATH",
        help="the FP32 graph: an ONNX file, or a bundle built with --fp32",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print what was found; progress goes to stderr."""
    from dgiqa_edge.runtime.commands.progress import Progress

    from ..debug.diagnosis import Debugger
    from ..debug.report import lines
    from ..options.build_options import available_cpus

    with Progress() as progress:

        def announce(title: str) -> Progress:
            progress.begin(title)
            return progress

        threads = args.threads or available_cpus()
        found = Debugger(
            args.bundle, backend=args.backend, asked=args.reference, threads=threads, announce=announce
        ).run()
    if args.json:
        print(json_text(_finite(found.to_json()), indent=2))
    else:
        print("\n".join(lines(found)))
    return 0 if found.sound else EXIT_FOUND


def _finite(content: Any) -> Any:
    """JSON has no NaN: what is not a number is null."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
