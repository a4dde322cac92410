"""``dgiqa-edge score-many``: scores of a collection into Parquet, resumable, here or on Ray; and what they say."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..ground.names import shown
from .engine_options import add_engine_options, add_fit_option
from .json_output import add_json_option
from .option_types import output_file, output_place, whole
from .progress import Progress, say
from .which_bundle import add_bundle_option, bundle_and_rest

if TYPE_CHECKING:
    from ..scoring.bulk.plan import Tally
    from ..scoring.bulk.report import Report

SUMMARY = "score a collection of any size into Parquet files, go on where it was ended; or report on them"
EXTRA = "bulk"
EXIT_BAD_IMAGE = 3
REPORT = "report"
AUTO, LOCAL, RAY = "auto", "local", "ray"

_BAR = 40
_EPILOG = """\
example:
  dgiqa-edge score-many photos/ --out build/scores
  dgiqa-edge score-many list.parquet --root s3://bucket --out s3://bucket/scores --on ray
  dgiqa-edge score-many report --out build/scores --sheet build/worst.jpg

PICTURES are tables of paths (.csv, .parquet, or .txt with one a line), folders with all below them, quoted globs, or
picture files; each of them may lie in a store (s3://, gs://). Every picture gets one row: path, score, faults, hashes
of its file and of the bundle, or the error. Run again, a command scores what has no row yet; the exit code is 3 where
one failed in this run.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "pictures",
        nargs="+",
        metavar="PICTURES",
        help=f"what to score; or the word {REPORT!r}, to read what --out holds",
    )
    parser.add_argument(
        "--out", type=output_place, required=True, metavar="DIR", help="folder of the results, which may be in a store"
    )
    add_bundle_option(parser, positional=False)
    parser.add_argument(
        "--column", metavar="NAME", help="of a table: the column of paths (default: image, path, file ...)"
    )
    parser.add_argument(
        "--root", metavar="DIR", help="folder or store that paths are named from (default: the working folder)"
    )
    parser.add_argument(
        "--block",
        type=whole(1, 1_000_000),
        default=500,
        metavar="N",
        help="pictures of one file, roughly (default: 500)",
    )
    parser.add_argument(
        "--on",
        default=AUTO,
        metavar="WHERE",
        help=f"{LOCAL}: in this process; {RAY}: on Ray, this machine's or the cluster of RAY_ADDRESS; HOST:PORT: on "
        f"that cluster (default: {RAY} where it is installed)",
    )
    add_fit_option(parser)
    parser.add_argument("--strict-size", action="store_true", help="refuse pictures of another size than the bundle's")
    add_engine_options(parser)
    parser.add_argument("--no-verify", action="store_true", help="skip replaying the golden frame first")
    parser.add_argument(
        "--sheet", type=output_file, metavar="FILE", help=f"of {REPORT}: the worst pictures, as a picture"
    )
    parser.add_argument(
        "--worst", type=whole(1, 1000), default=24, metavar="N", help=f"of {REPORT}: how many pictures (default: 24)"
    )
    add_json_option(parser, "the counts, or the report")


def run(args: argparse.Namespace) -> int:
    """Score, or report; 3 where a picture could not be scored."""
    return _report(args) if args.pictures == [REPORT] else _score(args)


def _score(args: argparse.Namespace) -> int:
    from ..bundle.bundle import load_bundle
    from ..bundle.checks import MANIFEST_NAME
    from ..errors import ConfigurationError
    from ..hashing import sha256_file
    from ..scoring.bulk.block_scorer import Job
    from ..scoring.bulk.pictures import Pictures
    from ..scoring.bulk.run import score_all

    path, given = bundle_and_rest(args, args.pictures)
    if not given:
        raise ConfigurationError("only a bundle is named: give pictures to score, too")
    if args.sheet:
        raise ConfigurationError(
            f"--sheet is drawn from results: score-many {REPORT} --out {shown(args.out)} --sheet ..."
        )
    bundle = load_bundle(path)
    job = Job(
        bundle=str(path.absolute()),
        out=args.out,
        root=args.root or str(Path.cwd()),
        identity=sha256_file(path / MANIFEST_NAME),
        faults=bundle.manifest.faults.names if bundle.manifest.faults else (),
        backend=args.backend,
        threads=args.threads,
        fit=args.fit,
        strict_size=args.strict_size,
        verify=not args.no_verify,
    )
    for note in bundle.manifest.notes:
        say(f"note: {note}")
    started = time.monotonic()
    progress = Progress("scoring")

    def tell(tally: "Tally", total: int, on_the_way: int) -> None:
        done = tally.scored + tally.failed + on_the_way
        rate = done / max(time.monotonic() - started, 1e-3)
        progress(done, total - tally.skipped, f"{rate:.0f}/s, {tally.failed} failed, {tally.skipped} skipped")

    with progress:
        tally, plan = score_all(job, Pictures(given, args.column), args.block, tell, _ray(args.on))
    seconds = time.monotonic() - started
    counts = {"read": tally.read, "scored": tally.scored, "failed": tally.failed, "skipped": tally.skipped}
    rate = (tally.scored + tally.failed) / seconds
    print(", ".join(f"{count} {name}" for name, count in counts.items()), f"in {seconds:.1f} s ({rate:.1f}/s)", sep=" ")
    if plan.stale:
        print(f"{plan.stale} rows in {shown(args.out)} are of pictures that were not named this time")
    if args.json:
        args.json.write({**counts, "seconds": round(seconds, 3), "out": args.out, "not_named": plan.stale})
    return EXIT_BAD_IMAGE if tally.failed else 0


def _ray(where: str) -> str | None:
    """The address of Ray, "" for its own choice, None for this process."""
    from ..ground.extra_packages import install_command
    from ..machine.packages import version_of

    if where not in (AUTO, LOCAL):
        return "" if where == RAY else where
    if where == AUTO and version_of("ray") is not None:
        return ""
    if where == AUTO:
        say(
            "on this machine's cores; with Ray a run takes many machines and their GPUs, and a picture that ends its "
            f"decoder ends a worker, not the run: {install_command('ray')}"
        )
    return None


def _report(args: argparse.Namespace) -> int:
    from ..scoring.bulk.report import read_report
    from ..scoring.bulk.run import recorded_root

    report = read_report(args.out, args.worst)
    _print(report)
    if args.sheet:
        _draw(args.sheet, report.worst, args.root or recorded_root(args.out))
    if args.json:
        args.json.write(report.to_dict())
    return 0


def _print(report: "Report") -> None:
    said = report.to_dict()
    print(f"{said['scored']} scored, {said['failed']} failed")
    most = max(part["pictures"] for part in said["histogram"]) or 1
    print(f"\n{'score':<9} {'pictures':>10}")
    for part in said["histogram"]:
        bar = "#" * round(_BAR * part["pictures"] / most)
        print(f"{part['from']:.1f} - {part['to']:.1f} {part['pictures']:10}  {bar}".rstrip())
    width = max(len("folder"), *(len(shown(folder["folder"])) for folder in said["folders"]), len("(all)"))
    print(f"\n{'folder':<{width}} {'scored':>9} {'failed':>7} {'mean':>7} {'p10':>5} {'p50':>5} {'p90':>5}")
    for folder in [*said["folders"], {**said, "folder": "(all)"}]:
        columns = (("mean", "7.4f"), ("p10", "5.2f"), ("p50", "5.2f"), ("p90", "5.2f"))
        row = " ".join(
            f"{'-':>{form[0]}}" if folder[name] is None else f"{folder[name]:{form}}" for name, form in columns
        )
        print(f"{shown(folder['folder']):<{width}} {folder['scored']:9} {folder['failed']:7} {row}")
    if said["faults"]:
        print("\nfaults more probable than not:")
        for name, count in said["faults"].items():
            print(f"{count:9}  {name}")
    if said["worst"]:
        print("\nworst:")
        for one in said["worst"]:
            print(f"{one['score']:9.4f}  {shown(one['image'])}")
    if said["errors"]:
        print("\nno score:")
        for one in said["errors"]:
            print(f"{one['pictures']:9}  {shown(one['error'])}")


def _draw(file: Path, worst: Sequence[tuple[float, str]], root: str) -> None:
    from ..errors import SourceError
    from ..frames.images import decode_named, quiet_decoder, write_image
    from ..scoring.bulk.sheet import draw_sheet
    from ..scoring.bulk.store import read_picture, within

    quiet_decoder()
    pictures: list[tuple[Any, list[str]]] = []
    for score, image in worst:
        try:
            picture = decode_named(read_picture(within(root, image)), image)
        except SourceError as error:  # moved or deleted since
            say(f"not on the sheet: {error}")
            picture = None
        pictures.append((picture, [f"{score:.4f}", image]))
    if not pictures:
        raise SourceError("no picture has a score: there is no sheet to draw")
    write_image(file, draw_sheet(pictures))
    print(f"\nthe worst: {shown(file)}")
