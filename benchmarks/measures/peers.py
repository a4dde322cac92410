"""Other ways to score the same frames, to stand beside a bundle in one table: frameworks, runtimes, quality measures.

All take turns in one process with the same number of threads, so that ratios hold even where times do not. What cannot
run here is named with its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import cast

import numpy as np

from dgiqa_edge.runtime.bundle.bundle import Bundle
from dgiqa_edge.runtime.engines.backend import Backend
from dgiqa_edge.runtime.engines.registry import portable
from dgiqa_edge.runtime.errors import DgiqaEdgeError, MachineError
from dgiqa_edge.runtime.ground.error_text import one_line
from dgiqa_edge.runtime.ground.extra_packages import install_command
from dgiqa_edge.runtime.scoring.scorer import Scorer

from .measures import Measure

ENTRY_POINTS = "dgiqa_edge.peers"
Maker = Callable[[Bundle, int | None], Callable[[np.ndarray], float]]
# Quality measures with networks of their own: none of them runs without fetching weights first.
ABSENT = {
    "pyiqa (MUSIQ, MANIQA, TOPIQ ...)": "needs torchvision and fetches its weights over the network when it is run"
}


def peers(bundle: Bundle, threads: int | None) -> dict[str, Measure | str]:
    """Name -> a measure, or why it cannot run here: the same graph on other backends, and what other rooms offer."""
    own = {engine.backend for engine in bundle.manifest.engines}
    makers: dict[str, Maker] = {
        **{f"{other.title}, same graph": _same_graph_on(other) for other in portable() if other.name not in own},
        **_offered(),
    }
    return {name: _made(name, maker, bundle, threads) for name, maker in makers.items()}


def _same_graph_on(backend: Backend) -> Maker:
    def make(bundle: Bundle, threads: int | None) -> Callable[[np.ndarray], float]:
        scorer = Scorer(bundle, backend=backend.name, threads=threads, verify=False, allow_spinning="in runs")
        return lambda frame: scorer.score(frame).score

    return make


def differences(measures: Sequence[Measure], frames: Sequence[np.ndarray]) -> dict[str, float]:
    """Largest absolute score difference of each measure to the first one over the frames."""
    first, *others = measures
    expected = np.array([first.run(frame) for frame in frames])
    return {one.name: float(np.abs(np.array([one.run(frame) for frame in frames]) - expected).max()) for one in others}


def frames_of(photos: Sequence[str | Path], bundle: Bundle) -> list[np.ndarray]:
    """The photos at the bundle's frame size, uint8 [H, W, 3]."""
    from dgiqa_edge.runtime.frames.fit import fit_to
    from dgiqa_edge.runtime.frames.images import expand_images, read_image

    return [fit_to(read_image(file), bundle.manifest.frame) for file in expand_images(photos)]


def _offered() -> Mapping[str, Maker]:
    """Peers of higher floors: they register themselves, this room imports none of them by name."""
    found = sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name)
    return {entry.name: _lazily(entry) for entry in found}


def _lazily(entry: metadata.EntryPoint) -> Maker:
    def make(bundle: Bundle, threads: int | None) -> Callable[[np.ndarray], float]:
        try:
            return cast(Maker, entry.load())(bundle, threads)
        except ImportError as error:
            raise MachineError(
                f"needs a package that is not installed ({error.name}): {install_command('export')}"
            ) from error

    return make


def _made(name: str, maker: Maker, bundle: Bundle, threads: int | None) -> Measure | str:
    try:
        return Measure(name, name, name, maker(bundle, threads))
    except DgiqaEdgeError as error:
        return one_line(error)
