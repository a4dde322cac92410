import dataclasses

import numpy as np
import pytest
import torch

from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.training.data.map_store import MapStore, fill_maps
from dgiqa_edge.training.trainers.head_trainer import HeadConfig, HeadTrainer
from dgiqa_edge.training.trainers.nano_trainer import NanoConfig, NanoTrainer
from dgiqa_edge.training.trainers.run_folder import RunFolder

from .test_nano_trainer import data  # noqa: F401


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(2)
    return Nano().eval()


@pytest.fixture(scope="module")
def mapped(data, network, tmp_path_factory):  # noqa: F811
    stores = {}
    for part in ("photos", "degraded"):
        views = getattr(data, part)
        stores[part] = MapStore(tmp_path_factory.mktemp(part), [str(row) for row in range(len(views.done))])
        fill_maps(network, views, stores[part], torch.autocast("cpu", enabled=False), lambda done, of: None)
    return dataclasses.replace(data, **stores)


def trainer(mapped, network, folder, **changes):
    config = HeadConfig(batch=8, pairs_per_batch=2, series_per_batch=1, blanks_per_batch=1, averaged=0.5, **changes)
    return HeadTrainer(config, mapped, RunFolder(folder, config, 9), network, started=False)


def test_from_maps_it_says_what_the_whole_network_says_of_views(data, mapped, network, tmp_path):  # noqa: F811
    one = trainer(mapped, network, tmp_path / "head")
    config = NanoConfig(batch=8)
    whole = NanoTrainer(config, data, RunFolder(tmp_path / "whole", config, 9), network)
    whole.average.load_state_dict(one.average.state_dict())
    ours, theirs = one.said(mapped.photos, data.fit), whole.said(data.photos, data.fit)
    for said in (0, 2, 3):  # score, faults, coverage; views are read in bfloat16 where the CPU has it
        np.testing.assert_allclose(ours[said], theirs[said], atol=0.02)


def test_it_learns_and_leaves_the_trunk_as_it_is(mapped, network, tmp_path):
    one = trainer(mapped, network, tmp_path, epochs=4)
    before = {key: value.clone() for key, value in one.network.state_dict().items()}
    assert float(one.network.head.whole.mean.abs().max()) > 0
    one.train(lambda *figures: None)
    assert one.run.rows[-1]["loss"] < one.run.rows[0]["loss"]
    moved = {key.split(".")[0] for key, now in one.network.state_dict().items() if not torch.equal(now, before[key])}
    assert moved == {"head", "faults"}
    assert "validation_depth_correlation" not in one.run.rows[0]
    kept = torch.load(one.run.best_file, weights_only=True)["network"]
    assert kept.keys() == Nano().state_dict().keys()


def test_coverage_goes_with_the_maps(data, mapped):  # noqa: F811
    assert np.array_equal(mapped.degraded.coverage, data.degraded.coverage)
