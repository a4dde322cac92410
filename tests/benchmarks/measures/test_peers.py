"""Peers of a bundle: the same graph on OpenVINO, what other rooms offer, and what cannot run with its reason."""

import json
from importlib import metadata, util

import pytest

from dgiqa_edge.benchmarks.measures import peers as module
from dgiqa_edge.benchmarks.measures.measures import bundle_measure
from dgiqa_edge.benchmarks.measures.peers import differences, frames_of, peers
from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.bundle.bundle import load_bundle

needs_openvino = pytest.mark.skipif(util.find_spec("openvino") is None, reason="OpenVINO is not installed")


@needs_openvino
def test_openvino_scores_the_same_graph_alike(bundle_dir, photo_folder):
    with Scorer(bundle_dir) as scorer:
        frames = frames_of([photo_folder], scorer.bundle)
        found = peers(scorer.bundle, threads=1)
        deltas = differences([bundle_measure(scorer), found["OpenVINO, same graph"]], frames)
    assert len(frames) == 3
    assert deltas["OpenVINO, same graph"] < 1e-4


def test_a_machine_without_openvino_says_so(bundle_dir, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "openvino", None)
    assert "[openvino]" in peers(load_bundle(bundle_dir), None)["OpenVINO, same graph"]


def test_other_rooms_offer_peers_by_their_entry_points(bundle_dir, monkeypatch):
    entries = [
        metadata.EntryPoint("brightest", f"{__name__}:brightest", module.ENTRY_POINTS),
        metadata.EntryPoint("gone", "dgiqa_edge_that_is_not_there:peer", module.ENTRY_POINTS),
    ]
    monkeypatch.setattr(module.metadata, "entry_points", lambda group: entries)
    monkeypatch.setattr(metadata.EntryPoint, "load", lambda self: brightest if self.name == "brightest" else _absent())
    found = peers(load_bundle(bundle_dir), 2)
    assert found["brightest"].run("a frame") == 2.0
    assert "needs a package that is not installed" in found["gone"]


def brightest(bundle, threads):
    return lambda frame: float(threads)


def _absent():
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


def test_the_command_prints_ratios_and_reasons(command_line, bundle_dir, photo_folder, tmp_path):
    out = tmp_path / "peers.json"
    done = command_line(
        "bench", "peers", "--bundle", bundle_dir, "--photos", photo_folder, "--threads", "1", "--json", out
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(out.read_text())
    times = {row["name"]: row for row in document["timing"]["measures"]}
    assert times["bundle"]["times_bundle"] == 1.0
    assert "Laplacian variance" in times
    # The tiny bundle's build command is made up: PyTorch cannot rebuild it, and that is said.
    assert "another frame size" in document["not_measured"]["PyTorch eager FP32"]
    assert "pyiqa" in done.stdout
