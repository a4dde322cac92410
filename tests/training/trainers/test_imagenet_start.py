import pytest
import torch
from torch.nn import functional as F

from dgiqa_edge.export.networks.lite_trunk import LiteTrunk
from dgiqa_edge.runtime.errors import CheckpointError
from dgiqa_edge.training.trainers.imagenet_start import start_from_imagenet

PARTS = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}


def stored_weights(trunk):
    """A file's content under the package's names, drawn at random."""
    generator = torch.Generator().manual_seed(0)
    names = {"stem": ("_conv_stem", "_bn0")}
    for number in range(len(trunk.blocks)):
        for part, (convolution, norm) in PARTS.items():
            names[f"blocks.{number}.{part}"] = (f"_blocks.{number}.{convolution}", f"_blocks.{number}.{norm}")
    stored = {}
    for key, value in trunk.state_dict().items():
        owner, _, rest = key.rpartition(".")
        owner, _, index = owner.rpartition(".")
        if rest != "num_batches_tracked":
            drawn = torch.rand(value.shape, generator=generator) + 0.1
            stored[f"{names[owner][int(index)]}.{rest}"] = drawn
    return stored


def test_weights_are_taken_and_their_centre_is_folded_in(tmp_path):
    trunk = LiteTrunk().eval()
    stored = stored_weights(trunk)
    torch.save(stored, tmp_path / "lite0.pth")
    start_from_imagenet(trunk, tmp_path / "lite0.pth")
    assert torch.equal(trunk.blocks[7].project[0].weight, stored["_blocks.7._project_conv.weight"])
    assert torch.equal(trunk.blocks[0].depthwise[1].running_var, stored["_blocks.0._bn1.running_var"])

    levels = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 255
    with torch.no_grad():
        ours = trunk.stem((levels.flip(1) - 128) / 128)  # BGR
        expected = F.conv2d((levels - 127) / 128, stored["_conv_stem.weight"], stride=2, padding=1)
        norm = [stored[f"_bn0.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
        expected = F.relu6(F.batch_norm(expected, *norm, eps=1e-3))
    assert torch.allclose(ours[:, :, 1:, 1:], expected[:, :, 1:, 1:], atol=1e-4)  # borders pad another grey


@pytest.mark.parametrize("content", [None, {"some.other.key": torch.zeros(1)}])
def test_other_files_are_refused(tmp_path, content):
    if content is not None:
        torch.save(content, tmp_path / "lite0.pth")
    with pytest.raises(CheckpointError, match="lite0"):
        start_from_imagenet(LiteTrunk(), tmp_path / "lite0.pth")
