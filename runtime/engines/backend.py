"""What a backend says of itself, in its own file and nowhere else; ``registry.py`` lists it by one line.

All that commands, messages and reports know of a backend they ask its declaration: no other module names one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..bundle.bundle import Bundle
from ..bundle.manifest import EngineRecord
from ..errors import MachineError
from ..hashing import Json
from ..machine.fact import Fact
from ..machine.packages import import_silently
from ..machine.survey import Survey
from .protocol import Engine, EngineOptions

PRECISIONS = ("fp32", "fp16", "int8")
# Networks of the presets that build_engine offers, by their names in the manifest.
PRESETS: Mapping[str, tuple[str, ...]] = {
    "nano": ("nano",),
    "reference": ("depth_anything_v1_vits", "dgiqa"),
    "reference-lite": ("depth_anything_v2_vits", "dgiqa"),
    "edge": ("depth_anything_v2_vits", "edge"),
}


@dataclass(frozen=True)
class Capability:
    """One way to run engines here: what can run, never how fast or how well, which is measured on the device.

    ``reason`` says why it does not run; ``notes`` what to know before trusting it. ``backend`` may be more than a name,
    where it can be run in several ways.
    """

    backend: str
    runs: bool
    reason: str = ""
    precisions: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return asdict(self)


@dataclass(frozen=True)
class Backend:
    """The declaration of a backend.

    Attributes:
        name: in manifests, as ``Scorer``'s argument, on command lines.
        title: in messages.
        extra: of ``setup.py``, with which it is installed.
        packages: the distributions that it may come in.
        runs_portable_graphs: whether it runs the graph that every bundle holds; it can then be asked for with any.
        options: those of ``EngineOptions`` that it heeds.
        facts: what is installed of it, by the name that doctor prints, its own name among them; never raises.
        capabilities: what of it can run on a surveyed machine, what cannot included.
        load: opens one engine of a verified bundle. Raises MachineError (a package or device is missing) and
            EngineCompatibilityError (this machine cannot run the engine).
        opens_cheaply: opening a graph again costs the time of a few frames, so that an engine per core is worth it.
    """

    name: str
    title: str
    extra: str
    packages: tuple[str, ...]
    runs_portable_graphs: bool
    options: tuple[str, ...]
    facts: Callable[[], Mapping[str, Fact]]
    capabilities: Callable[[Survey], Iterable[Capability]]
    load: Callable[[Bundle, EngineRecord, EngineOptions], Engine]
    opens_cheaply: bool = False


def can_run(backend: str, precisions: Iterable[str] = PRECISIONS, notes: Iterable[str] = ()) -> Capability:
    """It runs here, with every preset."""
    return Capability(backend, True, "", tuple(precisions), tuple(PRESETS), tuple(notes))


def cannot_run(backend: str, reason: str) -> Capability:
    """It does not run here."""
    return Capability(backend, False, reason)


def import_package(name: str, remedy: str) -> Any:
    """A backend's package, imported when its first engine is loaded.

    Raises:
        MachineError: it is not installed, or its libraries are missing.
    """
    try:
        return import_silently(name)
    except ImportError as error:
        state = "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot be loaded ({error})"
        raise MachineError(f"the package {name} {state}: {remedy}") from error
