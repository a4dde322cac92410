"""The options of every command that runs a bundle: which backend, and how."""

import argparse

from .option_types import input_path, threads


def add_fit_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--fit``: frames of another shape than the bundle's."""
    from ..ground.framing import FITS

    parser.add_argument(
        "--fit",
        choices=FITS,
        help="how a frame of another shape takes the bundle's: straight to it; with its aspect kept, mirrored at its "
        "edges; with its aspect kept, the middle alone (default: as the bundle says)",
    )


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--backend`` and ``--threads``, with the choices and helps that the backends declare."""
    from ..engines.registry import AUTO, choices, heeding

    parser.add_argument(
        "--backend", choices=choices(), default=AUTO, help=f"what runs the engine (default: {AUTO}, as the bundle says)"
    )
    parser.add_argument(
        "--threads",
        type=threads,
        metavar="N",
        help=f"CPU threads of the engine ({heeding('threads')}; default: its own choice)",
    )


def add_signature_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``--require-signature``: whose bundles are taken."""
    parser.add_argument(
        "--require-signature",
        type=input_path,
        action="append",
        metavar="KEY",
        help="refuse a bundle that none of these public keys (PEM) has signed; may be given more than once "
        f"(default: {default})",
    )
