"""Whether numbers can be the weights of a trained network: their kind, and what they are.

Judged by what a tensor is for. A bias, a token or a norm's offset may well be zero; a kernel that holds one number only
makes its layer answer everything alike, whoever trained it. The bounds lie far outside what the networks here hold:
their kernels reach 0.04 to 3.7, their running variances 6,600.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

LEAST_KERNEL = 1e-12
"""A kernel whose largest number is smaller is as good as zero, denormal ones included."""

MOST = 1e6
MOST_VARIANCE = 1e12

UNTRAINED = "its norms are as initialised, so the network looks untrained: its outputs mean nothing yet"

_AGAIN = "download or save the file again"


def plain_problem(key: str, tensor: "torch.Tensor") -> str | None:
    """Why a stored tensor cannot be read as an array of numbers; ``None`` where it can."""
    import torch

    kind = str(tensor.dtype).removeprefix("torch.")
    if tensor.is_meta:
        return f"{key} has a shape and no numbers (a meta tensor): save the network after its weights were loaded"
    if tensor.is_nested or tensor.layout != torch.strided:
        layout = "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.")
        return f"{key} is stored as {layout}: save it dense, with tensor.to_dense()"
    if tensor.is_quantized:
        return f"{key} holds {kind} numbers: give an unquantized checkpoint"
    if tensor.is_complex():
        return f"{key} holds {kind} numbers: the networks here have real weights"
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return f"{key} claims {tensor.numel()} numbers and stores fewer (an expanded tensor): save tensor.contiguous()"
    return None


def numbers_problem(state: "Mapping[str, torch.Tensor]") -> str | None:
    """What is wrong with the numbers of a state dict, in one sentence; ``None`` where nothing is."""
    kernels, empty = 0, []
    for key, tensor in state.items():
        problem = plain_problem(key, tensor) or _kind_problem(key, tensor)
        if problem is not None or not tensor.is_floating_point() or not tensor.numel():
            if problem is not None:
                return problem
            continue
        low, high = (float(edge) for edge in tensor.float().aminmax())
        if not (abs(low) < float("inf") and abs(high) < float("inf")):
            return f"{key} holds values that are not finite: {_AGAIN}"
        problem = _range_problem(key, low, high)
        if problem is not None:
            return problem
        if tensor.ndim > 1 and tensor.numel() > 1 and key.rsplit(".", 1)[-1] == "weight":
            kernels += 1
            if low == high or max(abs(low), abs(high)) < LEAST_KERNEL:
                empty.append(f"{key} ({low:g})" if low == high else f"{key} (at most {max(abs(low), abs(high)):.1e})")
    if empty:
        return (
            f"{len(empty)} of {kernels} layers hold one number only or as good as zero ({', '.join(empty[:3])}"
            f"{', ...' if len(empty) > 3 else ''}), so they were never trained or were lost: {_AGAIN}"
        )
    return None


def untrained(state: "Mapping[str, torch.Tensor]") -> bool:
    """Whether every norm still is as initialised (scale 1, no statistics): such a network has never been trained."""
    scales = [t for key, t in state.items() if t.ndim == 1 and t.numel() > 1 and key.endswith(".weight")]
    return bool(scales) and all(bool((scale == 1).all()) for scale in scales)


def _kind_problem(key: str, tensor: "torch.Tensor") -> str | None:
    if tensor.is_floating_point() == key.endswith("num_batches_tracked"):
        kind = str(tensor.dtype).removeprefix("torch.")
        return f"{key} holds {kind} numbers: give an unquantized checkpoint"
    return None


def _range_problem(key: str, low: float, high: float) -> str | None:
    variance = key.endswith("running_var")
    if variance and low < 0:
        return f"{key} reaches {low:g}, and no variance is negative: {_AGAIN}"
    most = MOST_VARIANCE if variance else MOST
    if max(abs(low), abs(high)) > most:
        return f"{key} reaches {low if -low > high else high:g}, far beyond what weights are: {_AGAIN}"
    return None
