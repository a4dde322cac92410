"""``dgiqa-edge debug``: where a bundle's graph leaves FP32, where a backend leaves the graph, and what mends it."""

import argparse

from dgiqa_edge.runtime.commands.engine_options import add_engine_options
from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import input_path
from dgiqa_edge.runtime.commands.which_bundle import add_bundle_option, bundle_of

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
    add_bundle_option(parser)
    add_engine_options(parser)
    parser.add_argument(
        "--reference",
        type=input_path,
        metavar="PATH",
        help="the FP32 graph: an ONNX file, or a bundle built with --fp32",
    )
    add_json_option(parser, "what was found")


def run(args: argparse.Namespace) -> int:
    """Print what was found; progress goes to stderr."""
    from dgiqa_edge.runtime.commands.progress import Progress

    from ..debug.diagnosis import Debugger
    from ..debug.report import lines
    from ..options.build_options import available_cpus

    bundle = bundle_of(args)
    with Progress() as progress:

        def announce(title: str) -> Progress:
            progress.begin(title)
            return progress

        threads = args.threads or available_cpus()
        found = Debugger(bundle, backend=args.backend, asked=args.reference, threads=threads, announce=announce).run()
    if args.json:
        args.json.write(found.to_json())
    print("\n".join(lines(found)))
    return 0 if found.sound else EXIT_FOUND
