from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from dgiqa_edge.calibration.int8.observers import MinMax
from dgiqa_edge.calibration.int8.placement import place
from dgiqa_edge.calibration.int8.quantize import count_nodes, quantize
from dgiqa_edge.calibration.int8.ranges import TensorRange, observe_ranges
from dgiqa_edge.calibration.int8.targets import TARGETS, target_named
from dgiqa_edge.runtime.errors import CalibrationError, ConfigurationError

NAMES = [target.name for target in TARGETS]


@pytest.fixture(scope="module")
def placement(frame_graph):
    return place(frame_graph, kept_float=())


@pytest.fixture(scope="module")
def ranges(frame_graph_file, placement, frames):
    return observe_ranges(frame_graph_file, placement.tensors_to_observe(), frames, MinMax(), threads=1)


@pytest.fixture(scope="module", params=NAMES)
def quantized(request, frame_graph, placement, ranges):
    return request.param, quantize(frame_graph, placement, ranges, target_named(request.param))


def run(model: onnx.ModelProto, feed, *, optimized_to=None, as_written=False) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    if as_written:  # kernels of ONNX Runtime say nothing about a graph for another backend
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if optimized_to:
        options.optimized_model_filepath = str(optimized_to)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def producers(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in model.graph.node for name in node.output}


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_every_placed_node_reads_int8_grids_and_no_other_does(quantized, placement):
    _, result = quantized
    made = producers(result.model)
    names = {node.name for node in placement.nodes}
    for node in result.model.graph.node:
        if node.op_type not in ("Conv", "MatMul", "Gemm"):
            continue
        sources = [made[name].op_type if name in made else None for name in node.input[:2]]
        assert (sources == ["DequantizeLinear"] * 2) == (node.name in names), node.name
    assert count_nodes(result.model, result.products) == {
        "Conv": {"int8": 2},
        "Gemm": {"int8": 3},
        "MatMul": {"int8": 4, "fp32": 4},  # two attention products, two constant resizes
    }


def test_nodes_in_fp16_are_counted_whatever_they_are_and_int8_ones_as_int8(frame_graph, placement):
    attention = {name for name, reason in placement.kept_float if reason == "product of two activations"}
    norms = {node.name for node in frame_graph.graph.node if node.op_type == "LayerNormalization"}
    half = attention | norms | {node.name for node in placement.nodes if node.op_type == "Conv"}
    counts = count_nodes(frame_graph, {node.output for node in placement.nodes}, half)
    assert counts["Conv"] == {"int8": 2}
    assert counts["MatMul"] == {"int8": 4, "fp16": 2, "fp32": 2}
    assert set(counts["LayerNormalization"]) == {"fp16"}
    assert "Softmax" not in counts


def test_number_of_pairs(quantized, placement):
    target, result = quantized
    operators = Counter(node.op_type for node in result.model.graph.node)
    inputs = {node.activation for node in placement.nodes}
    convs = {node.output_range for node in placement.nodes if node.op_type == "Conv"}
    tensors = inputs | convs | set(placement.sums) if target == "onnxruntime" else inputs
    biases = sum(node.bias is not None for node in placement.nodes) if target == "onnxruntime" else 0
    assert operators["QuantizeLinear"] == len(tensors)
    assert operators["DequantizeLinear"] == len(tensors) + len(placement.nodes) + biases


def test_weights_have_eight_bits_per_output_channel(quantized, frame_graph, placement):
    target, result = quantized
    center, dtype = (128, np.uint8) if target == "onnxruntime" else (0, np.int8)
    before, after = constants(frame_graph), constants(result.model)
    made = producers(result.model)
    for node in placement.nodes:
        weight = before[node.weight]
        assert node.weight not in after
        integers = after[f"{node.name}/weight/quantized"]
        scales = after[f"{node.name}/weight/scale"]
        axis = 1 if node.op_type == "MatMul" or node.name in ("Gemm_4", "/quality_net/fc2/Gemm") else 0
        assert helper.get_attribute_value(made[f"{node.name}/weight/dequantized"].attribute[0]) == axis
        assert integers.dtype == dtype and integers.shape == weight.shape
        assert (after[f"{node.name}/weight/zero_point"] == center).all()
        assert scales.shape == (weight.shape[axis],)
        others = tuple(index for index in range(weight.ndim) if index != axis)
        np.testing.assert_allclose(scales, np.abs(weight).max(axis=others) / 127, rtol=1e-6)
        np.testing.assert_array_equal(
            integers.astype(int) - center, np.rint(weight / np.abs(weight).max(axis=others, keepdims=True) * 127)
        )


def test_residual_additions_keep_their_float_branch(quantized):
    target, result = quantized
    nodes = {node.name: node for node in result.model.graph.node}
    # Behind the stem, ONNX Runtime's QLinearConv leaves only the integer tensor; the others keep the float one.
    stem = "/depth_net/stem/Relu_output_0"
    assert nodes["/depth_net/Add"].input[0] == (f"{stem}/dequantized" if target == "onnxruntime" else stem)
    assert nodes["/depth_net/Add_1"].input[1] == "_v_3"
    for name in ("/depth_net/norm/LayerNormalization", "/depth_net/Softmax"):
        assert not any(source.endswith("/dequantized") for source in nodes[name].input), name


def test_pre_and_post_steps_are_untouched(quantized, frame_graph):
    target, result = quantized
    before = {node.name: node for node in frame_graph.graph.node}
    after = {node.name: node for node in result.model.graph.node}
    moves_levels = {"/Cast", "/Transpose"} if target == "onnxruntime" else set()  # test_whole_levels.py
    for name, node in before.items():
        if name not in moves_levels and not name.startswith(("/depth_net/", "/quality_net/", "Gemm_4")):
            assert after[name] == node, name


def test_one_pair_serves_all_readers_of_a_tensor(quantized):
    _, result = quantized
    nodes = {node.name: node for node in result.model.graph.node}
    sources = {nodes[f"/depth_net/{letter}/MatMul"].input[0] for letter in "qkv"}
    assert sources == {"/depth_net/norm/LayerNormalization_output_0/dequantized"}


def test_data_types_follow_the_target(quantized):
    target, result = quantized
    values = constants(result.model)
    made = producers(result.model)
    for node in result.model.graph.node:
        if node.op_type == "QuantizeLinear":
            zero = values[node.input[2]]
            assert zero.dtype == (np.uint8 if target == "onnxruntime" else np.int8)
            assert target == "onnxruntime" or zero == 0
    stem = {node.name: node for node in result.model.graph.node}["/depth_net/stem/Conv"]
    assert (stem.input[2] in made) == (target == "onnxruntime")
    if target == "onnxruntime":
        assert values["/depth_net/stem/Conv/bias/quantized"].dtype == np.int32
    else:
        assert stem.input[2] == "depth_net.stem.bias"


def test_the_result_is_near_the_float_graph_and_shows_that_int8_happened(quantized, frame_graph, frames):
    target, result = quantized
    onnx.checker.check_model(result.model, full_check=True)
    for frame in frames:
        expected = run(frame_graph, {"frame": frame})
        actual = run(result.model, {"frame": frame}, as_written=target != "onnxruntime")
        error = np.abs(expected["crop_scores"] - actual["crop_scores"]).max()
        assert 0 < error < 0.02
        depth = [outputs["depth"].astype(float) for outputs in (expected, actual)]
        assert np.corrcoef(depth[0].ravel(), depth[1].ravel())[0, 1] > 0.99


def test_onnxruntime_runs_every_placed_node_in_its_integer_kernels(frame_graph, placement, ranges, frames, tmp_path):
    result = quantize(frame_graph, placement, ranges, target_named("onnxruntime"))
    run(result.model, {"frame": frames[0]}, optimized_to=tmp_path / "optimized.onnx")
    kernels = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    assert kernels["QLinearConv"] == 2
    assert kernels["QGemm"] == 6  # three Gemm, and q, k, v with their biases
    assert kernels["MatMulIntegerToFloat"] == 1
    assert kernels["Conv"] == kernels["Gemm"] == 0


def test_the_file_shrinks_and_the_float_model_is_left_alone(frame_graph, placement, ranges):
    before = frame_graph.SerializeToString(deterministic=True)
    result = quantize(frame_graph, placement, ranges, target_named("tensorrt"))
    assert frame_graph.SerializeToString(deterministic=True) == before
    weights = constants(frame_graph)
    kept = constants(result.model)
    float_bytes = sum(weights[node.weight].nbytes for node in placement.nodes)
    int8_bytes = sum(kept[f"{node.name}/weight/quantized"].nbytes for node in placement.nodes)
    assert float_bytes == 4 * int8_bytes
    assert {entry.domain: entry.version for entry in result.model.opset_import} == {"": 17}


@pytest.mark.parametrize("name", NAMES)
def test_representable_values_pass_exactly(builder, name):
    random = np.random.default_rng(5)
    weight = random.integers(-127, 128, (16, 6)).astype(np.float32)
    weight[0] = 127  # every column spans its whole grid, so its scale is exactly 1
    builder.node("MatMul", ["x", builder.constant("w", weight)], "/depth_net/fc/MatMul", output="y")
    value = helper.make_tensor_value_info
    model = builder.model([value("x", TensorProto.FLOAT, [4, 16])], [value("y", TensorProto.FLOAT, [4, 6])])
    target = target_named(name)
    low, high = (0, 255) if target.unsigned_activations else (-127, 127)
    x = random.integers(low, high + 1, (4, 16)).astype(np.float32)
    result = quantize(model, place(model), {"x": TensorRange(low, high, low, high)}, target)
    actual = run(result.model, {"x": x}, as_written=name != "onnxruntime")["y"]
    np.testing.assert_array_equal(actual, x @ weight)


def test_integer_kernels_give_what_the_written_graph_says(frame_graph, placement, ranges, frames):
    # On x86 without VNNI, int8 weights fail here: sums of two products saturate at 16 bits.
    model = quantize(frame_graph, placement, ranges, target_named("onnxruntime")).model
    for frame in frames:
        expected = run(model, {"frame": frame}, as_written=True)["crop_scores"]
        np.testing.assert_allclose(run(model, {"frame": frame})["crop_scores"], expected, atol=2e-3)


def test_a_weight_shared_by_two_nodes_is_stored_once(builder):
    weight = builder.weight("w", 8, 8)
    hidden = builder.node("MatMul", ["x", weight], "/depth_net/a/MatMul")
    builder.node("MatMul", [hidden, weight], "/depth_net/b/MatMul", output="y")
    value = helper.make_tensor_value_info
    model = builder.model([value("x", TensorProto.FLOAT, [4, 8])], [value("y", TensorProto.FLOAT, [4, 8])])
    seen = TensorRange(-3, 3, -3, 3)
    result = quantize(model, place(model), {"x": seen, hidden: seen}, target_named("tensorrt"))
    stored = [name for name, tensor in constants(result.model).items() if tensor.size == 64]
    assert stored == ["/depth_net/a/MatMul/weight/quantized"]
    x = np.random.default_rng(0).standard_normal((4, 8)).astype(np.float32)
    expected = run(model, {"x": x})["y"]
    assert np.abs(run(result.model, {"x": x}, as_written=True)["y"] - expected).max() < 0.1


def test_a_missing_range_is_named(frame_graph, placement, ranges):
    partial = {name: seen for name, seen in ranges.items() if name != "_v_1"}
    with pytest.raises(CalibrationError, match="no calibrated range for tensor _v_1"):
        quantize(frame_graph, placement, partial, target_named("tensorrt"))


def test_a_placement_of_another_graph_is_refused(builder, placement, ranges):
    builder.node("Relu", ["x"], "/depth_net/a", output="y")
    value = helper.make_tensor_value_info
    other = builder.model([value("x", TensorProto.FLOAT, [1])], [value("y", TensorProto.FLOAT, [1])])
    with pytest.raises(CalibrationError, match="belongs to another graph"):
        quantize(other, placement, ranges, target_named("tensorrt"))


def test_an_unknown_target_is_refused():
    with pytest.raises(ConfigurationError, match="choose one of onnxruntime, tensorrt"):
        target_named("tflite")
