"""Options that several ``bench`` subcommands share, and what they stand for: bundles, photos, sensors, outputs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import duration, output_file

if TYPE_CHECKING:
    from dgiqa_edge.runtime.bundle.bundle import Bundle
    from dgiqa_edge.runtime.engines import Spinning
    from dgiqa_edge.runtime.scoring.scorer import Scorer

    from ...telemetry import Sampler


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """How the bundle is run, and on which frames."""
    from dgiqa_edge.runtime.commands.engine_options import add_engine_options as add_runtime_options
    from dgiqa_edge.runtime.engines.registry import heeding

    parser.add_argument("--photos", nargs="+", metavar="PHOTOS", help="frames to score (default: the photos that ship)")
    add_runtime_options(parser)
    parser.add_argument(
        "--providers",
        default="cpu",
        metavar="LIST",
        help=f"where it runs, as cuda,cpu ({heeding('providers')}; default: cpu)",
    )
    parser.add_argument(
        "--telemetry-interval", type=duration("s", 0.001), default=0.5, metavar="S", help="between sensor readings"
    )


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Where the report goes."""
    add_json_option(parser, "the report")
    parser.add_argument("--markdown", type=output_file, metavar="FILE", help="write it as Markdown")
    add_page_option(parser)


def add_page_option(parser: argparse.ArgumentParser) -> None:
    """Declare ``--html``."""
    parser.add_argument(
        "--html", action=_Page, type=output_file, metavar="FILE", help="write it as one self-contained page"
    )


class _Page(argparse.Action):
    """Refuses a page at once where nothing could draw it."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        from ...report.html import environment

        environment()
        setattr(namespace, self.dest, values)


def open_scorer(bundle: "Path | Bundle", args: argparse.Namespace, spinning: "Spinning" = True) -> "Scorer":
    """A scorer as the options ask; the golden frame is replayed, so a fast wrong engine is refused."""
    from dgiqa_edge.runtime.scoring.scorer import Scorer

    providers = args.providers.split(",")
    return Scorer(bundle, threads=args.threads, backend=args.backend, providers=providers, allow_spinning=spinning)


def photos(args: argparse.Namespace) -> list[Any]:
    """The photos to score."""
    from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS

    return args.photos or [SHIPPED_PHOTOS]


def sampler(args: argparse.Namespace) -> "Sampler":
    """The telemetry sampler with every adapter."""
    from ...telemetry import Sampler
    from ...telemetry.adapters import adapters

    return Sampler(adapters(args.telemetry_interval), args.telemetry_interval)


def write_outputs(args: argparse.Namespace, report: dict[str, Any]) -> None:
    """The report in every form that was asked for."""
    from dgiqa_edge.runtime.ground.atomic import write_result

    from ...report.document import checked_report
    from ...report.html import to_html
    from ...report.markdown import to_markdown

    if args.json:
        args.json.write(checked_report(report, "the report"))
    if args.markdown:
        write_result(args.markdown, to_markdown(report))
    if args.html:
        write_result(args.html, to_html(report))


def print_report(report: dict[str, Any]) -> None:
    """Headline figures and warnings, for a terminal."""
    from ...report import facts

    print(facts.title(report))
    print(facts.device(report))
    for line in facts.headlines(report):
        print(f"  {line.label:<30} {line.text:<14} {line.detail}")
    for warning in report["warnings"]:
        print(f"warning: {warning['message']}")
    for note in report["subject"]["notes"]:
        print(f"note: {note}")
