import cv2
import numpy as np
import pytest
import torch

from dgiqa_edge.calibration.degradations.kinds import FAULTS
from dgiqa_edge.calibration.degradations.scene import Degraded, everywhere
from dgiqa_edge.export.networks.nano2 import Nano2
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.training.data.degraded_set import BLANK, Copy
from dgiqa_edge.training.data.edge_batches import Pairs
from dgiqa_edge.training.data.view_store import FRAME, ViewStore, crop_boxes, views_of
from dgiqa_edge.training.trainers.nano_trainer import (
    PARTS,
    NanoConfig,
    NanoData,
    NanoTrainer,
    Outputs,
    macro_average_precision,
)
from dgiqa_edge.training.trainers.run_folder import RunFolder

PHOTOS = 24
COPIES = tuple(Copy(row, kind, 0.5, 1) for row, kind in enumerate(["noise", "mud"] * 4))
BLANKS = tuple(Copy(0, BLANK, 1.0, seed) for seed in range(4))


def frame(level):
    """A picture whose contrast tells its score."""
    y, x = np.mgrid[0:512, 0:512]
    stripes = ((x // 8 + y // 8) % 2).astype(np.float32) - 0.5
    return np.clip(128 + 200 * level * stripes, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


def copy(number):
    if number >= len(COPIES):
        return everywhere(np.full((512, 512, 3), 10, np.uint8))
    mask = np.zeros((512, 512), np.float32)
    mask[:, :256] = 1.0
    return Degraded(frame(0.05), mask)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nano")
    mos = np.random.default_rng(0).uniform(0.1, 1.0, PHOTOS).astype(np.float32)
    photos = ViewStore(folder / "photos", [f"photo {row}" for row in range(PHOTOS)])
    degraded = ViewStore(folder / "degraded", [f"copy {row}" for row in range(12)])
    photos.fill(range(PHOTOS), lambda row: views_of(everywhere(frame(mos[row]))), lambda done, of: None)
    degraded.fill(range(12), lambda number: views_of(copy(number)), lambda done, of: None)
    rows = np.arange(8)
    teacher = mos.copy()
    teacher[::2] = np.nan
    known = np.zeros(PHOTOS, bool)
    known[:20:3] = True
    guide = np.stack([mos, 1.0 - mos], axis=1)
    guide[1::4] = np.nan
    return NanoData(
        photos=photos,
        mos=mos,
        teacher=teacher,
        guide=guide,
        depth=np.tile(np.linspace(0, 1, 126, dtype=np.float16), (PHOTOS, 126, 1)),
        depth_known=known,
        fit=np.arange(16),
        validation=np.arange(16, PHOTOS),
        degraded=degraded,
        degraded_teacher=np.array([0.05, np.nan] * 6, np.float32),
        fit_pairs=Pairs(rows[:6], rows[:6]),
        validation_pairs=Pairs(rows[6:], rows[6:]),
        series_pairs=Pairs(rows[:3], rows[3:6]),
        validation_series=Pairs(rows[6:7], rows[7:8]),
        fit_blanks=np.arange(8, 10),
        validation_blanks=np.arange(10, 12),
        copies=COPIES + BLANKS,
    )


def trainer(data, folder, network=None, started=True, **changes):
    config = NanoConfig(**{"batch": 8, "pairs_per_batch": 2, "series_per_batch": 1, "blanks_per_batch": 1, **changes})
    torch.manual_seed(1)
    return NanoTrainer(config, data, RunFolder(folder, config, 9), network or Nano2(), started)


@pytest.mark.slow
def test_it_learns_and_a_finished_run_is_not_trained_again(data, tmp_path):
    one = trainer(data, tmp_path, started=False, epochs=3, averaged=0.5)
    before = {key: value.clone() for key, value in one.network.state_dict().items()}
    one.train(lambda *figures: None)
    rows = one.run.rows
    assert rows[-1]["loss"] < rows[0]["loss"]
    expected = {"srcc", "order", "steps", "depth_correlation", "ap", "iou"}
    assert {f"validation_{name}" for name in expected} | {"blank_worst", "goal"} <= set(rows[0])
    after = one.network.state_dict()
    assert torch.equal(before["trunk.stem.1.running_mean"], after["trunk.stem.1.running_mean"])
    assert not torch.equal(before["trunk.stem.0.weight"], after["trunk.stem.0.weight"])
    assert not torch.equal(before["whole.statistics_mean"], torch.zeros_like(before["whole.statistics_mean"]))

    again = trainer(data, tmp_path, epochs=3, averaged=0.5)
    assert again.epoch == 3
    again.train(lambda *figures: pytest.fail("trained again"))
    kept = torch.load(again.run.best_file, weights_only=True)["network"]
    assert kept.keys() == Nano2().state_dict().keys()


@pytest.mark.slow
def test_the_context_learns_the_encoders_figures(data, tmp_path):
    """From random weights the figures are told at once, since here they are the contrast of the picture."""
    readers = ("whole", "crop")  # alone: a step is a third of one of all parts
    one = trainer(data, tmp_path, epochs=6, averaged=0.5, guide_weight=3.0, learning_rate=3e-3, learning=readers)
    rows = np.flatnonzero(~np.isnan(data.guide[:, 0]))

    def distance():
        with torch.no_grad():
            said = one._read(one.network.eval(), data.photos.whole[rows], data.photos.crops[rows, 0], 0, False)
            return float((one.guided(said.context) - torch.from_numpy(data.guide[rows])).square().mean())

    before = distance()
    one.train(lambda *figures: None)
    assert distance() < 0.5 * before, (before, distance())


def test_only_the_parts_that_are_named_learn(data, tmp_path):
    one = trainer(data, tmp_path, epochs=1, averaged=0.5, learning=("faults",))
    before = {key: value.clone() for key, value in one.network.state_dict().items()}
    one.train(lambda *figures: None)
    moved = {
        key.split(".")[0] for key, value in one.network.state_dict().items() if not torch.equal(value, before[key])
    }
    assert moved == {"faults"}
    assert set(PARTS) == {name.split(".")[0] for name, _ in one.network.named_parameters()}
    with pytest.raises(ConfigurationError, match="'head' is not one of trunk"):
        NanoConfig(learning=("head",))


def test_rows_are_made_once_and_hold_the_views(data):
    data.photos.fill(range(PHOTOS), lambda row: pytest.fail("read again"), lambda done, of: None)
    picture = frame(data.mos[3])
    top, left, height, width = crop_boxes(FRAME)[4]
    assert np.array_equal(data.photos.crops[3, 4], picture[top : top + height, left : left + width])
    assert np.array_equal(data.photos.whole[3], cv2.resize(picture, (192, 192), interpolation=cv2.INTER_AREA))
    assert data.degraded.coverage[1].tolist() == [[1.0, 1.0, 0.0, 0.0]] * 4


@pytest.mark.parametrize("hidden", ["whole", "crop", "depth"])
def test_what_is_left_out_cannot_move_a_score(data, tmp_path, hidden):
    def scores(without):
        one = trainer(data, tmp_path / str(len(without)), without=without)
        network = one.average.module
        whole = one.said(data.photos, data.validation)[0]
        if hidden == "depth":
            torch.nn.init.normal_(network.depth_decoder.out.weight, std=5.0)
            return whole, one.said(data.photos, data.validation)[0]
        views = [array[data.validation].copy() for array in (data.photos.whole, data.photos.crops[:, 0])]
        views[("whole", "crop").index(hidden)] //= 2
        with torch.no_grad():
            return whole, one._read(network.eval(), *views, crop=0, mirrored=False).scores.numpy()

    np.testing.assert_array_equal(*scores((hidden,)))
    assert not np.array_equal(*scores(()))


def test_cells_are_turned_with_a_mirrored_batch(data, tmp_path):
    """Dirt on the left, said on the left, is right of frames as they are and wrong of mirrored ones."""
    one, rows, copies = trainer(data, tmp_path), data.fit[:1], np.array([1])
    where = torch.full((2, 4, 4, len(FAULTS)), -9.0)
    where[1, :, :2, FAULTS.index("dirty")] = 9.0
    faults = torch.full((2, len(FAULTS)), -9.0)
    faults[1, FAULTS.index("dirty")] = 9.0
    said = Outputs(torch.zeros(2, 2), torch.zeros(2, 48, 48), faults, where, torch.zeros(2, 384))
    right, wrong = (float(one._fault_loss(said, rows, copies, mirrored)) for mirrored in (False, True))
    assert right < 0.01
    assert wrong > 1.0


def test_average_precision_is_that_of_the_definition():
    said = np.array([[0.9], [0.8], [0.7], [0.6]])
    labels = np.array([[1.0], [0.0], [1.0], [np.nan]])
    assert macro_average_precision(said, labels) == pytest.approx((1.0 + 2 / 3) / 2)
    both = macro_average_precision(np.repeat(said, 2, axis=1), np.concatenate((labels, 1 - labels), axis=1))
    assert both == pytest.approx(((1.0 + 2 / 3) / 2 + 1 / 2) / 2)
    assert len(FAULTS) == 8


def test_an_unknown_part_to_leave_out_is_refused():
    with pytest.raises(ConfigurationError, match="'depths' is not one of depth, whole, crop"):
        NanoConfig(without=("depths",))
