import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.training.data.feature_store import SHAPES, FeatureStore


def row(value):
    return {kind: np.full(shape, value, np.float32) for kind, shape in SHAPES.items()}


def test_rows_survive_a_restart_and_are_listed_when_done(tmp_path):
    store = FeatureStore(tmp_path, list("abcde"))
    store.write(3, row(0.5))
    store.flush()
    again = FeatureStore(tmp_path, list("abcde"))
    assert again.complete(np.array([0, 3, 4])).tolist() == [3]
    assert (again.maps["depth"][3] == 0.5).all()
    assert (again.maps["depth"][2] == 0.0).all()


def test_features_of_other_photos_are_refused(tmp_path):
    FeatureStore(tmp_path, ["a", "b"])
    with pytest.raises(ConfigurationError, match="other photos"):
        FeatureStore(tmp_path, ["a", "c"])
