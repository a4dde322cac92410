"""The backends that bundles are built for: what each declares of itself, and which one a build takes.

What the runtime knows of a backend it declares there (``runtime/engines``); this is what only a build needs.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from dgiqa_edge.calibration.images.calibration_set import CalibrationSet
from dgiqa_edge.calibration.int8.targets import Target
from dgiqa_edge.runtime.engines.backend import Backend
from dgiqa_edge.runtime.errors import EngineCompatibilityError

from ..ladder.devices.protocol import Device
from ..options import build_options
from ..options.build_options import AUTO, BuildOptions
from ..stages.reporter import Reporter
from ..stages.stages import Stages
from .bundle_writer import BundleContents, ParserGraphs
from .recipes import Recipe


class EngineBuild(Protocol):
    """A backend's part of one build: engines beside the portable graph. ``label``: version and device, for people."""

    label: str

    def device(self, stages: Stages, images: CalibrationSet) -> Device:
        """Where a ladder is climbed. Raises ConfigurationError: the options leave nothing to climb."""
        ...

    def add(
        self,
        contents: BundleContents,
        stages: Stages,
        fp32: Path,
        graph: Path,
        images: CalibrationSet,
        check_set: CalibrationSet,
    ) -> BundleContents:
        """The contents with engines built from ``graph``, accepted by their outputs.

        Raises:
            DgiqaEdgeError: they could not be built, or are wrong.
        """
        ...


@dataclass(frozen=True)
class BuildBackend:
    """What a build needs to know of a backend; ``NAME_build.py`` declares it as ``BUILD``.

    Attributes:
        runtime: its declaration there: name and title.
        target: how INT8 is written for it.
        open_device: from threads to what judges its graphs where no engine is built.
        obstacle: why its engines cannot be built here, as far as a cheap look tells; "" where they can.
        open_build: starts its own part of a build before anything else is done; None where the portable graph is all
            that it executes, or all that was asked for. Raises what ``obstacle`` says, and ConfigurationError.
        notes: what the user of a bundle must know, by precision.
        note_without_engine: what the user of a bundle must know that has no engine for it.
        parser_graphs: writes the graphs as its parsers take them into such a bundle, where it builds engines of them.
    """

    runtime: Backend
    target: Target
    open_device: Callable[[int], Device]
    obstacle: Callable[[], str] = lambda: ""
    open_build: Callable[[BuildOptions, Recipe, Reporter], EngineBuild | None] = lambda *given: None
    notes: Mapping[str, str] = field(default_factory=dict)
    note_without_engine: str = ""
    parser_graphs: ParserGraphs | None = None

    @property
    def written_for(self) -> str:
        """What a manifest says that its graphs are written for: one that several backends run is for all of them."""
        return self.target.name if self.runtime.runs_portable_graphs else self.runtime.name

    def remarks(self, precision: str, engine: bool) -> tuple[str, ...]:
        """The notes on a bundle of ``precision``, with an engine of its own or without."""
        return tuple(filter(None, [self.notes.get(precision), "" if engine else self.note_without_engine]))


def beside(backend: BuildBackend) -> tuple[list[BuildBackend], str]:
    """The other backends that run the very graphs that are written for ``backend``, as far as they are here.

    Returns:
        They, and why others are not here; "" where all are.
    """
    declared = [_declared(name) for name in build_options.BACKENDS if backend.runtime.runs_portable_graphs]
    others = [
        other
        for other in declared
        if other.runtime != backend.runtime and other.runtime.runs_portable_graphs and other.target == backend.target
    ]
    missing = "; ".join(filter(None, (other.obstacle() for other in others)))
    return [other for other in others if not other.obstacle()], missing


def _declared(name: str) -> BuildBackend:
    module = importlib.import_module(f".{name.replace('-', '_')}_build", __package__)
    return cast(BuildBackend, module.BUILD)


def choose(asked: str, *, engine: bool = True) -> tuple[BuildBackend, str]:
    """The backend to build for, and the sentence that says why.

    Args:
        asked: one of ``BACKENDS``, or ``auto``: the first of them whose engines can be built here.
        engine: whether an engine is to be built; the portable graph can be written anywhere.

    Raises:
        EngineCompatibilityError: an engine was asked for and cannot be had here.
    """
    obstacles = []
    for name in build_options.BACKENDS if asked == AUTO else (asked,):
        backend = _declared(name)
        title, obstacle = backend.runtime.title, backend.obstacle() if engine else ""
        if obstacle:
            obstacles.append(obstacle)
        elif asked == AUTO:
            return backend, f"{title} ({'; '.join(obstacles) or 'all it needs is here'})"
        else:
            return backend, f"{title}, {'' if engine else 'the portable graph only, '}as asked"
    others = " or ".join(name for name in build_options.BACKENDS if name != asked)
    ways = f"use --backend {others}"
    if backend.parser_graphs:
        ways = f"with --no-engine write a bundle that the device builds from (dgiqa-edge build --from), or {ways}"
    raise EngineCompatibilityError(f"cannot build for {title}: {'; '.join(obstacles)}; {ways}")
