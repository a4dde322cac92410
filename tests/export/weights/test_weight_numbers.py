"""Numbers that no trained network has, and those that only look odd."""

import re

import pytest
import torch

from dgiqa_edge.export.weights.weight_numbers import numbers_problem, untrained


def changed(key, value):
    return lambda state: {**state, key: value(state[key]) if callable(value) else value}


def whole(value):
    return lambda state: {k: torch.full_like(t, value) if t.is_floating_point() else t for k, t in state.items()}


@pytest.mark.parametrize(("change", "problem"), [
    pytest.param(whole(0.0), "2 of 2 layers hold one number only", id="zeros"),
    pytest.param(whole(0.5), "2 of 2 layers hold one number only", id="constant"),
    pytest.param(whole(1e-40), "2 of 2 layers hold one number only or as good as zero", id="denormal constant"),
    pytest.param(changed("2.weight", lambda t: t * 1e-38), r"2\.weight \(at most .*e-38\)", id="denormal"),
    pytest.param(changed("0.weight", torch.zeros_like), r"1 of 2 layers .*0\.weight \(0\)", id="one layer of zeros"),
    pytest.param(changed("2.weight", lambda t: t + torch.nan), r"2\.weight holds values that are not fin", id="nan"),
    pytest.param(changed("2.bias", lambda t: t - torch.inf), r"2\.bias holds values that are not finite", id="inf"),
    pytest.param(changed("2.weight", lambda t: t.double() * 1e300), "2.weight holds values that are not fin", id="f64"),
    pytest.param(changed("2.weight", lambda t: t * 1e20), r"2\.weight reaches .*far beyond", id="huge"),
    pytest.param(changed("2.bias", lambda t: t - 1e20), r"2\.bias reaches -1e\+20, far beyond", id="huge bias"),
    pytest.param(changed("1.running_var", lambda t: t - 2), r"no variance is negative", id="negative variance"),
    pytest.param(changed("2.weight", lambda t: t.to(torch.int8)), r"2\.weight holds int8 numbers", id="int8"),
    pytest.param(changed("2.weight", lambda t: t > 0), r"2\.weight holds bool numbers", id="bool"),
])  # fmt: skip
def test_what_no_trained_network_holds(quality_state, change, problem):
    assert re.search(problem, numbers_problem(change(quality_state)))


@pytest.mark.parametrize("change", [
    lambda state: state,
    changed("2.bias", torch.zeros_like),
    changed("1.bias", torch.zeros_like),
    changed("1.weight", torch.ones_like),
    changed("1.running_mean", torch.zeros_like),
    changed("1.running_var", lambda t: t * 1e5),
    changed("2.weight", lambda t: torch.where(t == t.max(), t, 0.0)),
    lambda state: {**state, "mask_token": torch.zeros(1, 8), "scale": torch.tensor(0.0)},
])  # fmt: skip
def test_what_may_be(quality_state, change):
    assert numbers_problem(change(quality_state)) is None


def test_norms_as_initialised_look_untrained(quality_state):
    assert not untrained(quality_state)
    assert untrained({**quality_state, "1.weight": torch.ones(4)})
    assert not untrained({"0.weight": torch.ones(4, 4)})
