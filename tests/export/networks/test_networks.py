"""Names, keys, shapes and sizes of the networks; no weights are computed here."""

import pytest
import torch

from dgiqa_edge.export import networks
from dgiqa_edge.runtime.errors import ConfigurationError

DEPTH = {
    "vits": (384, 12, 64, (48, 96, 192, 384)),
    "vitb": (768, 12, 128, (96, 192, 384, 768)),
    "vitl": (1024, 24, 256, (256, 512, 1024, 1024)),
}


def linear(name, outputs, inputs, *kernel):
    return {f"{name}.weight": (outputs, inputs, *kernel), f"{name}.bias": (outputs,)}


def norm(name, width):
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def depth_signature(width, blocks, features, channels):
    """Keys and shapes of Depth Anything by the papers' architecture, written apart from the implementation."""
    shapes = {
        "pretrained.cls_token": (1, 1, width),
        "pretrained.pos_embed": (1, 1370, width),
        "pretrained.mask_token": (1, width),
        **linear("pretrained.patch_embed.proj", width, 3, 14, 14),
        **norm("pretrained.norm", width),
    }
    for index in range(blocks):
        block = f"pretrained.blocks.{index}"
        shapes |= norm(f"{block}.norm1", width) | norm(f"{block}.norm2", width)
        shapes |= linear(f"{block}.attn.qkv", 3 * width, width) | linear(f"{block}.attn.proj", width, width)
        shapes |= linear(f"{block}.mlp.fc1", 4 * width, width) | linear(f"{block}.mlp.fc2", width, 4 * width)
        shapes |= {f"{block}.ls1.gamma": (width,), f"{block}.ls2.gamma": (width,)}
    head = "depth_head"
    for index, count in enumerate(channels):
        shapes |= linear(f"{head}.projects.{index}", count, width, 1, 1)
        shapes[f"{head}.scratch.layer{index + 1}_rn.weight"] = (features, count, 3, 3)
    first, second, _, fourth = channels
    shapes |= linear(f"{head}.resize_layers.0", first, first, 4, 4)
    shapes |= linear(f"{head}.resize_layers.1", second, second, 2, 2)
    shapes |= linear(f"{head}.resize_layers.3", fourth, fourth, 3, 3)
    for number in range(1, 5):
        block = f"{head}.scratch.refinenet{number}"
        shapes |= linear(f"{block}.out_conv", features, features, 1, 1)
        for unit in (1, 2):
            for convolution in (1, 2):
                shapes |= linear(f"{block}.resConfUnit{unit}.conv{convolution}", features, features, 3, 3)
    shapes |= linear(f"{head}.scratch.output_conv1", features // 2, features, 3, 3)
    shapes |= linear(f"{head}.scratch.output_conv2.0", 32, features // 2, 3, 3)
    shapes |= linear(f"{head}.scratch.output_conv2.2", 1, 32, 1, 1)
    return shapes


def test_names_of_the_published_networks():
    assert networks.names()[:7] == (
        "dgiqa",
        *(f"depth_anything_v{version}_{size}" for version in (1, 2) for size in ("vits", "vitb", "vitl")),
    )


@pytest.mark.parametrize(("network", "published"), [
    ("dgiqa", "dgiqa"),
    ("depth_anything_v1_vits", "depth_anything_vits"),
    ("depth_anything_v2_vits", "depth_anything_vits"),
])  # fmt: skip
def test_keys_and_shapes_are_the_published_ones(network, published, published_keys):
    assert dict(networks.signature(network)) == published_keys[published]


@pytest.mark.parametrize("size", DEPTH)
@pytest.mark.parametrize("version", [1, 2])
def test_depth_keys_and_shapes_of_every_size(version, size):
    assert dict(networks.signature(f"depth_anything_v{version}_{size}")) == depth_signature(*DEPTH[size])


def test_the_expected_depth_keys_are_themselves_right(published_keys):
    assert depth_signature(*DEPTH["vits"]) == published_keys["depth_anything_vits"]


@pytest.mark.parametrize(("name", "millions"), [
    ("dgiqa", 102.9),
    ("depth_anything_v1_vits", 24.8),
    ("depth_anything_v2_vitb", 97.5),
    ("depth_anything_v2_vitl", 335.3),
])  # fmt: skip
def test_parameter_totals_are_the_published_ones(name, millions):
    total = sum(torch.Size(shape).numel() for shape in networks.signature(name).values())
    assert total / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("name", ["dgiqa", "depth_anything_v2_vits"])
def test_create_gives_an_unfilled_network_on_the_cpu(name):
    module = networks.create(name)
    assert not any(part.training for part in module.modules())
    assert not any(parameter.requires_grad for parameter in module.parameters())
    assert all(tensor.device.type == "cpu" for tensor in (*module.parameters(), *module.buffers()))
    assert all(not tensor.any() for tensor in module.state_dict().values())
    assert {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()} == networks.signature(name)
    assert networks.name_of(module) == name


def test_name_of_a_foreign_module_is_refused():
    with pytest.raises(ConfigurationError, match=r"Linear was not made by networks\.create"):
        networks.name_of(torch.nn.Linear(1, 1))


@pytest.mark.parametrize("ask", [networks.create, networks.signature, networks.get])
def test_unknown_name_lists_the_known_ones(ask):
    with pytest.raises(ConfigurationError, match="unknown network 'resnet': choose one of dgiqa, depth_anything_v1"):
        ask("resnet")
