import json

import numpy as np
import pytest
import torch

from dgiqa_edge.export.networks.dgiqa import DGIQA
from dgiqa_edge.export.networks.published_sizes import CROP, crop_grid
from dgiqa_edge.training.data.depth_pictures import DepthRule, PictureStore, crops_of, network_inputs
from dgiqa_edge.training.trainers import trainer as trainer_module
from dgiqa_edge.training.trainers.dgiqa_trainer import RANDOM, DgiqaConfig, DgiqaData, DgiqaTrainer, grid_scores
from dgiqa_edge.training.trainers.run_folder import RunFolder
from dgiqa_edge.training.trainers.swin_start import draw

PHOTOS, FIT = 20, 12
RULE = DepthRule((256, 288), depth_side=56, short_side=256)
CPU = torch.device("cpu")
QUIET = {"dropout": 0.0, "drop_path": 0.0}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Pictures whose contrast tells the score."""
    generator = np.random.default_rng(0)
    mos = generator.permutation(np.linspace(0.1, 0.9, PHOTOS)).astype(np.float32)
    store = PictureStore(tmp_path_factory.mktemp("pictures"), [str(row) for row in range(PHOTOS)], RULE)
    coarse = generator.uniform(-1, 1, (PHOTOS, 64, 72, 4)).repeat(4, axis=1).repeat(4, axis=2)
    levels = 128 + 120 * mos[:, None, None, None] * coarse
    store.fill(range(PHOTOS), lambda row: {"levels": levels[row].astype(np.uint8)}, lambda done, of: None)
    return DgiqaData(photos=store, mos=mos, fit=np.arange(FIT), validation=np.arange(FIT, PHOTOS))


@pytest.fixture
def begin(data, small_sizes, tmp_path):
    """``begin(name, **changes)``: a trainer of the shrunken network in a folder of that name."""

    def trainer(name="run", start=RANDOM, **changes):
        config = DgiqaConfig(**{"batch": 6, "epochs": 2, "passes": 1, "crops": 1, "learning_rate": 2e-3, **changes})
        torch.manual_seed(config.seed)
        network = DGIQA(small_sizes, config.dropout, config.drop_path)
        draw(network)
        return DgiqaTrainer(config, data, RunFolder(tmp_path / name, config, 99), network, start, CPU)

    return trainer


def test_it_learns_scores_of_photos_it_has_not_seen(begin):
    trainer = begin(epochs=6, passes=2, **QUIET)
    trainer.train(lambda *figures: None)
    rows = trainer.run.rows
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    assert max(row["validation_srcc"] for row in rows) > 0.8


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("stopped_at", [1, 3])
def test_a_run_that_was_killed_at_any_step_ends_as_the_whole_one(begin, tmp_path, monkeypatch, stopped_at):
    monkeypatch.setattr(trainer_module, "KEEP_SECONDS", 0.0)

    def stop(epoch, step, of, loss):
        if epoch * of + step > stopped_at:
            raise StoppedError

    whole = begin("whole")
    whole.train(lambda *figures: None)
    with pytest.raises(StoppedError):
        begin("cut").train(stop)
    told = json.loads((tmp_path / "cut" / "status.json").read_text())
    assert (told["epoch"] - 1) * told["steps"] + told["step"] == stopped_at
    resumed = begin("cut")
    resumed.train(lambda *figures: None)
    assert resumed.run.rows == whole.run.rows
    for key, value in resumed.network.state_dict().items():
        assert torch.equal(value, whole.network.state_dict()[key]), key


def test_photo_and_depth_are_cut_at_one_place_and_mirrored_together(begin, data):
    trainer = begin()
    places = np.arange(256 * 288).reshape(256, 288)
    marked = np.stack([places % 256, places // 256 % 256, places // 65536, places % 256], axis=-1).astype(np.uint8)
    trainer.data = DgiqaData(photos=data.photos, mos=data.mos, fit=data.fit, validation=data.validation)
    kept = data.photos.levels[:3].copy()
    data.photos.levels[:3] = marked
    crops = np.concatenate([trainer._crops(np.arange(3), np.random.default_rng(seed)) for seed in range(4)])
    data.photos.levels[:3] = kept
    assert crops.shape == (12, CROP, CROP, 4)
    assert np.array_equal(crops[..., 0], crops[..., 3])
    across = crops[:, 0, 1, 0].astype(int) - crops[:, 0, 0, 0]
    assert set((across % 256).tolist()) == {1, 255}  # some are mirrored
    assert len({crop[:, :, :3].tobytes() for crop in crops}) > 8


def test_without_augmentation_a_step_sees_the_centre(begin, data):
    crops = begin(augment=False)._crops(np.array([4, 2]), np.random.default_rng(0))
    ((x, y),) = crop_grid(RULE.picture, 1)
    assert np.array_equal(crops, data.photos.levels[[4, 2], y : y + CROP, x : x + CROP])


def test_an_epoch_shows_each_photo_as_often_as_there_are_passes(begin):
    trainer = begin(passes=3)
    assert trainer.steps == 6
    assert sorted(trainer._fit_rows().tolist()) == sorted(list(range(FIT)) * 3)


@pytest.mark.parametrize(("start", "share"), [(RANDOM, 1.0), ("swin.pth", 0.1)])
def test_swins_that_start_from_weights_learn_more_slowly(begin, start, share):
    trainer = begin(start=start, trunk_rate=0.1, learning_rate=1e-3)
    rates = {id(p): g["initial_lr"] for g in trainer.optimizer.param_groups for p in g["params"]}
    assert rates[id(trainer.network.depth_backbone.patch_embed.proj.weight)] == pytest.approx(share * 1e-3)
    assert rates[id(trainer.network.fc.weight)] == pytest.approx(1e-3)
    assert len(rates) == len(list(trainer.network.parameters()))


def test_scores_are_means_over_the_grid_whatever_the_batch(begin, data, monkeypatch):
    network = begin().network
    rows = np.array([3, 11, 7])
    scores = grid_scores(network, data.photos, rows, 4, CPU)
    monkeypatch.setattr("dgiqa_edge.training.trainers.dgiqa_trainer._BATCH", 4)
    shown = []
    again = grid_scores(network, data.photos, rows, 4, CPU, lambda done, of: shown.append((done, of)))
    assert np.allclose(scores, again, atol=1e-6)
    assert shown == [(1, 3), (2, 3), (3, 3)]
    with torch.no_grad():
        crops = crops_of(data.photos.levels[11], crop_grid(RULE.picture, 4))
        assert float(network(*network_inputs(crops, CPU)).mean()) == pytest.approx(scores[1], abs=1e-6)


def steps(trainer):
    trainer.train(lambda *figures: None)
    return trainer.run.rows[-1]


def test_mixed_precision_learns_alike_and_keeps_weights_and_scores_in_float32(begin, monkeypatch):
    """On a CPU's bfloat16, which is the GPU's."""
    whole = steps(begin("whole", **QUIET))
    monkeypatch.setattr(DgiqaTrainer, "mixed", True)
    seen = []
    hook = torch.nn.modules.module.register_module_forward_hook(
        lambda module, inputs, output: seen.append((type(module).__name__, getattr(output, "dtype", None)))
    )
    trainer = begin("mixed", **QUIET)
    mixed = steps(trainer)
    hook.remove()
    assert ("Conv2d", torch.bfloat16) in seen
    assert mixed["loss"] == pytest.approx(whole["loss"], rel=0.1)
    assert mixed["loss"] != whole["loss"]
    assert {value.dtype for value in trainer.network.parameters()} == {torch.float32}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA GPU here")
def test_a_gpu_learns_as_the_cpu_does(data, small_sizes, tmp_path):
    losses = []
    for device in (CPU, torch.device("cuda")):
        config = DgiqaConfig(batch=6, epochs=2, passes=1, crops=1, **QUIET)
        torch.manual_seed(config.seed)
        network = DGIQA(small_sizes, 0.0, 0.0)
        draw(network)
        run = RunFolder(tmp_path / device.type, config, 99)
        losses.append(steps(DgiqaTrainer(config, data, run, network, RANDOM, device))["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=0.1)
