"""The packages that TensorRT's flavours come in: whether one can be imported, and if not, why and what to do."""

from typing import Any

from ...errors import MachineError
from ...ground.extra_packages import install_command
from ...machine.fact import Fact
from ...machine.packages import folder_of, import_or_reason, imported
from .versions import MODULES, missing_library

_ON_A_JETSON = (
    "on a Jetson it comes with JetPack (apt-get install python3-libnvinfer, and make the virtual environment with "
    "--system-site-packages), elsewhere "
)


def import_tensorrt(flavour: str = "tensorrt") -> Any:
    """The package of a flavour.

    Raises:
        MachineError: it is not installed, or its libraries are missing.
    """
    found = import_or_reason(MODULES[flavour])
    if isinstance(found, Fact):
        remedy = missing_library(found.reason) or _how_to_install(flavour)
        raise MachineError(f"{found.reason}: {remedy}")
    return found


def facts(flavour: str = "tensorrt") -> dict[str, Fact]:
    """Its version, taken by importing it, and the folder that it was loaded from."""
    found = imported(MODULES[flavour])
    if found.value is None:
        found = Fact(None, f"{found.reason}: {missing_library(found.reason) or _how_to_install(flavour)}")
        return {flavour: found, f"{flavour}_from": found}
    return {flavour: found, f"{flavour}_from": Fact(folder_of(MODULES[flavour]), "it has no folder")}


def _how_to_install(flavour: str) -> str:
    return (_ON_A_JETSON if flavour == "tensorrt" else "") + install_command(flavour)
