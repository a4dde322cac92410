from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dgiqa_edge.training.runs import ablation, jobs
from dgiqa_edge.training.runs.ablation import COMPLETE, EDGE, NANO, Outcome
from dgiqa_edge.training.trainers.config import JobConfig
from dgiqa_edge.training.trainers.edge_trainer import EdgeConfig, EdgeTrainer
from dgiqa_edge.training.trainers.nano_trainer import NanoConfig
from dgiqa_edge.training.trainers.run_folder import RunFolder


@dataclass
class Shop:
    config: JobConfig


@pytest.fixture(scope="module")
def run(edge_data, tmp_path_factory):
    """A function that runs the ablation of `edge` on the small data, each time in the same folder."""

    def trainer(shop, out):
        config = shop.config.edge
        return EdgeTrainer(config, edge_data, RunFolder(out, config, config.patience))

    places = (Path("data"), Path("encoder"), Path("imagenet"), Path("cache"))
    shop = Shop(JobConfig(*places, edge=EdgeConfig(epochs=1, batch=16, pairs_per_batch=4, learning_rate=2e-3)))
    folder = tmp_path_factory.mktemp("ablation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "edge_trainer", trainer)
        yield lambda progress: ablation.edge_outcomes(shop, folder, progress)


@pytest.fixture(scope="module")
def outcomes(run):
    return run(lambda *figures: None)


def test_every_variant_is_a_valid_configuration():
    assert [EdgeConfig(**changes).seed for changes in EDGE.values()] == [1] * len(EDGE)
    assert [NanoConfig(**changes).seed for changes in NANO.values()] == [1] * len(NANO)


def test_variants_are_trained_apart_and_a_second_run_trains_none_again(run, outcomes, edge_data):
    first, human = outcomes
    assert list(first) == list(EDGE)
    assert human.tolist() == edge_data.mos[edge_data.validation].tolist()
    assert len({tuple(outcome.scores.tolist()) for outcome in first.values()}) == len(EDGE)

    def never(*figures):
        raise AssertionError("a finished variant was trained again")

    again, _ = run(never)
    for name, outcome in first.items():
        np.testing.assert_array_equal(again[name].scores, outcome.scores)


def test_a_loss_beyond_chance_has_an_interval_below_zero():
    human = np.linspace(0, 1, 60, dtype=np.float32)
    noisy = human + np.random.default_rng(0).normal(0, 0.5, 60).astype(np.float32)
    report = ablation.report("edge", {COMPLETE: Outcome(human, {}), "worse": Outcome(noisy, {})}, human, 64)
    assert report["variants"]["worse"]["difference"] < -0.2
    low, high = report["variants"]["worse"]["interval"]
    assert low < high < 0
    assert report["variants"][COMPLETE]["interval"] == [0.0, 0.0]


def test_the_table_names_what_was_not_measured():
    scores = np.linspace(0, 1, 9, dtype=np.float32)
    outcomes = {
        COMPLETE: Outcome(scores, {"validation_order": 0.95}),
        "reversed": Outcome(-scores, {}),
    }
    lines = ablation.table(ablation.report("edge", outcomes, scores, 5)).splitlines()
    assert lines[2] == "| complete | 1.000 |  | 95.0% |"
    assert lines[3] == "| reversed | -1.000 | -2.000 [-2.000, -2.000] | not measured |"
