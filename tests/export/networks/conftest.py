"""Golden vectors of the published implementation (outside the project) and the networks filled by their rule."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export room needs torch")

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference"


@pytest.fixture(scope="session")
def reference() -> Path:
    if not (REFERENCE / "keys.json").is_file():
        pytest.skip("../shared/reference with the golden vectors is not here")
    return REFERENCE


@pytest.fixture(scope="session")
def published_keys(reference):
    """Per network: {key: shape} of the published state dict, in order."""
    document = json.loads((reference / "keys.json").read_text())
    return {name: {key: tuple(shape) for key, shape, _ in document[name]} for name in ("dgiqa", "depth_anything_vits")}


@pytest.fixture(scope="session")
def meta(reference):
    return json.loads((reference / "meta.json").read_text())


@pytest.fixture(scope="session")
def rule_state(reference, meta):
    """Callable: the state dict that the golden rule gives for {key: shape}."""
    spec = importlib.util.spec_from_file_location("weight_rule", reference / "weight_rule.py")
    rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule)

    def fill(shapes):
        return {
            key: torch.from_numpy(np.asarray(rule.rule_array(key, shape, meta["salt"])))
            for key, shape in shapes.items()
        }

    return fill


def load_npz(path: Path):
    with np.load(path) as archive:
        return {name: torch.from_numpy(archive[name]) for name in archive}


@pytest.fixture(scope="session")
def golden_dgiqa(reference):
    return load_npz(reference / "dgiqa.npz")


@pytest.fixture(scope="session")
def golden_depth(reference):
    return load_npz(reference / "depth.npz")
