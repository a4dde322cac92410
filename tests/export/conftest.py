"""Small networks with the interfaces of the real ones, so that the graph around them can be tested in seconds."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export room needs torch")


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


@pytest.fixture(scope="session")
def tiny_networks():
    """(depth, quality), with fixed weights."""
    torch.manual_seed(7)
    return TinyDepth().eval(), TinyQuality().eval()


@pytest.fixture(scope="session")
def photos() -> list[np.ndarray]:
    """Four of the photos that ship, uint8 [H, W, 3] BGR."""
    import cv2

    folder = Path(__file__).resolve().parents[2] / "calibration" / "photos"
    return [cv2.imread(str(path)) for path in sorted(folder.glob("*.jpg"))[:4]]


@pytest.fixture(scope="session")
def tensorrt_fake():
    """The module ``tensorrt_fake.py``: TensorRT of any listed version, without a GPU."""
    spec = importlib.util.spec_from_file_location("tensorrt_fake", Path(__file__).with_name("tensorrt_fake.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
