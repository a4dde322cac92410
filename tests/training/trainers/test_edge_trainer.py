import dataclasses
import json

import numpy as np
import pytest
import torch

from dgiqa_edge.export.networks.edge import depth_cells
from dgiqa_edge.training.data.edge_batches import Pairs, feature_moments, head_inputs, shuffled
from dgiqa_edge.training.data.feature_store import FeatureStore
from dgiqa_edge.training.data.features import training_views
from dgiqa_edge.training.trainers import trainer as trainer_module
from dgiqa_edge.training.trainers.edge_trainer import EdgeConfig, EdgeTrainer, _mirrored
from dgiqa_edge.training.trainers.run_folder import RunFolder


def trained(edge_data, folder, epochs, progress=lambda *figures: None):
    config = EdgeConfig(epochs=6, batch=16, pairs_per_batch=8, learning_rate=2e-3, patience=9)
    trainer = EdgeTrainer(config, edge_data, RunFolder(folder, config, config.patience))
    trainer.config = EdgeConfig(**{**config.__dict__, "epochs": epochs})
    trainer.schedule.lr_lambdas = [lambda step: 1.0] * 2  # one schedule whatever the stop
    trainer.train(progress)
    return trainer


def test_it_learns_scores_and_order(edge_data, tmp_path):
    trainer = trained(edge_data, tmp_path, epochs=6)
    last = trainer.run.rows[-1]
    assert last["validation_srcc"] > 0.7
    assert last["validation_order"] == 1.0
    assert last["loss"] < trainer.run.rows[0]["loss"]


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("stopped_at", [1, 6])
def test_a_run_that_was_killed_at_any_step_ends_as_the_whole_one(edge_data, tmp_path, monkeypatch, stopped_at):
    monkeypatch.setattr(trainer_module, "KEEP_SECONDS", 0.0)

    def stop(epoch, step, of, loss):
        if epoch * of + step > stopped_at:
            raise StoppedError

    whole = trained(edge_data, tmp_path / "whole", epochs=2)
    with pytest.raises(StoppedError):
        trained(edge_data, tmp_path / "cut", epochs=2, progress=stop)
    told = json.loads((tmp_path / "cut" / "status.json").read_text())
    assert (told["epoch"] - 1) * told["steps"] + told["step"] == stopped_at
    resumed = trained(edge_data, tmp_path / "cut", epochs=2)
    for row, other in zip(resumed.run.rows, whole.run.rows, strict=True):
        assert row == pytest.approx(other, rel=1e-6)


@pytest.mark.parametrize(
    ("without", "kept"),
    [((), [0, 1, 2, 3, 4, 5]), (("depth",), [0, 1, 3, 4]), (("whole",), [3, 4, 5]), (("crop", "grid"), [1, 2])],
)
def test_an_ablation_leaves_its_inputs_out(edge_data, tmp_path, without, kept):
    config = EdgeConfig(without=without)
    trainer = EdgeTrainer(config, edge_data, RunFolder(tmp_path, config, 1))
    inputs = trainer._inputs(edge_data.photos, edge_data.fit[:3], (0,))
    assert [number for number, value in enumerate(inputs) if bool(value.any())] == kept


def test_mirroring_moves_columns_only():
    grid = torch.arange(2.0 * 4 * 3 * 5 * 2).reshape(2, 4, 3, 5, 2)
    depth = torch.arange(2.0 * 6 * 10).reshape(2, 6, 10)
    statistics = torch.ones(2, 4, 3, 2)
    mirrored = _mirrored((grid, statistics, depth, grid, statistics, depth))
    assert torch.equal(mirrored[0][:, :, :, 0], grid[:, :, :, -1])
    assert torch.equal(mirrored[2][:, :, 0], depth[:, :, -1])
    assert torch.equal(mirrored[3], mirrored[0])
    assert mirrored[1] is statistics


def test_batches_cover_the_rows_once_in_another_order_each_time():
    rows = np.arange(100, 150)
    flat, other = (np.concatenate(list(shuffled(rows, 16, seed))).tolist() for seed in (1, 2))
    assert flat != other
    assert len(flat) == len(set(flat)) == 48
    assert set(flat) <= set(rows.tolist())


def test_inputs_have_the_heads_shapes_and_moments_are_those_of_numpy(edge_data):
    cells = depth_cells(training_views((512, 512)))
    inputs = head_inputs(edge_data.photos, np.array([1, 5]), cells, torch.device("cpu"))
    assert [tuple(value.shape) for value in inputs] == [(2, 4, 9, 9, 384), (2, 4, 3, 384), (2, 18, 18)] * 2
    mean, deviation = feature_moments(edge_data.photos.maps["whole_statistics"], edge_data.fit)
    stored = edge_data.photos.maps["whole_statistics"][edge_data.fit].astype(np.float32)
    assert np.allclose(mean, stored.mean(axis=0), atol=1e-4)
    assert np.allclose(deviation, stored.std(axis=0) + 1e-3, atol=1e-4)


def test_crops_lie_side_by_side_in_the_order_asked_for(tmp_path):
    store = FeatureStore(tmp_path, ["a", "b"])
    rng = np.random.default_rng(0)
    for row in range(2):
        store.write(row, {kind: rng.normal(0, 1, array.shape[1:]) for kind, array in store.maps.items()})
    cells, device = depth_cells(training_views((512, 512))), torch.device("cpu")
    centre = head_inputs(store, np.array([0, 1]), cells, device)
    several = head_inputs(store, np.array([0, 1]), cells, device, (2, 0))
    assert [tuple(value.shape) for value in several[3:]] == [(4, 4, 9, 9, 384), (4, 4, 3, 384), (4, 18, 18)]
    for both, one in zip(several[3:], centre[3:], strict=True):
        assert torch.equal(both[1::2], one)
        assert not torch.equal(both[::2], one)


def test_a_run_may_start_from_weights(edge_data, tmp_path):
    first = trained(edge_data, tmp_path / "first", epochs=1)
    config = EdgeConfig()
    weights = first.head.state_dict()
    trainer = EdgeTrainer(config, edge_data, RunFolder(tmp_path / "second", config, 1), weights)
    assert np.array_equal(
        trainer.scores(edge_data.photos, edge_data.validation), first.scores(edge_data.photos, edge_data.validation)
    )


@pytest.mark.slow
def test_a_frame_of_a_dead_camera_is_worth_nothing(edge_data, tmp_path):
    worst = []
    for count in (0, 4):
        config = EdgeConfig(epochs=4, batch=16, pairs_per_batch=8, blanks_per_batch=count, learning_rate=2e-3)
        trainer = EdgeTrainer(config, edge_data, RunFolder(tmp_path / str(count), config, 9))
        trainer.train(lambda *figures: None)
        worst.append(trainer.run.rows[-1]["blank_worst"])
    assert worst[0] > 0.6
    assert worst[1] < 0.3


@pytest.mark.slow
def test_copies_of_a_ladder_are_ranked_among_themselves(edge_data, tmp_path):
    """Pairs against the photos' own order: only the series can teach it."""
    upside_down = np.argsort(-edge_data.mos[:32])
    pairs = Pairs(upside_down[16:], upside_down[:16])  # the better copy is the one of the worse photo
    config = EdgeConfig(epochs=4, batch=16, pairs_per_batch=0, series_per_batch=16, pair_weight=20.0, patience=9)
    none = Pairs(np.arange(0), np.arange(0))
    shares = []
    for name, series in (("without", none), ("with", pairs)):
        seen = dataclasses.replace(edge_data, series_pairs=series)
        trainer = EdgeTrainer(config, seen, RunFolder(tmp_path / name, config, 9))
        trainer.train(lambda *figures: None)
        clearer, hazier = (trainer.scores(edge_data.degraded, side) for side in (pairs.clean, pairs.degraded))
        shares.append(float((clearer > hazier).mean()))
    assert shares[1] > shares[0]
