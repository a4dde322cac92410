"""Stage times of the TensorRT engine, on the fakes of TensorRT and CUDA that really compute."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from dgiqa_edge.benchmarks.latency.device_stages import device_stages
from dgiqa_edge.runtime import Scorer


def test_every_stage_of_every_run_is_timed_and_nothing_is_left_behind(
    gpu: SimpleNamespace, make_tensorrt_bundle: Any, make_photo: Any
) -> None:
    frame = make_photo(seed=3)
    with Scorer(make_tensorrt_bundle("split")) as scorer:
        before = scorer.score(frame)
        stages = device_stages(scorer, frame, runs=5)
        after = scorer.score(frame)
    assert [one.role for one in stages] == ["depth", "quality"]
    for one in stages:
        assert list(one.times_ms) == ["copy in", "enqueue", "compute", "copy out"]
        assert all(times.shape == (5,) and (times >= 0).all() for times in one.times_ms.values())
    np.testing.assert_array_equal(before.depth, after.depth)
    assert before.score == after.score
    assert not gpu.state.device
    assert not gpu.state.host
