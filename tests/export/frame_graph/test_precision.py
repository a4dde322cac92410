"""FP16 graphs: what is lowered, what becomes an island, and that the graph's contract does not change."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, numpy_helper

from dgiqa_edge.calibration.int8.observers import create_observer
from dgiqa_edge.calibration.int8.placement import DEFAULT_SCOPES, place
from dgiqa_edge.calibration.int8.quantize import quantize
from dgiqa_edge.calibration.int8.ranges import observe_ranges
from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.export.frame_graph import islands
from dgiqa_edge.export.frame_graph.pipeline import FrameGraph
from dgiqa_edge.export.frame_graph.precision import (
    FP16_MAX,
    HEADROOM,
    tensors_to_observe,
    to_fp16,
)
from dgiqa_edge.export.frame_graph.to_onnx import export_graph
from dgiqa_edge.runtime.errors import ExportError

SIZE = (96, 128)


@pytest.fixture(scope="module")
def fp32(tiny_networks, tmp_path_factory):
    path = tmp_path_factory.mktemp("fp16") / "fp32.onnx"
    graph = FrameGraph(*tiny_networks, SIZE, depth_side=70, crops=2)
    frame = torch.zeros((1, *SIZE, 3), dtype=torch.uint8)
    export_graph(graph, {"frame": frame}, ("score", "crop_scores", "depth"), path, {})
    return path


@pytest.fixture(scope="module")
def frames(photos):
    import cv2

    return [cv2.resize(photo, SIZE[::-1])[np.newaxis] for photo in photos]


@pytest.fixture(scope="module")
def absmax(fp32, frames):
    tensors = tensors_to_observe(onnx.load(str(fp32)), DEFAULT_SCOPES)
    ranges = observe_ranges(fp32, tensors, frames, create_observer("minmax"))
    return {name: max(abs(seen.observed_low), abs(seen.observed_high)) for name, seen in ranges.items()}


def element_types(model):
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    return {value.name: value.type.tensor_type.elem_type for value in inferred.graph.value_info}


def test_the_graph_stays_valid_and_close_and_keeps_its_contract(fp32, absmax, frames):
    model, report = to_fp16(onnx.load(str(fp32)), DEFAULT_SCOPES, absmax)
    onnx.checker.check_model(model, full_check=True)
    assert report.fp16_nodes > 10
    assert not report.islands
    before = onnxruntime.InferenceSession(str(fp32))
    after = onnxruntime.InferenceSession(model.SerializeToString())
    assert [(o.name, o.type, o.shape) for o in after.get_outputs()] == [
        (o.name, o.type, o.shape) for o in before.get_outputs()
    ]
    for frame in frames:
        for name, expected, result in zip(
            ("score", "crop_scores", "depth"),
            before.run(None, {"frame": frame}),
            after.run(None, {"frame": frame}),
            strict=True,
        ):
            limit = 6 if name == "depth" else 5e-3
            assert np.abs(expected.astype(float) - result.astype(float)).max() <= limit


def test_only_the_networks_are_lowered(fp32, absmax):
    model, _ = to_fp16(onnx.load(str(fp32)), DEFAULT_SCOPES, absmax)
    types = element_types(model)
    for node in model.graph.node:
        if node.name.startswith(DEFAULT_SCOPES):
            assert any(types.get(name) == TensorProto.FLOAT16 for name in node.output), node.name
        elif node.op_type != "Cast":
            assert not any(types.get(name) == TensorProto.FLOAT16 for name in node.output), node.name


def test_every_lowered_weight_is_half_and_no_float_copy_is_left(fp32, absmax):
    before = onnx.load(str(fp32))
    model, _ = to_fp16(before, DEFAULT_SCOPES, absmax)
    used = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= used
    weights = [t for t in model.graph.initializer if t.name.endswith("__half")]
    assert weights
    assert all(numpy_helper.to_array(tensor).dtype == np.float16 for tensor in weights)


def test_a_tensor_near_the_limit_makes_its_nodes_islands(fp32, absmax, frames):
    model = onnx.load(str(fp32))
    victim = next(
        node for node in model.graph.node if node.op_type == "MatMul" and node.name.startswith("/quality_net/")
    )
    hot = {**absmax, victim.output[0]: FP16_MAX / HEADROOM * 1.01}
    lowered, report = to_fp16(model, DEFAULT_SCOPES, hot)
    assert victim.name in report.islands
    assert "FP16's range" in report.islands[victim.name]
    onnx.checker.check_model(lowered, full_check=True)
    assert element_types(lowered)[victim.output[0]] == TensorProto.FLOAT
    session = onnxruntime.InferenceSession(lowered.SerializeToString())
    assert np.isfinite(session.run(["score"], {"frame": frames[0]})[0]).all()


def test_operators_can_be_kept_in_fp32_whatever_their_range(fp32, absmax, frames):
    model = onnx.load(str(fp32))
    lowered, report = to_fp16(model, DEFAULT_SCOPES, absmax, kept=islands.sums(model.graph))
    kept = [node.name for node in model.graph.node if node.op_type in ("LayerNormalization", "Softmax")]
    assert len(kept) == 3
    assert set(kept) <= set(report.islands)
    types = element_types(lowered)
    assert all(types[node.output[0]] == TensorProto.FLOAT for node in lowered.graph.node if node.name in kept)
    assert np.isfinite(
        onnxruntime.InferenceSession(lowered.SerializeToString()).run(["score"], {"frame": frames[0]})[0]
    )


def test_the_float_part_of_an_int8_graph_can_be_half(fp32, absmax, frames):
    model = onnx.load(str(fp32))
    placement = place(model)
    ranges = observe_ranges(fp32, placement.tensors_to_observe(), frames, create_observer("minmax"))
    int8 = quantize(model, placement, ranges, target_named("tensorrt")).model
    lowered, report = to_fp16(int8, DEFAULT_SCOPES, absmax)
    onnx.checker.check_model(lowered, full_check=True)
    assert report.fp16_nodes > 10
    scales = {node.input[1] for node in lowered.graph.node if node.op_type.endswith("tizeLinear")}
    stored = {tensor.name: tensor.data_type for tensor in lowered.graph.initializer}
    assert {stored[name] for name in scales} == {TensorProto.FLOAT}  # half scales came with opset 19
    made = {name: node.op_type for node in lowered.graph.node for name in node.output}
    for node in lowered.graph.node:  # nothing between a DequantizeLinear and its layer
        if node.name in {layer.name for layer in placement.nodes}:
            assert [made[name] for name in node.input[:2]] == ["DequantizeLinear"] * 2
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    before, after = (onnxruntime.InferenceSession(m.SerializeToString(), options) for m in (int8, lowered))
    for frame in frames:
        first, second = (session.run(["score"], {"frame": frame})[0] for session in (before, after))
        assert abs(float(first[0] - second[0])) < 5e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ranges: {}, "no observed range"),
        (lambda ranges: {name: float("inf") for name in ranges}, "not finite"),
    ],
)
def test_without_evidence_nothing_is_lowered(fp32, absmax, change, message):
    with pytest.raises(ExportError, match=message):
        to_fp16(onnx.load(str(fp32)), DEFAULT_SCOPES, change(absmax))


def test_a_graph_without_networks_is_refused(fp32, absmax):
    with pytest.raises(ExportError, match="no node lies in"):
        to_fp16(onnx.load(str(fp32)), ("/elsewhere/",), absmax)
