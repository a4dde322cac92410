"""``dgiqa-edge export triton``: a bundle as a model of Triton Inference Server."""

import argparse

from dgiqa_edge.runtime.commands.option_types import duration, output_folder, whole
from dgiqa_edge.runtime.commands.which_bundle import add_bundle_option, bundle_of
from dgiqa_edge.runtime.ground.names import shown

SUMMARY = "export a bundle for a server: a model repository of Triton"
EXTRA = "triton"

_EPILOG = """\
example:
  dgiqa-edge export triton build/demo/bundle --out build/models
  tritonserver --model-repository build/models
  dgiqa-edge score --bundle triton://localhost:8001/nano photos/

The flavour python serves our runtime, which has to be installed for Triton's Python (extra cpu): frames of any size,
JPEG and PNG too. The others are Triton's own backends, which take frames of the bundle's size. The golden frame is
replayed here before anything is written, warms the server up, and is replayed there by python before it serves.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    from ..triton.config import FLAVOURS

    parser.epilog = _EPILOG
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="SERVER")
    triton = kinds.add_parser(
        "triton",
        help="a model repository of NVIDIA Triton Inference Server",
        description="Export a bundle as a model of NVIDIA Triton Inference Server.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_bundle_option(triton)
    triton.add_argument(
        "--out", type=output_folder, required=True, metavar="REPOSITORY", help="the model repository, which may exist"
    )
    triton.add_argument("--flavour", choices=list(FLAVOURS), default="python", help="what runs it (default: python)")
    triton.add_argument("--name", metavar="NAME", help="of the model (default: the bundle's preset)")
    triton.add_argument(
        "--max-batch", type=whole(1, 64), default=8, metavar="N", help="frames that one run takes at most (default: 8)"
    )
    triton.add_argument(
        "--queue-delay",
        type=duration("ms", high=10_000.0),
        default=0.5,
        metavar="MS",
        help="how long a frame may wait for others to be run with (default: 0.5 ms)",
    )
    triton.add_argument(
        "--instances", type=whole(1, 64), default=1, metavar="N", help="runs that go on at once (default: 1)"
    )


def run(args: argparse.Namespace) -> int:
    """Export, and say what was written; returns 0."""
    from dgiqa_edge.runtime.bundle.bundle import load_bundle
    from dgiqa_edge.runtime.engines.remote.model import version_of

    from ..triton.config import FLAVOURS, Serving, checked_name, graph_batch
    from ..triton.repository import write_repository

    bundle = load_bundle(bundle_of(args))
    flavour = FLAVOURS[args.flavour]
    serving = Serving(
        name=checked_name(args.name or bundle.manifest.preset),
        flavour=flavour,
        max_batch=graph_batch(bundle, flavour, args.max_batch),
        queue_delay_s=args.queue_delay / 1e3,
        instances=args.instances,
    )
    folder = write_repository(bundle, args.out, serving)
    print(f"{shown(folder)}: {flavour.backend}, version {version_of(bundle.sha256)}, bundle {bundle.sha256[:12]}")
    print(f"serve it: tritonserver --model-repository {shown(args.out)}")
    print(f"score by it: dgiqa-edge score --bundle triton://localhost:8001/{serving.name} IMAGES")
    return 0
