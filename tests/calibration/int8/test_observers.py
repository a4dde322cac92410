import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dgiqa_edge.calibration.int8.observers import (
    Entropy,
    Extent,
    Histogram,
    MinMax,
    Percentile,
    create_observer,
    least_divergent_threshold,
)
from dgiqa_edge.runtime.errors import ConfigurationError


def observe(observer, values: np.ndarray) -> Extent:
    extent = Extent(float(values.min()), float(values.max()))
    histogram = observer.histogram(extent)
    if histogram is not None:
        for part in np.array_split(values, 3):
            histogram.add(part)
    return observer.range_of(extent, histogram)


@given(arrays(np.float32, st.integers(3, 50), elements=st.floats(-1e4, 1e4, width=32)))
@pytest.mark.parametrize("observer", [MinMax(), Percentile(), Entropy(bins=256, levels=16)])
def test_no_method_leaves_what_was_seen(observer, values):
    chosen = observe(observer, values)
    assert values.min() <= chosen.low <= chosen.high <= values.max()


def test_minmax_keeps_everything():
    assert observe(MinMax(), np.array([-3.0, 0.5, 40.0], np.float32)) == Extent(-3.0, 40.0)


@pytest.mark.parametrize("percentile", [99.0, 99.9, 99.99])
def test_percentile_agrees_with_numpy(percentile):
    values = np.random.default_rng(1).standard_normal(400_000).astype(np.float32)
    chosen = observe(Percentile(percentile), values)
    tail = (100 - percentile) / 2
    expected = np.percentile(values, [tail, 100 - tail])
    cell = float(values.max() - values.min()) / 8192
    assert [chosen.low, chosen.high] == pytest.approx(expected, abs=2 * cell)


def test_percentile_drops_one_value_in_a_million():
    values = np.concatenate([np.linspace(-1, 1, 1_000_000), [500.0]]).astype(np.float32)
    assert observe(Percentile(), values).high < 1.1


def test_histogram_counts_like_numpy_and_puts_outsiders_into_the_outer_cells():
    values = np.random.default_rng(2).uniform(-1, 1, 10_000).astype(np.float32)
    histogram = Histogram(-1.0, 1.0, 64)
    histogram.add(values)
    assert histogram.counts.tolist() == np.histogram(values.astype(np.float64), 64, (-1, 1))[0].tolist()
    histogram.add(np.array([-9.0, 9.0], np.float32))
    assert histogram.counts.sum() == 10_002
    magnitudes = Histogram(0.0, 1.0, 4, of_magnitudes=True)
    magnitudes.add(np.array([-0.9, 0.9, 0.1], np.float32))
    assert magnitudes.counts.tolist() == [1, 0, 0, 2]


def test_entropy_keeps_a_uniform_distribution_whole():
    values = np.linspace(-1, 1, 500_001).astype(np.float32)
    chosen = observe(Entropy(), values)
    assert chosen.high > 0.97 and chosen.low < -0.97


def test_entropy_clips_a_lone_outlier_and_keeps_the_bulk():
    values = np.random.default_rng(3).standard_normal(500_000).astype(np.float32)
    values[0] = 60.0
    chosen = observe(Entropy(), values)
    assert 2.5 < chosen.high < 12.0
    assert chosen.low == pytest.approx(-chosen.high) or chosen.low == values.min()


def test_entropy_threshold_is_the_least_divergent_of_a_plain_search():
    counts = np.random.default_rng(4).poisson(300 * np.exp(-np.arange(300) / 40)).astype(np.int64)

    def divergence(kept: int, levels: int = 16) -> float:
        p = counts[:kept].astype(float)
        q = np.zeros(kept)
        for level in range(levels):
            start, stop = level * kept // levels, (level + 1) * kept // levels
            filled = np.flatnonzero(p[start:stop]) + start
            if len(filled):
                q[filled] = counts[start:stop].sum() / len(filled)
        p[-1] += counts[kept:].sum()
        p, q = p / p.sum(), q / q.sum()
        return sum(a * np.log(a / max(b, 1e-9)) for a, b in zip(p, q, strict=True) if a > 0)

    best = min(range(16, np.flatnonzero(counts)[-1] + 2), key=divergence)
    assert least_divergent_threshold(counts, 16) == best


@pytest.mark.parametrize("method", ["minmax", "percentile", "entropy"])
def test_a_constant_tensor_has_a_range(method):
    assert observe(create_observer(method), np.full(100, 2.5, np.float32)) == Extent(2.5, 2.5)
    assert observe(create_observer(method), np.zeros(100, np.float32)) == Extent(0.0, 0.0)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("best", {}, "unknown calibration method 'best': choose one of minmax, percentile, entropy"),
        ("minmax", {"bins": 3}, "minmax has no option bins"),
        ("percentile", {"percentile": 30}, "percentile 30 makes no sense"),
        ("entropy", {"levels": 4096}, "levels <= bins"),
    ],
)
def test_nonsense_is_refused(method, options, message):
    with pytest.raises(ConfigurationError, match=message):
        create_observer(method, **options)


def test_options_tell_observers_apart():
    assert create_observer("percentile").options() == {"percentile": 99.99, "bins": 8192}
    assert create_observer("minmax").options() == {}
