"""``dgiqa-edge demo``: photos, depth maps and degraded copies through a bundle, as a table and a contact sheet."""

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import number, output_folder, threads
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.commands.which_bundle import add_bundle_option, bundle_and_rest
from dgiqa_edge.runtime.ground.error_text import one_line
from dgiqa_edge.runtime.ground.names import shown

if TYPE_CHECKING:
    import numpy as np

    from dgiqa_edge.runtime.scoring.scorer import Scorer

    from ..accuracy.contact_sheet import Anchors
    from ..accuracy.degradation_order import OrderReport, PhotoScores

SUMMARY = "score a dozen photos and degraded copies of them; writes depth maps and a contact sheet"
EXTRA = "bench"
EXIT_BAD_IMAGE = 3
SHEET = "contact_sheet.png"
DEPTH = "depth"
MOST_PHOTOS = 100
NAMES_ON_SHEET = 3

# A dozen scenes of the photos that ship, indoors and out, near and far; the first eight are those that a build with
# the default settings holds out of its calibration. Which of them a bundle saw is read from the bundle, not from here.
SHOWN = (
    "cat",
    "dandelions",
    "dogs_at_door_detail",
    "forest_stream",
    "mountain_meadow_detail",
    "pagoda",
    "rocket",
    "sunset_flare",
    "astronaut",
    "coffee",
    "paint_brushes",
    "room_with_drum",
)
SAME_CODE = (
    "The copies are made by the code that also made training copies of BIQ2021 photos for nano and edge: the order "
    "here shows that the line works, not how it does on another camera's defects."
)

_EPILOG = """\
example:
  dgiqa-edge demo --bundle build/demo/bundle --out build/demo
  dgiqa-edge demo --bundle build/demo/bundle --out build/mine --strength 0.3 photos/

Each photo takes the bundle's frame size, and one copy per kind of degradation is made of that frame. A copy is in
order when its score is below its photo's.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "photos",
        nargs="*",
        metavar="PHOTOS",
        help="image files, directories, or quoted globs (default: twelve shipped)",
    )
    add_bundle_option(parser, positional=False)
    parser.add_argument(
        "--out", required=True, type=output_folder, metavar="DIR", help=f"takes {SHEET} and the folder {DEPTH}"
    )
    parser.add_argument(
        "--strength",
        type=number(0.0, 1.0, above=True),
        default=0.5,
        metavar="S",
        help="of the degradations, above 0 up to 1 (default: 0.5)",
    )
    parser.add_argument("--threads", type=threads, metavar="N", help="threads of the engine (default: its own choice)")
    add_json_option(parser, "every score")


def run(args: argparse.Namespace) -> int:
    """Score, print the table, write the pictures; 0, or 3 when a photo could not be scored."""
    from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
    from dgiqa_edge.runtime.errors import ConfigurationError
    from dgiqa_edge.runtime.frames.depth_picture import picture_names
    from dgiqa_edge.runtime.frames.images import expand_images, left_out, quiet_decoder, refuse_overwriting
    from dgiqa_edge.runtime.scoring.scorer import Scorer

    bundle, given = bundle_and_rest(args, args.photos)
    photos = expand_images(given or [SHIPPED_PHOTOS / f"{name}.jpg" for name in SHOWN])
    if len(photos) > MOST_PHOTOS:
        raise ConfigurationError(f"{len(photos)} photos are too many for one sheet: give at most {MOST_PHOTOS}")
    depth_pictures = {photo: args.out / DEPTH / name for photo, name in picture_names(photos).items()}
    sheet = args.out / SHEET
    refuse_overwriting(
        photos, [sheet, *depth_pictures.values(), *([args.json.file] if args.json and args.json.file else [])]
    )
    quiet_decoder()
    with Scorer(bundle, threads=args.threads) as scorer:
        for note in scorer.bundle.manifest.notes:
            print(f"note: {note}", file=sys.stderr)
        report, rows = _score_all(scorer, photos, depth_pictures, args.strength)
        notes = [*filter(None, [left_out(given)]), _calibration_note(scorer, report), SAME_CODE]
        _print_counts(report, notes)
        if rows:
            _write_sheet(sheet, rows, scorer, report, [*notes, *scorer.bundle.manifest.notes])
    if args.json:
        args.json.write(report.to_json())
    if rows:
        print(f"depth maps: {args.out / DEPTH}")
        print(f"contact sheet: {sheet}")
    else:
        print("no contact sheet: none of the photos could be scored")
    return EXIT_BAD_IMAGE if report.failed else 0


def _score_all(
    scorer: "Scorer", photos: Sequence[Path], depth_pictures: Mapping[Path, Path], strength: float
) -> "tuple[OrderReport, list[np.ndarray]]":
    """Score every photo, print its row of the table, write its depth map, and draw its row of the sheet."""
    from dgiqa_edge.calibration.degradations.kinds import SHOWN
    from dgiqa_edge.runtime.errors import SourceError
    from dgiqa_edge.runtime.frames.depth_picture import write_depth_picture
    from dgiqa_edge.runtime.frames.depth_upsampling import depth_over_frame

    from ..accuracy.contact_sheet import draw_row
    from ..accuracy.degradation_order import OrderReport, observed_pictures, score_with_copies

    labels = _labels(photos)
    width = max(len("photo"), *(len(label) + 2 for label in labels.values()))
    columns = {kind: max(7, len(kind)) for kind in SHOWN}
    print("  ".join([f"{'photo':<{width}}", "  clean", *(f"{kind:>{size}}" for kind, size in columns.items())]))
    observed = observed_pictures(scorer.bundle)
    scored: list[PhotoScores] = []
    failed: dict[Path, str] = {}
    rows = []
    progress = Progress("photos")
    for done, photo in enumerate(photos):
        try:
            with progress:
                progress(done, len(photos), shown(photo))
                scores, pictures = score_with_copies(scorer, photo, strength, observed)
        except SourceError as error:
            failed[photo] = one_line(error)
            print(f"{labels[photo]:<{width}}  {'-':>7}  error: {failed[photo]}", flush=True)
            continue
        write_depth_picture(depth_pictures[photo], depth_over_frame(pictures.depth, pictures.clean))
        label = labels[photo] + (" *" if scores.observed else "")
        rows.append(draw_row(label, scores, pictures, _anchors()))
        scored.append(scores)
        print(_table_row(f"{label:<{width}}", scores, columns), flush=True)
    report = OrderReport(strength, tuple(scored), failed)
    share = {kind: f"{report.in_order_of(kind)}/{len(scored)}" for kind in SHOWN}
    print("  ".join([f"{'in order':<{width}}", " " * 7, *(f"{share[kind]:>{columns[kind]}}" for kind in SHOWN)]))
    return report, rows


def _table_row(label: str, scores: "PhotoScores", columns: Mapping[str, int]) -> str:
    wrong = scores.disordered
    cells = [
        f"{f'{scores.degraded[kind]:.4f}' + ('!' if kind in wrong else ''):>{size}}" for kind, size in columns.items()
    ]
    return "  ".join([label, f"{scores.clean:7.4f}", *cells])


def _print_counts(report: "OrderReport", notes: Sequence[str]) -> None:
    print()
    print(_order_line(report) + (f"; ! marks the {report.pairs - report.in_order}" * (report.in_order < report.pairs)))
    print(
        f"{report.photos} photos in: {len(report.scored)} scored, {len(report.failed)} failed; {report.frames} frames "
        f"scored ({len(report.scored)} photos and {report.pairs} copies)"
    )
    for note in notes:
        print(note)


def _order_line(report: "OrderReport") -> str:
    if not report.pairs:
        return "no pair of a photo and its degraded copy could be scored"
    return (
        f"{report.in_order} of {report.pairs} degraded copies (strength {report.strength:g}) score below their photo "
        f"({report.in_order / report.pairs:.1%})"
    )


def _calibration_note(scorer: "Scorer", report: "OrderReport") -> str:
    if any(scores.observed is None for scores in report.scored):
        return "Which of these photos the bundle was calibrated on is not recorded in it."
    seen = len(report.observed())
    if not seen:
        return f"None of the {len(report.scored)} photos was used to calibrate the bundle."
    return (
        f"* {seen} of the {len(report.scored)} photos were also used to calibrate the bundle, "
        f"{len(report.scored) - seen} were not (a window, ..._detail, counts as a photo of its own)."
    )


def _write_sheet(
    file: Path, rows: "Sequence[np.ndarray]", scorer: "Scorer", report: "OrderReport", notes: Sequence[str]
) -> None:
    from dgiqa_edge.calibration.images.shipped import credit_of
    from dgiqa_edge.runtime.frames.images import write_image

    from ..accuracy.contact_sheet import SheetTexts, draw_sheet

    manifest = scorer.bundle.manifest
    backend = scorer.describe()[0]["backend"]
    depth_height, depth_width = manifest.geometry.depth_output
    lines = [
        "Each row: a photo, its depth, and copies of it that were spoiled on purpose, with the score of each."
        + " Framed in red: a copy that does not score lower." * (report.in_order < report.pairs),
        f"{manifest.preset}, {manifest.precision.name} on {backend}, frame {manifest.frame.width}x"
        f"{manifest.frame.height}; depth {depth_width}x{depth_height}, drawn along the photo's edges",
    ]
    if report.failed:
        names = ", ".join(photo.name for photo in list(report.failed)[:NAMES_ON_SHEET])
        rest = ", ..." if len(report.failed) > NAMES_ON_SHEET else ""
        lines.append(f"{len(report.failed)} of {report.photos} photos could not be scored: {names}{rest}")
    credits = dict.fromkeys(credit for scores in report.scored if (credit := credit_of(scores.photo)))
    if credits:
        notes = [*notes, f"Photos, reduced and degraded: {', '.join(credits)}."]
    picture = draw_sheet(rows, SheetTexts(headline(report), lines, notes), _anchors())
    write_image(file, picture)


def headline(report: "OrderReport") -> str:
    """The sheet's one sentence for people who have not read anything yet."""
    return f"A spoiled picture should score lower than its photo: {report.in_order} of {report.pairs} copies do"


def _anchors() -> "Anchors":
    """The published gate's thresholds of the score."""
    from dgiqa_edge.runtime.gate.policy import GatePolicy

    from ..accuracy.contact_sheet import Anchors

    limits = GatePolicy().limits["score"]
    assert limits.reject is not None
    assert limits.accept is not None
    return Anchors(limits.reject, limits.accept)


def _labels(photos: Sequence[Path]) -> dict[Path, str]:
    """File names, or whole paths where names repeat."""
    names = Counter(photo.name for photo in photos)
    return {photo: photo.name if names[photo.name] == 1 else str(photo) for photo in photos}
