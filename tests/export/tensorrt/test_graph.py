"""Preparing graphs for old parsers changes no numbers, and what the builder is told of a graph is what it holds."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from dgiqa_edge.calibration.int8.placement import place
from dgiqa_edge.calibration.int8.quantize import quantize
from dgiqa_edge.calibration.int8.ranges import TensorRange
from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.export.frame_graph import precision
from dgiqa_edge.export.tensorrt.graph import GraphFacts, facts_of, for_every_parser, prepare
from dgiqa_edge.export.tensorrt.lint import lint
from dgiqa_edge.runtime.engines.tensorrt.versions import support_of
from dgiqa_edge.runtime.errors import ExportError

OLD, MIDDLE, NEW = support_of("8.5.3"), support_of("8.6.1"), support_of("10.13")


def run(model, **inputs):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def operators(model):
    return [node.op_type for node in model.graph.node]


def network(*, bias=True, eps=1e-5):
    """Pixels [1, 4, 6, 3], then a linear layer, LayerNormalization and a softmax."""
    random = np.random.default_rng(3)
    arrays = {
        "weight": random.normal(size=(3, 8)).astype(np.float32),
        "linear_bias": random.normal(size=8).astype(np.float32),
        "scale": random.normal(size=8).astype(np.float32),
        "bias": random.normal(size=8).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["frame"], ["float"], name="/Cast", to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["pixels"], name="/move", perm=[0, 2, 1, 3]),
        helper.make_node("MatMul", ["pixels", "weight"], ["linear"], name="/network/linear/MatMul"),
        helper.make_node("Add", ["linear", "linear_bias"], ["tokens"], name="/network/linear/Add"),
        helper.make_node(
            "LayerNormalization",
            ["tokens", "scale", "bias"] if bias else ["tokens", "scale"],
            ["normed"],
            name="/network/norm/LayerNormalization",
            axis=-1,
            epsilon=eps,
        ),
        helper.make_node("Softmax", ["normed"], ["score"], name="/network/softmax", axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 4, 6, 3])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 6, 4, 8])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items() if bias or name != "bias"],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model)


@pytest.fixture
def frame():
    return np.random.default_rng(5).integers(0, 256, (1, 4, 6, 3), dtype=np.uint8)


@pytest.fixture
def int8():
    model = network()
    ranges = {"pixels": TensorRange(0.0, 255.0, 0.0, 255.0)}
    return quantize(model, place(model), ranges, target_named("tensorrt")).model


@pytest.fixture
def fp16():
    model = network()
    absmax = dict.fromkeys(precision.tensors_to_observe(model, ["/network/"]), 300.0)
    return precision.to_fp16(model, ["/network/"], absmax)[0]


@pytest.mark.parametrize("kind", ["fp32", "int8", "fp16"])
@pytest.mark.parametrize("support", [OLD, MIDDLE, NEW], ids=["8.5", "8.6", "10.13"])
def test_a_prepared_graph_gives_the_same_numbers_and_breaks_no_rule(kind, support, frame, request):
    model = network() if kind == "fp32" else request.getfixturevalue(kind)
    before = model.SerializeToString(deterministic=True)
    prepared, _ = prepare(model, support)
    assert model.SerializeToString(deterministic=True) == before
    (expected,), (found,) = run(model, frame=frame), run(prepared, frame=frame)
    np.testing.assert_allclose(found, expected, atol=2e-3 if kind == "fp16" else 1e-6)
    assert lint(prepared, support.since) == ()


def test_8_5_gets_layer_normalization_as_fp32_arithmetic(fp16):
    prepared, notes = prepare(fp16, OLD)
    assert "LayerNormalization" not in operators(prepared)
    assert any("1 LayerNormalization" in note for note in notes)
    island = [node for node in prepared.graph.node if "/norm/LayerNormalization/" in node.name]
    assert [node.op_type for node in island if node.op_type != "Cast"] == [
        "ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add",
    ]  # fmt: skip
    fp32 = facts_of(prepared).fp32_tensors
    assert all(name in fp32 for node in island[1:-1] for name in node.output)


def test_8_6_keeps_layer_normalization(fp16):
    assert "LayerNormalization" in operators(prepare(fp16, MIDDLE)[0])


@pytest.mark.parametrize(("bias", "eps"), [(False, 1e-5), (True, 1e-2)])
def test_the_decomposition_keeps_epsilon_and_a_missing_bias(bias, eps, frame):
    model = network(bias=bias, eps=eps)
    np.testing.assert_allclose(run(prepare(model, OLD)[0], frame=frame)[0], run(model, frame=frame)[0], atol=1e-6)


def test_old_versions_get_float_weights_that_quantize_to_the_same_integers(int8):
    prepared, notes = prepare(int8, MIDDLE)
    assert any("1 int8 weights" in note for note in notes)
    assert not any(
        tensor.data_type == TensorProto.INT8 and len(tensor.dims) == 2 for tensor in prepared.graph.initializer
    )
    assert operators(prepared).count("QuantizeLinear") == operators(int8).count("QuantizeLinear") + 1
    weight = next(numpy_helper.to_array(t) for t in int8.graph.initializer if len(t.dims) == 2 and t.data_type == 3)
    name = next(node.output[0] for node in prepared.graph.node if node.name.endswith("/quantize"))
    prepared.graph.output.append(helper.make_tensor_value_info(name, TensorProto.INT8, weight.shape))
    stored = run(prepared, frame=np.zeros((1, 4, 6, 3), np.uint8))[-1]
    np.testing.assert_array_equal(stored, weight)


def test_new_versions_keep_int8_weights(int8):
    assert any(tensor.data_type == TensorProto.INT8 for tensor in prepare(int8, NEW)[0].graph.initializer)


def test_a_graph_that_every_parser_takes_is_left_alone():
    model = network()
    del model.graph.node[4]
    model.graph.node[4].input[0] = "tokens"
    ((since, graph, notes),) = for_every_parser(model)
    assert (since, notes) == ("8.5", ())
    assert operators(graph) == operators(model)


@pytest.mark.parametrize(
    ("kind", "since"), [("fp32", ["8.5", "8.6"]), ("fp16", ["8.5", "8.6"]), ("int8", ["8.5", "8.6", "10.0"])]
)
def test_there_is_one_graph_per_distinct_rewriting(kind, since, request):
    model = network() if kind == "fp32" else request.getfixturevalue(kind)
    forms = list(for_every_parser(model))
    assert [oldest for oldest, _, _ in forms] == since
    assert forms[-1][2] == ()
    assert operators(forms[-1][1]) == operators(model)
    assert len({graph.SerializeToString(deterministic=True) for _, graph, _ in forms}) == len(forms)


def test_a_layer_normalization_that_gives_its_mean_out_is_refused():
    model = network()
    model.graph.node[4].output.append("mean")
    with pytest.raises(ExportError, match="first output only"):
        prepare(model, OLD)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("fp32", ("fp32", False, False)), ("int8", ("int8", True, False)), ("fp16", ("fp16", False, True))],
)
def test_facts_say_what_is_written_in_the_graph(kind, expected, request):
    model = network() if kind == "fp32" else request.getfixturevalue(kind)
    facts = facts_of(model)
    assert (facts.precision, facts.has_qdq, facts.has_fp16) == expected
    assert ("linear" in facts.fp32_tensors) == (kind == "fp32")
    assert ("normed" in facts.fp32_tensors) == (kind != "fp16")
    assert facts.nodes[0] == ("/Cast", "Cast")
    assert GraphFacts.from_json(facts.to_json()) == facts


def test_quantized_layers_and_their_clamps_are_free_to_run_in_int8(int8):
    clamp = helper.make_node("Relu", ["linear"], ["clamped"], name="/clamp")
    add = next(node for node in int8.graph.node if node.name == "/network/linear/Add")
    add.input[0] = "clamped"
    nodes = list(int8.graph.node)
    nodes.insert(nodes.index(add), clamp)
    del int8.graph.node[:]
    int8.graph.node.extend(nodes)
    held = facts_of(int8).fp32_tensors
    assert not held & {"linear", "clamped"}
    assert {"tokens", "normed", "score"} <= held


def test_large_weights_do_not_hide_types():
    model = network()
    big = np.zeros((3, 3000), np.float32)
    model.graph.initializer.append(numpy_helper.from_array(big, "big"))
    model.graph.node.append(helper.make_node("MatMul", ["pixels", "big"], ["wide"], name="/wide"))
    assert "wide" in facts_of(model).fp32_tensors
