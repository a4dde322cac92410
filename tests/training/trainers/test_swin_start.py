import pytest
import torch
from safetensors.torch import save_file

from dgiqa_edge.export.networks.dgiqa import DGIQA
from dgiqa_edge.runtime.errors import CheckpointError
from dgiqa_edge.training.trainers.swin_start import draw, start_from_swin


def published(form, sizes):
    """A file's content in either published form, drawn at random, and the state it stands for."""
    generator = torch.Generator().manual_seed(0)
    state = {
        key: torch.rand(value.shape, generator=generator) for key, value in DGIQA(sizes).backbone.state_dict().items()
    }
    stored = {"norm.weight": torch.ones(64), "norm.bias": torch.zeros(64)}
    for key, value in state.items():
        stage, _, rest = key.partition(".")
        if stage.startswith("layers_"):
            number = int(stage[-1]) - (form == "microsoft" and rest.startswith("downsample"))
            key = f"layers.{number}.{rest}"
        stored[key] = value
    if form == "microsoft":
        index = torch.zeros(49, 49, dtype=torch.int64)
        return {
            **stored,
            "head.weight": torch.ones(10, 64),
            "layers.0.blocks.0.attn.relative_position_index": index,
        }, state
    return {**stored, "head.fc.weight": torch.ones(10, 64)}, state


@pytest.mark.parametrize("form", ["microsoft", "timm"])
def test_both_swins_start_from_either_published_form(form, tmp_path, small_sizes):
    stored, state = published(form, small_sizes)
    if form == "microsoft":
        file = tmp_path / "swin.pth"
        torch.save({"model": stored}, file)
    else:
        file = tmp_path / "swin.safetensors"
        save_file(stored, file)
    network = DGIQA(small_sizes)
    start_from_swin(network, file)
    for swin in (network.backbone, network.depth_backbone):
        assert all(torch.equal(value, state[key]) for key, value in swin.state_dict().items())


@pytest.mark.parametrize("content", [None, {"some.key": torch.zeros(1)}, [1]], ids=["none", "foreign", "no state dict"])
def test_other_files_are_refused(tmp_path, content, small_sizes):
    file = tmp_path / "swin.pth"
    if content is not None:
        torch.save(content, file)
    with pytest.raises(CheckpointError, match=r"swin\.pth is (missing|not Swin-T)"):
        start_from_swin(DGIQA(small_sizes), file)


def test_attention_can_learn_from_the_first_step(small_sizes):
    """Query and key of zeros would keep each other's gradients at zero for good."""
    torch.manual_seed(0)
    network = DGIQA(small_sizes, dropout=0.0, drop_path=0.0)
    draw(network)
    network(torch.rand(4, 3, 224, 224), torch.rand(4, 3, 224, 224)).sum().backward()
    stacks = {
        name: value.grad.abs().amax(dim=1).chunk(3)
        for name, value in network.named_parameters()
        if name.endswith(("in_proj_weight", "qkv.weight"))
    }
    assert len(stacks) == 2 + 2 * 5
    assert [name for name, parts in stacks.items() if not all(part.max() > 0 for part in parts)] == []
