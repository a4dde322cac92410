"""Equalized graphs give what they gave, on grids that serve every channel; what cannot be equalized stays as it is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from dgiqa_edge.calibration.int8.equalize import MOST, Equalized, balanced, equalizable, equalize, observe_peaks
from dgiqa_edge.calibration.int8.observers import MinMax
from dgiqa_edge.calibration.int8.placement import place
from dgiqa_edge.calibration.int8.quantize import quantize
from dgiqa_edge.calibration.int8.ranges import observe_ranges
from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.runtime.errors import CalibrationError

ROWS, CHANNELS, INNER = 12, 16, 24
LOUD = 40.0
"""How much larger one channel of the norm is than the others."""
SPOILS = ("norm is added", "norm is an output", "norm's constant", "weights", "reshape mixes channels")
"""What keeps the norm from being equalized; the GELU stays equalizable."""


@pytest.fixture
def transformer(builder):
    """A frame's tokens through a norm, two products, a gate that ends in a scalar product, and a third product."""

    def build(spoil: str = "") -> onnx.ModelProto:
        gain, bias = np.ones(CHANNELS, np.float32), np.zeros(INNER, np.float32)
        gain[3], bias[5] = LOUD, 30.0
        tokens = builder.node("Cast", ["frame"], "/cast", to=TensorProto.FLOAT)
        scale, centre = builder.constant("norm.weight", gain), builder.constant("norm.bias", 0.1 * gain)
        norm = builder.node("LayerNormalization", [tokens, scale, centre], "/network/norm", axis=-1)
        branch = builder.node("MatMul", [norm, builder.weight("q", CHANNELS, CHANNELS)], "/network/q/MatMul")
        seen = norm
        if spoil == "reshape mixes channels":
            turned = builder.node("Transpose", [norm], "/network/turned", perm=[0, 2, 1])
            seen = builder.node("Reshape", [turned, builder.shape("mixed", 1, ROWS, CHANNELS)], "/network/mixed")
        flat = builder.node("Reshape", [seen, builder.shape("flat", ROWS, CHANNELS)], "/network/flat")
        fc1 = [flat, builder.weight("fc1", INNER, CHANNELS), builder.constant("fc1.bias", bias)]
        wide = builder.node("Gemm", fc1, "/network/fc1/Gemm", transB=1)
        gate = builder.node("Sigmoid", [wide], "/network/gate")
        gated = builder.node("Mul", [wide, gate], "/network/gated")
        half = builder.node("Mul", [gated, builder.constant("half", np.array(0.5, np.float32))], "/network/half")
        out = builder.node("MatMul", [half, builder.weight("fc2", INNER, CHANNELS)], "/network/fc2/MatMul")
        other = {"norm is added": norm, "norm's constant": scale}.get(spoil)
        if spoil == "weights":
            other = builder.node("MatMul", [out, "q"], "/network/spoil/MatMul")
        if spoil == "scalar":
            other = builder.node("Mul", [branch, "half"], "/network/spoil/Mul")
        total = builder.node("Add", [out, branch], "/network/add", output=None if other else "total")
        if other:
            total = builder.node("Add", [total, other], "/network/spoil", output="total")
        outputs = [total, norm] if spoil == "norm is an output" else [total]
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, ROWS, CHANNELS]) for name in outputs]
        return builder.model([helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, ROWS, CHANNELS])], infos)

    return build


@pytest.fixture
def tokens() -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (1, ROWS, CHANNELS), dtype=np.uint8) for _ in range(4)]


def run(model: onnx.ModelProto, frames: list[np.ndarray], tensor: str = "total") -> np.ndarray:
    seen = onnx.ModelProto()
    seen.CopyFrom(model)
    if tensor not in {output.name for output in seen.graph.output}:
        seen.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(seen.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.stack([session.run([tensor], {"frame": frame})[0] for frame in frames])


def equalized(model: onnx.ModelProto, frames: list[np.ndarray], folder: Path) -> onnx.ModelProto:
    onnx.save(model, str(folder / "model.onnx"))
    groups = equalizable(model, place(model))
    peaks = observe_peaks(folder / "model.onnx", groups, frames, threads=1)
    known = balanced(model, groups, peaks)
    assert tuple(map(Equalized.from_json, json.loads(json.dumps([group.to_json() for group in known])))) == known
    return equalize(model, known)


def test_what_a_norm_and_a_gelu_give_to_products_can_be_equalized(transformer):
    model = transformer()
    norm, gelu = equalizable(model, place(model))
    assert norm.makers == ("norm.weight", "norm.bias")
    assert norm.weights == (("q", False), ("fc1", True))
    assert norm.tensors == ("/network/norm_output_0", "/network/flat_output_0")
    assert norm.channels == CHANNELS
    assert (gelu.makers, gelu.weights, gelu.channels) == (("half",), (("fc2", False),), INNER)


def test_an_equalized_graph_gives_the_same_in_float_from_channels_of_like_size(transformer, tokens, tmp_path):
    model = transformer()
    nodes = len(model.graph.node)
    result = equalized(model, tokens, tmp_path)
    before, after = run(model, tokens), run(result, tokens)
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()
    assert len(result.graph.node) == nodes
    for tensor in ("/network/norm_output_0", "/network/half_output_0"):
        shares = []
        for graph in (model, result):
            values = np.abs(run(graph, tokens, tensor))
            peaks = values.max(axis=tuple(range(values.ndim - 1)))
            shares.append(peaks.max() / np.median(peaks))
        assert shares[1] < 0.6 * shares[0], tensor


def test_int8_is_nearer_to_float_after_it(transformer, tokens, tmp_path):
    model = transformer()
    errors = []
    for graph in (model, equalized(model, tokens, tmp_path)):
        file = tmp_path / "observed.onnx"
        onnx.save(graph, str(file))
        placement = place(graph)
        ranges = observe_ranges(file, placement.tensors_to_observe(), tokens, MinMax(), threads=1)
        integer = quantize(graph, placement, ranges, target_named("onnxruntime")).model
        errors.append(np.abs(run(integer, tokens) - run(model, tokens)).mean())
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize("spoil", SPOILS)
def test_what_something_else_reads_is_left_alone(transformer, tokens, tmp_path, spoil):
    model = transformer(spoil)
    assert [group.makers for group in equalizable(model, place(model))] == [("half",)]
    before, after = run(model, tokens), run(equalized(model, tokens, tmp_path), tokens)
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()


def test_products_that_stay_float_are_no_reason_to_equalize(transformer):
    model = transformer()
    placement = place(model)
    without = replace(placement, nodes=tuple(node for node in placement.nodes if node.weight == "fc2"))
    assert [group.makers for group in equalizable(model, without)] == [("half",)]


def test_a_scalar_of_several_gates_is_not_changed_for_the_others(transformer, tokens, tmp_path):
    model = transformer("scalar")
    result = equalized(model, tokens, tmp_path)
    before, after = run(model, tokens), run(result, tokens)
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in result.graph.initializer}
    assert constants["half"] == pytest.approx(0.5)
    own = constants["/network/half_output_0/equalized"]
    assert own.shape == (INNER,)
    exponents = np.log2(0.5 / own)
    assert np.array_equal(exponents, np.round(exponents))
    assert -MOST <= exponents.min() < 0 < exponents.max() <= MOST


def test_weights_of_two_passes_are_changed_once_by_what_both_showed(builder, tokens, tmp_path):
    """`edge` runs one encoder on the whole view and on crops."""
    cast = builder.node("Cast", ["frame"], "/cast", to=TensorProto.FLOAT)
    gain = np.linspace(1.0, 9.0, CHANNELS).astype(np.float32)
    constants = [builder.constant("scale", gain), builder.constant("centre", gain)]
    weight = builder.weight("q", CHANNELS, CHANNELS)
    twice = builder.node("Mul", [cast, cast], "/square")
    passes = []
    for name, source in (("whole", cast), ("crop", twice)):
        norm = builder.node("LayerNormalization", [source, *constants], f"/network/{name}/norm", axis=-1)
        passes.append(builder.node("MatMul", [norm, weight], f"/network/{name}/MatMul"))
    builder.node("Add", passes, "/network/add", output="total")
    info = helper.make_tensor_value_info
    shape = [1, ROWS, CHANNELS]
    model = builder.model([info("frame", TensorProto.UINT8, shape)], [info("total", TensorProto.FLOAT, shape)])
    (group,) = equalizable(model, place(model))
    assert len(group.tensors) == 2
    before, after = run(model, tokens), run(equalized(model, tokens, tmp_path), tokens)
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()


def test_what_is_done_to_another_graph_is_passed_over(transformer, tokens, tmp_path):
    model = transformer()
    groups = equalizable(model, place(model))
    peaks = {tensor: np.ones(group.channels, np.float32) for group in groups for tensor in group.tensors}
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    other = helper.make_model(helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "other", info[:1], info[1:]))
    assert equalize(other, balanced(model, groups, peaks)) == other


def test_without_frames_there_is_nothing_to_go_by(transformer, tmp_path):
    with pytest.raises(CalibrationError, match="no calibration frame"):
        equalized(transformer(), [], tmp_path)
