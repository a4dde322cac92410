"""The whole frame graph against the published inference script's numbers on one real photo.

The golden vectors lie outside the project; without them these tests are skipped.
"""

import numpy as np
import pytest
import torch

from dgiqa_edge.export.frame_graph.pipeline import FrameGraph
from dgiqa_edge.export.networks import create

SCORE_TOLERANCE = 2e-4
CROPS = slice(0, None, 5)  # of the twenty, each of which is scored alone


@pytest.fixture(scope="module")
def golden(reference):
    with np.load(reference / "pipeline_china.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def graph(golden, rule_state):
    networks = []
    for name in ("depth_anything_v1_vits", "dgiqa"):
        network = create(name)
        state = rule_state({key: tuple(value.shape) for key, value in network.state_dict().items()})
        network.load_state_dict(state, strict=True)
        networks.append(network)
    boxes = [(int(x), int(y)) for x, y in golden["crops_xy"][CROPS]]
    return FrameGraph(*networks, golden["rgb"].shape[:2], crop_boxes=boxes)


@pytest.fixture(scope="module")
def rgb(graph, golden):
    return graph.rgb(torch.from_numpy(golden["rgb"][None, :, :, ::-1].copy()))


@pytest.fixture(scope="module")
def levels(graph, rgb):
    """Depth levels of the untouched graph as large as the frame: the slow half, computed once."""
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setitem(graph._modules, "to_quality_image", torch.nn.Identity())
        return graph.depth_levels(rgb)


@pytest.fixture(scope="module")
def depth(graph, levels):
    return graph.to_quality_image(levels)


def test_the_network_input_is_the_published_one(graph, rgb, golden):
    with torch.no_grad():
        network_input = ((graph.to_depth_input(rgb / 255.0) - graph.mean) / graph.std).numpy()
    assert network_input.shape == tuple(golden["net_shape"])
    assert np.abs(network_input[:, :, ::5, ::5] - golden["net_input_sub"]).max() < 3e-4


def test_the_depth_map_is_the_published_one(depth, golden):
    difference = np.abs(depth[0, 0].numpy() - golden["dep384"].astype(np.float32))
    assert (difference <= 1).mean() >= 0.999


def test_the_full_size_depth_map_is_the_published_one(levels, golden):
    difference = np.abs(levels[0, 0].numpy() - golden["depth_u8"].astype(np.float32))
    assert (difference <= 1).mean() >= 0.999


def test_the_image_is_the_published_one(graph, rgb, golden):
    image = graph.to_quality_image(rgb)[0].permute(1, 2, 0).numpy()
    assert np.array_equal(image, golden["img384"].astype(np.float32))


def test_the_score_is_the_published_one(graph, rgb, depth, golden):
    with torch.no_grad():
        score, crop_scores = graph.quality(rgb, depth)
    expected = golden["scores"][CROPS]
    assert np.abs(crop_scores[0].numpy() - expected).max() < SCORE_TOLERANCE
    assert float(score) == pytest.approx(float(expected.mean()), abs=SCORE_TOLERANCE)
    assert float(golden["mos"]) == pytest.approx(float(golden["scores"].mean()), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("constant", "change"),
    [
        ("mean", lambda value: value + 0.02),
        ("std", lambda value: value * 1.05),
        ("mean", lambda value: value.flip(1)),
    ],
    ids=["mean off by 0.02", "std off by 5 %", "mean in BGR order"],
)
def test_a_changed_constant_is_noticed(graph, rgb, depth, golden, constant, change):
    kept = getattr(graph, constant)
    setattr(graph, constant, change(kept))
    try:
        with torch.no_grad():
            _, crop_scores = graph.quality(rgb, depth)
    finally:
        setattr(graph, constant, kept)
    assert np.abs(crop_scores[0].numpy() - golden["scores"][CROPS]).max() > SCORE_TOLERANCE
