"""Which nodes between convolutions compute in INT8, and that ONNX Runtime fuses every one of them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dgiqa_edge.calibration.int8.observers import MinMax
from dgiqa_edge.calibration.int8.placement import KeptFloat, place
from dgiqa_edge.calibration.int8.quantize import quantize
from dgiqa_edge.calibration.int8.ranges import observe_ranges
from dgiqa_edge.calibration.int8.targets import target_named

from ..conftest import GraphBuilder

TARGET = target_named("onnxruntime")


def residual(b, enlarge: str = "nearest") -> onnx.ModelProto:
    """Two residual blocks of convolutions, and a coarser map enlarged and added: a trunk and a pyramid in small."""

    def conv(x: str, name: str, kernel: int = 1, stride: int = 1) -> str:
        weights = [b.weight(f"{name}.weight", 16, 16, kernel, kernel), b.weight(f"{name}.bias", 16)]
        options = {"pads": [kernel // 2] * 4, "strides": [stride, stride]}
        return b.node("Conv", [x, *weights], f"/network/{name}/Conv", **options)

    low, high = b.constant("low", np.array(0, np.float32)), b.constant("high", np.array(6, np.float32))
    x = b.node("Cast", ["frame"], "/Cast", to=TensorProto.FLOAT)
    x = b.node("Div", [x, b.constant("levels", np.array(255, np.float32))], "/Div")
    x = b.node("Clip", [conv(x, "first", 3), low, high], "/network/first/Clip")
    for block in ("one", "two"):
        inner = b.node("Clip", [conv(x, f"{block}/widen"), low, high], f"/network/{block}/Clip")
        x = b.node("Add", [x, conv(inner, f"{block}/narrow", 3)], f"/network/{block}/Add")
    scales = b.constant("scales", np.array([1, 1, 2, 2], np.float32))
    coarse = conv(x, "coarse", 3, stride=2)
    large = b.node("Resize", [coarse, "", scales], "/network/Resize", mode=enlarge)
    x = b.node("Add", [large, conv(x, "lateral")], "/network/Add")
    x = conv(x, "last", 3)
    b.node("ReduceMean", [x], "/network/ReduceMean", output="score", axes=[1, 2, 3], keepdims=0)
    frame = helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 16, 16, 16])
    return b.model([frame], [helper.make_tensor_value_info("score", TensorProto.FLOAT, [1])])


@pytest.fixture
def lowered(tmp_path):
    """From keywords of ``residual`` to the FP32 graph, its placement and its ranges."""

    def make(**options):
        model = residual(GraphBuilder(), **options)
        onnx.save(model, tmp_path / "fp32.onnx")
        placement = place(model, kept_float=())
        random = np.random.default_rng(1)
        frames = [random.integers(0, 256, (1, 16, 16, 16), np.uint8) for _ in range(4)]
        tensors = placement.tensors_to_observe()
        return model, placement, observe_ranges(tmp_path / "fp32.onnx", tensors, frames, MinMax(), threads=1)

    return make


def optimized(model: onnx.ModelProto, file) -> Counter:
    """Operators that ONNX Runtime runs, by name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(file), 3
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(file).graph.node)


def test_sums_of_convolutions_are_placed_and_take_a_range_of_their_own(lowered):
    _, placement, ranges = lowered()
    assert placement.sums == ("/network/one/Add_output_0", "/network/two/Add_output_0", "/network/Add_output_0")
    assert set(placement.sums) <= set(ranges)


def test_between_the_first_and_the_last_convolution_nothing_is_left_in_float(lowered, tmp_path):
    model, placement, ranges = lowered()
    kernels = optimized(quantize(model, placement, ranges, TARGET).model, tmp_path / "optimized.onnx")
    assert kernels["QLinearConv"] == 8
    assert kernels["QLinearAdd"] == 3
    assert kernels["Conv"] == kernels["Add"] == kernels["Clip"] == 0
    assert (kernels["QuantizeLinear"], kernels["DequantizeLinear"]) == (1, 1)  # in at the first, out at the last
    # Kernels want channels last: in at the first, out at the last, and around the enlargement.
    assert kernels["Transpose"] <= 4


def test_an_enlargement_has_its_inputs_grid(lowered):
    model, placement, ranges = lowered()
    made = quantize(model, placement, ranges, TARGET).model
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in made.graph.initializer}
    for part in ("scale", "zero_point"):
        assert values[f"/network/coarse/Conv_output_0/{part}"] == values[f"/network/Resize_output_0/{part}"]
    add = next(node for node in made.graph.node if node.name == "/network/Add")
    assert add.input[0] == "/network/Resize_output_0/dequantized"


def test_an_enlargement_that_mixes_values_stays_float_and_so_does_the_sum_behind_it(lowered):
    _, placement, _ = lowered(enlarge="linear")
    assert placement.sums == ("/network/one/Add_output_0", "/network/two/Add_output_0")


def test_a_standing_rule_leaves_a_sum_in_float():
    rule = KeptFloat("*/two/Add", "for the test")
    sums = place(residual(GraphBuilder()), kept_float=(rule,)).sums
    assert sums == ("/network/one/Add_output_0", "/network/Add_output_0")


def test_a_sum_with_a_float_addend_stays_float(lowered):
    """As where a mixed rung keeps a block in float."""
    model, placement, ranges = lowered()
    nodes = tuple(node for node in placement.nodes if node.name != "/network/one/narrow/Conv")
    made = quantize(model, replace(placement, nodes=nodes), ranges, TARGET).model
    names = {node.name for node in made.graph.node}
    assert "/network/one/Add_output_0/QuantizeLinear" in names  # the next convolution reads it
    add = next(node for node in made.graph.node if node.name == "/network/two/Add")
    assert add.input[0] == "/network/one/Add_output_0"  # in float


def test_targets_that_fuse_sums_themselves_get_no_pair_for_them(lowered):
    model, placement, ranges = lowered()
    made = quantize(model, placement, ranges, target_named("tensorrt")).model
    add = next(node for node in made.graph.node if node.name == "/network/Add")
    assert not any(name.endswith("/dequantized") for name in add.input)
