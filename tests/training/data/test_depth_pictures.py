"""DGIQA's pictures are those that the frame graph of a build computes from the same photo."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dgiqa_edge.export.frame_graph.pipeline import FrameGraph
from dgiqa_edge.export.networks import create
from dgiqa_edge.export.networks.published_sizes import CROP, crop_grid
from dgiqa_edge.export.weights.seeding import seed_weights
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.training.data.depth_pictures import (
    DepthPictures,
    DepthRule,
    PictureStore,
    crops_of,
    depth_levels,
    network_inputs,
)

RULE = DepthRule((300, 340), depth_side=56, short_side=240)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def photo():
    coarse = np.random.default_rng(0).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    return coarse.repeat(30, axis=0).repeat(30, axis=1)[:300, :340]


@pytest.fixture(scope="module")
def made(photo, tmp_path_factory):
    """The row of the photo, and the frame graph of the same networks."""
    folder = tmp_path_factory.mktemp("depth")
    depth = create("depth_anything_v2_vits")
    seed_weights(depth, "pictures")
    save_file(depth.state_dict(), folder / "seeded.safetensors")
    pictures = DepthPictures(folder / "seeded.safetensors", RULE, folder, 1, CPU)
    graph = FrameGraph(depth, _Seen(), RULE.frame, RULE.depth_side, RULE.short_side, crops=4)
    return pictures(photo)["levels"], graph


class _Seen(nn.Module):
    """A quality network that remembers what it was given."""

    def forward(self, colour, depth):
        self.inputs = colour, depth.expand_as(colour)
        return colour.mean(dim=(1, 2, 3))


def test_a_row_holds_what_the_frame_graph_computes(made, photo):
    levels, graph = made
    with torch.no_grad():
        _, _, depth = graph(torch.from_numpy(photo.copy())[None])
    assert levels.shape == (*RULE.picture, 4)
    difference = np.abs(levels[..., 3].astype(int) - depth[0].numpy().astype(int))
    assert np.ptp(levels[..., 3]) > 100
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.98

    colour, _ = network_inputs(crops_of(levels, crop_grid(RULE.picture, 4)), CPU)
    torch.testing.assert_close(colour, graph.quality_net.inputs[0], atol=1e-5, rtol=0)


def test_depth_stands_on_all_channels_as_the_network_takes_it(made, photo):
    levels, graph = made
    levels = levels.copy()
    with torch.no_grad():
        _, _, depth = graph(torch.from_numpy(photo.copy())[None])
    levels[..., 3] = depth[0].numpy()
    _, ours = network_inputs(crops_of(levels, crop_grid(RULE.picture, 4)), CPU)
    assert ours.shape == (4, 3, CROP, CROP)
    torch.testing.assert_close(ours, graph.quality_net.inputs[1], atol=1e-5, rtol=0)


def test_depth_is_stretched_and_truncated():
    depth = np.array([[[0.5, 1.5], [2.5, 3.5]]], np.float32)
    assert depth_levels(depth, (2, 2)).tolist() == [[0, 85], [170, 255]]
    assert depth_levels(np.ones((1, 2, 2), np.float32), (4, 4)).max() == 0  # no depth is no division by zero


def test_photos_and_sizes_have_stores_of_their_own(tmp_path):
    store = PictureStore(tmp_path, ["a", "b"], RULE)
    store.write(1, {"levels": np.full((*RULE.picture, 4), 7, np.uint8)})
    assert PictureStore(tmp_path, ["a", "b"], RULE).done.tolist() == [0, 1]
    assert PictureStore(tmp_path, ["a", "b"], DepthRule(RULE.frame, 70, 240)).done.tolist() == [0, 0]
    with pytest.raises(ConfigurationError, match="other photos"):
        PictureStore(tmp_path, ["a", "c"], RULE)
