"""``dgiqa-edge bench report``: a stored report as a page or as Markdown, with sections added from other documents."""

import argparse

from dgiqa_edge.runtime.commands.option_types import input_path

from .options import add_output_options, print_report, write_outputs

SUMMARY = "draw a stored report as HTML or Markdown; add accuracy or soak sections"
_EPILOG = """\
example:
  dgiqa-edge bench report latency.json --html latency.html --markdown latency.md
  dgiqa-edge bench report latency.json --accuracy accuracy.json --json whole.json --html whole.html
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.epilog = _EPILOG
    parser.add_argument("report", type=input_path, metavar="REPORT", help="written by `bench latency` or `bench soak`")
    parser.add_argument("--accuracy", type=input_path, metavar="FILE", help="document of `bench accuracy`")
    add_output_options(parser)


def run(args: argparse.Namespace) -> int:
    """Read, add, write; returns 0."""
    from ...report.accuracy import checked_accuracy
    from ...report.document import read_json, read_report, with_section

    report = read_report(args.report)
    if args.accuracy:
        document = checked_accuracy(read_json(args.accuracy), report["subject"], str(args.accuracy))
        report = with_section(report, "accuracy", document)
    print_report(report)
    write_outputs(args, report)
    return 0
