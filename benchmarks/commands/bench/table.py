"""``dgiqa-edge bench table``: many reports as one table, the ones that nothing beats marked."""

import argparse
import itertools
from dataclasses import asdict

from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import input_path, output_file

from .options import add_page_option

SUMMARY = "many reports as one table; * marks those that no other beats (Pareto front)"
_EPILOG = """\
example:
  dgiqa-edge bench table benchmarks/results/*.json --markdown table.md --html table.html

Reports of one device and frame size compete in median latency, energy per frame, and agreement with people (within one
preset: error against FP32). Seeded weights carry no meaning and win nothing by their scores.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.epilog = _EPILOG
    parser.add_argument("reports", nargs="+", type=input_path, metavar="REPORT")
    add_json_option(parser, "every report's figures")
    parser.add_argument("--markdown", type=output_file, metavar="FILE", help="write the table as Markdown")
    add_page_option(parser)


def run(args: argparse.Namespace) -> int:
    """Print and write; returns 0."""
    from dgiqa_edge.runtime.ground.atomic import write_result

    from ...compare.pages import table_page
    from ...compare.pareto import candidate, rows, with_fronts
    from ...report.document import read_report

    candidates = with_fronts([candidate(read_report(path)) for path in args.reports])
    if args.json:
        args.json.write([asdict(one) for one in candidates])
    markdown = []
    for device, group in itertools.groupby(candidates, key=lambda it: it.device):
        columns, cells = rows(list(group))
        print(device)
        widths = [max(len(row[i]) for row in (columns, *cells)) for i in range(len(columns))]
        for row in (columns, *cells):
            print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        lines = [columns, ("---",) * len(columns), *cells]
        markdown += [device, "", *("| " + " | ".join(row) + " |" for row in lines), ""]
    if args.markdown:
        write_result(args.markdown, "\n".join(markdown))
    if args.html:
        write_result(args.html, table_page(candidates))
    return 0
