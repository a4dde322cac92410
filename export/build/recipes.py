"""Recipes: what a preset's networks, weights and sizes come to as one frame graph.

A *pipeline* is the published pair of networks, depth then quality on crops; a *views* recipe is one network (`edge`,
`nano`) that reads the whole frame and native crops. Build stages know neither: they ask a recipe for its sources, its
module, its identity, and its entries in the manifest.
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dgiqa_edge.calibration.degradations.kinds import FAULTS
from dgiqa_edge.runtime.bundle.manifest import FaultsRecord
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.hashing import Json

from .. import networks
from ..frame_graph.geometry import plan
from ..networks.published_sizes import CROP
from ..options import presets
from ..options.build_options import BuildOptions
from ..weights.network_source import SHIPPED_WEIGHTS, NetworkSource

if TYPE_CHECKING:
    from torch import nn


class Recipe(Protocol):
    """What the build needs to know of a preset."""

    sources: tuple[NetworkSource, ...]
    faults: FaultsRecord | None

    def identity(self) -> dict[str, Json]:
        """Everything the exported graph depends on, apart from code and package versions."""
        ...

    def module(self) -> "nn.Module":
        """The frame graph as a PyTorch module with its weights.

        Raises:
            CheckpointError: a weights file is damaged or belongs to another network.
        """
        ...

    def manifest_geometry(self) -> dict[str, Json]:
        """The manifest's ``geometry``."""
        ...


def recipe_of(options: BuildOptions) -> Recipe:
    """The recipe of a build.

    Raises:
        ConfigurationError: options that contradict the preset or each other.
        CheckpointError: a weights file does not exist.
    """
    if presets.get(options.preset).views:
        return ViewsRecipe(options)
    return PipelineRecipe(options)


class PipelineRecipe:
    """Depth network and quality network on crops, in the published order of steps."""

    faults: FaultsRecord | None = None

    def __init__(self, options: BuildOptions) -> None:
        self.geometry = plan(
            options.frame,
            options.depth_side,
            options.short_side,
            list(options.crop_boxes) if options.crop_boxes is not None else None,
            options.crops,
        )
        self.sources: tuple[NetworkSource, ...] = (
            NetworkSource.of("depth", options.depth_network, options.depth_weights, options.seed, options.ema),
            NetworkSource.of("quality", options.quality_network, options.quality_weights, options.seed, options.ema),
        )

    def identity(self) -> dict[str, Json]:
        return {"networks": [source.identity() for source in self.sources], "geometry": asdict(self.geometry)}

    def module(self) -> "nn.Module":
        from ..frame_graph.pipeline import FrameGraph

        depth, quality = (source.load() for source in self.sources)
        geometry = self.geometry
        return FrameGraph(
            depth, quality, geometry.frame, geometry.depth_side, geometry.short_side, list(geometry.crop_boxes)
        )

    def manifest_geometry(self) -> dict[str, Json]:
        geometry = self.geometry
        return {
            "depth_side": geometry.depth_side,
            "short_side": geometry.short_side,
            "crop": CROP,
            "crop_boxes": [list(box) for box in geometry.crop_boxes],
            "depth_input": list(geometry.depth_input),
            "quality_image": list(geometry.quality_image),
            "whole_view": None,
            "depth_output": list(geometry.quality_image),
        }


class ViewsRecipe:
    """One network on views: `nano` is complete, `edge` is a public encoder and the head that ships."""

    def __init__(self, options: BuildOptions) -> None:
        for option in ("depth_side", "short_side"):
            if getattr(options, option) != getattr(presets.get(options.preset), option):
                raise ConfigurationError(
                    f"--{option.replace('_', '-')} does not apply to preset {options.preset}: it sees the whole frame "
                    "and native crops"
                )
        if options.crop_boxes is not None:
            raise ConfigurationError(f"--crop-boxes does not apply to preset {options.preset}: use --crops")
        if options.layout != "fused":
            raise ConfigurationError(f"preset {options.preset} is one network: it has only --layout fused")
        self.frame, self.crops = options.frame, options.crops
        self.network = options.quality_network
        self.is_complete = self.network == presets.get(options.preset).depth_network
        self.sources = self._sources(options)
        grid = networks.get(self.network).coverage
        self.faults = None if grid is None else FaultsRecord(FAULTS, grid)

    def _sources(self, options: BuildOptions) -> tuple[NetworkSource, ...]:
        if self.is_complete:
            name = self.network
            if options.depth_network != name:
                raise ConfigurationError(f"--depth-network does not apply to preset {name}: it is one network")
            if options.depth_weights is not None:
                raise ConfigurationError(
                    f"preset {name} is one network: give its weights as --quality-weights, or choose the networks that "
                    "--depth-weights belongs to (--preset reference, reference-lite or edge)"
                )
            weights = options.quality_weights or _shipped(f"{name}.safetensors")
            return (NetworkSource.of("both", name, weights, options.seed, options.ema),)
        head = options.quality_weights or _shipped("edge_head.safetensors")
        return (
            NetworkSource.of("depth", options.depth_network, options.depth_weights, options.seed, options.ema),
            NetworkSource.of("quality", "edge_head", head, options.seed, options.ema),
        )

    def identity(self) -> dict[str, Json]:
        return {
            "networks": [source.identity() for source in self.sources],
            "frame": list(self.frame),
            "crops": self.crops,
        }

    def module(self) -> "nn.Module":
        from ..frame_graph.view_graph import ViewGraph

        if self.is_complete:
            network = self.sources[0].load()
        else:
            network = networks.create(self.network)
            encoder, head = (source.load() for source in self.sources)
            network.encoder.load_state_dict(encoder.state_dict(), strict=True)  # type: ignore[union-attr]
            network.head.load_state_dict(head.state_dict(), strict=True)  # type: ignore[union-attr]
        return ViewGraph(network, self.frame, self.crops)

    def manifest_geometry(self) -> dict[str, Json]:
        network = networks.create(self.network)
        views = network.arrange(self.frame, self.crops)  # type: ignore[operator]
        stride = network.depth_stride  # type: ignore[union-attr]
        whole = list(views.whole)
        return {
            "depth_side": min(whole),
            "short_side": min(self.frame),
            "crop": views.crops[0][2],
            "crop_boxes": [[left, top] for top, left, _, _ in views.crops],
            "depth_input": whole,
            "quality_image": list(self.frame),
            "whole_view": whole,
            "depth_output": [side // stride for side in whole],
        }


def _shipped(name: str) -> Path:
    path = SHIPPED_WEIGHTS / name
    if not path.is_file():
        raise ConfigurationError(f"the weights {name} are not part of this installation: give --quality-weights")
    return path
