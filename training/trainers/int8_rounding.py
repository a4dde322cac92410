"""Imitates in training what an INT8 build for CPUs does to `nano`: the same tensors and weights on the same grids.

Weights lie on a symmetric grid per output channel; what convolutions and sums of residuals read or give lies on a grid
per tensor, frame size and view, between the extremes of calibration photos. Gradients pass through the rounding (Bengio
et al. 2013; Jacob et al. 2018). The stem and the filter behind it, and what reads statistics and says faults, stay
float, as in the build. Not imitated: the rounding of biases to int32. A test holds the imitation to a built graph.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from dgiqa_edge.calibration.int8.grids import SIGNED_LEVELS, UNSIGNED_LEVELS, activation_grid
from dgiqa_edge.export.networks.lite_trunk import InvertedBottleneck, ViewMaps
from dgiqa_edge.export.networks.nano import Nano, map_statistics
from dgiqa_edge.export.networks.views import Size

STEM = "trunk.stem"
FLOAT = (STEM, "trunk.blocks.0.depthwise", "head", "faults.whole", "faults.crop", "faults.frame", "faults.cells")
"""Modules that a build leaves in float."""
SUMS = ("depth_decoder.mix16", "depth_decoder.mix8", "depth_decoder.mix4", "faults.mix")
"""Modules that read a sum of two maps."""
OFF, OBSERVE, ON = "off", "observe", "on"
Site = tuple[str, str]


@dataclass(frozen=True)
class Reading:
    """What `nano` makes of F frames: depth, statistics of both views' maps, and what :meth:`Nano.read` gives."""

    depth: Tensor
    whole: Tensor
    crop: Tensor
    logits: Tensor
    faults: Tensor
    coverage: Tensor
    context: Tensor


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
        for name in SUMS:
            self.network.get_submodule(name).register_forward_pre_hook(partial(self._input, name))
        for name in _outputs(self.network):
            self.network.get_submodule(name).register_forward_hook(partial(self._output, name))

    def read(self, whole: Tensor, crops: Tensor) -> Reading:
        """Views of F frames [F, 3, h, w] and [F * N, 3, 160, 160], of the size the network is arranged for.

        Raises:
            KeyError: ``mode`` is ON and frames of this size were not observed.
        """
        with parametrize.cached():
            self._view = "whole"
            whole_maps = self.network.maps(whole)
            self._view = "crop"
            crop_maps = self.network.maps(crops)
            self._view = ""
            return reading(self.network, whole_maps, crop_maps)

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

    def _output(self, name: str, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return self._rounded(name, output)

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


def reading(network: Nano, whole: ViewMaps, crops: ViewMaps) -> Reading:
    """What a network makes of maps of whole views and of crops."""
    figures = map_statistics(whole), map_statistics(crops)
    return Reading(network.depth_decoder(whole), *figures, *network.read(*figures, whole.stride16, whole.stride32))


def _outputs(network: Nano) -> list[str]:
    """Modules whose output gets a grid: sums of residuals, and convolutions with what a build folds into them."""
    names = []
    for name, module in network.named_modules():
        inside = network.get_submodule(name.rpartition(".")[0])
        alone = isinstance(module, nn.Conv2d) and not isinstance(inside, nn.Sequential)
        folded = isinstance(module, nn.Sequential) and isinstance(module[0], nn.Conv2d)
        residual = isinstance(module, InvertedBottleneck) and module.residual
        if (alone or folded or residual) and not name.startswith((STEM, "faults.cells")):
            names.append(name)
    return names
