"""What benchmarks that are run as modules share: ``--bundle`` and ``--json``, tables of Markdown, figures in a file."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.commands.option_types import input_path, output_file
from dgiqa_edge.runtime.ground.atomic import write_result
from dgiqa_edge.runtime.ground.names import json_text


def program(name: str, about: str | None, bundle: bool | None = True) -> argparse.ArgumentParser:
    """The parser of ``python -m dgiqa_edge.benchmarks.NAME``; ``about``: the module's docstring, shown as it is.

    Args:
        bundle: whether it cannot do without one; None: it takes none.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m dgiqa_edge.benchmarks.{name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if bundle is not None:
        parser.add_argument("--bundle", type=input_path, required=bundle, metavar="DIR", help="the bundle that scores")
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write the figures there")
    return parser


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown, as a page takes it."""
    lines = [f"| {' | '.join(cells)} |" for cells in (columns, *rows)]
    return "\n".join([lines[0], "|---" * len(columns) + "|", *lines[1:]])


def keep(file: Path | None, figures: Any) -> None:
    """Write the figures where a file was given for them.

    Raises:
        MachineError: the file could not be written; the message says where the figures are now.
    """
    if file is not None:
        write_result(file, json_text(figures, indent=1) + "\n")
