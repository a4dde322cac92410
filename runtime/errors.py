"""The project's exceptions: one class per thing a user can mend.

A message says what is wrong, where, and what to do next, in one line. The command line prints it and
exits with the class's ``exit_code``: 2 for usage, 3 for bad input, 4 for the environment. Each class has its entry in
``docs/troubleshooting.md``, which the line ends with.
"""

from typing import Any

PAGE = "docs/troubleshooting.md"


def page_of(kind: "type[DgiqaEdgeError]") -> str:
    """Where an error is explained further: the entry of its class, or of the nearest one above it that is here."""
    named = next(one for one in kind.__mro__ if one.__module__ == __name__)
    return f"{PAGE}#{named.__name__.lower()}"


class DgiqaEdgeError(Exception):
    """Root of every error the project raises on purpose."""

    exit_code = 3


class ConfigurationError(DgiqaEdgeError):
    """Options or settings that contradict each other or break a stated rule."""

    exit_code = 2


class CheckpointError(DgiqaEdgeError):
    """A weights file that is missing, damaged, or belongs to another network."""


class ExportError(DgiqaEdgeError):
    """A network that could not be exported, simplified, checked, or lowered in precision."""


class CalibrationError(DgiqaEdgeError):
    """A calibration set that cannot be used, or a calibration result that does not fit its graph."""


class BundleError(DgiqaEdgeError):
    """A bundle that is incomplete, damaged, or written by a newer version of the tool."""


class SignatureError(BundleError):
    """A bundle that is unsigned, signed by a key that is not trusted here, or changed since it was signed."""


class UpdateError(DgiqaEdgeError):
    """A bundle that could not be fetched whole, or may not take the running one's place."""


class EngineCompatibilityError(DgiqaEdgeError):
    """An engine that this machine, device or backend cannot run."""

    exit_code = 4


class RemoteError(DgiqaEdgeError):
    """A server of a remote engine that does not answer, or fails: asking again may help."""

    exit_code = 4


class FidelityError(DgiqaEdgeError):
    """An engine whose outputs differ from the FP32 outputs by more than it promised."""


class BudgetError(DgiqaEdgeError):
    """No precision keeps the accuracy budget and the latency target on this device.

    ``ladder`` is the whole table as the manifest would have kept it: a ``LadderRecord``, or None before any trial.
    """

    def __init__(self, message: str, ladder: Any = None) -> None:
        super().__init__(message)
        self.ladder = ladder


class SourceError(DgiqaEdgeError):
    """An image, video, or camera that cannot be read."""


class ReportError(ConfigurationError):
    """A report, a table of ratings or another file of figures that cannot be read or is not what it should be."""

    exit_code = 3


class GateError(DgiqaEdgeError):
    """A camera whose frames were rejected for longer than its policy allows, or a baseline that cannot be used."""


class UnsuitableReferenceError(GateError):
    """Frames that make no reference view, dark, uniform or in motion; or of a dead camera, which is no normal."""


class SinkError(DgiqaEdgeError):
    """A destination that did not take an event: a server, a broker, a file system, another process."""


class MachineError(DgiqaEdgeError):
    """Something this machine lacks: disk space, memory, a package, a driver."""

    exit_code = 4


class GpuMemoryError(MachineError):
    """A GPU whose free memory does not suffice for one engine: a smaller one may fit."""


class DeviceLostError(MachineError):
    """A GPU whose context is lost after a fatal CUDA error: only a new process can use it again."""
