"""Which bundle a command takes: the one that is named, else that of ``DGIQA_BUNDLE``, else the last one built.

A command that takes one which was not named says so on standard error.
"""

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from ..bundle.checks import MANIFEST_NAME
from ..errors import ConfigurationError, MachineError
from ..ground.atomic import write_bytes
from ..ground.cache_folder import cache_path
from ..ground.input_file import file_bytes
from ..ground.names import shown
from ..settings.remote_address import EXAMPLE, is_remote, remote_path
from .option_types import input_path
from .progress import say

VARIABLE = "DGIQA_BUNDLE"
DEFAULT = f"${VARIABLE}, else the last one built"
_BUILD = "dgiqa-edge build --int8"


def add_bundle_option(
    parser: argparse.ArgumentParser,
    *,
    positional: bool = True,
    default: str = DEFAULT,
    remote: bool = False,
) -> None:
    """Add ``--bundle DIR``, and where nothing else is meant by it an argument that names it, too.

    Where a model on a server does as well (``remote``), its address may stand there.
    """
    kind, or_address = (bundle_path, f", or {EXAMPLE}") if remote else (bundle_folder, "")
    parser.add_argument("--bundle", type=kind, metavar="DIR", help=f"the bundle{or_address} (default: {default})")
    if positional:
        parser.add_argument("named", nargs="?", type=kind, metavar="BUNDLE", help="the same as --bundle BUNDLE")


def bundle_folder(text: str) -> Path:
    """A folder to read a bundle from."""
    if is_remote(text):
        raise argparse.ArgumentTypeError(f"{text} is on a server, and this reads files: give the folder of a bundle")
    return input_path(text)


def bundle_path(text: str) -> Path:
    """A folder to read a bundle from, or the address of a model on a server.

    Raises:
        ConfigurationError: an address with a flaw.
    """
    return remote_path(text) if is_remote(text) else input_path(text)


def bundle_of(args: argparse.Namespace) -> Path:
    """The bundle to take, after :func:`add_bundle_option`.

    Raises:
        ConfigurationError: two are named, or none and none was built.
    """
    return named_bundle(args) or _unnamed()


def named_bundle(args: argparse.Namespace) -> Path | None:
    """The bundle that the arguments name; None where they name none.

    Raises:
        ConfigurationError: they name two.
    """
    named = [path for path in (args.bundle, getattr(args, "named", None)) if path is not None]
    hint = "" if getattr(args, "json", None) is None else "; a FILE not in .json is given by --json=FILE"
    return _only(named, hint)


def bundle_and_rest(args: argparse.Namespace, given: Sequence[str]) -> tuple[Path, list[str]]:
    """The bundle to take, and what is left of the arguments ``given``, of which one may be the folder of a bundle.

    Raises:
        ConfigurationError: as :func:`bundle_of`.
    """
    if args.bundle is not None:
        return args.bundle, list(given)
    bundles = [text for text in given if is_remote(text) or os.path.isfile(os.path.join(text, MANIFEST_NAME))]  # noqa: PTH113, PTH118
    named = _only([bundle_path(text) for text in bundles])
    return named or _unnamed(), [text for text in given if text not in bundles]


def remember_built(bundle: Path) -> None:
    """Keep in mind that this is the last bundle built; where nothing can be kept, nothing is."""
    if (file := _memory()) is not None:
        with contextlib.suppress(MachineError):
            write_bytes(file, os.fsencode(f"{bundle.resolve()}\n"))


def _only(paths: list[Path], hint: str = "") -> Path | None:
    if len(paths) > 1:
        raise ConfigurationError(f"two bundles are named, {' and '.join(map(shown, paths[:2]))}: name one{hint}")
    return paths[0] if paths else None


def _unnamed() -> Path:
    chosen = os.environ.get(VARIABLE, "").strip()
    if chosen:
        say(f"bundle: {shown(chosen)} ({VARIABLE})")
        return bundle_path(chosen)
    last = _last_built()
    if last is None:
        raise ConfigurationError(
            f"no bundle is named (BUNDLE, --bundle DIR, or {VARIABLE}) and none was built here: {_BUILD} builds one"
        )
    if not (last / MANIFEST_NAME).is_file():
        raise ConfigurationError(
            f"no bundle is named, and the last one built, {shown(last)}, is gone: {_BUILD} builds one"
        )
    say(f"bundle: {shown(last)} (the last one built)")
    return input_path(str(last))


def _last_built() -> Path | None:
    file = _memory()
    try:
        text = "" if file is None else os.fsdecode(file_bytes(file)).rstrip("\n")
    except OSError:
        return None
    return Path(text) if text else None


def _memory() -> Path | None:
    return cache_path("last-bundle")
