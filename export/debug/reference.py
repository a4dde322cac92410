"""What a bundle's graph is compared with: the FP32 graph that it was made from, wherever that is, or what can be told
from the graph alone.

A reference is known by its outputs: for the bundle's golden frame they are the golden ones. Of the graph alone, the
rounding of tensors can be taken out again; what its weights were cannot.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.calibration.int8.equalize import Equalized, equalize
from dgiqa_edge.calibration.int8.graph_tensors import float_name
from dgiqa_edge.calibration.int8.result import load_result
from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.bundle.bundle import Bundle, load_bundle
from dgiqa_edge.runtime.bundle.golden import Deviation, Golden, compare
from dgiqa_edge.runtime.bundle.manifest import Tolerance
from dgiqa_edge.runtime.errors import ConfigurationError

from ..frame_graph.graph_files import graphs_of, read_graph
from ..frame_graph.precision import fp32_name
from ..frame_graph.split import split
from ..ladder.devices.check import DEPTH_FLOOR_LEVELS, FAULTS_FLOOR, SCORE_FLOOR
from ..ladder.lowering import FP32_GRAPH
from ..options.build_options import STAGES
from .runners import running

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

_EQUAL = Tolerance(SCORE_FLOOR["fp32"], DEPTH_FLOOR_LEVELS["fp32"], FAULTS_FLOOR["fp32"])
_FLOAT, _FLOAT16 = 1, 10  # onnx.TensorProto.FLOAT, FLOAT16

Graphs = Mapping[str, "ModelProto"]
Outputs = Callable[[Graphs], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Reference:
    """FP32 graphs by role.

    Attributes:
        source: where they are from, for people.
        has_weights: whether their weights are those that were exported, so that wrong ones are seen.
        deviation: of their outputs from the golden ones.
    """

    graphs: Graphs
    source: str
    has_weights: bool
    deviation: Deviation

    @property
    def is_golden(self) -> bool:
        """Whether it gives the golden outputs."""
        return self.deviation.within(_EQUAL)


def find(bundle: Bundle, graphs: Graphs, golden: Golden, asked: Path | None, outputs: Outputs) -> Reference:
    """The FP32 graph of a bundle: what was ``asked`` for, else the one that it carries or that its build left there,
    else what can be told.

    Args:
        asked: an ONNX file, or a bundle of the same build in FP32.
        outputs: runs graphs on the golden frame.

    Raises:
        ConfigurationError: what was asked for is not this bundle's FP32 graph.
        BundleError: the bundle that was asked for is damaged, or the file is no ONNX graph.
    """
    equalized = _equalized(bundle)
    if asked is not None:
        found = _judged(_read(asked, tuple(graphs)), str(asked), golden, outputs, equalized)
        if not found.is_golden:
            raise ConfigurationError(
                f"{asked} is not the FP32 graph of {bundle.path}: for the golden frame its score is "
                f"{found.deviation.score:.3g} off, its depth {found.deviation.depth_mean_levels:.3g} grey levels; "
                "give the one that was built from the same weights, for the same frame"
            )
        return found
    device = bundle.manifest.device_build
    for carried in device.carried if device else ():
        if carried.precision.name == "fp32":
            own = graphs_of(bundle, carried.graphs)
            return _judged(own, "the FP32 graph that it carries", golden, outputs, equalized)
    for path in _finished_exports(bundle):
        found = _judged(_read(path, tuple(graphs)), f"{path}, left by the build", golden, outputs, equalized)
        if found.is_golden:
            return found
    lifted = {role: lift(model) for role, model in graphs.items()}
    source = "its graph without the rounding of tensors: wrong weights stay unseen, --reference shows them"
    return Reference(lifted, source, False, compare(golden, outputs(lifted)))


def _judged(
    graphs: Graphs, source: str, golden: Golden, outputs: Outputs, equalized: tuple[Equalized, ...]
) -> Reference:
    """FP32 graphs, brought to what the bundle's was lowered from: the same but for the sizes of channels."""
    started = {role: equalize(model, equalized) if equalized else model for role, model in graphs.items()}
    return Reference(started, source, True, compare(golden, outputs(started)))


def _equalized(bundle: Bundle) -> tuple[Equalized, ...]:
    record = bundle.manifest.calibration if bundle.manifest.precision.name == "int8" else None
    return () if record is None else load_result(bundle.file(record.file)).equalized


def _read(path: Path, roles: tuple[str, ...]) -> Graphs:
    if path.is_dir():
        other = load_bundle(path)
        if other.manifest.batch != BatchRange():
            raise ConfigurationError(f"{path} takes a batch: give one built without --batch")
        if other.manifest.precision.name != "fp32":
            raise ConfigurationError(
                f"{path} is a bundle in {other.manifest.precision.title}: give one built with --fp32"
            )
        graphs = graphs_of(other)
    else:
        graphs = {"fused": read_graph(path)}
    if tuple(graphs) == roles:
        return graphs
    if tuple(graphs) == ("fused",):
        return dict(zip(roles, split(graphs["fused"]), strict=True))
    raise ConfigurationError(
        f"{path} has the layout split, the bundle is fused: build the reference with --layout fused"
    )


def _finished_exports(bundle: Bundle) -> Iterator[Path]:
    """FP32 graphs of the same preset and frame among the stages beside the bundle, newest first."""
    import onnx

    manifest = bundle.manifest
    frame = f"{manifest.frame.width}x{manifest.frame.height}"
    files = (Path(os.path.realpath(bundle.path)).parent / STAGES).glob(f"export-*/{FP32_GRAPH}")
    for path in sorted(files, key=lambda file: -file.stat().st_mtime):
        model = onnx.load(str(path), load_external_data=False)
        stated = {entry.key: entry.value for entry in model.metadata_props}
        if (stated.get("preset"), stated.get("frame")) == (manifest.preset, frame):
            yield path


def lift(model: "ModelProto") -> "ModelProto":
    """A copy of a lowered graph in which tensors are FP32 and no longer rounded; weights keep the values they have.

    Its tensors have the names of the FP32 graph that was lowered, so that each is known by what it stands for.
    """
    import onnx
    from onnx import numpy_helper

    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    rounded = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    exact = {node.output[0]: rounded[node.input[0]] for node in graph.node if node.input and node.input[0] in rounded}
    stored = {tensor.name for tensor in graph.initializer}
    levels = {
        node.output[0]: float_name(node.output[0])
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.output[0] not in exact and node.input[0] not in stored
    }

    def meant(name: str) -> str:
        return levels.get(name) or fp32_name(exact.get(fp32_name(name), name))

    kept = []
    for node in graph.node:
        names = [meant(name) for name in node.input], [meant(name) for name in node.output]
        casts = node.op_type == "Cast" and names[0] == names[1]  # to FP16 and back
        if casts or {*rounded, *exact}.intersection(node.output):
            continue
        node.input[:], node.output[:] = names
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == _FLOAT16:
                attribute.i = _FLOAT
            elif attribute.name == "value" and attribute.t.data_type == _FLOAT16:
                attribute.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype(np.float32)))
        kept.append(type(node).FromString(node.SerializeToString()))
    weights: dict[str, TensorProto] = {}
    for tensor in graph.initializer:  # of a weight that is read in both, that of FP32
        name, half = fp32_name(tensor.name), tensor.data_type == _FLOAT16
        if half and name not in weights:
            weights[name] = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), name)
        elif not half:
            weights[name] = type(tensor).FromString(tensor.SerializeToString())
    del graph.node[:], graph.value_info[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(weights.values())
    return result


def whole(graphs: Graphs, golden: Golden, threads: int) -> Mapping[str, np.ndarray]:
    """Outputs of whole graphs for the golden frame, every node computed as it is written.

    Raises:
        EngineCompatibilityError: one of them cannot be run.
    """
    import onnx

    from dgiqa_edge.runtime.engines.session import open_session

    values: dict[str, np.ndarray] = {"frame": golden.frame}
    for model in graphs.values():
        with tempfile.TemporaryDirectory(prefix="dgiqa-edge-") as folder:
            path = Path(folder) / "graph.onnx"
            onnx.save(model, str(path))
            session = open_session(path, threads=threads, as_written=True)
        names = [output.name for output in session.get_outputs()]
        given = {value.name: values[value.name] for value in session.get_inputs()}
        with running("a graph as it is written"):
            values |= dict(zip(names, session.run(names, given), strict=True))
    return values
