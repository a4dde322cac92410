"""What the actions that score frames have in common."""

import argparse

from ..engine_options import add_fit_option
from ..option_types import threads
from ..which_bundle import DEFAULT, add_bundle_option

EXIT_BAD_FRAME = 3


def add_scorer_options(parser: argparse.ArgumentParser, default: str = DEFAULT) -> None:
    """Add ``--bundle``, ``--threads`` and ``--fit``; ``default``: which bundle it is where none is named."""
    add_bundle_option(parser, positional=False, default=default)
    parser.add_argument("--threads", type=threads, metavar="N", help="threads of the engine (default: its own choice)")
    add_fit_option(parser)
