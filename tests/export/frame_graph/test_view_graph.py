"""The view graph's own steps against the numpy views that training uses, and its export."""

import cv2
import numpy as np
import onnxruntime
import pytest
import torch

from dgiqa_edge.export.frame_graph.to_onnx import export_graph
from dgiqa_edge.export.frame_graph.view_graph import ViewGraph
from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.export.networks.views import crop_view, whole_view
from dgiqa_edge.export.weights.seeding import seed_weights
from dgiqa_edge.runtime.errors import ConfigurationError

SIZE = (288, 512)


@pytest.fixture(scope="module", params=[1, 2])
def graph(request):
    network = Nano().eval().requires_grad_(False)
    seed_weights(network, "test")
    return ViewGraph(network, SIZE, crops=request.param)


@pytest.fixture(scope="module")
def frames(photos):
    return [cv2.resize(photo, SIZE[::-1], interpolation=cv2.INTER_AREA) for photo in photos[:2]]


def test_the_views_are_those_of_training(graph, frames):
    for frame in frames:
        whole = torch.from_numpy(whole_view(frame, graph.views.whole))[None]
        crops = torch.from_numpy(np.stack([crop_view(frame, box) for box in graph.views.crops]))
        with torch.no_grad():
            score, view_scores, depth, *others = graph.network(whole, crops)
            own_score, own_views, own_depth, *own_others = graph(torch.from_numpy(frame[None]))
        assert torch.allclose(own_views, view_scores, atol=1e-5)
        assert torch.allclose(own_score, score, atol=1e-5)
        stretched = (depth - depth.min()) / (depth.max() - depth.min()) * 255
        assert (stretched - own_depth).abs().max() <= 1.01
        assert own_depth.dtype == torch.uint8
        for own, other in zip(own_others, others, strict=True):
            assert torch.allclose(own, other, atol=1e-5)


def test_onnx_runtime_gives_pytorchs_numbers(graph, frames, tmp_path):
    path = tmp_path / "views.onnx"
    frame = torch.from_numpy(frames[0][None])
    report = export_graph(graph, {"frame": frame}, ("score", "crop_scores", "depth"), path, {})
    assert "Resize" not in report.operators or report.operators["Resize"] <= 8
    session = onnxruntime.InferenceSession(str(path))
    for image in frames:
        with torch.no_grad():
            expected = [output.numpy() for output in graph(torch.from_numpy(image[None]))]
        result = session.run(["score", "crop_scores", "depth"], {"frame": image[None]})
        assert np.abs(result[1] - expected[1]).max() < 1e-4
        assert (np.abs(result[2].astype(int) - expected[2]) <= 1).mean() > 0.999


def test_a_frame_smaller_than_a_native_crop_is_refused():
    with pytest.raises(ConfigurationError, match="160x160"):
        ViewGraph(Nano().eval(), (100, 400))
