"""Attention against PyTorch's own module, which the published checkpoints were trained with."""

import pytest
import torch

from dgiqa_edge.export.networks.attention import SelfAttention
from dgiqa_edge.export.networks.dgiqa import StackedProjections

WIDTH, HEADS = 48, 4


@pytest.fixture(scope="module")
def torch_attention():
    torch.manual_seed(0)
    module = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True).eval()
    torch.nn.init.normal_(module.in_proj_bias)
    torch.nn.init.normal_(module.out_proj.bias)
    return module


def test_cross_attention_equals_multihead_attention(torch_attention):
    ours = StackedProjections(WIDTH, HEADS, dropout=0.0)
    ours.load_state_dict(torch_attention.state_dict(), strict=True)
    asking, answering = torch.randn(2, 5, WIDTH), torch.randn(2, 9, WIDTH)
    with torch.no_grad():
        expected, _ = torch_attention(asking, answering, answering)
        torch.testing.assert_close(ours(asking, answering), expected, atol=1e-6, rtol=0)
        assert (ours(answering, asking)[:, :5] - expected).abs().max() > 1e-2


def test_self_attention_equals_multihead_attention(torch_attention):
    ours = SelfAttention(WIDTH, HEADS)
    state = torch_attention.state_dict()
    ours.load_state_dict({
        "qkv.weight": state["in_proj_weight"],
        "qkv.bias": state["in_proj_bias"],
        "proj.weight": state["out_proj.weight"],
        "proj.bias": state["out_proj.bias"],
    })  # fmt: skip
    tokens = torch.randn(3, 7, WIDTH)
    with torch.no_grad():
        expected, _ = torch_attention(tokens, tokens, tokens)
        torch.testing.assert_close(ours(tokens), expected, atol=1e-6, rtol=0)
