"""Writes what the weights that ship make of two photos: ``python tests/shipped_golden.py``.

Run it only when weights change; `export/networks/test_shipped_weights.py` holds the code to the file.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from places import ROOT, SHARED
from safetensors.torch import load_file

from dgiqa_edge.export.frame_graph.view_graph import ViewGraph
from dgiqa_edge.export.networks.edge import Edge, EdgeHead
from dgiqa_edge.export.networks.nano import Nano

FILE = ROOT / "tests" / "export" / "networks" / "shipped_golden.json"
WEIGHTS = ROOT / "export" / "weights"
ENCODER = SHARED / "data" / "weights" / "depth_anything_v2_vits.fp16.safetensors"
PHOTOS = ("astronaut.jpg", "dahlia.jpg")
NAMES = ("score", "view_scores", "depth", "faults", "coverage")

Golden = dict[str, list[float]]


def nano(photo: str) -> Golden:
    network = Nano()
    network.load_state_dict(_weights(WEIGHTS / "nano.safetensors"))
    return _outputs(network, photo)


def edge(photo: str) -> Golden:
    network = Edge()
    network.head.load_state_dict(_weights(WEIGHTS / "edge_head.safetensors"))
    network.encoder.load_state_dict(_weights(ENCODER))
    return _outputs(network, photo)


def edge_head() -> Golden:
    head, generator = EdgeHead().eval(), np.random.default_rng(11)
    head.load_state_dict(_weights(WEIGHTS / "edge_head.safetensors"))
    views = [
        reader.mean + reader.deviation * torch.from_numpy(generator.standard_normal((1, 4608))).float()
        for reader in (head.whole, head.crop)
    ]
    with torch.no_grad():
        return {"view_scores": _plain(torch.sigmoid(head(*views)[0]))}


def _outputs(network: torch.nn.Module, photo: str) -> Golden:
    """Of the frame graph; of depth and coverage 16 values."""
    frame = cv2.imread(str(ROOT / "calibration" / "photos" / photo))
    graph = ViewGraph(network, frame.shape[:2])
    with torch.no_grad():
        found = dict(zip(NAMES, graph(torch.from_numpy(frame)[None]), strict=False))
    rows, columns = (np.linspace(0, side - 1, 4).astype(int) for side in found["depth"].shape[1:])
    found["depth"] = found["depth"][0, rows][:, columns]
    if "coverage" in found:
        found["coverage"] = found["coverage"].amax(dim=3)
    return {name: _plain(value) for name, value in found.items()}


def _plain(values: torch.Tensor) -> list[float]:
    return [round(float(value), 6) for value in values.flatten()]


def _weights(file: Path) -> dict[str, torch.Tensor]:
    return {key: value.float() if value.is_floating_point() else value for key, value in load_file(file).items()}


if __name__ == "__main__":
    golden = {model.__name__: {photo: model(photo) for photo in PHOTOS} for model in (nano, edge)}
    FILE.write_text(json.dumps({**golden, "edge_head": edge_head()}, indent=1) + "\n", encoding="utf-8")
