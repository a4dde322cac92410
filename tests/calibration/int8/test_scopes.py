import pytest
from onnx import TensorProto, helper

from dgiqa_edge.calibration.int8.scopes import network_scopes

SCOPES = ("/depth_net/", "/quality_net/")


def chain(*names: str):
    """A graph of Relu nodes in a row, named so; only the first and last tensors have other names."""
    tensors = ["x", *(f"t{index}" for index in range(len(names)))]
    nodes = [
        helper.make_node("Relu", [tensors[index]], [tensors[index + 1]], name=name) for index, name in enumerate(names)
    ]
    value = helper.make_tensor_value_info
    return helper.make_graph(
        nodes, "chain", [value("x", TensorProto.FLOAT, [1])], [value(tensors[-1], TensorProto.FLOAT, [1])]
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["/depth_net/a", "Gemm_4", "/depth_net/b"], ["/depth_net/"] * 3),
        (["/depth_net/a", "Reshape_3", "Gemm_4", "Reshape_5", "/depth_net/b"], ["/depth_net/"] * 5),
        (["/depth_net/a", "MatMul_1", "/quality_net/b"], ["/depth_net/", None, "/quality_net/"]),
        (["MatMul_1", "/depth_net/a"], [None, "/depth_net/"]),
        (["/depth_net/a", "MatMul_1"], ["/depth_net/", None]),
        (["/depth_net/a", "/resize/MatMul", "/depth_net/b"], ["/depth_net/", None, "/depth_net/"]),
        (
            ["/depth_net/a", "/resize/MatMul", "Gemm_1", "/depth_net/b"],
            ["/depth_net/", None, None, "/depth_net/"],
        ),
        (["/depth_network/a", "/other/b"], [None, None]),
    ],
)
def test_scope_of_nodes_in_a_row(names, expected):
    assert network_scopes(chain(*names), SCOPES) == expected


def test_a_node_reached_from_both_networks_belongs_to_neither():
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Relu", ["x"], ["d"], name="/depth_net/a"),
            helper.make_node("Relu", ["x"], ["q"], name="/quality_net/a"),
            helper.make_node("Add", ["d", "q"], ["s"], name="Add_1"),
            helper.make_node("Relu", ["s"], ["d2"], name="/depth_net/b"),
            helper.make_node("Relu", ["s"], ["q2"], name="/quality_net/b"),
        ],
        "fork",
        [value("x", TensorProto.FLOAT, [1])],
        [value("d2", TensorProto.FLOAT, [1]), value("q2", TensorProto.FLOAT, [1])],
    )
    assert network_scopes(graph, SCOPES)[2] is None


def test_a_nameless_node_is_known_by_its_output():
    graph = chain("/depth_net/a")
    graph.node[0].name = ""
    graph.node[0].output[0] = "/quality_net/out"
    assert network_scopes(graph, SCOPES) == ["/quality_net/"]
