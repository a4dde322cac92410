import dataclasses
import json

import numpy as np
import pytest
import torch

from dgiqa_edge.training.data.drift import Drift
from dgiqa_edge.training.data.edge_batches import Pairs, feature_moments, head_inputs, shuffled
from dgiqa_edge.training.data.feature_store import FeatureStore
from dgiqa_edge.training.trainers import trainer as trainer_module
from dgiqa_edge.training.trainers.edge_trainer import MOST_DRIFT, EdgeConfig, EdgeTrainer
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
    assert last["shrunk_srcc"] > 0.5
    assert abs(last["shrunk_shift"]) < 0.2


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


@pytest.mark.parametrize(("without", "kept"), [((), [0, 1]), (("whole",), [1]), (("crop",), [0])])
def test_an_ablation_leaves_its_inputs_out(edge_data, tmp_path, without, kept):
    config = EdgeConfig(without=without)
    trainer = EdgeTrainer(config, edge_data, RunFolder(tmp_path, config, 1))
    inputs = trainer._inputs(edge_data.photos, edge_data.fit[:3], (0,))
    assert [number for number, value in enumerate(inputs) if bool(value.any())] == kept


def test_batches_cover_the_rows_once_in_another_order_each_time():
    rows = np.arange(100, 150)
    flat, other = (np.concatenate(list(shuffled(rows, 16, seed))).tolist() for seed in (1, 2))
    assert flat != other
    assert len(flat) == len(set(flat)) == 48
    assert set(flat) <= set(rows.tolist())


def test_inputs_have_the_heads_shapes_and_moments_are_those_of_numpy(edge_data):
    inputs = head_inputs(edge_data.photos, np.array([1, 5]), torch.device("cpu"))
    assert [tuple(value.shape) for value in inputs] == [(2, 4, 3, 384)] * 2
    mean, deviation = feature_moments(edge_data.photos.maps["whole_statistics"], edge_data.fit)
    stored = edge_data.photos.maps["whole_statistics"][edge_data.fit].astype(np.float32)
    assert np.allclose(mean, stored.mean(axis=0), atol=1e-4)
    assert np.allclose(deviation, stored.std(axis=0) + 1e-3, atol=1e-4)


def test_crops_lie_side_by_side_in_the_order_asked_for(tmp_path):
    store = FeatureStore(tmp_path, ["a", "b"])
    rng = np.random.default_rng(0)
    for row in range(2):
        store.write(row, {kind: rng.normal(0, 1, array.shape[1:]) for kind, array in store.maps.items()})
    _, centre = head_inputs(store, np.array([0, 1]), torch.device("cpu"))
    _, several = head_inputs(store, np.array([0, 1]), torch.device("cpu"), (2, 0))
    assert several.shape == (4, 4, 3, 384)
    assert torch.equal(several[1::2], centre)
    assert not torch.equal(several[::2], centre)


def test_what_is_not_to_be_seen_is_not_fitted(edge_data):
    seen = np.ones(len(edge_data.mos), bool)
    seen[:20] = False
    data = edge_data.seeing(seen)
    assert data.fit.min() == 20
    assert data.fit_pairs.clean.tolist() == [20, 21, 22, 23]
    assert len(data.series_pairs) == 0  # their photos are the first ones
    assert data.validation.tolist() == edge_data.validation.tolist()


def test_views_of_a_frame_move_by_the_same_photo(edge_data, tmp_path):
    drift = Drift(*(np.arange(1, 4, dtype=np.float32)[:, None, None, None] * np.ones((3, 4, 3, 384), np.float32),) * 2)
    config = EdgeConfig(drift_share=1.0)
    one = EdgeTrainer(config, dataclasses.replace(edge_data, drift=drift), RunFolder(tmp_path, config, 1))
    assert "INT8 drift of 3 photos" in one.data.told()
    torch.manual_seed(0)
    whole, crops = one._moved(torch.zeros(5, 4, 3, 384), torch.zeros(10, 4, 3, 384))
    moved = whole[:, 0, 0, 0]
    assert len(set(moved.tolist())) == 5
    assert 0 < float(moved.min()) <= float(moved.max()) < 3 * MOST_DRIFT
    assert torch.equal(whole, moved[:, None, None, None].expand_as(whole))
    assert torch.equal(crops, whole.repeat_interleave(2, dim=0))


def test_crops_of_a_shrunk_frame_show_what_its_whole_view_does(edge_data, tmp_path):
    config = EdgeConfig(shrunk_share=1.0)
    one = EdgeTrainer(config, edge_data, RunFolder(tmp_path, config, 1))
    torch.manual_seed(0)
    whole, crops = one._shrunk(torch.ones(40, 4, 3, 384), torch.zeros(80, 4, 3, 384))
    assert torch.equal(whole, torch.ones_like(whole))
    far = crops.amax(dim=(1, 2, 3))
    assert torch.equal(crops, far[:, None, None, None].expand_as(crops))  # a view moves as one
    assert torch.equal(far[::2], far[1::2])  # and a frame's crops alike
    assert 10 < int((far[::2] == 1.0).sum()) < 30  # half of them all the way
    assert float(far.min()) > 0.0
    untouched = EdgeTrainer(EdgeConfig(shrunk_share=0.0), edge_data, RunFolder(tmp_path / "none", config, 1))
    assert not untouched._shrunk(torch.ones(4, 4, 3, 384), torch.zeros(4, 4, 3, 384))[1].any()


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


def test_of_more_pairs_than_a_batch_takes_those_furthest_out_of_order_are_learned_from(
    edge_data, tmp_path, monkeypatch
):
    config = EdgeConfig(batch=16, pairs_per_batch=2, series_per_batch=1, hardest_of=5)
    trainer = EdgeTrainer(config, edge_data, RunFolder(tmp_path, config, 1))
    drawn, taken = [], []

    def scores(store, rows):
        drawn.append(rows)
        return (rows % 7).astype(np.float32)

    def ranked(rows, pairs, series, generator):
        taken.extend((pairs, series))
        assert trainer.head.training
        return torch.zeros(())

    monkeypatch.setattr(trainer, "_quality", scores)
    monkeypatch.setattr(trainer, "_ranked_loss", ranked)
    trainer._loss(edge_data.fit[:16], np.random.default_rng(0))

    (pairs, series), candidates = taken, drawn[0]
    assert len(candidates) == 10
    assert (len(pairs), len(series)) == (2, 1)
    row_of = dict(zip(edge_data.fit_pairs.degraded, edge_data.fit_pairs.clean, strict=True))
    most = [edge_data.mos[row_of[copy]] * (1.0 - edge_data.copies[copy].taken) for copy in candidates]
    over = (candidates % 7) - np.array(most)
    assert set(pairs.degraded) == set(candidates[np.argsort(-over, kind="stable")[:2]])
    assert [row_of[copy] for copy in pairs.degraded] == pairs.clean.tolist()
