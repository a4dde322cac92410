"""Packages of the ``watch`` extra, imported where they are first used: scoring images needs none of them."""

import importlib
from types import ModuleType

from .errors import MachineError


def watch_package(module: str, purpose: str) -> ModuleType:
    """An importable module of the ``watch`` extra.

    Raises:
        MachineError: it is not installed; names the purpose and the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MachineError(
            f"{purpose} needs the package {error.name or module!r}: pip install 'dgiqa-edge[watch]'"
        ) from None
