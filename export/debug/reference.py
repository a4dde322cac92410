"""What a bundle's graph is compared with: the FP32 graph that it was made from, wherever that is, or what can be told
from the graph alone.

A reference is known by its outputs: for the bundle's golden frame they are the golden ones. Of the graph alone, the
rounding of tensors can be taken out again; what its weights were cannot.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.runtime.bundle.bundle import Bundle, load_bundle
from dgiqa_edge.runtime.bundle.golden import Deviation, Golden, compare
from dgiqa_edge.runtime.bundle.manifest import GraphRecord, Tolerance
from dgiqa_edge.runtime.errors import ConfigurationError

from ..frame_graph.split import split
from ..ladder.devices.check import DEPTH_FLOOR_LEVELS, SCORE_FLOOR
from ..ladder.lowering import FP32_GRAPH
from ..options.build_options import STAGES

if TYPE_CHECKING:
    from onnx import ModelProto

_EQUAL = Tolerance(score=SCORE_FLOOR["fp32"], depth_levels=DEPTH_FLOOR_LEVELS["fp32"])
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


def graphs_of(bundle: Bundle, graphs: Iterable[GraphRecord] | None = None) -> "dict[str, ModelProto]":
    """The bundle's portable graphs (or others of its ``graphs``) by role, in the order in which a frame passes them."""
    import onnx

    files = {graph.role: graph.file for graph in graphs or bundle.manifest.graphs}
    return {role: onnx.load(str(bundle.file(files[role]))) for role in bundle.roles}


def find(bundle: Bundle, graphs: Graphs, golden: Golden, asked: Path | None, outputs: Outputs) -> Reference:
    """The FP32 graph of a bundle: what was ``asked`` for, else the one that it carries or that its build left there,
    else what can be told.

    Args:
        asked: an ONNX file, or a bundle of the same build in FP32.
        outputs: runs graphs on the golden frame.

    Raises:
        ConfigurationError: what was asked for is not this bundle's FP32 graph.
        BundleError: the bundle that was asked for is damaged.
    """
    if asked is not None:
        found = _judged(_read(asked, tuple(graphs)), str(asked), golden, outputs)
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
            return _judged(graphs_of(bundle, carried.graphs), "the FP32 graph that it carries", golden, outputs)
    for path in _finished_exports(bundle):
        found = _judged(_read(path, tuple(graphs)), f"{path}, left by the build", golden, outputs)
        if found.is_golden:
            return found
    lifted = {role: lift(model) for role, model in graphs.items()}
    source = "its graph without the rounding of tensors: wrong weights stay unseen, --reference shows them"
    return Reference(lifted, source, False, compare(golden, outputs(lifted)))


def _judged(graphs: Graphs, source: str, golden: Golden, outputs: Outputs) -> Reference:
    return Reference(graphs, source, True, compare(golden, outputs(graphs)))


def _read(path: Path, roles: tuple[str, ...]) -> Graphs:
    import onnx

    if path.is_dir():
        other = load_bundle(path)
        if other.manifest.precision.name != "fp32":
            raise ConfigurationError(
                f"{path} is a bundle in {other.manifest.precision.title}: give one built with --fp32"
            )
        graphs = graphs_of(other)
    else:
        try:
            graphs = {"fused": onnx.load(str(path))}
        except Exception as error:  # protobuf's own errors
            raise ConfigurationError(f"{path} is no ONNX graph ({type(error).__name__}): give another one") from error
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
    """A copy of a lowered graph in which tensors are FP32 and no longer rounded; weights keep the values they have."""
    import onnx
    from onnx import numpy_helper

    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    rounded = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    exact = {node.output[0]: rounded[node.input[0]] for node in graph.node if node.input and node.input[0] in rounded}
    kept = [node for node in graph.node if not {*rounded, *exact}.intersection(node.output)]
    for node in kept:
        for place, name in enumerate(node.input):
            node.input[place] = exact.get(name, name)
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == _FLOAT16:
                attribute.i = _FLOAT
            elif attribute.name == "value" and attribute.t.data_type == _FLOAT16:
                attribute.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype(np.float32)))
    halves = [tensor for tensor in graph.initializer if tensor.data_type == _FLOAT16]
    for tensor in halves:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    nodes = [type(node).FromString(node.SerializeToString()) for node in kept]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    return result


def whole(graphs: Graphs, golden: Golden, threads: int) -> Mapping[str, np.ndarray]:
    """Outputs of whole graphs for the golden frame, every node computed as it is written."""
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
        values |= dict(zip(names, session.run(names, given), strict=True))
    return values
