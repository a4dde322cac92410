from dataclasses import dataclass

import pytest
import torch

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.training.trainers.run_folder import RunFolder


@dataclass(frozen=True)
class Config:
    seed: int = 1


def test_the_best_state_is_kept_and_training_stops_when_nothing_improves(tmp_path):
    run = RunFolder(tmp_path, Config(), patience=2)
    for epoch, goal in enumerate((0.5, 0.7, 0.6), start=1):
        assert not run.exhausted("goal")
        best = run.keep({"epoch": float(epoch), "goal": goal}, {"w": torch.tensor([epoch])}, "goal", "w")
        assert best == (epoch < 3)
    run.keep({"epoch": 4.0, "goal": 0.65}, {"w": torch.tensor([4])}, "goal", "w")
    assert run.exhausted("goal")
    assert torch.load(run.best_file, weights_only=True)["w"] == 2
    assert run.last_state()["w"] == 4


def test_a_run_goes_on_where_it_stopped(tmp_path):
    first = RunFolder(tmp_path, Config(), patience=2)
    assert first.last_state() is None
    first.keep({"epoch": 1.0, "goal": 0.5}, {"w": torch.tensor([1])}, "goal", "w")
    again = RunFolder(tmp_path, Config(), patience=2)
    assert again.rows == [{"epoch": 1.0, "goal": 0.5}]
    assert not again.keep({"epoch": 2.0, "goal": 0.4}, {"w": torch.tensor([2])}, "goal", "w")
    assert (tmp_path / "curves.csv").read_text().splitlines() == ["epoch,goal", "1.0,0.5", "2.0,0.4"]
    assert again.draw() is None or (tmp_path / "curves.png").stat().st_size > 1000


def test_another_configuration_is_refused(tmp_path):
    RunFolder(tmp_path, Config(seed=1), patience=2)
    with pytest.raises(ConfigurationError, match="another configuration"):
        RunFolder(tmp_path, Config(seed=2), patience=2)
