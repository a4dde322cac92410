"""Small networks with the interfaces of the real ones, so that a whole build of them takes seconds."""

from pathlib import Path
from typing import Any

import pytest
import torch


class TinyDepth(torch.nn.Module):
    """[1, 3, h, w] -> [1, h, w] by a strided convolution, a linear layer on tokens, and upsampling."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 8, 14, stride=14)
        self.norm = torch.nn.LayerNorm(8)
        self.linear = torch.nn.Linear(8, 8)
        self.out = torch.nn.Conv2d(8, 1, 1)

    def forward(self, image):
        height, width = image.shape[-2:]
        tokens = self.patches(image).flatten(2).transpose(1, 2)
        tokens = tokens + torch.nn.functional.gelu(self.linear(self.norm(tokens)))
        features = tokens.transpose(1, 2).reshape(1, 8, height // 14, width // 14)
        depth = torch.nn.functional.interpolate(self.out(features), size=(height, width), mode="bilinear")
        return torch.relu(depth + 2.0)[:, 0]


class TinyQuality(torch.nn.Module):
    """Two [N, 3, 224, 224] -> [N] in 0..1, with attention between the two inputs' tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.rgb = torch.nn.Conv2d(3, 16, 32, stride=32)
        self.depth = torch.nn.Conv2d(3, 16, 32, stride=32)
        self.query = torch.nn.Linear(16, 16)
        self.key = torch.nn.Linear(16, 16)
        self.norm = torch.nn.LayerNorm(16)
        self.fc = torch.nn.Linear(16, 1)

    def forward(self, x_rgb, x_depth):
        rgb = self.rgb(x_rgb).flatten(2).transpose(1, 2)
        depth = self.depth(x_depth).flatten(2).transpose(1, 2)
        attention = torch.softmax(self.query(depth) @ self.key(rgb).transpose(1, 2) / 4.0, dim=-1)
        return torch.sigmoid(self.fc(self.norm(depth + attention @ rgb).mean(dim=1)))[:, 0]


def create() -> tuple[torch.nn.Module, torch.nn.Module]:
    """(depth, quality), with fixed weights."""
    torch.manual_seed(7)
    return TinyDepth().eval(), TinyQuality().eval()


def options(folder: Path, **changes: Any) -> Any:
    """Options of a build of the tiny networks below ``folder``."""
    from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
    from dgiqa_edge.export.options.build_options import BuildOptions

    values = {
        "preset": "reference",
        "precision": "int8",
        "backend": "onnxruntime",
        "layout": "fused",
        "frame": (96, 128),
        "fit": "stretch",
        "depth_network": "depth_anything_v1_vits",
        "quality_network": "dgiqa",
        "depth_side": 70,
        "short_side": 224,
        "crops": 2,
        "crop_boxes": None,
        "depth_weights": None,
        "quality_weights": None,
        "calib": str(SHIPPED_PHOTOS),
        "calib_images": 16,
        "check_images": 8,
        "method": "minmax",
        "threads": 1,
        "seed": "test",
        "out": folder / "bundle",
        "work": folder / "work",
    }
    return BuildOptions(**{**values, **changes})


def for_tensorrt(
    folder: Path, *, engine: bool = True, settings: Any = None, timing_cache: Path | None = None, **changes: Any
) -> Any:
    """Options of a build for TensorRT of the tiny networks below ``folder``."""
    from dgiqa_edge.export.options.tensorrt_options import BuilderSettings, TensorRtOptions

    precision = {"precision": changes["rungs"][0]} if changes.get("rungs") else {}
    tensorrt = TensorRtOptions(engine, settings or BuilderSettings(), timing_cache)
    return options(folder, **{"backend": "tensorrt", "check_images": 4, "tensorrt": tensorrt, **precision, **changes})


def run_build(options: Any) -> Any:
    """The build in this process."""
    from dgiqa_edge.export.build.build import Build, stage_count
    from dgiqa_edge.export.stages.reporter import Reporter

    return Build(options, Reporter(stages=stage_count(options))).run()


def put_in(patch: pytest.MonkeyPatch, networks: Any, cache: Path) -> None:
    """Make every build use ``networks`` (depth, quality)."""
    from dgiqa_edge.export.weights.network_source import NetworkSource

    by_role = dict(zip(("depth", "quality"), networks, strict=True))
    patch.setattr(NetworkSource, "load", lambda self: by_role[self.role])
    patch.setenv("XDG_CACHE_HOME", str(cache))
