"""A small frame graph with every feature the calibration room must tell apart, as an ONNX file.

Two networks in scopes, a constant matrix product before and between them, a residual addition, attention,
a LayerNormalization, and one node whose scope the simplifier has dropped.
"""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

SIDE = 16


class GraphBuilder:
    """Appends nodes and constants; ``node`` returns the output's name."""

    def __init__(self, seed: int = 0) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.random = np.random.default_rng(seed)

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str, *shape: int) -> str:
        fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
        return self.constant(name, (self.random.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))

    def node(self, op: str, inputs: list[str], name: str, output: str | None = None, **attributes: object) -> str:
        output = output or f"{name}_output_0"
        self.nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        return output

    def shape(self, name: str, *dims: int) -> str:
        return self.constant(name, np.array(dims, np.int64))

    def model(
        self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto], opset: int = 17
    ) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, "frame_graph", inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


def frame_graph_model() -> onnx.ModelProto:
    """uint8 [1, 16, 16, 3] -> score [1], crop_scores [1, 2], depth uint8 [1, 16, 16]."""
    b = GraphBuilder()
    x = b.node("Cast", ["frame"], "/Cast", to=TensorProto.FLOAT)
    x = b.node("Transpose", [x], "/Transpose", perm=[0, 3, 1, 2])
    x = b.node("Div", [x, b.constant("levels", np.array(255, np.float32))], "/Div")
    x = b.node("MatMul", [x, b.weight("resize", SIDE, SIDE)], "/resize/MatMul")

    stem = b.node(
        "Conv",
        [x, b.weight("depth_net.stem.weight", 8, 3, 3, 3), b.weight("depth_net.stem.bias", 8)],
        "/depth_net/stem/Conv",
        pads=[1, 1, 1, 1],
    )
    stem = b.node("Relu", [stem], "/depth_net/stem/Relu")
    branch = b.node(
        "Conv",
        [stem, b.weight("depth_net.branch.weight", 8, 8, 3, 3), b.weight("depth_net.branch.bias", 8)],
        "/depth_net/branch/Conv",
        pads=[1, 1, 1, 1],
    )
    y = b.node("Add", [stem, branch], "/depth_net/Add")
    y = b.node("Reshape", [y, b.shape("tokens_shape", 1, 8, SIDE * SIDE)], "/depth_net/Reshape")
    tokens = b.node("Transpose", [y], "/depth_net/Transpose", perm=[0, 2, 1])
    normed = b.node(
        "LayerNormalization",
        [
            tokens,
            b.constant("ln.weight", np.ones(8, np.float32)),
            b.constant("ln.bias", np.zeros(8, np.float32)),
        ],
        "/depth_net/norm/LayerNormalization",
    )
    projections = []
    for letter in "qkv":
        product = b.node(
            "MatMul", [normed, b.weight(f"depth_net.{letter}.weight", 8, 8)], f"/depth_net/{letter}/MatMul"
        )
        projections.append(
            b.node("Add", [product, b.weight(f"depth_net.{letter}.bias", 8)], f"/depth_net/{letter}/Add")
        )
    keys = b.node("Transpose", [projections[1]], "/depth_net/Transpose_1", perm=[0, 2, 1])
    attention = b.node("MatMul", [projections[0], keys], "/depth_net/MatMul")
    attention = b.node("Softmax", [attention], "/depth_net/Softmax", axis=-1)
    mixed = b.node("MatMul", [attention, projections[2]], "/depth_net/MatMul_1")
    flat = b.node("Reshape", [mixed, b.shape("flat_shape", SIDE * SIDE, 8)], "Reshape_3", output="_v_1")
    flat = b.node(
        "Gemm",
        [flat, b.weight("onnx::MatMul_9", 8, 8), b.weight("depth_net.o.bias", 8)],
        "Gemm_4",
        output="_v_2",
    )
    y = b.node("Reshape", [flat, b.shape("back_shape", 1, SIDE * SIDE, 8)], "Reshape_5", output="_v_3")
    y = b.node("Add", [tokens, y], "/depth_net/Add_1")
    y = b.node("MatMul", [y, b.weight("depth_net.head.weight", 8, 1)], "/depth_net/head/MatMul")
    y = b.node("Reshape", [y, b.shape("map_shape", 1, SIDE, SIDE)], "/depth_net/Reshape_1")

    between = b.node("MatMul", [y, b.weight("upsample", SIDE, SIDE)], "MatMul_6", output="_v_4")
    least = b.node("ReduceMin", [between], "/ReduceMin", keepdims=1)
    most = b.node("ReduceMax", [between], "/ReduceMax", keepdims=1)
    span = b.node("Sub", [most, least], "/Sub")
    rest = b.node("Sub", [between, least], "/Sub_1")
    unit = b.node("Div", [rest, span], "/Div_1")
    grey = b.node("Mul", [unit, "levels"], "/Mul")
    b.node("Cast", [grey], "/Cast_1", output="depth", to=TensorProto.UINT8)

    z = b.node("Reshape", [unit, b.shape("row_shape", 1, SIDE * SIDE)], "/quality_net/Reshape")
    z = b.node(
        "Gemm",
        [z, b.weight("quality_net.fc1.weight", 8, SIDE * SIDE), b.weight("quality_net.fc1.bias", 8)],
        "/quality_net/fc1/Gemm",
        transB=1,
    )
    z = b.node("Relu", [z], "/quality_net/Relu")
    z = b.node(
        "Gemm",
        [z, b.weight("quality_net.fc2.weight", 8, 2), b.weight("quality_net.fc2.bias", 2)],
        "/quality_net/fc2/Gemm",
    )
    b.node("Sigmoid", [z], "/quality_net/Sigmoid", output="crop_scores")
    b.node("ReduceMean", ["crop_scores"], "/ReduceMean", output="score", axes=[1], keepdims=0)
    return b.model(
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, SIDE, SIDE, 3])],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, [1]),
            helper.make_tensor_value_info("crop_scores", TensorProto.FLOAT, [1, 2]),
            helper.make_tensor_value_info("depth", TensorProto.UINT8, [1, SIDE, SIDE]),
        ],
    )


@pytest.fixture()
def builder() -> GraphBuilder:
    return GraphBuilder()


@pytest.fixture(scope="session")
def frame_graph() -> onnx.ModelProto:
    return frame_graph_model()


@pytest.fixture(scope="session")
def frame_graph_file(frame_graph: onnx.ModelProto, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graphs") / "frame_graph.onnx"
    onnx.save(frame_graph, str(path))
    return path


@pytest.fixture(scope="session")
def frames() -> list[np.ndarray]:
    """Five smooth frames with noise, uint8 [1, 16, 16, 3]."""
    random = np.random.default_rng(7)
    ramp = np.linspace(0, 1, SIDE)
    made = []
    for _ in range(5):
        picture = 120 * np.outer(ramp, random.permutation(ramp))[..., None] + random.uniform(0, 135, (SIDE, SIDE, 3))
        made.append(picture.astype(np.uint8)[np.newaxis])
    return made
