"""Multi-head attention from plain MatMul and Softmax, with query, key and value projected apart.

Every backend runs these operators, and builders that fuse attention recognise them; a fused qkv projection has given
wrong results on some TensorRT versions. Checkpoints store the three projections stacked: slices of a stacked weight
are constants once exported.
"""

from torch import Tensor, nn
from torch.nn import functional as F


def stacked(weight: Tensor, bias: Tensor, part: int) -> tuple[Tensor, Tensor]:
    """Weight [C, C_in] and bias [C] of query (0), key (1) or value (2) in a stack [3C, C_in], [3C]."""
    width = weight.shape[0] // 3
    rows = slice(part * width, (part + 1) * width)
    return weight[rows], bias[rows]


def attend(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None, dropout: nn.Module | None = None
) -> Tensor:
    """Softmax(query key^T + bias) value; the query is already scaled.

    Args:
        query, key, value: [N, heads, tokens, head width].
        bias: added to the logits; broadcastable to [N, heads, tokens, tokens].
        dropout: applied to the weights in training.

    Returns:
        [N, heads, tokens, head width].
    """
    logits = query @ key.transpose(-2, -1)
    if bias is not None:
        logits = logits + bias
    weights = logits.softmax(dim=-1)
    return (weights if dropout is None else dropout(weights)) @ value


def project_heads(x: Tensor, weight: Tensor, bias: Tensor, heads: int) -> Tensor:
    """Project tokens [N, tokens, C_in] and split them into [N, heads, tokens, C / heads]."""
    width = weight.shape[0] // heads
    return F.linear(x, weight, bias).reshape(-1, x.shape[1], heads, width).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """[N, heads, tokens, width] to [N, tokens, heads * width]."""
    return x.transpose(1, 2).reshape(-1, x.shape[2], x.shape[1] * x.shape[3])


def scaled(weight: Tensor, bias: Tensor, head_width: int) -> tuple[Tensor, Tensor]:
    """The query projection with the logits' 1 / sqrt(head width) folded into it."""
    scale = head_width**-0.5
    return weight * scale, bias * scale


class SelfAttention(nn.Module):
    """Attention over all tokens, with the keys ``qkv`` and ``proj`` of the vision-transformer checkpoints."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens [N, tokens, width] to the same shape."""
        weight, bias = self.qkv.weight, self.qkv.bias
        head_width = x.shape[2] // self.heads
        query = project_heads(x, *scaled(*stacked(weight, bias, 0), head_width), self.heads)
        key = project_heads(x, *stacked(weight, bias, 1), self.heads)
        value = project_heads(x, *stacked(weight, bias, 2), self.heads)
        return self.proj(merge_heads(attend(query, key, value)))


class Mlp(nn.Module):
    """Two linear layers with the exact (erf) GELU between them; keys ``fc1`` and ``fc2``."""

    def __init__(self, width: int, expansion: int = 4) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, expansion * width)
        self.fc2 = nn.Linear(expansion * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))
