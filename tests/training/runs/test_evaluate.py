import numpy as np
import pytest
import torch

from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.training.data.degraded_set import Copy, DegradedSet
from dgiqa_edge.training.runs import evaluate


def test_depth_is_judged_up_to_scale_and_shift():
    generator = np.random.default_rng(0)
    coarse = generator.uniform(0, 1, (3, 12, 12)).astype(np.float32)
    teacher = coarse.repeat(2, axis=1).repeat(2, axis=2)
    same = evaluate.depth_report(-5 + 30 * coarse, teacher)
    assert same["correlation"] == pytest.approx(1.0, abs=1e-5)
    assert same["abs_rel"] < 1e-4
    assert same["delta1"] == 1.0
    other = evaluate.depth_report(generator.uniform(0, 1, (3, 12, 12)).astype(np.float32), teacher)
    assert other["correlation"] < 0.3
    assert other["abs_rel"] > 0.2
    assert other["delta1"] < 0.7


def test_order_is_told_by_kind():
    copies = tuple(Copy(n, kind, 0.5, 0) for n, kind in enumerate(["haze", "haze", "noise"]))
    plan = DegradedSet(copies, np.array([[0, 3]]), 3)
    report = evaluate.order_report(plan, np.arange(3), np.array([0.5, 0.5, 0.5]), np.array([0.4, 0.6, 0.1]))
    assert report == {"all": pytest.approx(2 / 3), "pairs": 3, "haze": 0.5, "noise": 1.0}


def test_outputs_are_those_of_the_network_on_the_views():
    torch.manual_seed(0)
    network = Nano()
    network.arrange((192, 192))
    frames = np.random.default_rng(0).integers(0, 255, (2, 192, 192, 3), np.uint8)
    seen = []
    scores, depths = evaluate.nano_outputs(
        network, frames.__getitem__, np.array([1, 0]), lambda done, of: seen.append((done, of))
    )
    assert scores.shape == (2,)
    assert depths.shape == (2, 48, 48)
    assert seen == [(1, 2), (2, 2)]
    again, _ = evaluate.nano_outputs(network, frames.__getitem__, np.array([0]), lambda done, of: None)
    assert again[0] == pytest.approx(scores[1], abs=1e-6)
    assert scores[0] != scores[1]
