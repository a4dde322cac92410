"""DGIQA against the golden vectors of the published code; its own parts against PyTorch."""

import zlib

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dgiqa_edge.export import networks
from dgiqa_edge.export.networks.dgiqa import DGIQA, Sizes, shrink_bilinear
from dgiqa_edge.export.networks.swin import StochasticDepth, WindowAttention

TOLERANCE = 1e-5
BLOCKS = ("tcb1", "tcb2", "tcb3", "tcb4")
STAGES = (
    *(f"{name}{suffix}" for suffix in ("", "_depth") for name in BLOCKS),
    "depth_guided_cross_attention",
    "refinement_attention",
    "dilated_stack",
)


@pytest.fixture(scope="module")
def network(published_keys, rule_state):
    module = networks.create("dgiqa")
    module.load_state_dict(rule_state(published_keys["dgiqa"]), strict=True)
    return module


@pytest.fixture(scope="module")
def outputs(network, golden_dgiqa):
    """Scores, and every stage's output by the published name."""
    collected = {}
    hooks = [
        network.get_submodule(name).register_forward_hook(lambda _m, _i, out, name=name: collected.update({name: out}))
        for name in (*STAGES, "backbone", "depth_backbone")
    ]
    with torch.no_grad():
        collected["score"] = network(golden_dgiqa["x_rgb"], golden_dgiqa["x_depth"])
    for hook in hooks:
        hook.remove()
    for name in ("depth_guided_cross_attention", "refinement_attention"):
        collected[name] = collected[name].transpose(1, 2).reshape(-1, 960, 7, 7)
    for name in ("backbone", "depth_backbone"):
        collected |= {f"{name}[{index}]": stage for index, stage in enumerate(collected.pop(name))}
    return collected


def test_weights_are_filled_as_for_the_golden_vectors(network, published_keys, meta):
    crc = 0
    state = network.state_dict()
    for key in published_keys["dgiqa"]:
        crc = zlib.crc32(state[key].numpy().tobytes(), crc)
    assert crc == meta["weight_crc32"]["dgiqa"]


def test_scores_equal_the_published_ones(outputs, golden_dgiqa):
    assert outputs["score"].shape == (2,)
    assert (outputs["score"] - golden_dgiqa["score"]).abs().max() <= TOLERANCE


@pytest.mark.parametrize(("stage", "golden", "part"), [
    ("backbone[3]", "rgb_stage4", lambda t: t),
    ("depth_backbone[0]", "depth_stage1_corner", lambda t: t[:, :8, :8]),
    ("depth_guided_cross_attention", "cross", lambda t: t[:, ::8]),
    ("refinement_attention", "refined", lambda t: t[:, ::8]),
    ("dilated_stack", "pooled", lambda t: t.mean((2, 3))),
])  # fmt: skip
def test_stages_equal_the_published_ones(outputs, golden_dgiqa, stage, golden, part):
    torch.testing.assert_close(part(outputs[stage]), golden_dgiqa[golden], atol=5e-5, rtol=0)


@pytest.mark.parametrize("stage", [
    *(f"{name}[{index}]" for name in ("backbone", "depth_backbone") for index in range(4)),
    *STAGES,
])  # fmt: skip
def test_stage_statistics_equal_the_published_ones(outputs, meta, stage):
    tensor = outputs[stage]
    assert list(tensor.shape) == meta["shapes"][stage]
    mean, std, largest = meta["stats_mean_std_absmax"][stage]
    assert tensor.mean().item() == pytest.approx(mean, abs=1e-5)
    assert tensor.std().item() == pytest.approx(std, abs=1e-4)
    assert tensor.abs().max().item() == pytest.approx(largest, abs=1e-4)


def swapped_channels(_network, rgb, depth):
    return rgb.flip(1), depth


def swapped_inputs(_network, rgb, depth):
    return depth, rgb


def no_depth(_network, rgb, depth):
    return rgb, torch.zeros_like(depth)


def no_shift_mask(network, rgb, depth):
    for part in network.modules():
        if isinstance(part, WindowAttention) and part.mask is not None:
            part.mask = torch.zeros_like(part.mask)
    return rgb, depth


def no_position_bias(network, rgb, depth):
    for part in network.modules():
        if isinstance(part, WindowAttention):
            part.bias_index = torch.zeros_like(part.bias_index)
    return rgb, depth


@pytest.mark.parametrize("mutate", [swapped_channels, swapped_inputs, no_depth, no_shift_mask, no_position_bias])
def test_a_wiring_mistake_leaves_the_tolerance(network, golden_dgiqa, mutate):
    """The golden test above can fail: each of these mistakes moves the score far beyond its tolerance."""
    constants = {
        part: dict(part.named_buffers(recurse=False)) for part in network.modules() if isinstance(part, WindowAttention)
    }
    try:
        rgb, depth = mutate(network, golden_dgiqa["x_rgb"][:1], golden_dgiqa["x_depth"][:1])
        with torch.no_grad():
            score = network(rgb, depth)
    finally:
        for part, buffers in constants.items():
            for name, buffer in buffers.items():
                setattr(part, name, buffer)
    assert (score - golden_dgiqa["score"][:1]).abs().max() > 100 * TOLERANCE


@pytest.fixture
def small():
    return Sizes(((8, 1, 1), (16, 2, 2), (32, 4, 1), (64, 8, 1)), (16, 16, 16, 16), 4, 32)


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_shrink_is_bilinear_interpolation(factor):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 8 * factor, 16 * factor)
    expected = F.interpolate(x, scale_factor=1 / factor, mode="bilinear", align_corners=False)
    torch.testing.assert_close(shrink_bilinear(x, factor), expected, atol=1e-6, rtol=0)


def test_shrink_is_not_the_mean_of_the_tile():
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 0, 0] = 16.0
    assert shrink_bilinear(x, 4).item() == 0.0


def test_training_leaves_out_what_the_published_code_does(small):
    """Dropout2d behind each bridge, dropout in and behind both attentions, stochastic depth that grows with depth."""
    network = DGIQA(small)
    shares = [part.share for part in network.backbone.modules() if isinstance(part, StochasticDepth)]
    assert shares == pytest.approx([0.0, 0.025, 0.05, 0.075, 0.1])
    dropouts = {name: part for name, part in network.named_modules() if isinstance(part, nn.Dropout | nn.Dropout2d)}
    assert len([part for part in dropouts.values() if isinstance(part, nn.Dropout2d)]) == 8
    assert len(dropouts) == 8 + 2 * 2
    assert {part.p for part in dropouts.values()} == {0.1}


@pytest.mark.parametrize(("shares", "same"), [((0.0, 0.0), True), ((0.5, 0.0), False), ((0.0, 0.5), False)])
def test_what_is_left_out_is_drawn_anew_in_training_only(small, shares, same):
    torch.manual_seed(0)
    network = DGIQA(small, *shares)
    inputs = torch.randn(3, 3, 224, 224), torch.randn(3, 3, 224, 224)
    with torch.no_grad():
        first, second = (network(*inputs) for _ in range(2))
        assert torch.equal(first, second) is same
        network.eval()
        assert torch.equal(network(*inputs), network(*inputs))


def test_a_branch_is_left_out_for_whole_images_and_keeps_its_mean():
    torch.manual_seed(0)
    path = StochasticDepth(0.25).train()
    branch = path(torch.ones(4000, 2, 3))
    assert branch.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert torch.equal(branch, branch[:, :1, :1].expand_as(branch))
    assert float(branch.mean()) == pytest.approx(1.0, abs=0.03)
    assert torch.equal(path.eval()(branch), branch)
