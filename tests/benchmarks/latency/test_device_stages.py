"""Stages on a device, from an engine that times itself, and the warnings that follow; a CPU engine has none."""

import numpy as np
import pytest

from dgiqa_edge.benchmarks.latency.device_stages import device_stages
from dgiqa_edge.runtime import Scorer


class SelfTimedEngine:
    """A real CPU engine that also claims times, as an engine on a device would measure them."""

    def __init__(self, engine, times):
        self._engine, self._times = engine, times

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def time_stages(self, inputs, runs=100):
        assert set(inputs) == {spec.name for spec in self._engine.inputs}
        return {name: np.full(runs, value) for name, value in self._times.items()}


@pytest.mark.parametrize(
    ("times", "codes"),
    [
        ({"copy in": 0.1, "enqueue": 0.2, "compute": 1.0, "copy out": 0.1}, []),
        ({"copy in": 0.1, "enqueue": 0.9, "compute": 1.0, "copy out": 0.1}, ["enqueue-bound"]),
        ({"copy in": 1.2, "enqueue": 0.9, "compute": 1.0, "copy out": 0.1}, ["enqueue-bound", "transfer-bound"]),
    ],
)
def test_an_engine_that_times_itself_is_asked_and_warned_of(make_bundle, make_photo, times, codes):
    with Scorer(make_bundle(layout="split")) as scorer:
        scorer._engines = [SelfTimedEngine(engine, times) for engine in scorer.engines]
        stages = device_stages(scorer, make_photo(1), runs=7)
    assert [one.role for one in stages] == ["depth", "quality"]
    assert stages[0].times_ms["compute"].shape == (7,)
    assert [warned.code for warned in stages[0].warnings()] == codes


def test_a_cpu_engine_has_no_device_to_time(bundle_dir, make_photo):
    with Scorer(bundle_dir) as scorer:
        assert device_stages(scorer, make_photo(1)) == []
