import cv2
import numpy as np
import pytest
import torch

from dgiqa_edge.calibration.degradations.kinds import FAULTS as KNOWN_FAULTS
from dgiqa_edge.export.frame_graph.view_graph import ViewGraph
from dgiqa_edge.export.networks.fault_reader import FAULTS
from dgiqa_edge.export.networks.nano import Nano

LEAST = (192, 224)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Nano().eval()


def test_every_fault_has_an_output():
    assert len(KNOWN_FAULTS) == FAULTS


@pytest.mark.parametrize("crops", [1, 2])
def test_it_says_what_is_wrong_and_where_of_frames_of_any_shape(network, crops):
    for frame in (LEAST, (300, 170)):
        views = network.arrange(frame, crops)
        with torch.no_grad():
            score, view_scores, depth, faults, coverage = network(
                torch.full((1, 3, *views.whole), 100.0), torch.full((crops, 3, 160, 160), 100.0)
            )
        assert score.shape == (1,)
        assert view_scores.shape == (1, 1 + crops)
        assert depth.shape == (1, views.whole[0] // 4, views.whole[1] // 4)
        assert faults.shape == (1, FAULTS)
        assert coverage.shape == (1, 4, 4, FAULTS)
        assert bool(((coverage >= 0) & (coverage <= 1)).all())


def test_where_a_fault_is_not_in_the_frame_it_is_nowhere(network):
    network.arrange(LEAST)
    views = network.views
    with torch.no_grad():
        bias = network.faults.frame.bias.clone()
        network.faults.frame.bias[2] -= 30.0
        *_, faults, coverage = network(torch.full((1, 3, *views.whole), 90.0), torch.full((1, 3, 160, 160), 90.0))
        network.faults.frame.bias.copy_(bias)
    assert float(faults[0, 2]) < 1e-6
    assert float(coverage[..., 2].max()) < 1e-3 < float(coverage[..., 3].max())


def test_the_frame_graph_sees_what_training_sees(network):
    """The shrunk frame is OpenCV's INTER_AREA to the level, and so is what the network says of it."""
    frame = np.random.default_rng(2).integers(0, 256, (384, 448, 3), np.uint8)
    graph = ViewGraph(network, (384, 448))
    whole = cv2.resize(frame, graph.views.whole[::-1], interpolation=cv2.INTER_AREA)
    top, left, height, width = graph.views.crops[0]
    views = [whole, frame[top : top + height, left : left + width]]
    with torch.no_grad():
        given = [torch.from_numpy(view.transpose(2, 0, 1).astype(np.float32))[None] for view in views]
        expected = network(*given)
        found = graph(torch.from_numpy(frame)[None])
    assert torch.allclose(found[0], expected[0], atol=2e-3)  # ties of rounding may fall to either side
    assert torch.allclose(found[3], expected[3], atol=5e-3)
    assert found[4].shape == (1, 4, 4, FAULTS)
