"""Exported graphs: true opset 17, fixed shapes, the same numbers, and the rules a graph must keep."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from dgiqa_edge.export.frame_graph.pipeline import FrameGraph
from dgiqa_edge.export.frame_graph.to_onnx import OPSET, check_rules, export_graph
from dgiqa_edge.runtime.errors import ExportError

SIZE = (96, 128)


@pytest.fixture(scope="module")
def exported(tiny_networks, tmp_path_factory):
    graph = FrameGraph(*tiny_networks, SIZE, depth_side=70, crops=2)
    path = tmp_path_factory.mktemp("graph") / "graph.onnx"
    frame = torch.randint(0, 256, (1, *SIZE, 3), dtype=torch.uint8)
    report = export_graph(graph, {"frame": frame}, ("score", "crop_scores", "depth"), path, {"preset": "tiny"})
    return graph, path, report


def test_onnx_runtime_gives_pytorchs_numbers(exported, photos):
    import cv2

    graph, path, _ = exported
    session = onnxruntime.InferenceSession(str(path))
    for photo in photos:
        frame = cv2.resize(photo, SIZE[::-1])[np.newaxis]
        with torch.no_grad():
            expected = [output.numpy() for output in graph(torch.from_numpy(frame))]
        score, crop_scores, depth = session.run(["score", "crop_scores", "depth"], {"frame": frame})
        assert np.abs(score - expected[0]).max() < 1e-5
        assert np.abs(crop_scores - expected[1]).max() < 1e-5
        assert (np.abs(depth.astype(int) - expected[2]) <= 1).all()


def test_the_model_says_what_it_is(exported):
    _, path, _ = exported
    model = onnx.load(str(path))
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == OPSET
    assert {entry.key: entry.value for entry in model.metadata_props} == {"preset": "tiny"}
    names = [node.name for node in model.graph.node]
    assert all(names)
    assert len(set(names)) == len(names)
    assert any(name.startswith("/depth_net/") for name in names)
    assert any(name.startswith("/quality_net/") for name in names)


def test_layer_normalization_stays_one_operator(exported):
    _, _, report = exported
    assert report.operators["LayerNormalization"] == 2
    assert "Pow" not in report.operators


def test_the_report_counts_the_graph(exported, tiny_networks):
    _, path, report = exported
    assert report.nodes == len(onnx.load(str(path)).graph.node)
    assert report.nodes <= report.nodes_before_simplification
    assert report.parameters >= sum(p.numel() for network in tiny_networks for p in network.parameters())
    assert report.bytes == path.stat().st_size


def test_a_module_that_cannot_be_traced_is_an_export_error(tmp_path):
    class Broken(torch.nn.Module):
        def forward(self, frame):
            raise RuntimeError("no such layer")

    with pytest.raises(ExportError, match="tracing Broken failed: no such layer"):
        export_graph(Broken(), {"frame": torch.zeros(1)}, ["score"], tmp_path / "x.onnx", {})
    assert not list(tmp_path.iterdir())


def model_of(nodes, *, opset=OPSET, shape=(1, 4), domain=None, source=TensorProto.FLOAT):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", source, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (model_of([helper.make_node("NonZero", ["x"], ["y"], name="nz")]), ["nz", "NonZero", "depends on the data"]),
        (model_of([helper.make_node("SequenceConstruct", ["x"], ["y"], name="s")]), ["sequences"]),
        (model_of([helper.make_node("Relu", ["x"], ["y"])], shape=("n", 4)), ["axis 0 of x"]),
        (model_of([helper.make_node("Relu", ["x"], ["y"])], opset=18), ["opset 18"]),
        (
            model_of([helper.make_node("Identity", ["x"], ["y"], name="move")], source=TensorProto.UINT8),
            ["move reads x as uint8"],
        ),
        (model_of([helper.make_node("Pow", ["x", "x"], ["y"], name="/net/norm1/Pow")]), ["LayerNormalization"]),
        (
            model_of(
                [helper.make_node("Gelu", ["x"], ["y"], name="g", domain="com.microsoft")], domain="com.microsoft"
            ),
            ["com.microsoft"],
        ),
    ],
)
def test_graphs_that_not_every_backend_runs_are_refused(model, words):
    with pytest.raises(ExportError) as refusal:
        check_rules(model)
    assert all(word in str(refusal.value) for word in words)


def test_a_plain_graph_is_accepted():
    check_rules(model_of([helper.make_node("Relu", ["x"], ["y"])]))
    check_rules(model_of([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)], source=TensorProto.UINT8))
