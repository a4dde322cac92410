from dataclasses import replace

import numpy as np
import pytest
import torch

from dgiqa_edge.export.frame_graph.to_onnx import export_graph
from dgiqa_edge.export.frame_graph.view_graph import ViewGraph
from dgiqa_edge.export.networks.depth_anything import CONFIGURATIONS
from dgiqa_edge.export.networks.dinov2 import ENCODERS
from dgiqa_edge.export.networks.edge import Edge, token_statistics
from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.training.data.drift import Drift, encoder_drift
from dgiqa_edge.training.data.feature_store import FeatureStore

FRAME = (252, 280)
OUTPUTS = ("score", "crop_scores", "depth")


def photo(row):
    return np.random.default_rng(row).integers(0, 256, (*FRAME, 3), dtype=np.uint8)


def exported(network, folder):
    graph = ViewGraph(network.eval().requires_grad_(False), FRAME)
    file = folder / "graph.onnx"
    export_graph(graph, {"frame": torch.zeros(1, *FRAME, 3, dtype=torch.uint8)}, OUTPUTS, file, {})
    return graph, file


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A graph of `edge` with random weights, and a store with its features, a known amount beside those of row 1.

    Its encoder has the four blocks that are read, and none between them.
    """
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("drift")
    shallow = replace(CONFIGURATIONS["vits"], encoder=replace(ENCODERS["vits"], blocks=4), blocks_v2=(0, 1, 2, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONFIGURATIONS, "vits", shallow)
        network = Edge()
    for reader in (network.head.whole, network.head.crop):
        reader.mean.fill_(0.1)  # a mean of none would be simplified away
        reader.deviation.fill_(2.0)
    graph, file = exported(network, folder)
    store, encoder = FeatureStore(folder / "features", ["a", "b"]), graph.network.encoder
    for row in range(2):
        frame = torch.from_numpy(photo(row)[np.newaxis]).float()
        ((top, left, height, width),) = graph.views.crops
        views = graph.shrink(frame), graph.cut(frame[:, top : top + height, left : left + width])
        whole, crop = (token_statistics(encoder.tokens(view))[0].numpy() for view in views)
        store.write(row, {"whole_statistics": whole - 0.5 * row, "crop_statistics": [crop, crop + 9, crop + 9]})
    return file, store


def test_drift_is_what_the_graph_gives_beyond_the_features(known, tmp_path):
    file, store = known
    seen = []
    drift = encoder_drift(file, store, [1, 0], photo, 1, lambda done, of: seen.append((done, of)))
    drift.save(tmp_path / "drift.npz")
    again = Drift.load(tmp_path / "drift.npz")
    assert again.whole.shape == again.crop.shape == (2, 4, 3, 384)
    assert again.whole[0] == pytest.approx(np.full((4, 3, 384), 0.5), abs=5e-3)  # features are float16
    assert again.whole[1] == pytest.approx(np.zeros((4, 3, 384)), abs=5e-3)
    assert again.crop == pytest.approx(np.zeros((2, 4, 3, 384)), abs=5e-3)
    assert seen == [(1, 2), (2, 2)]


def test_photos_of_another_size_are_refused(known):
    file, store = known
    with pytest.raises(ConfigurationError, match="build with --frame"):
        encoder_drift(file, store, [0], lambda row: photo(row)[:, :252], 1, lambda done, of: None)


def test_graphs_of_other_networks_are_refused(known, tmp_path):
    _, file = exported(Nano(), tmp_path)
    with pytest.raises(ConfigurationError, match="no frame graph of `edge`"):
        encoder_drift(file, known[1], [0], photo, 1, lambda done, of: None)
