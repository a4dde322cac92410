"""Depth Anything against the golden vectors of the published code, and what must hold for every size and version."""

import zlib

import pytest
import torch
from torch.nn import functional as F

from dgiqa_edge.export import networks
from dgiqa_edge.export.networks import dinov2
from dgiqa_edge.export.networks.depth_anything import CONFIGURATIONS
from dgiqa_edge.runtime.errors import ConfigurationError

RELATIVE_TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def state(published_keys, rule_state):
    return rule_state(published_keys["depth_anything_vits"])


@pytest.fixture(scope="module")
def network(state):
    module = networks.create("depth_anything_v1_vits")
    module.load_state_dict(state, strict=True)
    return module


def relative_error(depth, golden):
    return ((depth - golden).abs().max() / golden.abs().max()).item()


def test_weights_are_filled_as_for_the_golden_vectors(network, published_keys, meta):
    crc = 0
    state = network.state_dict()
    for key in published_keys["depth_anything_vits"]:
        crc = zlib.crc32(state[key].numpy().tobytes(), crc)
    assert crc == meta["weight_crc32"]["depth"]


def test_depth_equals_the_published_one(network, golden_depth):
    with torch.no_grad():
        depth = network(golden_depth["x"])
    assert depth.shape == golden_depth["depth"].shape
    assert relative_error(depth, golden_depth["depth"]) <= RELATIVE_TOLERANCE


def test_position_embedding_equals_the_published_one(network, golden_depth):
    with torch.no_grad():
        position = network.pretrained.position(18, 24)
    torch.testing.assert_close(position[..., ::16], golden_depth["pos_embed"], atol=1e-5, rtol=0)


def test_block_features_equal_the_published_ones(network, golden_depth):
    with torch.no_grad():
        features = network.pretrained(golden_depth["x"])
    for index, feature in enumerate(features):
        torch.testing.assert_close(feature[..., ::16], golden_depth[f"feat{index}"], atol=5e-5, rtol=0)


def test_swapped_channels_leave_the_tolerance(network, golden_depth):
    with torch.no_grad():
        depth = network(golden_depth["x"].flip(1))
    assert relative_error(depth, golden_depth["depth"]) > 10 * RELATIVE_TOLERANCE


def test_a_position_embedding_without_the_offset_leaves_the_tolerance(network, golden_depth, monkeypatch):
    monkeypatch.setattr(dinov2, "GRID_OFFSET", 0.0)
    dinov2.stretch_matrix.cache_clear()
    try:
        with torch.no_grad():
            depth = network(golden_depth["x"])
    finally:
        dinov2.stretch_matrix.cache_clear()
    assert relative_error(depth, golden_depth["depth"]) > 10 * RELATIVE_TOLERANCE


def test_version_2_reads_other_blocks(state, golden_depth):
    second = networks.create("depth_anything_v2_vits")
    second.load_state_dict(state, strict=True)
    with torch.no_grad():
        features = second.pretrained(golden_depth["x"])
        depth = second(golden_depth["x"])
    assert depth.shape == golden_depth["depth"].shape
    torch.testing.assert_close(features[3][..., ::16], golden_depth["feat3"], atol=5e-5, rtol=0)
    assert relative_error(features[0][..., ::16], golden_depth["feat0"]) > 0.1
    assert relative_error(depth, golden_depth["depth"]) > 10 * RELATIVE_TOLERANCE


@pytest.mark.parametrize(("size", "version", "blocks"), [
    ("vits", 1, (8, 9, 10, 11)),
    ("vitb", 1, (8, 9, 10, 11)),
    ("vitl", 1, (20, 21, 22, 23)),
    ("vits", 2, (2, 5, 8, 11)),
    ("vitb", 2, (2, 5, 8, 11)),
    ("vitl", 2, (4, 11, 17, 23)),
])  # fmt: skip
def test_blocks_of_each_version(size, version, blocks):
    assert CONFIGURATIONS[size].blocks(version) == blocks


@pytest.mark.parametrize("name", ["depth_anything_v1_vits", "depth_anything_v2_vits"])
@pytest.mark.parametrize("size", [(14, 14), (28, 70), (70, 28)])
def test_depth_has_the_images_size(name, size):
    with torch.no_grad():
        depth = networks.create(name)(torch.zeros(2, 3, *size))
    assert depth.shape == (2, *size)


@pytest.mark.parametrize("size", [(28, 30), (15, 28), (0, 14)])
def test_a_size_off_the_patch_grid_is_refused(size):
    with pytest.raises(ConfigurationError, match="multiples of 14"):
        networks.create("depth_anything_v1_vits")(torch.zeros(1, 3, *size))


@pytest.mark.parametrize("patches", [1, 2, 18, 36, 37, 38, 55, 66, 94])
def test_stretch_matrix_is_the_published_interpolation(patches):
    torch.manual_seed(patches)
    row = torch.randn(1, 1, 1, 37)
    scale = (patches + 0.1) / 37
    expected = F.interpolate(row.expand(1, 1, 37, 37), scale_factor=(1.0, scale), mode="bicubic")[0, 0, :1]
    stretched = row[0, 0] @ torch.from_numpy(dinov2.stretch_matrix(patches)).T
    torch.testing.assert_close(stretched, expected, atol=2e-5, rtol=0)


def test_the_trained_grid_is_taken_as_it_is():
    encoder = networks.create("depth_anything_v1_vits").pretrained
    assert encoder.position(37, 37) is encoder.pos_embed
    assert encoder.position(37, 36).shape == (1, 1 + 37 * 36, 384)
