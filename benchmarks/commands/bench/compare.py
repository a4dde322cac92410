"""``dgiqa-edge bench compare``: what changed between two reports, told apart from noise."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import input_path
from dgiqa_edge.runtime.ground.terminal import coloured

from .options import add_page_option

if TYPE_CHECKING:
    from ...compare.verdicts import Comparison, Row

SUMMARY = "two reports against each other, with significance; fails where a limit is broken"
EXIT_WORSE = 5
_COLOURS = {"better": "green", "worse": "red"}
_EPILOG = f"""\
example:
  dgiqa-edge bench compare old.json new.json
  dgiqa-edge bench compare old.json new.json --fail-on p99=+5%,score_mae=+0.002 --html changes.html

Intervals are 99 % bootstrap intervals over blocks of frames. A figure is worse only if the interval excludes no change,
a rank test over the blocks agrees, and the change reaches its limit; two runs made at different times must also differ
in units of the yardstick. Exit code {EXIT_WORSE}: a limit of --fail-on is broken (or, with --strict, a limited figure
could not be decided).
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.epilog = _EPILOG
    parser.add_argument("first", type=input_path, metavar="A.json")
    parser.add_argument("second", type=input_path, metavar="B.json")
    parser.add_argument(
        "--fail-on", metavar="LIMITS", action="append", help="like p99=+5%%,score_mae=+0.002; may stand several times"
    )
    parser.add_argument("--strict", action="store_true", help="a limited figure that is undecided or absent fails too")
    parser.add_argument("--across-machines", action="store_true", help="compare although the machines differ")
    add_json_option(parser, "the comparison")
    add_page_option(parser)


def run(args: argparse.Namespace) -> int:
    """Compare and print; 0, or 5 where a limit is broken."""
    from dgiqa_edge.runtime.errors import ConfigurationError
    from dgiqa_edge.runtime.ground.atomic import write_result

    from ...compare.limits import parse_limits
    from ...compare.pages import comparison_page
    from ...compare.verdicts import Verdict, compare
    from ...report.document import read_report

    if args.strict and args.fail_on is None:
        raise ConfigurationError("--strict has nothing to hold without --fail-on LIMITS: give them")
    limits = {} if args.fail_on is None else parse_limits(",".join(args.fail_on))
    reports = [(path, read_report(path)) for path in (args.first, args.second)]
    comparison = compare(reports[0][1], reports[1][1], limits, args.across_machines)
    print_comparison(comparison)
    undecided = [
        row
        for row in comparison.rows
        if args.strict and row.metric.name in limits and row.verdict in (Verdict.UNDECIDED, Verdict.ABSENT)
    ]
    failed = comparison.failed or bool(undecided)
    if undecided:
        print(f"--strict: {', '.join(row.metric.name for row in undecided)} could not be decided")
    if args.json:
        args.json.write(to_document(comparison, (args.first, args.second), failed))
    if args.html:
        write_result(args.html, comparison_page(comparison, reports, undecided))
    return EXIT_WORSE if failed else 0


def to_document(comparison: "Comparison", reports: tuple[Path, Path], failed: bool) -> dict[str, Any]:
    """The comparison as JSON: ``change``, ``low`` and ``high`` are shares of ``first`` where ``relative``."""
    return {
        "kind": "dgiqa-edge benchmark comparison",
        "schema_version": 1,
        "reports": [str(report) for report in reports],
        "alternating_blocks": comparison.paired,
        "failed": failed,
        "cautions": list(comparison.cautions),
        "rows": [
            {
                "figure": row.metric.name,
                "title": row.metric.title,
                "relative": row.metric.relative,
                "verdict": row.verdict.value,
                "first": row.first,
                "second": row.second,
                "change": row.change,
                "low": row.low,
                "high": row.high,
                "limit": str(row.limit),
                "breaks_limit": row.fails,
                "reason": row.reason,
            }
            for row in comparison.rows
        ],
    }


def print_comparison(comparison: "Comparison") -> None:
    """The table, and everything that makes it less than certain."""
    how = "alternating blocks of one session" if comparison.paired else "two runs at different times"
    print(f"compared as {how}; intervals 99 %")
    print(f"{'figure':<30} {'first':>10} {'second':>10} {'change':>9}  {'interval':<22} verdict")
    for row in comparison.rows:
        print(row_text(row))
    for caution in comparison.cautions:
        print(f"caution: {caution}")


def row_text(row: "Row") -> str:
    """One figure in one line."""
    from ...compare.verdicts import row_cells

    if row.change is None:
        return f"{row.metric.title:<30} {row.verdict.value}: {row.reason}"
    title, first, second, change, interval, verdict, remark = row_cells(row)
    said = coloured(verdict, _COLOURS.get(row.verdict.value, "")) + f" ({remark})" * bool(remark)
    return f"{title:<30} {first:>10} {second:>10} {change:>9}  {interval:<22} {said}"
