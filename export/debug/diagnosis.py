"""What is wrong with a bundle: whether its graph is right, whether a backend runs it right, and what mends it.

Two questions that a failed replay leaves open are asked apart. The graph is compared with FP32 on ONNX Runtime, which
computes every node as it is written; the backend is compared with the graph as written. Both start from the golden
frame, since that is what failed.
"""

import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.bundle.bundle import Bundle, load_bundle
from dgiqa_edge.runtime.bundle.golden import Deviation, Golden, compare, load_golden
from dgiqa_edge.runtime.bundle.manifest import Tolerance
from dgiqa_edge.runtime.bundle.records import plain
from dgiqa_edge.runtime.engines.registry import AUTO, BACKENDS, portable
from dgiqa_edge.runtime.errors import ConfigurationError, DgiqaEdgeError
from dgiqa_edge.runtime.ground.error_text import one_line

from ..frame_graph.graph_files import graphs_of
from ..ladder.devices.check import BundleEngines
from ..options import tensorrt_options
from ..options.build_options import BACKENDS as BACKENDS_TO_BUILD
from . import keep, reference
from .pieces import Pair
from .reference import Reference
from .runners import Executor, as_written, on_backend, on_device
from .source_graph import SourceGraph
from .walk import Judgement, Tick, Walk

Announce = Callable[[str], Tick]


@dataclass(frozen=True)
class Replay:
    """The golden frame, as ``what`` computes it; ``deviation`` is None where it could not, and ``problem`` says why."""

    what: str
    deviation: Deviation | None
    problem: str = ""


@dataclass(frozen=True)
class Comparison:
    """Tensors that diverge, in graph order, of how many that were looked at; ``problem`` says why none were."""

    title: str
    looked_at: int
    divergences: tuple[Judgement, ...]
    problem: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All that was found.

    Attributes:
        keep: the fewest blocks that stay in FP32 for the golden frame to pass; () where none has to, None where that is
            no remedy.
        advice: what to do.
        command: that does it, "" where there is none.
    """

    bundle: Path
    precision: str
    reference: str
    tolerance: Tolerance
    replays: tuple[Replay, ...]
    comparisons: tuple[Comparison, ...]
    keep: tuple[str, ...] | None
    advice: str
    command: str

    @property
    def sound(self) -> bool:
        """Whether nothing diverges and the golden frame passes."""
        passes = all(replay.deviation and replay.deviation.within(self.tolerance) for replay in self.replays)
        return passes and not any(comparison.divergences for comparison in self.comparisons)

    def to_json(self) -> dict[str, Any]:
        return {**plain(self), "bundle": str(self.bundle), "sound": self.sound}


class Debugger:
    """One bundle, on one backend."""

    def __init__(self, path: Path, *, backend: str, asked: Path | None, threads: int, announce: Announce) -> None:
        """Load everything.

        Raises:
            BundleError, ConfigurationError, MachineError: the bundle, the reference or the backend cannot be had.
        """
        self.bundle: Bundle = load_bundle(path)
        manifest = self.bundle.manifest
        if manifest.batch != BatchRange():
            raise ConfigurationError(
                f"{path} takes a batch, and layers are compared for one frame: its graph is that of one frame, "
                "rewritten at the end, so debug the same build without --batch"
            )
        self.announce, self.threads, self.tolerance = announce, threads, manifest.golden.tolerance
        self.golden: Golden = load_golden(self.bundle.file(manifest.golden.file))
        self.written = as_written(threads)
        self.backend, self.candidate, self.note = _executor(self.bundle, backend, threads)
        self.graphs = graphs_of(self.bundle)
        self.reference: Reference = reference.find(self.bundle, self.graphs, self.golden, asked, self._whole)
        lowered = {role: SourceGraph(model) for role, model in self.graphs.items()}
        exact = {role: SourceGraph(model) for role, model in self.reference.graphs.items()}
        rounds = manifest.precision.name == "int8" and target_named(manifest.precision.target).quantizes_conv_outputs
        self.against_fp32 = {role: Pair(exact[role], lowered[role], rounds_convolutions=rounds) for role in lowered}
        self.against_itself = {role: Pair(graph, graph) for role, graph in lowered.items()}

    def run(self) -> Diagnosis:
        """Look at everything; minutes for the large presets.

        Raises:
            DgiqaEdgeError: the graph as written cannot be run.
        """
        replays = [
            Replay("FP32 reference", self.reference.deviation),
            Replay("the graph as written", compare(self.golden, self._whole(self.graphs))),
            self._replay(),
        ]
        judged = self._graph()
        graph = Comparison("the graph against FP32, tensor by tensor", len(judged), _diverging(judged))
        backend = self._on_backend()
        kept, advice, command = self._remedy(judged, graph, backend, replays)
        manifest = self.bundle.manifest
        return Diagnosis(
            bundle=self.bundle.path,
            precision=f"{manifest.precision.title} for {manifest.precision.target}",
            reference=self.reference.source,
            tolerance=self.tolerance,
            replays=tuple(replays),
            comparisons=(graph, backend),
            keep=kept,
            advice=advice,
            command=command,
        )

    def _whole(self, graphs: reference.Graphs) -> Mapping[str, np.ndarray]:
        return reference.whole(graphs, self.golden, self.threads)

    def _replay(self) -> Replay:
        """The bundle's engine as the runtime runs it."""
        try:
            with BundleEngines(self.bundle.path, self.backend) as engines:
                return Replay(self.candidate.name, compare(self.golden, engines(self.golden.frame)))
        except DgiqaEdgeError as error:
            return Replay(self.candidate.name, None, one_line(error))

    def _graph(self) -> list[Judgement]:
        tick = self.announce("the graph against FP32")
        return [
            one for pair in self.against_fp32.values() for one in self._walk(pair, self.written).tensor_by_tensor(tick)
        ]

    def _on_backend(self) -> Comparison:
        title = f"{self.candidate.name} against the graph as written, block by block"
        tick = self.announce(f"{self.candidate.name} against the graph")
        judged: list[Judgement] = []
        try:
            for pair in self.against_itself.values():
                judged += self._walk(pair, self.candidate).block_by_block(tick)
        except DgiqaEdgeError as error:
            return Comparison(title, len(judged), _diverging(judged), one_line(error))
        return Comparison(title, len(judged), _diverging(judged), self.note)

    def _walk(self, pair: Pair, candidate: Executor) -> Walk:
        given = {"frame": self.golden.frame, "depth": self.golden.depth}
        return Walk(pair, self.written, candidate, {name: given[name] for name in pair.reference.inputs})

    def _remedy(
        self, judged: Sequence[Judgement], graph: Comparison, backend: Comparison, replays: Sequence[Replay]
    ) -> tuple[tuple[str, ...] | None, str, str]:
        """Blocks to keep, advice, and a command."""
        device = self.bundle.manifest.device_build
        argv = device.argv if device else self.bundle.manifest.build.argv  # of what wrote the graphs
        wrong = list(dict.fromkeys(one.block or one.node for one in graph.divergences if one.weight))
        if wrong:
            return None, f"weights in {', '.join(wrong[:3])} are not the reference's: build again", shlex.join(argv)
        if not self.reference.has_weights and not self.reference.deviation.within(self.tolerance):
            fp32 = f"{self.bundle.path}-fp32"
            advice = (
                "no rounding of tensors explains it, so weights are wrong or too coarse; which, says an FP32 bundle of "
                f"the same weights: build it with the command below, then debug again with --reference {fp32}"
            )
            return None, advice, shlex.join(_varied(argv, in_fp32(fp32)))
        if self.bundle.manifest.precision.name == "fp32":
            sound = all(one.deviation and one.deviation.within(self.tolerance) for one in replays)
            names = " or ".join(one.name for one in portable() if one.name != self.backend)
            return None, "" if sound else f"the graph is in FP32 already: run it with --backend {names}", ""
        try:
            kept = self._fewest([*judged, *backend.divergences])
        except DgiqaEdgeError as error:
            return None, f"which blocks have to stay in FP32 cannot be told: {one_line(error)}", ""
        if kept is None:
            return None, "the golden frame fails even where every block is FP32: build again", shlex.join(argv)
        if not kept:
            return (), "the golden frame passes as it is: no block has to stay in FP32", ""
        command = shlex.join(_varied(argv, ["--keep", ",".join(kept)], precision=self.bundle.manifest.precision.name))
        alone = graph.divergences or backend.divergences
        why = "" if alone else "no tensor diverges on its own, rounding adds up; "
        return kept, f"{why}with these blocks in FP32 the golden frame passes on {self.candidate.name}", command

    def _fewest(self, judged: Iterable[Judgement]) -> tuple[str, ...] | None:
        tick, tried = self.announce("which blocks have to stay in FP32"), 0

        def passes(kept: Collection[str]) -> bool:
            nonlocal tried
            tried += 1
            tick(tried, 0)
            return compare(self.golden, self._mixture(kept)).within(self.tolerance)

        blocks = [block for pair in self.against_fp32.values() for block in pair.blocks]
        return keep.fewest(keep.ranked(blocks, judged), passes)

    def _mixture(self, kept: Collection[str]) -> Mapping[str, np.ndarray]:
        """Outputs where ``kept`` blocks are FP32 and the candidate computes the others."""
        values: dict[str, np.ndarray] = {"frame": self.golden.frame}
        for pair in self.against_fp32.values():
            values |= self._walk(pair, self.candidate).outputs(kept.__contains__, values)
        return values


def _diverging(judged: Iterable[Judgement]) -> tuple[Judgement, ...]:
    return tuple(one for one in judged if one.distance.diverges)


def _executor(bundle: Bundle, asked: str, threads: int) -> tuple[str, Executor, str]:
    """Name and executor of the backend that is held against the graph, and what to say of that choice.

    Raises:
        DgiqaEdgeError: what was asked for cannot be had; or, of what the bundle names, nothing can.
    """
    names = [engine.backend for engine in bundle.manifest.engines] if asked == AUTO else [asked]
    names += [backend.name for backend in portable()] if asked == AUTO else []
    known = {backend.name: backend for backend in BACKENDS}
    problem: DgiqaEdgeError | None = None
    for name in filter(known.__contains__, dict.fromkeys(names)):
        backend = known[name]
        try:
            found = on_backend(backend, bundle, threads) if backend.runs_portable_graphs else on_device(backend)
            return name, found, "" if problem is None else f"in the place of the bundle's own: {one_line(problem)}"
        except DgiqaEdgeError as error:
            problem = problem or error
    raise problem or ConfigurationError(f"there is no backend {asked!r}: give one of {', '.join(known)}")


def in_fp32(out: str) -> tuple[str, ...]:
    """Options that make an FP32 bundle of any build command, on any machine."""
    anywhere = next(backend.name for backend in portable() if backend.name in BACKENDS_TO_BUILD)
    return ("--fp32", "--backend", anywhere, "--out", out)


def _varied(argv: Sequence[str], added: Sequence[str], *, precision: str = "") -> list[str]:
    """A build command with other options: those ``added`` replace what it says of them and of its precision.

    Args:
        precision: that of the bundle, which a budget may have chosen, for a command that builds one alone; "" where
            ``added`` states it.
    """
    flags, valued = {"--int8", "--fp16", "--fp32"}, {"--accuracy-budget", "--latency-target"}
    valued |= {word for word in added if word.startswith("--")} - flags
    several = precision and "--rungs" in argv
    valued |= set() if several else {"--rungs"}
    if "--fp32" in added:  # for any machine, and all blocks are
        flags |= set(tensorrt_options.FLAGS)
        valued |= {"--keep", *tensorrt_options.VALUED}
    words, rest = iter(argv), []
    for word in words:
        if word in valued:
            next(words, None)
        elif word not in flags:
            rest.append(word)
    return [*rest, *([f"--{precision}"] if precision and not several else []), *added]
