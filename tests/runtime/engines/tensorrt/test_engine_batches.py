"""Plans that take several frames at once, on the stand-ins: shapes, copies and CUDA graph follow the number of rows."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.engines import TensorSpec, load_engine
from dgiqa_edge.runtime.engines.tensorrt.engine import TensorrtEngine
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError

MakeBundle = Callable[..., Path]


@pytest.mark.parametrize("layout", ["fused", "split"])
@pytest.mark.parametrize("batch", [(4, 4), (1, 4)])
def test_each_row_gets_the_graphs_numbers(
    gpu: SimpleNamespace,
    make_tensorrt_bundle: MakeBundle,
    make_photo: Any,
    reference_outputs: Any,
    batch: tuple[int, int],
    layout: str,
) -> None:
    photos = [make_photo(seed=seed) for seed in range(6)]
    with Scorer(make_tensorrt_bundle(layout, batch=batch), verify="always") as scorer:
        for order in (photos, photos[:1], photos):  # full batches, one, and those again
            for photo, quality in zip(order, scorer.score_many(order), strict=True):
                expected = reference_outputs(photo[np.newaxis], layout)
                np.testing.assert_allclose(quality.crop_scores, expected["crop_scores"][0], atol=1e-6)
                np.testing.assert_array_equal(quality.depth, expected["depth"][0])
    assert gpu.state.live() == {}


def test_an_open_batch_is_set_up_again_only_where_its_number_changes(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any
) -> None:
    bundle = load_bundle(make_tensorrt_bundle(batch=(1, 4)))
    with load_engine(bundle, "fused") as engine:
        assert isinstance(engine, TensorrtEngine)
        assert engine.inputs == (TensorSpec("frame", "uint8", (None, 48, 64, 3)),)
        frames = np.stack([make_photo(seed=seed) for seed in range(4)])
        captured = lambda: gpu.state.calls["cudaStreamBeginCapture"]  # noqa: E731
        before = captured()
        for rows, more in ((4, 0), (4, 0), (2, 1), (2, 1), (4, 2), (1, 3)):
            outputs = engine.run({"frame": frames[:rows]})
            assert {len(array) for array in outputs.values()} == {rows}
            assert captured() - before == more
        assert engine.describe()["cuda_graph_note"] == "captured"
        assert [layer.name for layer in engine.profile({"frame": frames[:3]})]
        assert set(engine.time_stages({"frame": frames[:3]}, runs=2)) == {"copy in", "enqueue", "compute", "copy out"}


def test_only_the_rows_that_are_given_are_copied(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any
) -> None:
    with Scorer(make_tensorrt_bundle(batch=(1, 4)), verify=False) as scorer:
        first = scorer.run(np.stack([make_photo(seed=1), make_photo(seed=2)]))
        kept = {name: array.copy() for name, array in first.items()}
        scorer.run(make_photo(seed=3)[np.newaxis])
    for name, array in kept.items():
        np.testing.assert_array_equal(first[name], array)


def test_more_frames_than_the_plan_takes_are_refused(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any
) -> None:
    frames = np.stack([make_photo(seed=1)] * 5)
    with (
        load_engine(load_bundle(make_tensorrt_bundle(batch=(1, 4))), "fused") as engine,
        pytest.raises(EngineCompatibilityError, match=r"does not take 5 frames at once \(.*outside the profile"),
    ):
        engine.run({"frame": frames})
    with (
        load_engine(load_bundle(make_tensorrt_bundle(batch=(4, 4))), "fused") as engine,
        pytest.raises(ConfigurationError, match=r"must be uint8 \[4, 48, 64, 3\], but is uint8 \[5, 48, 64, 3\]"),
    ):
        engine.run({"frame": frames})
