"""Commands that consist of actions: ``dgiqa-edge bundle pull``, ``dgiqa-edge gate run``."""

import argparse
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Action(NamedTuple):
    """Its word, what it does, its options, and how it is carried out, which gives the exit code."""

    name: str
    summary: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def add_actions(parser: argparse.ArgumentParser, actions: Iterable[Action], epilog: str) -> None:
    """Declare all of them; the parsed arguments then have ``perform``, the ``run`` of the one that was named."""
    parser.epilog = epilog
    words = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action in actions:
        below = words.add_parser(
            action.name,
            help=action.summary,
            description=action.summary,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        action.configure(below)
        below.set_defaults(perform=action.run)
