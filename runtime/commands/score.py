"""``dgiqa-edge score``: quality scores of image files, as a table for people or JSON lines for programs."""

import argparse
import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..ground.colour import coloured
from ..ground.error_text import one_line
from ..ground.names import shown
from .engine_options import add_engine_options, add_fit_option
from .json_output import JsonOutput, add_json_option
from .option_types import output_folder
from .progress import Progress
from .which_bundle import add_bundle_option, bundle_and_rest

if TYPE_CHECKING:
    from ..quality import Quality
    from ..scoring.scorer_pool import ScorerPool

SUMMARY = "score images with a bundle; optionally write their depth maps as pictures"
EXTRA = "cpu"
EXIT_BAD_IMAGE = 3

_EPILOG = """\
example:
  dgiqa-edge score --bundle build/demo/bundle photos/ --depth-out depth/
  dgiqa-edge score photos/ --json scores.jsonl

An image of another size than the bundle's frame is resized to it, as the bundle or --fit says; bars of one colour are
never added. A depth map shows the picture alone: with pad, without what was mirrored around it; with crop, its middle.
Latency is that of resizing and engines, without reading the file. Of a small bundle on the CPU each core scores an
image of its own; with --threads N one image after the other is scored, by N threads.

Of a bundle that reads faults (blurred, dark ...) the table names those that are more probable than not; --json has the
probability of each, and of those named also where in the frame they are.
"""


@dataclass(frozen=True)
class _Scored:
    """What is reported about one image; ``error`` stands alone."""

    image: str
    error: str | None = None
    score: float | None = None
    latency_ms: float | None = None
    crop_scores: tuple[float, ...] = ()
    width: int = 0
    height: int = 0
    depth: str | None = None
    faults: Mapping[str, float] | None = None
    coverage: Mapping[str, list[list[float]]] | None = None

    def as_json(self) -> dict[str, Any]:
        if self.error is not None:
            return {"image": self.image, "error": self.error}
        return {name: value for name, value in vars(self).items() if value is not None}

    def as_row(self, width: int) -> str:
        if self.error is not None:
            return f"{shown(self.image):<{width}}  {'-':>7}  {'-':>10}  {coloured('error:', 'red')} {shown(self.error)}"
        row = f"{shown(self.image):<{width}}  {self.score:7.4f}  {self.latency_ms:10.1f}"
        return row if self.coverage is None else f"{row}  {', '.join(self.coverage) or 'none'}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "images", nargs="+", metavar="IMAGES", help="image files, directories, or quoted globs; one may be the bundle"
    )
    add_bundle_option(parser, positional=False)
    add_json_option(parser, "one object per image, each a line")
    parser.add_argument(
        "--depth-out", type=output_folder, metavar="DIR", help="write each depth map there as a colour PNG"
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
    from ..scoring.scorer_pool import open_pool

    bundle, given = bundle_and_rest(args, args.images)
    if not given:
        raise ConfigurationError("only a bundle is named: give images to score, too")
    images = expand_images(given)
    pictures = {image: args.depth_out / name for image, name in picture_names(images).items()} if args.depth_out else {}
    refuse_overwriting(images, pictures.values())
    quiet_decoder()
    with open_pool(
        bundle,
        len(images),
        threads=args.threads,
        backend=args.backend,
        allow_spinning=False,
        fit=args.fit,
        strict_size=args.strict_size,
        verify=not args.no_verify,
    ) as pool:
        for note in pool.bundle.manifest.notes:
            print(f"note: {note}", file=sys.stderr)
        return _score_all(pool, images, pictures, left_out(given), args.json)


def _score_all(
    pool: "ScorerPool",
    images: Sequence[Path],
    pictures: Mapping[Path, Path],
    unread: str | None,
    output: JsonOutput | None,
) -> int:
    from ..ground.ahead import ahead

    width = max(len("image"), *(len(shown(image)) for image in images))
    faults = "  faults" if pool.bundle.manifest.faults else ""
    print(f"{'image':<{width}}  {'score':>7}  {'latency_ms':>10}{faults}")
    failed = 0
    progress = Progress("scoring")
    results = ahead(lambda image: _score_one(pool, image, pictures.get(image)), images, max(2, pool.most))
    with contextlib.ExitStack() as stack:
        write = stack.enter_context(output.lines()) if output else None
        stack.enter_context(contextlib.closing(results))  # an interrupt ends what has begun before the scorers close
        for number, image in enumerate(images):
            with progress:
                progress(number, len(images), shown(image))
                scored = next(results)
            failed += scored.error is not None
            print(scored.as_row(width), flush=True)
            if write:
                write(scored.as_json())
    print("; ".join(filter(None, [f"{len(images) - failed} scored, {failed} failed", unread])))
    if unread and output and output.file is None:
        print(unread, file=sys.stderr)
    return EXIT_BAD_IMAGE if failed else 0


def _score_one(pool: "ScorerPool", image: Path, picture: Path | None) -> _Scored:
    from ..errors import SourceError
    from ..frames.depth_picture import write_depth_picture
    from ..frames.images import read_image

    try:
        frame = read_image(image)
        with pool.scorer() as scorer:
            quality = scorer.score(frame)
    except SourceError as error:
        return _Scored(str(image), error=one_line(error))
    if picture is not None:
        write_depth_picture(picture, quality.picture_depth)
    return _Scored(
        image=str(image),
        score=quality.score,
        latency_ms=round(quality.timings.total_ms, 3),
        crop_scores=tuple(float(score) for score in quality.crop_scores),
        width=frame.shape[1],
        height=frame.shape[0],
        depth=None if picture is None else str(picture),
        **_faults(quality),
    )


def _faults(quality: "Quality") -> dict[str, Any]:
    """Probabilities of all faults, and of the probable ones those of each cell, rows from the top."""
    if quality.coverage is None:
        return {}
    return {
        "faults": {name: round(value, 4) for name, value in quality.faults.items()},
        "coverage": {
            name: [[round(value, 4) for value in row] for row in quality.coverage[..., index].tolist()]
            for index, name in enumerate(quality.faults)
            if name in quality.probable_faults
        },
    }
