import numpy as np
import pytest
import torch

from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.training.data.edge_batches import Pairs
from dgiqa_edge.training.data.nano_store import NanoStore
from dgiqa_edge.training.trainers.nano_trainer import NanoConfig, NanoData, NanoTrainer
from dgiqa_edge.training.trainers.run_folder import RunFolder

PHOTOS = 24


def frame(level):
    """A picture whose contrast tells its score."""
    y, x = np.mgrid[0:512, 0:512]
    stripes = ((x // 8 + y // 8) % 2).astype(np.float32) - 0.5
    return np.clip(128 + 200 * level * stripes, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    torch.manual_seed(0)
    network = Nano()
    folder = tmp_path_factory.mktemp("nano")
    mos = np.random.default_rng(0).uniform(0.1, 1.0, PHOTOS).astype(np.float32)
    photos, degraded = NanoStore(folder / "photos", PHOTOS), NanoStore(folder / "degraded", 8)
    photos.fill(network.trunk, range(PHOTOS), lambda row: frame(mos[row]), 8, lambda done, of: None)
    degraded.fill(network.trunk, range(8), lambda row: frame(0.02), 8, lambda done, of: None)
    rows = np.arange(8)
    teacher = mos.copy()
    teacher[::2] = np.nan
    known = np.zeros(PHOTOS, bool)
    known[:20:3] = True
    return NanoData(
        photos=photos,
        mos=mos,
        teacher=teacher,
        depth=np.tile(np.linspace(0, 1, 126, dtype=np.float16), (PHOTOS, 126, 1)),
        depth_known=known,
        fit=np.arange(16),
        validation=np.arange(16, PHOTOS),
        degraded=degraded,
        degraded_teacher=np.array([0.05, np.nan] * 4, np.float32),
        fit_pairs=Pairs(rows[:6], rows[:6]),
        validation_pairs=Pairs(rows[6:], rows[6:]),
        series_pairs=Pairs(rows[:3], rows[3:6]),
    )


def test_it_learns_and_leaves_the_first_blocks_alone(data, tmp_path):
    config = NanoConfig(epochs=4, batch=8, pairs_per_batch=2, patience=9)
    torch.manual_seed(1)
    network = Nano()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    trainer = NanoTrainer(config, data, RunFolder(tmp_path, config, 9), network)
    trainer.train(lambda *figures: None)
    rows = trainer.run.rows
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert {"validation_srcc", "validation_order", "validation_depth_correlation"} <= set(rows[0])
    after = network.state_dict()
    frozen = [key for key in after if key.startswith(("trunk.stem", *(f"trunk.blocks.{n}." for n in range(5))))]
    assert frozen
    assert all(torch.equal(before[key], after[key]) for key in frozen)
    assert not torch.equal(before["trunk.blocks.9.project.0.weight"], after["trunk.blocks.9.project.0.weight"])

    again = NanoTrainer(config, data, RunFolder(tmp_path, config, 9), Nano())
    assert again.epoch == 4
    assert torch.equal(again.network.state_dict()["whole_score.out.weight"], after["whole_score.out.weight"])


def test_rows_are_computed_once(data):
    data.photos.fill(Nano().trunk, range(PHOTOS), lambda row: pytest.fail("read again"), 8, lambda done, of: None)


def test_cached_maps_are_those_of_the_views(data):
    torch.manual_seed(0)
    network = Nano().eval()
    from dgiqa_edge.export.networks.views import crop_view

    box = network.views.crops[0]
    with torch.no_grad():
        _, stride8 = network.trunk.early(torch.from_numpy(crop_view(frame(data.mos[3]), box))[None])
    assert torch.allclose(data.photos.batch(np.array([3]))["crop8"], stride8, atol=0.01)


@pytest.mark.parametrize("hidden", ["whole", "crop", "depth"])
def test_what_is_left_out_cannot_move_a_score(data, tmp_path, hidden):
    def scores(without):
        torch.manual_seed(2)
        config = NanoConfig(without=without)
        trainer = NanoTrainer(config, data, RunFolder(tmp_path / str(len(without)), config, 9), Nano())
        whole = trainer.scores(data.photos, data.validation)[0]
        if hidden == "depth":
            torch.nn.init.normal_(trainer.network.depth_decoder.out.weight, std=5.0)
        else:
            batch = data.photos.batch(data.validation)
            changed = {kind: maps * 2.0 if kind.startswith(hidden) else maps for kind, maps in batch.items()}
            with torch.no_grad():
                return whole, torch.sigmoid(trainer._read(changed)[0]).mean(dim=1).numpy()
        return whole, trainer.scores(data.photos, data.validation)[0]

    np.testing.assert_array_equal(*scores((hidden,)))
    assert not np.array_equal(*scores(()))


def test_an_unknown_part_to_leave_out_is_refused():
    with pytest.raises(ConfigurationError, match="'depths' is not one of depth, whole, crop"):
        NanoConfig(without=("depths",))
