import io
import warnings

import numpy as np
import onnx
import onnxruntime
import onnxsim
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dgiqa_edge.export.networks.lite_trunk import InvertedBottleneck
from dgiqa_edge.export.networks.nano import VIEW_RULE, Nano, map_statistics

MOST_PARAMETERS = 3_500_000
MOST_MACS = 0.6e9


@pytest.fixture(scope="module")
def nano():
    torch.manual_seed(0)
    return Nano().eval().requires_grad_(False)


def views_of(network, frame, crops=1, seed=1):
    views = network.arrange(frame, crops)
    generator = torch.Generator().manual_seed(seed)
    side = VIEW_RULE.crop_side_px
    return (
        torch.randn(1, 3, *views.whole, generator=generator),
        torch.randn(crops, 3, side, side, generator=generator),
    )


@pytest.mark.parametrize("frame", [(720, 1280), (512, 512), (480, 640), (1080, 1920)])
def test_it_is_small_and_cheap(nano, frame):
    assert sum(parameter.numel() for parameter in nano.parameters()) <= MOST_PARAMETERS
    inputs = views_of(nano, frame)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        nano(*inputs)
    assert counter.get_total_flops() / 2 <= MOST_MACS


@pytest.mark.parametrize(("frame", "crops"), [((512, 512), 1), ((720, 1280), 1), ((480, 640), 3)])
def test_scores_are_per_view_and_their_mean(nano, frame, crops):
    inputs = views_of(nano, frame, crops)
    with torch.no_grad():
        score, view_scores, depth, *_ = nano(*inputs)
    assert score.shape == (1,)
    assert view_scores.shape == (1, 1 + crops)
    assert depth.shape == (1, *(side // 4 for side in nano.views.whole))
    assert ((view_scores > 0) & (view_scores < 1)).all()
    assert torch.allclose(score, view_scores.mean(dim=1))


def test_only_operators_that_quantize_well_carry_the_cost(nano):
    assert not [name for name, part in nano.named_modules() if isinstance(part, (nn.SiLU, nn.Hardswish, nn.GELU))]
    maps = nano.trunk(torch.randn(1, 3, 64, 64))
    assert [tuple(level.shape[1:]) for level in maps] == [(24, 16, 16), (40, 8, 8), (112, 4, 4), (192, 2, 2)]


@pytest.mark.parametrize(("width", "stride", "residual"), [(16, 1, True), (16, 2, False), (24, 1, False)])
def test_a_block_adds_its_input_only_where_shapes_allow(width, stride, residual):
    block = InvertedBottleneck(16, width, kernel=3, stride=stride, expansion=6).eval()
    for parameter in block.project[1].parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 16, 8, 8)
    with torch.no_grad():
        assert torch.equal(block(x), x) == residual


def test_statistics_are_means_and_deviations(nano):
    maps = nano.trunk(torch.randn(2, 3, 64, 64))
    figures = map_statistics(maps)
    assert figures.shape == (2, 736)
    assert torch.allclose(figures[:, :24], maps.stride4.mean(dim=(2, 3)), atol=1e-5)
    assert torch.allclose(figures[:, 368:392], maps.stride4.std(dim=(2, 3), correction=0), atol=1e-2)


@pytest.mark.parametrize("frame", [(720, 1280), (512, 512)])
def test_it_exports_simplifies_and_runs_alike(nano, frame):
    inputs = views_of(nano, frame)
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(nano, inputs, file, opset_version=17, dynamo=False, input_names=["whole", "crops"])
        expected = nano(*inputs)
    model, checked = onnxsim.simplify(onnx.load_from_string(file.getvalue()))
    assert checked
    assert not {"BatchNormalization"} & {node.op_type for node in model.graph.node}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"whole": inputs[0].numpy(), "crops": inputs[1].numpy()})
    for ours, theirs in zip(outputs, expected, strict=True):
        assert np.abs(ours - theirs.numpy()).max() < 1e-4
