"""Golden vectors of the published networks, which lie outside the project."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export room needs torch")


@pytest.fixture(scope="session")
def published_keys(reference):
    """Per network: {key: shape} of the published state dict, in order."""
    document = json.loads((reference / "keys.json").read_text())
    return {name: {key: tuple(shape) for key, shape, _ in document[name]} for name in ("dgiqa", "depth_anything_vits")}


def load_npz(path: Path):
    with np.load(path) as archive:
        return {name: torch.from_numpy(archive[name]) for name in archive}


@pytest.fixture(scope="session")
def golden_dgiqa(reference):
    return load_npz(reference / "dgiqa.npz")


@pytest.fixture(scope="session")
def golden_depth(reference):
    return load_npz(reference / "depth.npz")
