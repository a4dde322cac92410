import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dgiqa_edge.calibration.statistics import average_ranks, pearson, spearman

scipy_stats = pytest.importorskip("scipy.stats")

few_values = arrays(np.float64, st.integers(3, 30), elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))


@given(few_values)
def test_ranks_are_averaged_like_scipy(values):
    np.testing.assert_array_equal(average_ranks(values), scipy_stats.rankdata(values))


@given(few_values, st.integers(0, 2**32 - 1))
def test_spearman_agrees_with_scipy(values, seed):
    other = values + np.random.default_rng(seed).choice([0.0, 0.25, 0.5], len(values))
    if values.min() == values.max() or other.min() == other.max():
        assert spearman(values, other) is None
    else:
        assert spearman(values, other) == pytest.approx(scipy_stats.spearmanr(values, other).statistic, abs=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [([1, 2, 3], [2, 4, 6], 1.0), ([1, 2, 3], [3, 2, 1], -1.0), ([1, 2, 3], [5, 5, 5], None), ([], [], None)],
)
def test_pearson(first, second, expected):
    assert pearson(np.array(first), np.array(second)) == (None if expected is None else pytest.approx(expected))
