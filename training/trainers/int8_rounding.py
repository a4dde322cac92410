"""Imitates in training what an INT8 build for CPUs does to `nano`: the same tensors and weights on the same grids.

Weights lie on a symmetric grid per output channel; what convolutions, sums of residuals and linear layers read or give
lies on a grid per tensor, frame size and view, between the extremes of calibration photos. Gradients pass through the
rounding (Bengio et al. 2013; Jacob et al. 2018). The stem and the filter behind it, attention, norms and softmax stay
float, as in the build.
Not imitated: the rounding of the refinement's input to its query, and of biases to int32. A test holds the imitation to
a built graph.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from dgiqa_edge.calibration.int8.grids import SIGNED_LEVELS, UNSIGNED_LEVELS, activation_grid
from dgiqa_edge.export.networks.depth_guidance import DepthTokens
from dgiqa_edge.export.networks.lite_trunk import InvertedBottleneck, ViewMaps
from dgiqa_edge.export.networks.nano import STATISTICS_WIDTH, TOKEN_WIDTH, VIEW_WIDTH, Nano
from dgiqa_edge.export.networks.views import Size

STEM = "trunk.stem"
FLOAT = (STEM, "trunk.blocks.0.depthwise", "faults")
"""Modules whose weights stay as they are: a build leaves them in float, or nothing here is learned by them."""
READERS = ("whole", "crop")
OFF, OBSERVE, ON = "off", "observe", "on"
Site = tuple[str, str]


@dataclass(frozen=True)
class Reading:
    """What `nano` makes of F frames: maps of both views, logits [F, 1 + N], depth [F, h / 4, w / 4]."""

    whole: ViewMaps
    crop: ViewMaps
    logits: Tensor
    depth: Tensor


@dataclass
class Int8Rounding:
    """Puts hooks into a network; from then on its weights are on their grids, and its tensors where ``mode`` is ON.

    Attributes:
        network: in eval mode; batch norm keeps its statistics, so that a build may fold it.
        mode: of the tensors: OFF, OBSERVE their extremes, or ON their grids.
        ranges: extremes by frame size and by site: the tensor's place and the view that the trunk works on.
    """

    network: Nano
    mode: str = OFF
    ranges: dict[Size, dict[Site, tuple[float, float]]] = field(default_factory=dict)
    _view: str = ""

    def __post_init__(self) -> None:
        self.network.eval()
        for name, module in self.network.named_modules():
            if name.startswith(FLOAT):
                continue
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                parametrize.register_parametrization(module, "weight", _OnGrids())
        for reader in READERS:
            vectors = self.network.get_submodule(f"{reader}.dropout")
            vectors.register_forward_hook(partial(self._vector, reader))
        for name, place, clamped in _places(self.network):
            module = self.network.get_submodule(name)
            if place == "input":
                module.register_forward_pre_hook(partial(self._input, name))
            else:
                module.register_forward_hook(partial(self._output, name, clamped))

    def read(self, whole: Tensor, crops: Tensor) -> Reading:
        """Views of F frames [F, 3, h, w] and [F * N, 3, 160, 160], of the size the network is arranged for.

        Raises:
            KeyError: ``mode`` is ON and frames of this size were not observed.
        """
        network = self.network
        with parametrize.cached():
            self._view = "whole"
            whole_maps = network.trunk(whole)
            self._view = "crop"
            crop_maps = network.trunk(crops)
            self._view = ""
            return Reading(whole_maps, crop_maps, *network.read(whole_maps, crop_maps))

    def observe(self, views: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Set the ranges of the frame size that the network is arranged for from whole views and crops of photos."""
        self.ranges[self.network.views.frame] = {}
        self.mode = OBSERVE
        with torch.no_grad():
            for whole, crops in views:
                self.read(whole, crops)
        self.mode = OFF

    def state(self) -> dict[str, Tensor]:
        """The network's state dict, of its usual keys, with weights that are on their grids already."""
        kept = {key: value for key, value in self.network.state_dict().items() if ".parametrizations." not in key}
        for name, module in self.network.named_modules():
            if parametrize.is_parametrized(module, "weight"):
                kept[f"{name}.weight"] = module.weight.detach().clone()
        return kept

    def _input(self, name: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (self._rounded(name, inputs[0]), *inputs[1:])

    def _output(self, name: str, clamped: bool, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return self._rounded(name, torch.relu(output) if clamped else output)

    def _vector(self, reader: str, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        """Dropout sees what goes into the layer of statistics, and what comes out of it behind the tokens' mean."""
        if output.shape[1] != VIEW_WIDTH:
            return self._rounded(f"{reader}.statistics", output)
        tokens, summary = output.split((TOKEN_WIDTH, STATISTICS_WIDTH), dim=1)
        return torch.cat((tokens, self._rounded(f"{reader}.summary", summary)), dim=1)

    def _rounded(self, name: str, x: Tensor) -> Tensor:
        if self.mode == OFF:
            return x
        seen, site = self.ranges[self.network.views.frame], (name, self._view)
        if self.mode == OBSERVE:
            low, high = float(x.min()), float(x.max())
            before = seen.get(site, (low, high))
            seen[site] = min(low, before[0]), max(high, before[1])
            return x
        grid = activation_grid(*seen[site], unsigned=True)
        return torch.fake_quantize_per_tensor_affine(x, grid.scale, grid.zero_point, 0, UNSIGNED_LEVELS)


class _OnGrids(nn.Module):
    """A weight [C, ...] on the grids of its output channels; batch norm scales a channel and its grid alike."""

    def forward(self, weight: Tensor) -> Tensor:
        largest = weight.detach().abs().flatten(1).amax(dim=1)
        scales = torch.where(largest > 0, largest / SIGNED_LEVELS, torch.ones_like(largest))
        centre = torch.zeros(len(scales), dtype=torch.int32, device=weight.device)
        return torch.fake_quantize_per_channel_affine(weight, scales, centre, 0, -SIGNED_LEVELS, SIGNED_LEVELS)


def _places(network: Nano) -> list[tuple[str, str, bool]]:
    """Modules whose ``input`` or ``output`` gets a grid, and whether a ReLU outside the module follows its output."""
    places = [(f"depth_decoder.{mix}", "input", False) for mix in ("mix16", "mix8", "mix4")]
    places += [(f"{reader}.bridge", "input", False) for reader in READERS]
    for name, module in network.named_modules():
        if name.startswith("faults"):
            continue
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] not in ("query", "statistics"):
            places.append((name, "input", False))
        elif isinstance(module, DepthTokens):
            places += [(name, "input", False), (f"{name}.shrink", "output", True), (f"{name}.widen", "output", False)]
        elif (isinstance(module, InvertedBottleneck) and module.residual) or _is_convolution(network, name, module):
            places.append((name, "output", False))
    return places


def _is_convolution(network: Nano, name: str, module: nn.Module) -> bool:
    """Whether a module is a convolution with what a build folds into it: batch norm and ReLU6."""
    if name.startswith(STEM):
        return False
    if isinstance(module, nn.Sequential):
        return isinstance(module[0], nn.Conv2d)
    parent = network.get_submodule(name.rpartition(".")[0])
    return isinstance(module, nn.Conv2d) and not isinstance(parent, (nn.Sequential, DepthTokens))
