"""``dgiqa-edge bench native``: the native runtime beside Python's, on the same bundle and frame."""

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path

from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import input_path, threads, whole
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.commands.which_bundle import add_bundle_option, bundle_of

SUMMARY = "the C++ runtime beside Python's: start to first verdict, latency, memory, installed size"
_EPILOG = """\
example:
  dgiqa-edge bench native --bundle build/demo/bundle --threads 2 --json native.json

Each figure is the median over processes of their own, which take turns. The golden frame is replayed in the first
start of each only, as on a device.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.epilog = _EPILOG
    add_bundle_option(parser)
    parser.add_argument(
        "--tool",
        type=input_path,
        action="append",
        metavar="FILE",
        help="dgiqa-edge-native; more than one for builds with other backends (default: where `make native` puts it)",
    )
    parser.add_argument("--photo", type=input_path, metavar="FILE", help="frame to score (default: a photo that ships)")
    parser.add_argument(
        "--threads", type=threads, default=2, metavar="N", help="of every backend (default: %(default)s)"
    )
    parser.add_argument(
        "--frames", type=whole(1), default=100, metavar="N", help="frames that count (default: %(default)s)"
    )
    parser.add_argument(
        "--warmup", type=whole(0), default=10, metavar="N", help="frames before them (default: %(default)s)"
    )
    parser.add_argument(
        "--starts", type=whole(1), default=5, metavar="N", help="processes of each (default: %(default)s)"
    )
    add_json_option(parser, "the table")


def run(args: argparse.Namespace) -> int:
    """Run all candidates and print the table; returns 0."""
    from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
    from dgiqa_edge.runtime.bundle.bundle import load_bundle
    from dgiqa_edge.runtime.engines.registry import portable
    from dgiqa_edge.runtime.errors import ConfigurationError
    from dgiqa_edge.runtime.frames.images import write_image

    from ...environment import provenance
    from ...measures.peers import frames_of
    from ...native.comparison import Candidate, Load, compare, find_tool, native, python

    path = bundle_of(args)
    bundle = load_bundle(path)
    candidates = [native(find_tool(tool)) for tool in args.tool or [None]]
    if len({one.name for one in candidates}) < len(candidates):
        raise ConfigurationError("two of --tool have the same backend: give builds that differ in it")
    missing = {}
    for backend in portable():
        found = python(backend)
        if isinstance(found, Candidate):
            candidates.append(found)
        else:
            missing[f"Python, {backend.name}"] = found
    frame = frames_of([args.photo or min(SHIPPED_PHOTOS.glob("*.jpg"))], bundle)[0]
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "frame.png"
        write_image(image, frame)
        load = Load(path, image, args.threads, args.frames, args.warmup)
        with Progress() as progress:
            step = progress.counter("processes", len(candidates) * args.starts)
            table = compare(candidates, load, args.starts, step)
    sizes = {one.name: one.installed_mib for one in candidates}
    print(
        f"{bundle.path}: {frame.shape[1]}x{frame.shape[0]}, {args.threads} threads, medians of {args.starts} processes"
    )
    print(f"{'runtime':<22} {'first verdict ms':>16} {'p50 ms':>8} {'peak RSS MiB':>13} {'installed MiB':>14}")
    for name, row in table.items():
        print(f"{name:<22} {row.first_verdict_ms:16.0f} {row.p50_ms:8.2f} {row.peak_rss_mib:13.0f} {sizes[name]:14.0f}")
    for name, reason in missing.items():
        print(f"{name:<22} not measured: {reason}")
    if args.json:
        document = {
            **provenance(),
            "bundle": path.name,
            "rows": {name: {**asdict(row), "installed_mib": sizes[name]} for name, row in table.items()},
            "not_measured": missing,
        }
        args.json.write(document)
    return 0
