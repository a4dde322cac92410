"""Parity must pass for the graph that was exported and fail for one that computes something else."""

import numpy as np
import pytest
import torch

from dgiqa_edge.export.frame_graph.graph_session import open_graph, time_alternately
from dgiqa_edge.export.frame_graph.parity import measure
from dgiqa_edge.export.frame_graph.pipeline import FrameGraph
from dgiqa_edge.export.frame_graph.to_onnx import export_graph
from dgiqa_edge.runtime.errors import ExportError

SIZE = (96, 128)


@pytest.fixture(scope="module")
def pair(tiny_networks, tmp_path_factory):
    path = tmp_path_factory.mktemp("parity") / "graph.onnx"
    module = FrameGraph(*tiny_networks, SIZE, depth_side=70, crops=2)
    frame = torch.zeros((1, *SIZE, 3), dtype=torch.uint8)
    export_graph(module, {"frame": frame}, ("score", "crop_scores", "depth"), path, {})
    return module, open_graph(path, threads=1)


@pytest.fixture(scope="module")
def frames(photos):
    import cv2

    return [cv2.resize(photo, SIZE[::-1])[np.newaxis] for photo in photos]


def changed(run, **changes):
    def altered(frame):
        outputs = dict(run(frame))
        for name, change in changes.items():
            outputs[name] = change(outputs[name])
        return outputs

    return altered


def test_the_exported_graph_passes_and_every_photo_is_counted(pair, frames):
    module, run = pair
    ticks = []
    parity = measure(module, run, frames, lambda: ticks.append(1))
    assert parity.images == len(ticks) == len(frames)
    assert parity.score_max < 1e-5
    assert parity.depth_equal_share == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"crop_scores": lambda scores: scores + np.float32(2e-4)},
        {"crop_scores": lambda scores: scores * np.float32("nan")},
        {"depth": lambda depth: depth // 2},
    ],
    ids=["scores off", "scores not a number", "depth off"],
)
def test_another_graph_fails(pair, frames, changes):
    module, run = pair
    with pytest.raises(ExportError, match="differs from PyTorch"):
        measure(module, changed(run, **changes), frames, lambda: None)


def test_without_photos_nothing_is_claimed(pair):
    module, run = pair
    with pytest.raises(ExportError, match="no photo"):
        measure(module, run, [], lambda: None)


def test_alternating_runs_see_the_slower_graph(pair, frames):
    _, run = pair

    def slower(frame):
        run(frame)
        run(frame)
        return run(frame)

    latency = time_alternately(slower, run, frames[0], threads=1, runs=7)
    assert latency.runs == 7
    assert latency.fp32_p50_ms > latency.p50_ms


def test_a_file_that_is_no_graph_is_an_export_error(tmp_path):
    path = tmp_path / "x.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(ExportError, match=r"cannot load .*x\.onnx"):
        open_graph(path, threads=1)
