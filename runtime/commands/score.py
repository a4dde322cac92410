"""``dgiqa-edge score``: quality scores of image files, as a table for people or JSON lines for programs."""

import argparse
import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..ground.names import shown
from ..ground.terminal import coloured
from .engine_options import add_engine_options, add_fit_option
from .json_output import JsonOutput, add_json_option
from .option_types import output_folder
from .progress import Progress
from .which_bundle import add_bundle_option, bundle_and_rest

if TYPE_CHECKING:
    from ..quality import Quality
    from ..scoring.scorer import Scorer

SUMMARY = "score images with a bundle; optionally write their depth maps as pictures"
EXTRA = "cpu"
EXIT_BAD_IMAGE = 3

_EPILOG = """\
example:
  dgiqa-edge score --bundle build/demo/bundle photos/ --depth-out depth/
  dgiqa-edge score photos/ --json scores.jsonl

An image of another size than the bundle's frame is resized to it, as the bundle or --fit says; bars of one colour are
never added. A depth map covers its image, but with crop only the middle: the rest is black. --depth-raw writes the
network's own map of the picture alone.
Latency is that of resizing and engines, without reading the file. Of a small bundle on the CPU each core scores an
image of its own; with --threads N one image after the other is scored, by N threads.

Of a bundle that reads faults (blurred, dark ...) the table names those that are more probable than not; --json has the
probability of each, and of those named also where in the frame they are.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "images", nargs="+", metavar="IMAGES", help="image files, directories, or quoted globs; one may be the bundle"
    )
    add_bundle_option(parser, positional=False, remote=True)
    add_json_option(parser, "one object per image, each a line")
    parser.add_argument(
        "--depth-out",
        type=output_folder,
        metavar="DIR",
        help="write each depth map there as a colour PNG, as large as its image, along the image's edges",
    )
    parser.add_argument(
        "--depth-raw", action="store_true", help="with --depth-out: the network's own small maps, in grey, 255 nearest"
    )
    add_fit_option(parser)
    parser.add_argument("--strict-size", action="store_true", help="refuse images of another size than the bundle's")
    add_engine_options(parser)
    parser.add_argument("--no-verify", action="store_true", help="skip replaying the golden frame first")


def run(args: argparse.Namespace) -> int:
    """Score every image; 0, or 3 when some could not be scored."""
    from ..errors import ConfigurationError
    from ..frames.depth_picture import picture_names
    from ..frames.images import expand_images, left_out, quiet_decoder, refuse_overwriting
    from ..scoring.scorer import Scorer

    bundle, given = bundle_and_rest(args, args.images)
    if not given:
        raise ConfigurationError("only a bundle is named: give images to score, too")
    if args.depth_raw and not args.depth_out:
        raise ConfigurationError("--depth-raw needs a folder for the maps: give --depth-out DIR")
    images = expand_images(given)
    pictures = {image: args.depth_out / name for image, name in picture_names(images).items()} if args.depth_out else {}
    refuse_overwriting(images, pictures.values())
    quiet_decoder()
    with Scorer(
        bundle,
        threads=args.threads,
        backend=args.backend,
        allow_spinning=False,
        fit=args.fit,
        strict_size=args.strict_size,
        verify=not args.no_verify,
    ) as scorer:
        for note in scorer.bundle.manifest.notes:
            print(f"note: {note}", file=sys.stderr)
        return _score_all(scorer, images, pictures, left_out(given), args)


def _score_all(
    scorer: "Scorer",
    images: Sequence[Path],
    pictures: Mapping[Path, Path],
    unread: str | None,
    args: argparse.Namespace,
) -> int:
    from ..quality import Unscored

    output: JsonOutput | None = args.json
    width = max(len("image"), *(len(shown(image)) for image in images))
    faults = "  faults" if scorer.bundle.manifest.faults else ""
    print(f"{'image':<{width}}  {'score':>7}  {'latency_ms':>10}{faults}")
    failed = 0
    progress = Progress("scoring")
    results = scorer.score_many(images)
    with contextlib.ExitStack() as stack:
        write = stack.enter_context(output.lines()) if output else None
        stack.enter_context(contextlib.closing(results))  # an interrupt ends what has begun before the scorer is closed
        for number, image in enumerate(images):
            with progress:
                progress(number, len(images), shown(image))
                result = next(results)
                record = result.to_dict()
                if image in pictures and not isinstance(result, Unscored):
                    record |= _write_depth(pictures[image], image, result, args.depth_raw)
            failed += isinstance(result, Unscored)
            print(_row(record, width), flush=True)
            if write:
                write(record)
    print("; ".join(filter(None, [f"{len(images) - failed} scored, {failed} failed", unread])))
    if pictures and failed < len(images):
        print(_depth_line(scorer, args))
    if unread and output and output.file is None:
        print(unread, file=sys.stderr)
    return EXIT_BAD_IMAGE if failed else 0


def _write_depth(file: Path, image: Path, quality: "Quality", raw: bool) -> dict[str, Any]:
    """Write the picture; its name and the size of the network's own map, for the image's record."""
    from ..frames.depth_picture import write_depth_picture
    from ..frames.images import read_image, write_image

    depth = quality.picture_depth
    if raw:
        write_image(file, depth)
    else:  # read once more, so that no more images are held than are being scored
        write_depth_picture(file, quality.depth_as(read_image(image)))
    return {"depth": str(file), "depth_width": depth.shape[1], "depth_height": depth.shape[0]}


def _depth_line(scorer: "Scorer", args: argparse.Namespace) -> str:
    height, width = scorer.bundle.manifest.geometry.depth_output
    own = f"the network's own map of its frame is {width}x{height}"
    if args.depth_raw:
        return f"depth maps: {args.depth_out}; {own}, kept as it is"
    return f"depth maps: {args.depth_out}, as large as the images, drawn along their edges; {own} (--depth-raw)"


def _row(record: Mapping[str, Any], width: int) -> str:
    image = shown(record["image"])
    if "error" in record:
        return f"{image:<{width}}  {'-':>7}  {'-':>10}  {coloured('error:', 'red')} {shown(record['error'])}"
    row = f"{image:<{width}}  {record['score']:7.4f}  {record['latency_ms']:10.1f}"
    return row if "coverage" not in record else f"{row}  {', '.join(record['coverage']) or 'none'}"
