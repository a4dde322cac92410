"""What a tensor may differ by: rounding of its own precision never trips the rule, more than that does."""

import numpy as np
import pytest

from dgiqa_edge.export.debug.expectation import ALLOWANCE, distance

VALUES = np.random.default_rng(3).normal(0.0, 1.0, 20_000).astype(np.float32)


def on_grid(values, step):
    return np.clip(np.rint(values / step), -127, 127) * step


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e3])
@pytest.mark.parametrize(
    ("kind", "rounded", "diverges"),
    [
        ("fp32", lambda values: values * (1 + 1e-6), False),
        ("fp32", lambda values: values.astype(np.float16), True),
        ("fp16", lambda values: (values / 7 * 7).astype(np.float16) * np.float16(1), False),
        ("fp16", lambda values: values * 1.05, True),
        ("int8", lambda values: on_grid(values, np.abs(values).max() / 127), False),
        ("int8", lambda values: on_grid(values, 3 * np.abs(values).max() / 127), False),
        ("int8", lambda values: on_grid(values, 40 * np.abs(values).max() / 127), True),
        ("int8", lambda values: on_grid(values, np.abs(values).max() / 127 / 10), True),
    ],
)
def test_rounding_is_told_from_a_fault(kind, rounded, diverges, scale):
    values = VALUES * np.float32(scale)
    assert distance(kind, values, rounded(values)).diverges == diverges


def test_a_product_bears_the_rounding_of_its_weights():
    weight = np.random.default_rng(4).normal(size=(64, 64)).astype(np.float32)
    inputs = VALUES[: 64 * 200].reshape(200, 64)
    rounded = on_grid(weight, np.abs(weight).max() / 127)
    assert not distance("int8", inputs @ weight, inputs @ rounded, weight).diverges
    assert distance("int8", inputs @ weight, inputs @ (weight * 1.5), weight).diverges
    assert distance("fp32", inputs @ weight, inputs @ rounded).diverges


def test_one_wrong_weight_among_many_counts():
    wrong = VALUES.copy()
    wrong[7] += 3.0
    assert not distance("int8", VALUES, wrong).diverges
    assert distance("int8", VALUES, wrong, constant=True).diverges


@pytest.mark.parametrize(
    ("reference", "found", "diverges", "said"),
    [
        ([1.0, 9e4], [1.0, np.inf], True, "1 of 2 not finite; FP32 reaches 9e+04, FP16 ends at 65504"),
        ([1.0, 2.0], [1.0, np.nan], True, "1 of 2 not finite"),
        ([1.0, np.inf], [1.0, np.inf], False, ""),
        ([1.0, 2.0], [1.0], True, "its shape is [1], not [2]"),
        ([0.0, 0.0], [0.0, 0.0], False, ""),
        ([], [], False, ""),
        ([5.0], [5.0], False, ""),
    ],
)
def test_what_is_no_number_or_has_no_spread(reference, found, diverges, said):
    result = distance("fp16", np.array(reference, np.float32), np.array(found, np.float32))
    assert result.diverges == diverges
    assert said in result.overflow
    assert (result.excess > 1) == diverges


def test_the_limit_is_a_share_of_the_spread():
    assert distance("int8", VALUES, VALUES).limit == pytest.approx(
        ALLOWANCE * np.abs(VALUES).max() / 127 / np.sqrt(12) / VALUES.std(), rel=1e-3
    )
