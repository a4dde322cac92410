"""What a bundle carries for a build on the device, read and checked before anything is built.

The graphs are never opened here: their bytes go to TensorRT's parser, with the facts that were written beside them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.bundle.bundle import Bundle, load_bundle
from dgiqa_edge.runtime.bundle.golden import Golden, load_golden
from dgiqa_edge.runtime.bundle.manifest import (
    CarriedRecord,
    DeviceBuildRecord,
    FidelityRecord,
    Manifest,
    ParserGraphRecord,
)
from dgiqa_edge.runtime.engines.tensorrt.versions import families_of
from dgiqa_edge.runtime.errors import BundleError, ConfigurationError, EngineCompatibilityError
from dgiqa_edge.runtime.ground.input_file import file_bytes
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.hashing import sha256_json
from dgiqa_edge.runtime.machine.version_requirement import satisfies

from ..options.tensorrt_options import TensorRtOptions
from ..stages.lock import Say
from ..tensorrt.build_watch import silent
from ..tensorrt.engines import EngineStage, Graph
from ..tensorrt.graph import GraphFacts, ParserGraph
from ..tensorrt.machine import TensorRtMachine

WRITE_ONE = "write one on the desktop with --no-engine"


@dataclass(frozen=True)
class Carried:
    """One precision of the bundle: its record, the same as JSON, and what is known of its portable graph."""

    record: CarriedRecord
    document: Mapping[str, Any]
    fidelity: FidelityRecord

    @property
    def precision(self) -> str:
        return self.record.precision.name

    @property
    def files(self) -> set[str]:
        """What runs as the portable graph, and what it was calibrated with."""
        return _files_of(self.record)


@dataclass(frozen=True)
class Source:
    """A verified bundle that engines can be built from; ``carried``: the precisions to try, most reduced first."""

    bundle: Bundle
    device_build: DeviceBuildRecord
    carried: tuple[Carried, ...]

    def check_frames(self) -> Golden:
        """The frames by which an engine is accepted, with FP32's outputs.

        Raises:
            BundleError: their file is not what the manifest promises.
        """
        return load_golden(self.bundle.file(self.device_build.check), self.carried[0].fidelity.images)


def open_source(path: Path, rungs: Sequence[str] = ()) -> Source:
    """Read and verify a bundle.

    Args:
        rungs: the precisions that may be taken; empty: any that it carries.

    Raises:
        BundleError: it is damaged, or nothing can be built from it.
        ConfigurationError: it does not carry a precision of ``rungs``.
    """
    bundle = load_bundle(path)
    device_build = bundle.manifest.device_build
    if device_build is None:
        raise BundleError(f"{path} carries no graphs and check frames for a build on the device: {WRITE_ONE}")
    documents = bundle.document["device_build"]["carried"]
    every = [_carried(path, *pair) for pair in zip(device_build.carried, documents, strict=True)]
    missing = [name for name in rungs if name not in {one.precision for one in every}]
    if missing:
        raise ConfigurationError(
            f"{path} carries {', '.join(one.precision for one in every)}, not {', '.join(missing)}: name some of "
            "these, or carry more from the desktop with --rungs"
        )
    return Source(bundle, device_build, tuple(one for one in every if not rungs or one.precision in rungs))


def _carried(path: Path, record: CarriedRecord, document: Mapping[str, Any]) -> Carried:
    if record.fidelity is None:
        raise BundleError(f"{path} does not say how far its {record.precision.name} is from FP32: {WRITE_ONE}")
    return Carried(record, document, record.fidelity)


def parser_graphs(manifest: Manifest, precision: str, backend: str, version: str) -> dict[str, ParserGraphRecord]:
    """The graph per role that a backend's parser of ``version`` takes.

    Raises:
        EngineCompatibilityError: a role has none.
    """
    offered = [one for one in manifest.parser_graphs if (one.precision, one.backend) == (precision, backend)]
    fitting = {one.role: one for one in offered if satisfies(version, one.backend_version)}
    lacking = [graph.role for graph in manifest.graphs if graph.role not in fitting]
    if lacking:
        ranges = ", ".join(dict.fromkeys(one.backend_version for one in offered)) or "none"
        raise EngineCompatibilityError(
            f"the bundle has no {precision} graph for {backend} {version} (its graphs are for {ranges}): write it "
            "again on the desktop with this version of dgiqa-edge and --no-engine"
        )
    return {graph.role: fitting[graph.role] for graph in manifest.graphs}


def to_build(bundle: Bundle, graphs: Mapping[str, ParserGraphRecord]) -> tuple[dict[str, Graph], str]:
    """The graphs as the engine stage takes them, read when their turn comes, and a hash over all of them."""
    files = bundle.manifest.files
    hashes = {role: [files[one.file].sha256, files[one.facts].sha256] for role, one in graphs.items()}
    return {role: partial(_read, bundle, one) for role, one in graphs.items()}, sha256_json(hashes)


def _read(bundle: Bundle, record: ParserGraphRecord) -> ParserGraph:
    try:
        facts = GraphFacts.from_json(parse_json(content(bundle, record.facts).decode()))
    except (ValueError, TypeError, KeyError) as error:
        raise BundleError(f"{bundle.path / record.facts} does not describe a graph ({error}): {WRITE_ONE}") from error
    return ParserGraph(partial(content, bundle, record.file), facts, record.rewritten)


def engine_stage(
    source: Source,
    carried: Carried,
    machine: TensorRtMachine,
    options: TensorRtOptions,
    *,
    work: Path,
    threads: int,
    say: Say,
    beat: Say = silent,
) -> EngineStage:
    """The stage that builds the engines of one precision; see ``EngineStage``, whose errors it raises."""
    return EngineStage(
        machine,
        options,
        precision=carried.precision,
        half=carried.record.precision.has_half,
        families=families_of(network.name for network in source.bundle.manifest.networks),
        work=work,
        threads=threads,
        say=say,
        beat=beat,
    )


def content(bundle: Bundle, name: str) -> bytes:
    """A file of the bundle."""
    return file_bytes(bundle.file(name), bundle.manifest.files[name].size_bytes)


def kept_files(source: Source) -> Iterable[str]:
    """The files of the bundle that do not depend on the device, so that a bundle built from it can be built again."""
    manifest, device = source.bundle.manifest, source.device_build
    yield manifest.golden.file
    yield device.check
    for one in device.carried:
        yield from _files_of(one)
    for graph in manifest.parser_graphs:
        yield from (graph.file, graph.facts)


def _files_of(record: CarriedRecord) -> set[str]:
    graphs = {graph.file for graph in record.graphs}
    return graphs if record.calibration is None else {*graphs, record.calibration.file}
