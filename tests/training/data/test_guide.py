import numpy as np
import pytest

from dgiqa_edge.training.data.feature_store import FeatureStore
from dgiqa_edge.training.data.guide import encoder_figures


@pytest.fixture
def store(tmp_path):
    """Statistics with one direction that varies far more than the rest, told by ``hidden``."""
    generator = np.random.default_rng(0)
    store, hidden = FeatureStore(tmp_path, [str(row) for row in range(40)]), generator.normal(0, 1, 40)
    directions = {kind: generator.normal(0, 1, array.shape[1:]) for kind, array in store.maps.items()}
    for row in range(38):
        noise = {kind: 0.5 * generator.normal(0, 1, direction.shape) for kind, direction in directions.items()}
        store.write(row, {kind: noise[kind] + hidden[row] * directions[kind] for kind in directions})
    return store, hidden


def test_figures_are_components_of_the_photos_to_fit(store):
    features, hidden = store
    figures = encoder_figures(features, np.arange(30), figures=4)
    assert figures.shape == (40, 4)
    assert abs(np.corrcoef(figures[:38, 0], hidden[:38])[0, 1]) > 0.99
    assert figures[:30].std(axis=0) == pytest.approx(np.ones(4), abs=1e-3)
    assert np.isnan(figures[38:]).all()


def test_photos_to_validate_on_do_not_shape_them(store):
    features, _ = store
    before = encoder_figures(features, np.arange(30), figures=2)
    features.maps["whole_statistics"][35] = 9.0
    after = encoder_figures(features, np.arange(30), figures=2)
    np.testing.assert_allclose(after[:30], before[:30], atol=1e-4)
    assert not np.allclose(after[35], before[35])
