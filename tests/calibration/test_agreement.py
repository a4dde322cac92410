import numpy as np
import pytest
from scipy import stats

from dgiqa_edge.calibration import agreement as metrics
from dgiqa_edge.runtime.errors import ConfigurationError


@pytest.fixture
def scores():
    generator = np.random.default_rng(1)
    human = generator.uniform(0, 1, 300)
    return human + generator.normal(0, 0.2, 300), human


def test_figures_are_those_of_scipy(scores):
    predicted, human = scores
    report = metrics.agreement(predicted, human, bootstraps=50)
    assert report.photos == 300
    assert report.srcc.value == pytest.approx(stats.spearmanr(predicted, human).statistic, abs=1e-12)
    assert report.krcc.value == pytest.approx(stats.kendalltau(predicted, human).statistic, abs=1e-12)
    for figure in (report.srcc, report.plcc, report.krcc, report.rmse):
        assert figure.low < figure.value < figure.high


def test_the_logistic_undoes_a_bent_scale(scores):
    predicted, _ = scores
    human = metrics.logistic(predicted, 0.95, 0.05, 0.5, 0.08)
    report = metrics.agreement(predicted, human, bootstraps=20)
    assert metrics.plcc(predicted, human) < 0.97
    assert report.plcc.value == pytest.approx(1.0, abs=1e-6)
    assert report.rmse.value < 1e-4


def test_the_interval_covers_and_shrinks_with_more_photos():
    generator = np.random.default_rng(5)
    human = generator.uniform(0, 1, 4000)
    predicted = human + generator.normal(0, 0.3, 4000)
    small = metrics.agreement(predicted[:200], human[:200], bootstraps=200).srcc
    large = metrics.agreement(predicted, human, bootstraps=200).srcc
    assert large.high - large.low < 0.5 * (small.high - small.low)
    assert small.low < large.value < small.high


def test_scores_that_do_not_vary_have_no_correlation():
    assert metrics.srcc(np.ones(20), np.arange(20.0)) == 0.0
    assert metrics.krcc(np.ones(20), np.arange(20.0)) == 0.0
    report = metrics.agreement(np.full(20, 0.5), np.arange(20.0), bootstraps=10)
    assert (report.srcc.value, report.krcc.low) == (0.0, 0.0)
    assert report.rmse.value == pytest.approx(np.arange(20.0).std(), rel=1e-3)


def test_ties_are_not_in_order():
    assert metrics.ordered_share(np.array([0.5, 0.6, 0.2]), np.array([0.4, 0.6, 0.3])) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("predicted", "human", "said"),
    [
        (np.ones(10), np.ones(9), "two equal lists"),
        (np.ones(4), np.ones(4), "too few"),
        (np.full(10, np.nan), np.arange(10.0), "not finite"),
    ],
)
def test_wrong_lists_are_refused(predicted, human, said):
    with pytest.raises(ConfigurationError, match=said):
        metrics.agreement(predicted, human)


def test_a_difference_is_drawn_in_pairs():
    random = np.random.default_rng(1)
    human = random.uniform(size=300)
    better = human + random.normal(scale=0.1, size=300)
    worse = better + random.normal(scale=0.1, size=300)
    figure = metrics.srcc_difference(better, worse, human)
    assert figure.value == pytest.approx(metrics.srcc(better, human) - metrics.srcc(worse, human))
    assert 0.0 < figure.low < figure.value < figure.high
    alone, beside = metrics.srcc_figure(better, human), better + random.normal(scale=0.002, size=300)
    close = metrics.srcc_difference(better, beside, human)
    assert close.high - close.low < 0.1 * (alone.high - alone.low)
    turned = metrics.srcc_difference(worse, better, human)
    assert (turned.low, turned.high) == pytest.approx((-figure.high, -figure.low))
    same = metrics.srcc_difference(better, better, human)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
