import numpy as np
import pytest
import torch

from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.training.trainers.int8_finisher import GOAL, FinishConfig, FinishData, Int8Finisher
from dgiqa_edge.training.trainers.run_folder import RunFolder

CONFIG = FinishConfig(epochs=1, batches=2, batch=2, frames=("160x160", "192x160"), validation=4)


def photo(row):
    y, x = np.mgrid[0:200, 0:200]
    wave = 100 * np.sin(x / (3 + row)) * np.cos(y / (2 + row))
    return np.clip(128 + wave, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


def network():
    torch.manual_seed(0)
    return Nano()


def finisher(folder, config=CONFIG, start=None):
    data = FinishData(photo, np.linspace(0, 1, 12, dtype=np.float32), np.arange(8), np.arange(8, 12), [photo(20)])
    return Int8Finisher(config, data, RunFolder(folder, config, config.epochs), start or network(), network())


def test_a_run_is_recorded_ships_a_network_and_goes_on(tmp_path):
    run = finisher(tmp_path)
    run.train(lambda *figures: None)
    row = run.run.rows[0]
    assert {GOAL, "mae_160x160", "mae_192x160", "srcc_int8", "srcc_fp32"} <= set(row)
    assert row[GOAL] == pytest.approx(1 - max(row["mae_160x160"], row["mae_192x160"]))

    state = torch.load(run.run.best_file, weights_only=True)[run.part]
    Nano().load_state_dict(state)
    assert torch.equal(state["trunk.blocks.3.expand.0.weight"], run.rounding.state()["trunk.blocks.3.expand.0.weight"])
    assert torch.equal(state["trunk.blocks.3.expand.1.running_var"], network().trunk.blocks[3].expand[1].running_var)

    again = finisher(tmp_path)
    assert again.epoch == 1
    learnt = run.network.state_dict()
    assert all(torch.equal(value, learnt[key]) for key, value in again.network.state_dict().items())


@pytest.mark.slow
def test_it_comes_nearer_to_its_teacher(tmp_path):
    config = FinishConfig(epochs=1, batches=16, batch=2, frames=("160x160",), degraded_share=0.0, vector_rate=5e-3)
    start = network()
    with torch.no_grad():
        start.whole_score.out.bias += 0.1
    run = finisher(tmp_path, config, start)
    run._observe()
    run._arrange((160, 160))
    _, views = next(run.batches.epoch((9,), 1))

    def loss():
        with torch.no_grad():
            return float(run._loss(*views))

    before = loss()
    run._epoch(lambda *figures: None)
    run._observe()
    assert loss() < 0.8 * before, (loss(), before)


@pytest.mark.parametrize("frames", [(), ("640",), ("ax3",), ("1x2x3",)])
def test_frames_that_are_none_are_refused(frames):
    with pytest.raises(ConfigurationError, match="640x480"):
        FinishConfig(frames=frames)
