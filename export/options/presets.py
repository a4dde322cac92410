"""Presets: named configurations of networks and sizes. They are data; every value can be overridden by an option."""

from dataclasses import dataclass

from dgiqa_edge.runtime.errors import ConfigurationError

DEFAULT = "nano"


@dataclass(frozen=True)
class Preset:
    """One named configuration; sizes in pixels.

    Attributes:
        depth_network, quality_network: names that ``networks.create`` knows.
        depth_side: lower bound of the depth network's short side.
        short_side: short side of the image the crops are cut from.
        crops: number of 224-pixel crops, or of native crops where ``views`` is set.
        views: one network that reads the whole frame and native crops; ``depth_side`` and ``short_side`` are unused.
    """

    name: str
    summary: str
    depth_network: str
    quality_network: str
    crops: int
    depth_side: int = 0
    short_side: int = 0
    views: bool = False


def get(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ConfigurationError: there is none; the message lists those there are.
    """
    if name not in PRESETS:
        raise ConfigurationError(f"unknown preset {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="nano",
            summary="one small complete network for depth, quality and faults, whole frame and one native crop",
            depth_network="nano",
            quality_network="nano",
            crops=1,
            views=True,
        ),
        Preset(
            name="reference",
            summary="the published pipeline: Depth Anything V1 (ViT-S) and DGIQA on 20 crops",
            depth_network="depth_anything_v1_vits",
            quality_network="dgiqa",
            depth_side=518,
            short_side=384,
            crops=20,
        ),
        Preset(
            name="reference-lite",
            summary="the same two networks on smaller inputs: Depth Anything V2 (ViT-S) at 252, DGIQA on 4 crops",
            depth_network="depth_anything_v2_vits",
            quality_network="dgiqa",
            depth_side=252,
            short_side=384,
            crops=4,
        ),
        Preset(
            name="edge",
            summary="one Depth Anything V2 (ViT-S) encoder for depth and quality, whole frame and one native crop",
            depth_network="depth_anything_v2_vits",
            quality_network="edge",
            crops=1,
            views=True,
        ),
    )
}
