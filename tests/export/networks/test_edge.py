import io
import warnings

import numpy as np
import onnx
import onnxruntime
import onnxsim
import pytest
import torch

from dgiqa_edge.export.networks import edge as edge_module
from dgiqa_edge.export.networks import signature
from dgiqa_edge.export.networks.edge import VIEW_RULE, Edge, EdgeHead, joined, token_statistics

MOST_HEAD_PARAMETERS = 9_000_000


@pytest.fixture(scope="module")
def edge():
    torch.manual_seed(0)
    network = Edge().eval().requires_grad_(False)
    for name, parameter in network.encoder.named_parameters():
        if parameter.ndim == 1 and "norm" in name and name.endswith("weight"):
            parameter.fill_(1.0)
        elif "gamma" in name:
            parameter.fill_(0.3)
        elif "token" in name or "pos_embed" in name:
            parameter.normal_(std=0.02)
    return network


def views_of(network, frame, crops=1):
    views = network.arrange(frame, crops)
    generator = torch.Generator().manual_seed(1)
    side = VIEW_RULE.crop_side_px
    return (
        torch.randn(1, 3, *views.whole, generator=generator),
        torch.randn(crops, 3, side, side, generator=generator),
    )


def test_the_head_is_small_and_the_encoder_has_the_published_keys(edge):
    assert sum(parameter.numel() for parameter in edge.head.parameters()) <= MOST_HEAD_PARAMETERS
    published = signature("depth_anything_v2_vits")
    assert {key: tuple(tensor.shape) for key, tensor in edge.encoder.state_dict().items()} == dict(published)
    assert {key.split(".")[0] for key in edge.state_dict()} == {"encoder", "head"}


def test_the_encoder_gives_depth_anythings_depth(edge):
    from dgiqa_edge.export.networks.depth_anything import CONFIGURATIONS, DepthAnything

    plain = DepthAnything(CONFIGURATIONS["vits"], version=2).eval()
    plain.load_state_dict(edge.encoder.state_dict())
    whole, crops = views_of(edge, (512, 512))
    with torch.no_grad():
        assert torch.allclose(edge(whole, crops)[2], plain(whole), atol=1e-5)


@pytest.mark.parametrize(("frame", "crops"), [((512, 512), 1), ((360, 640), 3)])
def test_scores_are_per_view_and_their_mean(edge, frame, crops):
    whole, native = views_of(edge, frame, crops)
    with torch.no_grad():
        score, view_scores, depth = edge(whole, native)
    assert score.shape == (1,)
    assert view_scores.shape == (1, 1 + crops)
    assert depth.shape == (1, *edge.views.whole)
    assert ((view_scores > 0) & (view_scores < 1)).all()
    assert torch.allclose(score, view_scores.mean(dim=1))


def test_both_views_move_the_score(edge):
    inputs = list(torch.randn(2, 1, 4608, generator=torch.Generator().manual_seed(3)))
    with torch.no_grad():
        base, _ = edge.head(*inputs)
        for number in range(2):
            moved = list(inputs)
            moved[number] = moved[number].flip(-1)
            assert not torch.allclose(edge.head(*moved)[0], base, atol=1e-6), number


def test_a_joined_head_says_the_mean_of_its_members():
    torch.manual_seed(5)
    heads = [EdgeHead(members=1).eval() for _ in range(2)]
    for head in heads:
        torch.nn.init.normal_(head.crop_score.out.weight)
    both = EdgeHead(members=2).eval()
    both.load_state_dict(joined([head.state_dict() for head in heads]))
    views = torch.randn(2, 4608), torch.randn(6, 4608)
    with torch.no_grad():
        logits = torch.stack([head(*views)[0] for head in heads])
        assert torch.allclose(both(*views)[0], logits.mean(dim=0), atol=1e-5)
    assert (logits[0] - logits[1]).abs().max() > 0.1


def test_heads_of_other_photos_are_not_joined():
    one, other = (EdgeHead(members=1).state_dict() for _ in range(2))
    other["crop.mean"] = other["crop.mean"] + 1.0
    with pytest.raises(ValueError, match=r"crop\.mean differs"):
        joined([one, other])


def test_statistics_are_means_deviations_and_class_tokens():
    tokens = torch.randn(3, 1 + 4 * 6, 384, generator=torch.Generator().manual_seed(0))
    statistics, patches = token_statistics([tokens] * 4), tokens[:, 1:]
    assert statistics.shape == (3, 4, 3, 384)
    assert torch.allclose(statistics[:, 2, 0], patches.mean(dim=1), atol=1e-6)
    assert torch.allclose(statistics[:, 2, 1], patches.std(dim=1, correction=0), atol=1e-4)
    assert torch.equal(statistics[:, 2, 2], tokens[:, 0])


def test_it_exports_simplifies_and_runs_alike(edge, tmp_path):
    whole, crops = views_of(edge, (360, 640))
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(edge, (whole, crops), file, opset_version=17, dynamo=False, input_names=["whole", "crops"])
        expected = edge(whole, crops)
    model, checked = onnxsim.simplify(onnx.load_from_string(file.getvalue()))
    assert checked
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"whole": whole.numpy(), "crops": crops.numpy()})
    for ours, theirs in zip(outputs, expected, strict=True):
        assert np.abs(ours - theirs.numpy()).max() < 1e-4


def test_the_module_states_its_views():
    assert "area weighting" in (edge_module.__doc__ or "")
