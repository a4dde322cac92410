"""Blocks: which path names one, and where a layer belongs whose name was lost in simplifying."""

import pytest
from onnx import TensorProto, helper

from dgiqa_edge.calibration.int8.blocks import blocks_of, node_blocks
from dgiqa_edge.calibration.int8.placement import DEFAULT_SCOPES, place

SCOPES = ("/network/",)


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
    assert chain([path]) == [block]


def chain(names, inputs=None):
    """Blocks of Relu nodes one after the other."""
    nodes = [helper.make_node("Relu", [f"t{n}"], [f"t{n + 1}"], name=name) for n, name in enumerate(names)]
    ends = [helper.make_tensor_value_info(f"t{n}", TensorProto.FLOAT, [1]) for n in (0, len(names))]
    return node_blocks(helper.make_graph(nodes, "g", ends[:1], ends[1:]), SCOPES)


def test_a_nameless_layer_joins_the_block_around_it():
    names = ["/network/a/blocks.0/x/Relu", "/network/Gemm_1", "/network/a/blocks.0/y/Relu", "/network/z/z/Relu"]
    assert chain(names)[1] == "network/a/blocks.0"


def test_between_two_blocks_a_layer_joins_the_one_it_feeds():
    names = ["/network/a/blocks.0/Relu", "/network/Gemm_1", "/network/Reshape_2", "/network/a/blocks.1/norm/Relu"]
    assert chain(names)[1:3] == ["network/a/blocks.1"] * 2


def test_at_the_end_a_layer_joins_the_block_that_feeds_it_and_outside_there_is_none():
    assert chain(["/Cast", "/network/a/blocks.0/Relu", "/network/Gemm_1"]) == ["", *["network/a/blocks.0"] * 2]


def test_every_placed_layer_is_in_exactly_one_block(frame_graph):
    placement = place(frame_graph)
    blocks = blocks_of(frame_graph, placement, DEFAULT_SCOPES)
    outputs = [output for group in blocks.values() for output in group]
    assert sorted(outputs) == sorted(node.output for node in placement.nodes)
    assert "quality_net/fc2" in blocks
    assert {"depth_net/q", "depth_net/k", "depth_net/v"} <= set(blocks)
