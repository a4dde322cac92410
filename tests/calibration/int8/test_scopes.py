"""Networks and blocks: which path names one, and where a layer belongs whose name was lost in simplifying."""

import pytest
from onnx import TensorProto, helper

from dgiqa_edge.calibration.int8.placement import DEFAULT_SCOPES, place
from dgiqa_edge.calibration.int8.scopes import blocks_of, network_scopes, node_blocks

SCOPES = ("/depth_net/", "/quality_net/")
NETWORK = ("/network/",)


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


def row_of_blocks(names, inputs=None):
    """Blocks of Relu nodes one after the other."""
    nodes = [helper.make_node("Relu", [f"t{n}"], [f"t{n + 1}"], name=name) for n, name in enumerate(names)]
    ends = [helper.make_tensor_value_info(f"t{n}", TensorProto.FLOAT, [1]) for n in (0, len(names))]
    return node_blocks(helper.make_graph(nodes, "g", ends[:1], ends[1:]), NETWORK)


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("/network/trunk/blocks.3/expand/expand.0/Conv", "network/trunk/blocks.3"),
        ("/network/trunk/blocks.3/expand/expand.0_1/Conv", "network/trunk/blocks.3"),
        ("/network/backbone/layers_2/blocks.10/attn/MatMul_3", "network/backbone/layers_2/blocks.10"),
        ("/network/backbone/layers_1/downsample/reduction/MatMul", "network/backbone/layers_1"),
        ("/network/tcb1/attention/attention.0/Conv", "network/tcb1/attention"),
        ("/network/dilated_stack/dilated_stack.3/Conv", "network/dilated_stack"),
        ("/network/depth_head/projects.1/Conv", "network/depth_head/projects.1"),
        ("/network/head/Conv", "network/head"),
        ("/network/a/b/c/d/Conv", "network/a/b"),
    ],
)
def test_a_path_names_its_block(path, block):
    assert row_of_blocks([path]) == [block]


def test_a_nameless_layer_joins_the_block_around_it():
    names = ["/network/a/blocks.0/x/Relu", "/network/Gemm_1", "/network/a/blocks.0/y/Relu", "/network/z/z/Relu"]
    assert row_of_blocks(names)[1] == "network/a/blocks.0"


def test_between_two_blocks_a_layer_joins_the_one_it_feeds():
    names = ["/network/a/blocks.0/Relu", "/network/Gemm_1", "/network/Reshape_2", "/network/a/blocks.1/norm/Relu"]
    assert row_of_blocks(names)[1:3] == ["network/a/blocks.1"] * 2


def test_at_the_end_a_layer_joins_the_block_that_feeds_it_and_outside_there_is_none():
    names = ["/Cast", "/network/a/blocks.0/Relu", "/network/Gemm_1"]
    assert row_of_blocks(names) == ["", *["network/a/blocks.0"] * 2]


def test_every_placed_layer_is_in_exactly_one_block(frame_graph):
    placement = place(frame_graph)
    blocks = blocks_of(frame_graph.graph, placement.outputs, DEFAULT_SCOPES)
    outputs = [output for group in blocks.values() for output in group]
    assert sorted(outputs) == sorted(placement.outputs)
    assert "quality_net/fc2" in blocks
    assert {"depth_net/q", "depth_net/k", "depth_net/v"} <= set(blocks)
