"""The constant gathers of Swin against the paper's operations, written with roll, slices and loops."""

import pytest
import torch

from dgiqa_edge.export.networks.swin import (
    SHIFT,
    WINDOW,
    PatchMerging,
    SwinT,
    WindowAttention,
    relative_position_index,
    shift_mask,
)

WIDTH, HEADS, SIDE = 24, 3, 14


def windows_of(image):
    """[N, S, S, C] to a list of windows [N, 49, C], row by row."""
    steps = range(0, image.shape[1], WINDOW)
    return [image[:, y : y + WINDOW, x : x + WINDOW].flatten(1, 2) for y in steps for x in steps]


def attention_by_the_paper(module, tokens, shift):
    """Cyclic shift, windows one at a time, mask by comparing where each token came from, shift back."""
    side, head_width = SIDE, WIDTH // HEADS
    image = tokens.reshape(-1, side, side, WIDTH)
    places = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"), dim=-1)[None]
    image, places = (t.roll((-shift, -shift), (1, 2)) for t in (image, places.float()))
    offsets = torch.stack(torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij"), -1).reshape(-1, 2)
    outputs = []
    for window, place in zip(windows_of(image), windows_of(places), strict=True):
        query, key, value = module.qkv(window).chunk(3, dim=-1)
        # Tokens that lay more than a window apart before the shift do not see each other.
        apart = ((place[0][:, None] - place[0][None, :]).abs() >= WINDOW).any(-1)
        mixed = []
        for head in range(HEADS):
            part = slice(head * head_width, (head + 1) * head_width)
            logits = query[..., part] @ key[..., part].transpose(1, 2) / head_width**0.5
            step = offsets[:, None] - offsets[None, :] + WINDOW - 1
            row = step[..., 0] * (2 * WINDOW - 1) + step[..., 1]
            logits = logits + module.relative_position_bias_table[row, head] - 100.0 * apart
            mixed.append(logits.softmax(-1) @ value[..., part])
        outputs.append(module.proj(torch.cat(mixed, dim=-1)))
    result = torch.zeros_like(image)
    for index, window in enumerate(outputs):
        y, x = (WINDOW * part for part in divmod(index, side // WINDOW))
        result[:, y : y + WINDOW, x : x + WINDOW] = window.reshape(-1, WINDOW, WINDOW, WIDTH)
    return result.roll((shift, shift), (1, 2)).reshape(tokens.shape)


@pytest.fixture
def tokens():
    torch.manual_seed(1)
    return torch.randn(2, SIDE * SIDE, WIDTH)


@pytest.mark.parametrize("shift", [0, SHIFT])
def test_window_attention_equals_the_paper(tokens, shift):
    module = WindowAttention(WIDTH, HEADS, SIDE, shift)
    torch.nn.init.normal_(module.relative_position_bias_table)
    with torch.no_grad():
        torch.testing.assert_close(module(tokens), attention_by_the_paper(module, tokens, shift), atol=1e-6, rtol=0)


def test_without_its_mask_the_shifted_window_differs(tokens):
    module = WindowAttention(WIDTH, HEADS, SIDE, SHIFT)
    with torch.no_grad():
        right = module(tokens)
        module.mask.zero_()
        assert (module(tokens) - right).abs().max() > 1e-2


def test_patch_merging_equals_strided_slices(tokens):
    module = PatchMerging(WIDTH, SIDE)
    image = tokens.reshape(-1, SIDE, SIDE, WIDTH)
    corners = [image[:, y::2, x::2] for x in (0, 1) for y in (0, 1)]
    with torch.no_grad():
        expected = module.reduction(module.norm(torch.cat(corners, dim=-1).reshape(2, -1, 4 * WIDTH)))
        torch.testing.assert_close(module(tokens), expected, atol=1e-6, rtol=0)


def test_relative_positions_use_the_whole_table_symmetrically():
    index = relative_position_index()
    assert sorted(set(index.reshape(-1).tolist())) == list(range(169))
    assert (index + index.T == 168).all()


def test_mask_separates_only_the_windows_at_the_far_edges():
    mask = shift_mask(SIDE, SHIFT)
    assert (mask[0] == 0).all()
    assert all((window < 0).any() for window in mask[1:])


def test_feature_maps_have_the_sides_of_the_stages():
    with torch.no_grad():
        maps = SwinT().eval()(torch.zeros(1, 3, 224, 224))
    assert [tuple(m.shape) for m in maps] == [(1, 56, 56, 96), (1, 28, 28, 192), (1, 14, 14, 384), (1, 7, 7, 768)]


def test_no_constant_enters_the_state_dict():
    keys = SwinT().state_dict()
    assert not [key for key in keys if "mask" in key or "index" in key or "order" in key or "windows" in key]
