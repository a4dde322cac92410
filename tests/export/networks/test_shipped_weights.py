"""Golden outputs of the weights that ship: a change of code or weights that moves a score fails here."""

import json

import numpy as np
import pytest
from shipped_golden import ENCODER, FILE, PHOTOS, WEIGHTS, edge, edge_head, nano

GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
TOLERANCE = 2e-4


def agree(found, golden):
    assert found.keys() == golden.keys()
    for name, values in golden.items():
        assert np.allclose(found[name], values, atol=2.0 if name == "depth" else TOLERANCE), name


@pytest.mark.parametrize("photo", PHOTOS)
def test_nano(photo):
    agree(nano(photo), GOLDEN["nano"][photo])


@pytest.mark.parametrize("photo", PHOTOS)
def test_edge(photo):
    if not ENCODER.is_file():
        pytest.skip(f"no encoder weights at {ENCODER}")
    agree(edge(photo), GOLDEN["edge"][photo])


def test_edges_head_alone():
    """Needs no encoder: statistics from a seeded generator."""
    agree(edge_head(), GOLDEN["edge_head"])


@pytest.mark.parametrize(
    ("file", "most_bytes"), [("nano.safetensors", 7_000_000), ("edge_head.safetensors", 18_000_000)]
)
def test_they_are_small(file, most_bytes):
    assert (WEIGHTS / file).stat().st_size < most_bytes
