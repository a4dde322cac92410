"""The networks by name, with the state-dict keys of their published checkpoints.

``create`` builds one; nothing here reads a checkpoint (see ``export/weights/checkpoints.py``). PyTorch is imported only
when a network is built.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import nn

_NAME = "network_name"


@dataclass(frozen=True)
class Network:
    """One entry of the registry.

    Attributes:
        role: ``depth``, ``quality``, or ``both``.
        build: makes the module on the current default device.
        coverage: rows and columns of the cells for which it says where faults are; None: it reads none.
    """

    name: str
    role: str
    summary: str
    build: Callable[[], "nn.Module"]
    coverage: tuple[int, int] | None = None


def names() -> tuple[str, ...]:
    """Every name that :func:`create` knows."""
    return tuple(REGISTRY)


def get(name: str) -> Network:
    """The registry entry of that name.

    Raises:
        ConfigurationError: there is none; the message lists those there are.
    """
    if name not in REGISTRY:
        raise ConfigurationError(f"unknown network {name!r}: choose one of {', '.join(REGISTRY)}")
    return REGISTRY[name]


def create(name: str) -> "nn.Module":
    """The network ``name`` in eval mode on the CPU, without gradients and unfilled: every weight is zero.

    ``dgiqa(x_rgb, x_depth) -> scores [N]``; ``depth_anything_*(x) -> depth [N, h, w]``.

    Raises:
        ConfigurationError: no network has that name.
    """
    import torch
    from torch import nn

    module = _on_meta(name)
    for part in module.modules():
        for key, parameter in part.named_parameters(recurse=False):
            zeros = torch.zeros(parameter.shape, dtype=parameter.dtype)
            part.register_parameter(key, nn.Parameter(zeros, requires_grad=False))
        for key, buffer in part.named_buffers(recurse=False):
            if buffer.is_meta:
                part.register_buffer(key, torch.zeros(buffer.shape, dtype=buffer.dtype))
    setattr(module, _NAME, name)
    return module.eval()


def name_of(module: "nn.Module") -> str:
    """The name under which :func:`create` made ``module``.

    Raises:
        ConfigurationError: it was made otherwise.
    """
    name = getattr(module, _NAME, None)
    if name is None:
        raise ConfigurationError(f"{type(module).__name__} was not made by networks.create: its name is unknown")
    return str(name)


@cache
def signature(name: str) -> Mapping[str, tuple[int, ...]]:
    """State-dict keys and shapes of a network, in order, without allocating it.

    Raises:
        ConfigurationError: no network has that name.
    """
    state = _on_meta(name).state_dict()
    return MappingProxyType({key: tuple(tensor.shape) for key, tensor in state.items()})


def _on_meta(name: str) -> "nn.Module":
    """Weights have shapes but no storage: random initialisation would take seconds and be overwritten.

    The networks make their constants (gather indices, masks) from numpy arrays, which stay real.
    """
    import torch

    build = get(name).build
    with torch.device("meta"):
        return build()


def _lazily(module: str, name: str, *arguments: object) -> Callable[[], "nn.Module"]:
    """A network's class, imported when it is made: PyTorch takes seconds."""

    def build() -> "nn.Module":
        made: nn.Module = getattr(import_module(f".{module}", __name__), name)(*arguments)
        return made

    return build


REGISTRY: Mapping[str, Network] = MappingProxyType(
    {
        network.name: network
        for network in (
            Network("dgiqa", "quality", "DGIQA: two Swin-T, depth-guided cross attention", _lazily("dgiqa", "DGIQA")),
            *(
                Network(
                    name=f"depth_anything_v{version}_{encoder}",
                    role="depth",
                    summary=f"Depth Anything V{version}, {size} encoder",
                    build=_lazily("depth_anything", "of_size", encoder, version),
                )
                for version in (1, 2)
                for encoder, size in (("vits", "ViT-S/14"), ("vitb", "ViT-B/14"), ("vitl", "ViT-L/14"))
            ),
            Network(
                "edge", "both", "depth and quality from one Depth Anything V2-Small encoder", _lazily("edge", "Edge")
            ),
            Network(
                "edge_head", "quality", "the part of `edge` that is trained here and ships", _lazily("edge", "EdgeHead")
            ),
            Network(
                "nano",
                "both",
                "depth, quality and faults from one small network, complete",
                _lazily("nano", "Nano"),
                coverage=(4, 4),
            ),
        )
    }
)
