"""``dgiqa-edge train``: photos and one's own scores in, a bundle that scores that way out, and what it gained."""

import argparse
import os
import shlex
import time
from pathlib import Path

from dgiqa_edge.runtime.commands.option_types import input_path, output_folder, threads, whole

SUMMARY = "teach nano or edge your own scores of your photos, say what was gained, and build the bundle"
EXTRA = "training"
BASES = ("nano", "edge")
BUNDLE = "bundle"

_EPILOG = """\
examples:
  dgiqa-edge train --photos photos/ --scores mine.csv --out build/mine
  dgiqa-edge train --photos photos/ --scores pairs.csv --out build/mine --frame 1920x1080 -- --fp32
  dgiqa-edge train --photos photos/ --scores mine.csv --base edge --depth-weights vits.safetensors --out build/mine

The CSV names its columns: image,score (any range, higher is better; several rows of a photo are averaged; a column
group keeps photos of one scene together) or better,worse. Only the network's last layers are fitted; depth, faults and
everything else stay the base's. What stands behind -- are options of dgiqa-edge build.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("--photos", required=True, type=input_path, metavar="DIR", help="folder of the photos")
    add("--scores", dest="opinions", required=True, type=input_path, metavar="CSV", help="image,score or better,worse")
    add("--split", metavar="NAME", help="only rows with this word in the column split")
    add("--base", choices=BASES, default=BASES[0], help="network to start from (default: %(default)s)")
    add("--out", required=True, type=output_folder, metavar="DIR", help="takes bundle, weights and report")
    add("--frame", metavar="WxH", help="camera frame (default: as of dgiqa-edge build)")
    add("--depth-weights", type=input_path, metavar="FILE", help="of edge: Depth Anything V2-Small")
    add("--folds", type=whole(2, 20), default=5, metavar="N", help="parts that are held out in turn (default: 5)")
    add("--seed", type=whole(0), default=0, metavar="N", help="of the parts and the intervals (default: 0)")
    add("--threads", type=threads, metavar="N", help="CPU threads (default: all)")
    add("--no-build", action="store_true", help="stop before the bundle: weights and report alone")
    add("build", nargs="*", metavar="-- OPTION", help="options of dgiqa-edge build, as -- --fp32 --calib photos/")


def run(args: argparse.Namespace) -> int:
    """Train, print what came of it, build. Returns 0."""
    # Before torch loads OpenMP, as `build` does.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from dgiqa_edge.export.commands import build
    from dgiqa_edge.export.options.build_options import from_args
    from dgiqa_edge.runtime.commands.progress import say
    from dgiqa_edge.runtime.frames.images import quiet_decoder

    from .opinions import read_opinions
    from .train import PAGE, Wish, train

    begun = time.monotonic()
    quiet_decoder()
    of_build = _build_arguments(args)
    options = from_args(of_build)
    opinions = read_opinions(args.opinions, args.photos, args.split)
    wish = Wish(opinions, args.opinions.name, args.out, args.folds, args.seed)
    weights, report = train(options, wish, lambda note: say(f"note: {note}"))
    print("\n".join(report.lines()))
    print(f"weights: {weights}")
    print(f"report: {args.out / PAGE}", flush=True)
    if args.no_build:
        print(f"Next: {shlex.join(_command(args, weights))}")
        return 0
    of_build.quality_weights = weights
    code = build.run(of_build)
    print(f"{time.monotonic() - begun:.0f} s in all: {report.sentence()}")
    return code


def _build_arguments(args: argparse.Namespace) -> argparse.Namespace:
    """The arguments of the build, checked before any work.

    Raises:
        ConfigurationError: one that this command sets itself.
    """
    from dgiqa_edge.export.options.build_options import configure as add_options
    from dgiqa_edge.runtime.commands.option_types import parse
    from dgiqa_edge.runtime.errors import ConfigurationError

    ours = {"--preset": "--base", "--out": "--out before the --", "--from": None, "--json": None}
    for option in (given.partition("=")[0] for given in args.build):
        if option in ours:
            instead = f": give {ours[option]}" if ours[option] else ": leave it out"
            raise ConfigurationError(f"{option} is not for the build of own scores{instead}")
    parser = argparse.ArgumentParser(prog="dgiqa-edge train ... --", allow_abbrev=False)
    add_options(parser)
    return parse(parser, [*_given(args), *args.build])


def _given(args: argparse.Namespace) -> list[str]:
    named = {"--frame": args.frame, "--depth-weights": args.depth_weights, "--threads": args.threads}
    given = [word for name, value in named.items() if value is not None for word in (name, str(value))]
    return ["--preset", args.base, "--out", str(args.out / BUNDLE), *given]


def _command(args: argparse.Namespace, weights: Path) -> list[str]:
    return ["dgiqa-edge", "build", *_given(args), "--quality-weights", str(weights), *args.build]
