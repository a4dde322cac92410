"""The split layout gives the fused graph's numbers to the last bit, for every precision it may hold."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from dgiqa_edge.export.frame_graph.pipeline import FrameGraph
from dgiqa_edge.export.frame_graph.split import split
from dgiqa_edge.export.frame_graph.to_onnx import export_graph
from dgiqa_edge.export.frame_graph.view_graph import ViewGraph
from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.runtime.errors import ExportError

SIZE = (96, 128)


@pytest.fixture(scope="module")
def fused(tiny_networks, tmp_path_factory):
    path = tmp_path_factory.mktemp("split") / "fused.onnx"
    graph = FrameGraph(*tiny_networks, SIZE, depth_side=70, crops=2)
    frame = torch.zeros((1, *SIZE, 3), dtype=torch.uint8)
    export_graph(graph, {"frame": frame}, ("score", "crop_scores", "depth"), path, {"tool": "t"})
    return onnx.load(str(path))


def test_both_halves_together_equal_the_whole(fused, photos):
    import cv2

    depth_half, quality_half = (onnxruntime.InferenceSession(m.SerializeToString()) for m in split(fused))
    whole = onnxruntime.InferenceSession(fused.SerializeToString())
    for photo in photos:
        frame = cv2.resize(photo, SIZE[::-1])[np.newaxis]
        score, crop_scores, depth = whole.run(["score", "crop_scores", "depth"], {"frame": frame})
        (own_depth,) = depth_half.run(["depth"], {"frame": frame})
        own_scores = quality_half.run(["score", "crop_scores"], {"frame": frame, "depth": own_depth})
        assert np.array_equal(own_depth, depth)
        assert np.array_equal(own_scores[0], score)
        assert np.array_equal(own_scores[1], crop_scores)


def test_each_half_holds_only_its_network(fused):
    depth_half, quality_half = split(fused)
    assert not any(node.name.startswith("/quality_net/") for node in depth_half.graph.node)
    assert not any(node.name.startswith("/depth_net/") for node in quality_half.graph.node)
    assert [entry.key for entry in quality_half.metadata_props] == ["tool"]


def test_what_else_the_quality_network_gives_stays_with_it(fused):
    more = onnx.ModelProto()
    more.CopyFrom(fused)
    shape = [dimension.dim_value for dimension in fused.graph.output[1].type.tensor_type.shape.dim]
    more.graph.node.append(helper.make_node("Neg", ["crop_scores"], ["faults"], name="/quality_net/Neg"))
    more.graph.output.append(helper.make_tensor_value_info("faults", TensorProto.FLOAT, shape))
    depth_half, quality_half = split(more)
    assert [value.name for value in depth_half.graph.output] == ["depth"]
    assert [value.name for value in quality_half.graph.output] == ["score", "crop_scores", "faults"]


def test_a_graph_without_a_depth_map_cannot_be_split():
    value = helper.make_tensor_value_info("score", TensorProto.FLOAT, [1])
    source = helper.make_tensor_value_info("frame", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["frame"], ["score"])], "g", [source], [value])
    with pytest.raises(ExportError, match="no depth output"):
        split(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))


def test_depth_and_score_of_one_network_cannot_be_split(tmp_path):
    path, frame = tmp_path / "views.onnx", torch.zeros((1, 288, 512, 3), dtype=torch.uint8)
    graph = ViewGraph(Nano().eval().requires_grad_(False), (288, 512))
    export_graph(graph, {"frame": frame}, ("score", "crop_scores", "depth"), path, {})
    with pytest.raises(ExportError, match="one network, it has only --layout fused"):
        split(onnx.load(str(path)))


@pytest.mark.parametrize("operator", ["Floor", "Sigmoid"])
def test_a_score_that_reads_what_the_depth_map_is_made_of_is_no_reason_to_cut_there(operator):
    nodes = [
        helper.make_node("Cast", ["frame"], ["trunk"], to=TensorProto.FLOAT),
        helper.make_node(operator, ["trunk"], ["levels"]),
        helper.make_node("Cast", ["levels"], ["depth"], to=TensorProto.UINT8),
        helper.make_node("ReduceMean", ["trunk"], ["score"], keepdims=0),
    ]
    source = helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 4, 4])
    outputs = [
        helper.make_tensor_value_info("depth", TensorProto.UINT8, [1, 4, 4]),
        helper.make_tensor_value_info("score", TensorProto.FLOAT, []),
    ]
    graph = helper.make_graph(nodes, "g", [source], outputs)
    with pytest.raises(ExportError, match="one network"):
        split(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))
