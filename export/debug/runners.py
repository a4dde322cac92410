"""What computes a piece: Polygraphy's Comparator, with runners that open graphs as the runtime and the build do.

The reference is ONNX Runtime computing the graph as it is written, Q/DQ one by one. The candidate is that too, or a
backend of the runtime, opened by its own declaration; one that runs no graphs builds an engine of each piece first.
"""

import importlib.util
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.runtime.bundle.bundle import Bundle
from dgiqa_edge.runtime.bundle.manifest import EngineRecord, FileRecord, Requirements
from dgiqa_edge.runtime.engines import Engine, EngineOptions
from dgiqa_edge.runtime.engines.backend import Backend
from dgiqa_edge.runtime.engines.registry import portable
from dgiqa_edge.runtime.engines.session import open_session
from dgiqa_edge.runtime.errors import ConfigurationError, DgiqaEdgeError, EngineCompatibilityError
from dgiqa_edge.runtime.ground.error_text import telling_line
from dgiqa_edge.runtime.ground.extra_packages import extra_package
from dgiqa_edge.runtime.hashing import sha256_file

from .source_graph import Cut

_GRAPH, _ROLE = "piece.onnx", "fused"
_DEVICES = "dgiqa_edge.export.ladder.devices"
_NO_REQUIREMENTS = Requirements(None, None, None, None)


def polygraphy(module: str) -> Any:
    """A module of Polygraphy.

    Raises:
        MachineError: it is not installed.
    """
    if importlib.util.find_spec("torch"):
        # Polygraphy asks of every array whether it is PyTorch's, and takes Ctrl-C while it imports that for an answer:
        # again and again, a part of it at a time.
        extra_package("torch", "debug", "debugging layer by layer")
    return extra_package(f"polygraphy.{module}", "debug", "debugging layer by layer")


@contextmanager
def running(what: str) -> Iterator[None]:
    """While a backend computes: what it raises, as an error of the project's own.

    Raises:
        EngineCompatibilityError: it raised one of its own.
    """
    try:
        yield
    except (DgiqaEdgeError, MemoryError, OSError):
        raise
    except Exception as error:  # onnxruntime raises a dozen unrelated classes
        raise EngineCompatibilityError(f"{what} does not run: {telling_line(error)}") from error


@dataclass(frozen=True)
class Executor:
    """Computes pieces; ``name`` for people, ``open`` makes Polygraphy's runner of a graph's file."""

    name: str
    open: Callable[[Path], Any]

    def run(self, cut: Cut) -> dict[str, np.ndarray]:
        """Every tensor that the piece is asked for, by its name in the whole graph.

        Raises:
            EngineCompatibilityError, ExportError: the backend cannot take or run the piece.
            MachineError: a package or device is missing.
        """
        if not cut.model.graph.node:
            return {}
        import onnx

        comparator, logger = polygraphy("comparator").Comparator, polygraphy("logger").G_LOGGER
        with tempfile.TemporaryDirectory(prefix="dgiqa-edge-") as folder, logger.verbosity(logger.CRITICAL):
            path = Path(folder) / _GRAPH
            onnx.save(cut.model, str(path))
            with running(f"a piece of the graph on {self.name}"):
                results = comparator.run([self.open(path)], data_loader=[dict(cut.feed)])
        (_, iterations) = results[0]
        return {name: iterations[0][output] for name, output in cut.outputs.items() if output in iterations[0]}


def as_written(threads: int) -> Executor:
    """ONNX Runtime on the CPU, every node as the graph says it."""
    runner = polygraphy("backend.onnxrt").OnnxrtRunner
    return Executor(
        "ONNX Runtime, as written",
        lambda path: runner(lambda: open_session(path, threads=threads, as_written=True), name="as written"),
    )


def on_backend(backend: Backend, bundle: Bundle, threads: int) -> Executor:
    """A backend that runs portable graphs, with the options that the runtime gives it for this bundle."""

    def load(path: Path) -> Engine:
        files = {path.name: FileRecord(sha256_file(path), path.stat().st_size)}
        alone = replace(bundle, path=path.parent, manifest=replace(bundle.manifest, files=files))
        return backend.load(
            alone, EngineRecord(_ROLE, path.name, backend.name, _NO_REQUIREMENTS), EngineOptions(threads)
        )

    return Executor(backend.title, lambda path: _engine_runner(backend.title, lambda: load(path)))


def on_device(backend: Backend) -> Executor:
    """A backend that builds an engine of every piece first, on this machine's device.

    Raises:
        ConfigurationError: graphs cannot be built for it one by one.
        MachineError, EngineCompatibilityError: its device or packages are missing, or not supported.
    """
    name = f"{_DEVICES}.{backend.name.replace('-', '_')}"
    opener = getattr(importlib.import_module(name), "graph_opener", None) if importlib.util.find_spec(name) else None
    if opener is None:
        known = " or ".join(one.name for one in portable())
        raise ConfigurationError(f"graphs cannot be debugged with {backend.title}: give --backend {known}")
    label, opened = opener()
    return Executor(label, lambda path: _engine_runner(label, lambda: opened(path)))


def _engine_runner(name: str, load: Callable[[], Engine]) -> Any:
    """One of the runtime's engines as Polygraphy's runner."""
    base: Any = polygraphy("backend.base").BaseRunner
    metadata: Any = polygraphy("common").TensorMetadata

    class EngineRunner(base):  # type: ignore[misc]
        def activate_impl(self) -> None:
            self.engine = load()

        def get_input_metadata_impl(self) -> Any:
            found = metadata()
            for spec in self.engine.inputs:
                found.add(spec.name, dtype=np.dtype(spec.dtype), shape=spec.shape)
            return found

        def infer_impl(self, feed_dict: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            found = {key: np.array(value) for key, value in self.engine.run(dict(feed_dict)).items()}
            self.inference_time = 0.0
            return found

        def deactivate_impl(self) -> None:
            self.engine.close()
            del self.engine

    return EngineRunner(name=name)
