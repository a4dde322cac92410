"""The frame graph's own steps, with small networks, against OpenCV and NumPy doing the same on the side."""

import cv2
import numpy as np
import pytest
import torch

from dgiqa_edge.export.frame_graph.pipeline import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    CubicResize,
    FixedPointResize,
    FrameGraph,
)
from dgiqa_edge.export.networks.published_sizes import CROP

SIZE = (120, 160)


def run(graph, frame):
    with torch.no_grad():
        return [output.numpy() for output in graph(torch.from_numpy(frame[np.newaxis]))]


@pytest.fixture(scope="module")
def frame(photos):
    return cv2.resize(photos[0], SIZE[::-1], interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def graph(tiny_networks):
    return FrameGraph(*tiny_networks, SIZE, depth_side=70, crops=4)


def by_hand(tiny_networks, geometry, frame):
    """The published inference steps, written with OpenCV and NumPy."""
    depth_net, quality_net = tiny_networks
    mean, std = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
    rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    resized = cv2.resize(rgb / 255.0, geometry.depth_input[::-1], interpolation=cv2.INTER_CUBIC)
    normalised = ((resized - mean) / std).astype(np.float32).transpose(2, 0, 1)
    with torch.no_grad():
        depth = depth_net(torch.from_numpy(normalised)[None])
        depth = torch.nn.functional.interpolate(depth[None], frame.shape[:2], mode="bilinear", align_corners=False)
    depth = depth[0, 0].numpy()
    levels = ((depth - depth.min()) / (depth.max() - depth.min() + 1e-8) * 255).astype(np.uint8)
    images = [
        cv2.resize(image, geometry.quality_image[::-1], interpolation=cv2.INTER_LINEAR)
        for image in (rgb, np.repeat(levels[..., None], 3, axis=2))
    ]
    crops = []
    for image in images:
        normal = ((image / 255.0 - mean) / std).astype(np.float32).transpose(2, 0, 1)
        crops.append(np.stack([normal[:, y : y + CROP, x : x + CROP] for x, y in geometry.crop_boxes]))
    with torch.no_grad():
        scores = quality_net(*(torch.from_numpy(crop) for crop in crops)).numpy()
    return scores, images[1][..., 0]


def test_every_step_equals_the_published_order_of_operations(graph, tiny_networks, photos):
    for photo in photos:
        frame = cv2.resize(photo, SIZE[::-1], interpolation=cv2.INTER_AREA)
        score, crop_scores, depth = run(graph, frame)
        expected_scores, expected_depth = by_hand(tiny_networks, graph.geometry, frame)
        difference = np.abs(depth[0].astype(int) - expected_depth)
        assert (difference <= 1).mean() >= 0.999
        assert np.abs(crop_scores[0] - expected_scores).max() < 5e-5
        assert score[0] == pytest.approx(expected_scores.mean(), abs=5e-5)


def test_outputs_keep_the_contract(graph, frame):
    score, crop_scores, depth = run(graph, frame)
    assert (score.dtype, score.shape) == (np.float32, (1,))
    assert (crop_scores.dtype, crop_scores.shape) == (np.float32, (1, 4))
    assert (depth.dtype, depth.shape) == (np.uint8, (1, *graph.geometry.quality_image))


def test_colour_order_matters(graph, frame):
    assert abs(run(graph, frame)[0] - run(graph, frame[..., ::-1].copy())[0]) > 1e-4


def test_a_constant_frame_gives_finite_outputs(graph):
    score, _, depth = run(graph, np.full((*SIZE, 3), 128, np.uint8))
    assert np.isfinite(score).all()
    assert depth.min() >= 0


def test_explicit_boxes_are_used(tiny_networks, frame):
    boxes = [(0, 0), (100, 50)]
    graph = FrameGraph(*tiny_networks, SIZE, depth_side=70, crop_boxes=boxes)
    assert graph.geometry.crop_boxes == tuple(boxes)
    assert run(graph, frame)[1].shape == (1, 2)


def test_no_scaffolding_enters_the_state_dict(graph):
    assert all(key.startswith(("depth_net.", "quality_net.")) for key in graph.state_dict())


@pytest.mark.parametrize(
    ("source", "destination"),
    [((48, 64), (24, 32)), ((120, 161), (384, 515)), ((500, 300), (97, 58)), ((64, 64), (64, 64))],
)
def test_fixed_point_resize_equals_opencv_to_the_last_bit(source, destination):
    image = np.random.default_rng(3).integers(0, 256, source, dtype=np.uint8)
    result = FixedPointResize(source, destination)(torch.from_numpy(image)[None, None].float())[0, 0].numpy()
    assert np.array_equal(result, cv2.resize(image, destination[::-1], interpolation=cv2.INTER_LINEAR))


@pytest.mark.parametrize(("source", "destination"), [((40, 90), (70, 154)), ((90, 40), (154, 70))])
def test_cubic_resize_is_the_same_whichever_axis_comes_first(source, destination):
    image = np.random.default_rng(4).random((*source, 3))
    resize = CubicResize(source, destination)
    expected = cv2.resize(image, destination[::-1], interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1)
    for width_first in (True, False):
        resize.width_first = width_first
        result = resize(torch.from_numpy(image.transpose(2, 0, 1))[None].float())[0].numpy()
        assert np.abs(result - expected).max() < 5e-5
