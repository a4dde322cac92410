"""Golden outputs of the weights that ship: a change of code or weights that moves a score fails here."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from places import ROOT, SHARED
from safetensors.torch import load_file

from dgiqa_edge.export.networks.edge import Edge
from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.export.networks.views import crop_view, whole_view

WEIGHTS = ROOT / "export" / "weights"
ENCODER = SHARED / "data" / "weights" / "depth_anything_v2_vits.fp16.safetensors"
GOLDEN = json.loads(Path(__file__).with_name("shipped_golden.json").read_text(encoding="utf-8"))
TOLERANCE = 2e-4


def weights(file):
    return {key: value.float() if value.is_floating_point() else value for key, value in load_file(file).items()}


def outputs(network, photo):
    frame = cv2.imread(str(ROOT / "calibration" / "photos" / photo))
    views = network.arrange(frame.shape[:2])
    crops = np.stack([crop_view(frame, box) for box in views.crops])
    with torch.no_grad():
        score, view_scores, depth = network(
            torch.from_numpy(whole_view(frame, views.whole))[None], torch.from_numpy(crops)
        )
    rows, columns = (np.linspace(0, side - 1, 4).astype(int) for side in depth.shape[1:])
    spread = (depth[0] - depth.mean()) / depth.std()
    return score.numpy(), view_scores[0].numpy(), spread.numpy()[np.ix_(rows, columns)]


def agree(found, golden):
    score, view_scores, depth = found
    assert np.allclose(score, golden["score"], atol=TOLERANCE)
    assert np.allclose(view_scores, golden["view_scores"], atol=TOLERANCE)
    assert np.allclose(depth, golden["depth"], atol=2e-3)


@pytest.mark.parametrize("photo", GOLDEN["nano"])
def test_nano(photo):
    network = Nano().eval()
    network.load_state_dict(weights(WEIGHTS / "nano.safetensors"))
    agree(outputs(network, photo), GOLDEN["nano"][photo])


@pytest.mark.parametrize("photo", GOLDEN["edge"])
def test_edge(photo):
    if not ENCODER.is_file():
        pytest.skip(f"no encoder weights at {ENCODER}")
    network = Edge().eval()
    network.head.load_state_dict(weights(WEIGHTS / "edge_head.safetensors"))
    network.encoder.load_state_dict(weights(ENCODER))
    agree(outputs(network, photo), GOLDEN["edge"][photo])


def test_edges_head_alone():
    """Needs no encoder: features from a seeded generator."""
    network = Edge().eval()
    network.head.load_state_dict(weights(WEIGHTS / "edge_head.safetensors"))
    generator = np.random.default_rng(11)
    inputs = []
    for reader in (network.head.whole, network.head.crop):
        mean, deviation = reader.grid_mean.numpy()[:, None, None], reader.grid_deviation.numpy()[:, None, None]
        inputs.append(mean + deviation * generator.standard_normal((1, 4, 9, 9, 384)))
        mean, deviation = reader.statistics_mean.numpy(), reader.statistics_deviation.numpy()
        inputs.append(mean + deviation * generator.standard_normal((1, 4, 3, 384)))
        inputs.append(generator.standard_normal((1, 18, 18)))
    with torch.no_grad():
        found = network.head(*(torch.from_numpy(value).float() for value in inputs))[0].numpy()
    assert np.allclose(found, GOLDEN["edge_head"], atol=TOLERANCE)


@pytest.mark.parametrize(
    ("file", "most_bytes"), [("nano.safetensors", 7_000_000), ("edge_head.safetensors", 8_500_000)]
)
def test_weights_are_small_and_finite(file, most_bytes):
    assert (WEIGHTS / file).stat().st_size < most_bytes
    assert all(bool(torch.isfinite(value.float()).all()) for value in load_file(WEIGHTS / file).values())
