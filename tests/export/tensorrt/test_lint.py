"""Each rule of the parser that a graph can break is named with node, operator and remedy."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from dgiqa_edge.export.tensorrt.lint import check, lint
from dgiqa_edge.runtime.errors import ExportError


def model(nodes, constants=(), *, frame=TensorProto.FLOAT, shape=(1, 3, 4, 4), output=TensorProto.FLOAT, opset=17):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("frame", frame, shape)],
        [helper.make_tensor_value_info("out", output, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


ZERO, SCALE = np.int8(0), np.float32(0.1)


def node(operator, inputs, output="out", name="/the/node", **attributes):
    return helper.make_node(operator, inputs, [output], name=name, **attributes)


def qdq(zero=ZERO, scale=SCALE):
    nodes = [
        node("QuantizeLinear", ["frame", "scale", "zero"], "q", name="/the/node"),
        node("DequantizeLinear", ["q", "scale", "zero"], name="/other"),
    ]
    return nodes, [("zero", zero), ("scale", scale)]


CASES = [
    ("8.6", model([node("DFT", ["frame"])]), "DFT", "does not have this operator"),
    ("8.6", model([node("Gelu", ["frame"])], opset=17), "Gelu", "newer TensorRT"),
    ("8.5", model([node("LayerNormalization", ["frame", "frame"])]), "LayerNormalization", "8.5"),
    ("10.3", model([node("Foo", ["frame"], domain="com.microsoft")]), "com.microsoft.Foo", "plugin"),
    ("8.6", model([node("Relu", ["frame"])], opset=20), "opset", "opset 17"),
    ("8.6", model([node("Relu", ["frame"])], shape=(1, 3, "h", "w")), "input", "not fixed"),
    ("8.6", model([node("Transpose", ["frame"])], frame=TensorProto.UINT8), "Transpose", "uint8 input"),
    ("8.6", model([node("Cast", ["frame"], to=TensorProto.INT32)], frame=TensorProto.UINT8), "Cast", "uint8 input"),
    ("10.3", model(*qdq(zero=np.uint8(0))), "QuantizeLinear", "--backend tensorrt"),
    ("10.3", model(*qdq(zero=np.int8(3))), "QuantizeLinear", "zero point is not 0"),
    ("10.3", model(*qdq(scale=np.float32(0))), "QuantizeLinear", "not positive"),
    ("10.3", model([node("QuantizeLinear", ["frame", "s"])], [("s", np.float32(1))]), "QuantizeLinear", "zero point"),
    (
        "10.3",
        model(*qdq(zero=np.zeros(3, np.int8), scale=np.ones(3, np.float32))),
        "QuantizeLinear",
        "per channel",
    ),
    (
        "8.6",
        model(
            [node("DequantizeLinear", ["w", "s", "z"], "f"), node("Add", ["frame", "f"], name="/add")],
            [("w", np.ones((4, 4), np.int8)), ("s", np.float32(1)), ("z", np.int8(0))],
        ),
        "DequantizeLinear",
        "int8 weight",
    ),
    (
        "10.3",
        model(
            [node("DequantizeLinear", ["b", "s", "z"], "f"), node("Add", ["frame", "f"], name="/add")],
            [("b", np.ones(4, np.int32)), ("s", np.float32(1)), ("z", np.int8(0))],
        ),
        "DequantizeLinear",
        "int32 bias",
    ),
    (
        "10.3",
        model([node("Cast", ["frame"], "levels", to=TensorProto.UINT8), node("Relu", ["levels"], name="/r")]),
        "Cast",
        "inputs and outputs only",
    ),
    (
        "8.6",
        model([node("Resize", ["frame", "", "s"], mode="cubic")], [("s", np.ones(4, np.float32))]),
        "Resize",
        "cubic",
    ),
]


@pytest.mark.parametrize(("version", "graph", "operator", "words"), CASES)
def test_a_broken_rule_is_named(version, graph, operator, words):
    findings = [finding for finding in lint(graph, version) if finding.operator == operator and finding.blocking]
    assert any(words in str(finding) for finding in findings), lint(graph, version)
    with pytest.raises(ExportError, match=f"TensorRT {version} cannot parse the graph: node"):
        check(graph, version)


@pytest.mark.parametrize("version", ["8.5", "8.6", "10.3", "11.0"])
def test_a_sound_graph_has_no_finding(version):
    nodes, constants = qdq()
    assert lint(model(nodes, constants), version) == ()
    cast = [node("Cast", ["frame"], "pixels", to=TensorProto.FLOAT), node("Cast", ["pixels"], to=TensorProto.UINT8)]
    assert lint(model(cast, frame=TensorProto.UINT8, output=TensorProto.UINT8), version) == ()


def test_what_only_a_newer_parser_can_tell_does_not_block():
    (finding,) = check(model([node("DFT", ["frame"])]), "10.13")
    assert not finding.blocking
    assert "the parser decides" in str(finding)


def test_the_message_shows_some_and_counts_the_rest():
    nodes = [node("DFT", ["frame"], f"out{index}", name=f"/dft{index}") for index in range(5)]
    with pytest.raises(ExportError, match=r"/dft0.*/dft2.*2 more"):
        check(model(nodes), "8.6")
