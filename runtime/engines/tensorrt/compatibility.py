"""Whether a TensorRT engine file fits this machine, decided from facts alone, before TensorRT sees the file.

TensorRT itself answers a foreign plan with None, or worse, runs it. Source: TensorRT documentation, "Engine
Compatibility"; CUDA documentation, "CUDA Compatibility" (a driver runs every CUDA of its own major version).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...bundle.manifest import Requirements
from ...machine.version_requirement import satisfies
from .versions import TITLES, support_of, why_no_target

_AMPERE = 80
_RELEASE_PARTS = 3  # 10.3.0: what names a TensorRT release; some packages add a build number
_VERSION_COMPATIBLE_SINCE = "8.6"


@dataclass(frozen=True)
class Machine:
    """What an engine meets here. ``driver_cuda`` is the newest CUDA the driver supports; None: could not be read."""

    gpu: str
    sm: str
    integrated: bool
    driver_cuda: str | None
    driver: str | None
    tensorrt: str
    platform: str
    flavour: str = "tensorrt"

    @property
    def release(self) -> str:
        """Flavour and version of its TensorRT, for people."""
        return f"{TITLES[self.flavour]} {self.tensorrt}"


def obstacles(requires: Requirements, machine: Machine) -> tuple[str, ...]:
    """Everything that keeps the engine from running here, each as ``WHAT IT NEEDS (here WHAT IS HERE)``; none: it fits.

    Raises:
        BundleError: the version requirement cannot be read.
    """
    return tuple(_obstacles(requires, machine))


def _obstacles(requires: Requirements, machine: Machine) -> Iterator[str]:
    if requires.platform not in (None, machine.platform):
        yield f"it was built for {requires.platform} (here {machine.platform})"
    if not _version_fits(requires, machine.tensorrt):
        yield f"it was built with {TITLES[machine.flavour]} {_built_with(requires)} (here {machine.tensorrt})"
    if requires.targets and machine.sm not in requires.targets:
        yield f"it was built for {target_words(requires.targets)} (here {_no_target(machine)})"
    if requires.sm is not None and not _sm_fits(requires, machine):
        built_on = f", {requires.device}" if requires.device else ""
        yield f"it was built for SM {_plain(requires.sm)}{built_on} (here SM {machine.sm}, {machine.gpu})"
    if requires.cuda and machine.driver_cuda and _major(requires.cuda) > _major(machine.driver_cuda):
        yield f"it needs a driver for CUDA {requires.cuda} (here one for CUDA {machine.driver_cuda})"
    # Jetson numbers its driver after Jetson Linux (35.4.1), so it compares with no other.
    comparable = requires.driver_min and machine.driver and not machine.integrated
    if comparable and not satisfies(machine.driver or "", f">={requires.driver_min}"):
        yield f"it needs the NVIDIA driver {requires.driver_min} or newer (here {machine.driver})"


def _version_fits(requires: Requirements, here: str) -> bool:
    if requires.backend_version is None:
        return True
    built = re.fullmatch(r"\s*(?:==|>=)\s*(\d+(?:\.\d+)*)\s*", requires.backend_version)
    if built is not None and requires.version_compatible:
        return _same_release(built[1], here) or _later_runs(built[1], here)
    if built is not None and "==" in requires.backend_version:
        return _same_release(built[1], here)
    return satisfies(here, requires.backend_version)


def _same_release(built: str, here: str) -> bool:
    """Compares as many parts as both state: '10.3.0' and '10.3.0.26' are one release, '10.3' and '10.3.1' are not."""
    ours, theirs = built.split("."), re.findall(r"\d+", here)
    shared = max(_RELEASE_PARTS, min(len(ours), len(theirs)))
    return [*ours, "0", "0"][:shared] == [*theirs, "0", "0"][:shared]


def _later_runs(built: str, here: str) -> bool:
    if not satisfies(built, f">={_VERSION_COMPATIBLE_SINCE}"):
        return False
    if _major(built) == _major(here):
        return satisfies(here, f">={built}")
    return _major(built) in support_of(here).runs_plans_of


def _sm_fits(requires: Requirements, machine: Machine) -> bool:
    built = _plain(requires.sm or "")
    if built == machine.sm:
        return True
    # Hardware compatibility does not reach Jetson, whose GPU is part of the processor.
    return requires.compatibility == "ampere_plus" and int(machine.sm) >= _AMPERE and not machine.integrated


def _no_target(machine: Machine) -> str:
    gpu = f"SM {machine.sm}, {machine.gpu}"
    if machine.sm in support_of(machine.tensorrt, machine.flavour).targets:
        return f"{gpu}, which --targets {target_words([machine.sm])} adds"
    why = why_no_target(machine.sm, machine.flavour)
    return f"{gpu}, which is no target of {machine.release}" + (f": {why}" if why else "")


def target_words(targets: Iterable[str]) -> str:
    """Compute capabilities as ``--targets`` takes them."""
    return ",".join(f"sm{target}" for target in targets)


def _plain(sm: str) -> str:
    return sm.replace(".", "")


def _built_with(requires: Requirements) -> str:
    return (requires.backend_version or "").replace("==", "").strip()


def _major(version: str) -> int:
    return int(version.split(".")[0])
