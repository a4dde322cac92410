"""Raw samples in JSON: short ones legible, long ones small, damaged ones refused."""

import json

import numpy as np
import pytest

from dgiqa_edge.benchmarks.report.series import LONGEST_LIST, decode, encode
from dgiqa_edge.runtime.errors import ConfigurationError


@pytest.mark.parametrize("count", [0, 3, LONGEST_LIST, LONGEST_LIST + 1])
def test_values_survive_the_way_through_json(count):
    values = np.random.default_rng(0).exponential(20.0, count)
    document = json.loads(json.dumps(encode(values)))
    assert ("values" in document) == (count <= LONGEST_LIST)
    np.testing.assert_allclose(decode(document), values, rtol=1e-6, atol=1e-4)


def test_a_value_that_is_none_comes_back_as_none():
    document = encode(np.array([1.0, np.nan]))
    assert document["values"] == [1.0, None]
    assert np.isnan(decode(document)[1])


@pytest.mark.parametrize("change", [{"data": "AAAA"}, {"data": "no base64!"}, {"count": 5}])
def test_a_damaged_series_is_refused(change):
    document = encode(np.arange(LONGEST_LIST + 10.0))
    with pytest.raises(ConfigurationError, match="series in the report"):
        decode({**document, **change})
