"""Levels of the frame that stay bytes: what is rewritten, and that every number stays what it was."""

from collections.abc import Mapping

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from dgiqa_edge.calibration.int8.whole_levels import keep_whole, multiples
from dgiqa_edge.export.networks.views import shrink_matrix


@given(st.integers(1, 200), st.integers(1, 127))
def test_matrices_that_shrink_by_area_are_whole_multiples(source, destination):
    """q outputs of p inputs: every weight is a whole number of p-ths, at most q of them."""
    matrix = shrink_matrix(source, min(source, destination)).T
    whole, steps = multiples(matrix)
    assert np.abs(whole * steps.astype(np.float64) - matrix).max() < 1e-6
    assert whole.dtype == np.int8 and whole.min() >= 0


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[1.0], [0.123456]], np.float32),
        np.array([[1.0], [1 / 128]], np.float32),  # one step too small
        shrink_matrix(683, 128).T,
    ],
    ids=["no common step", "more than 127 steps", "128 outputs of 683 inputs"],
)
def test_others_are_left_alone(matrix):
    assert multiples(matrix) is None


def test_a_column_of_zeros_is_a_multiple_of_anything():
    whole, steps = multiples(np.array([[0.0, -0.5], [0.0, 0.25]], np.float32))
    assert whole.tolist() == [[0, -2], [0, 1]] and steps.tolist() == [1.0, 0.25]


def graph(matrix: np.ndarray, order: str = "left", shown: Mapping[str, list[int]] | None = None) -> onnx.ModelProto:
    """frame uint8 [1, 4, 6, 3] -> a product with ``matrix`` [18, n], the corner's planes, and the frame's mean.

    ``shown``: shapes of inner tensors that are outputs too.
    """
    given_first = ["wide", "matrix"] if order == "left" else ["matrix", "wide"]
    nodes = [
        helper.make_node("Cast", ["frame"], ["levels"], name="/Cast", to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["levels", "shape"], ["wide"], name="/Reshape"),
        helper.make_node("MatMul", given_first, ["product"], name="/MatMul"),
        helper.make_node("Slice", ["levels", "zeros", "twos", "axes"], ["corner"], name="/Slice"),
        helper.make_node("Transpose", ["corner"], ["planes"], name="/Transpose", perm=[0, 3, 1, 2]),
        helper.make_node("Neg", ["planes"], ["negative"], name="/Neg"),
        helper.make_node("ReduceMean", ["levels"], ["mean"], name="/ReduceMean", keepdims=0),
    ]
    constants = {
        "shape": np.array([4, 18]),
        "zeros": np.array([0, 0]),
        "twos": np.array([2, 2]),
        "axes": np.array([1, 2]),
    }
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in {"product": ["r", "c"], "negative": [1, 3, 2, 2], "mean": [], **(shown or {})}.items()
    ]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "levels",
            [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 4, 6, 3])],
            outputs,
            [
                numpy_helper.from_array(np.asarray(value), name)
                for name, value in {**constants, "matrix": matrix}.items()
            ],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def outputs(model: onnx.ModelProto, *, in_integers: bool = False) -> list[np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if not in_integers:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    frame = np.random.default_rng(3).integers(0, 256, (1, 4, 6, 3), np.uint8)
    return session.run(None, {"frame": frame})


EXACT = np.kron(shrink_matrix(6, 4).T, np.eye(3, dtype=np.float32))


@pytest.mark.parametrize("unsigned", [True, False])
@pytest.mark.parametrize("in_integers", [True, False])
def test_every_number_stays(unsigned, in_integers):
    before, model = outputs(graph(EXACT)), graph(EXACT)
    assert keep_whole(model, unsigned_weights=unsigned) == {"product"}
    onnx.checker.check_model(model, full_check=True)
    product, negative, mean = outputs(model, in_integers=in_integers)
    np.testing.assert_allclose(product, before[0], rtol=1e-6)
    np.testing.assert_array_equal(negative, before[1])
    np.testing.assert_array_equal(mean, before[2])


def test_what_moves_levels_moves_bytes_and_a_product_reads_bytes():
    model = graph(EXACT)
    keep_whole(model, unsigned_weights=True)
    inferred = onnx.shape_inference.infer_shapes(model).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in inferred.value_info}
    assert {name for name, kind in kinds.items() if kind == TensorProto.UINT8} == {
        "wide/levels",
        "corner/levels",
        "planes/levels",
    }
    nodes = {node.name: node for node in model.graph.node}
    # Floats take the names they have in the graph that this one was made from: by them `debug` compares.
    assert list(nodes["/MatMul"].input) == ["wide/dequantized", "/MatMul/weight/dequantized"]
    assert list(nodes["/Neg"].input) == ["planes"]
    assert list(nodes["/ReduceMean"].input) == ["levels"]
    assert "matrix" not in {tensor.name for tensor in model.graph.initializer}


@pytest.mark.parametrize(
    "shown",
    [{"levels": [1, 4, 6, 3]}, {"wide": [4, 18]}, {"corner": [1, 2, 2, 3]}, {"planes": [1, 3, 2, 2]}],
    ids=lambda shown: next(iter(shown)),
)
def test_what_is_moved_and_shown_as_an_output_stays_as_it_is(shown):
    before, model = outputs(graph(EXACT, shown=shown)), graph(EXACT, shown=shown)
    keep_whole(model, unsigned_weights=True)
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_array_equal(outputs(model)[3], before[3])


def test_a_cast_to_another_type_stays_what_it_is():
    model = graph(EXACT)
    cast = next(node for node in model.graph.node if node.op_type == "Cast")
    cast.attribute[0].i = TensorProto.DOUBLE
    before = model.SerializeToString()
    assert keep_whole(model, unsigned_weights=True) == set()
    assert model.SerializeToString() == before


@pytest.mark.parametrize(
    ("matrix", "order"),
    [
        (np.random.default_rng(0).standard_normal((18, 2)).astype(np.float32), "left"),
        (np.ones((3, 4), np.float32), "right"),  # levels on the right: no column of theirs has a step
    ],
)
def test_a_product_that_would_not_be_exact_reads_floats(matrix, order):
    before, model = outputs(graph(matrix, order)), graph(matrix, order)
    assert keep_whole(model, unsigned_weights=True) == set()
    for given_before, given_now in zip(before, outputs(model), strict=True):
        np.testing.assert_array_equal(given_before, given_now)
