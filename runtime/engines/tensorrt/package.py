"""The ``tensorrt`` package: whether it can be imported, and if not, why and what to do."""

from typing import Any

from ...errors import MachineError
from ...ground.extra_packages import install_command
from ...machine.fact import Fact
from ...machine.packages import import_or_reason, imported
from .versions import missing_library


def import_tensorrt() -> Any:
    """The package.

    Raises:
        MachineError: it is not installed, or its libraries are missing.
    """
    found = import_or_reason("tensorrt")
    if isinstance(found, Fact):
        raise MachineError(f"{found.reason}: {missing_library(found.reason) or _how_to_install()}")
    return found


def version() -> Fact:
    """Its version, taken by importing it."""
    found = imported("tensorrt")
    remedy = missing_library(found.reason)
    return Fact(None, f"{found.reason}: {remedy}") if remedy else found


def _how_to_install() -> str:
    return (
        "on a Jetson it comes with JetPack (make the virtual environment with --system-site-packages), elsewhere "
        + install_command("tensorrt")
    )
