"""Bundles that take several frames at once: the scores are those of one by one, whatever the batch lacks or holds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from dgiqa_edge.runtime import Quality, Scorer, Unscored
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest
from dgiqa_edge.runtime.engines.portable_graph import PortableEngine
from dgiqa_edge.runtime.errors import BundleError, FidelityError
from dgiqa_edge.runtime.scoring import scorer_pool

MakeBundle = Callable[..., Path]
BATCHES = [(4, 4), (1, 4)]


@pytest.fixture
def photos(make_photo: Any) -> list[np.ndarray]:
    return [make_photo(seed=seed) for seed in range(11)]


@pytest.fixture
def rows_run(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each run of an engine was given."""
    seen: list[int] = []
    real = PortableEngine.run

    def run(self: PortableEngine, inputs: Any) -> Any:
        seen.append(len(inputs["frame"]))
        return real(self, inputs)

    monkeypatch.setattr(PortableEngine, "run", run)
    return seen


def same(found: Any, expected: Quality) -> None:
    assert isinstance(found, Quality)
    assert found.score == expected.score
    np.testing.assert_array_equal(found.crop_scores, expected.crop_scores)
    np.testing.assert_array_equal(found.depth, expected.depth)
    assert dict(found.faults) == dict(expected.faults)
    if expected.coverage is not None:
        np.testing.assert_array_equal(found.coverage, expected.coverage)


def near(found: Quality, other: Quality) -> None:
    """As the bundle of one frame has it: means are written otherwise there, which may change their last bits."""
    np.testing.assert_allclose(found.crop_scores, other.crop_scores, rtol=0, atol=3e-7)
    np.testing.assert_array_equal(found.depth, other.depth)
    np.testing.assert_allclose(list(found.faults.values()), list(other.faults.values()), rtol=0, atol=3e-7)


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("faults", [False, True])
@pytest.mark.parametrize("layout", ["fused", "split"])
@pytest.mark.parametrize("batch", BATCHES)
def test_the_bits_are_those_of_one_by_one(
    make_bundle: MakeBundle, photos: list[np.ndarray], batch: tuple[int, int], layout: str, faults: bool, backend: str
) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino")
    with Scorer(make_bundle(layout=layout, faults=faults), backend=backend) as alone:
        without = [alone.score(photo) for photo in photos]
    with Scorer(make_bundle(layout=layout, faults=faults, batch=batch), backend=backend, verify="always") as scorer:
        expected = [scorer.score(photo) for photo in photos]
        for one_engine in (False, True):
            scorer._alone = one_engine
            for found, own in zip(scorer.score_many(photos), expected, strict=True):
                same(found, own)
    for own, other in zip(expected, without, strict=True):
        near(own, other)


@pytest.mark.parametrize(("batch", "rows"), [((4, 4), [4, 4, 4]), ((1, 4), [4, 4, 3])])
def test_the_last_batch_is_filled_where_it_must_be(
    make_bundle: MakeBundle, photos: list[np.ndarray], rows_run: list[int], batch: tuple[int, int], rows: list[int]
) -> None:
    with Scorer(make_bundle(batch=batch), threads=1, verify=False) as scorer:
        assert len(list(scorer.score_many(photos))) == 11
    assert sorted(rows_run, reverse=True) == rows


def test_images_that_cannot_be_read_keep_their_places_and_take_no_row(
    make_bundle: MakeBundle, photos: list[np.ndarray], rows_run: list[int]
) -> None:
    given = ["absent.png", photos[0], photos[1].astype(int), photos[2], *["gone.png"] * 4, photos[3]]
    with Scorer(make_bundle(batch=(1, 4)), threads=1, verify=False) as scorer:
        results = list(scorer.score_many(given))
        assert sorted(rows_run) == [1, 2]  # of the second batch none can be read
        for place in (1, 3, 8):
            same(results[place], scorer.score(given[place]))
    assert [place for place, result in enumerate(results) if isinstance(result, Unscored)] == [0, 2, 4, 5, 6, 7]


@pytest.mark.parametrize("batch", BATCHES)
def test_each_core_scores_batches_of_its_own(
    make_bundle: MakeBundle, photos: list[np.ndarray], batch: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorer_pool, "usable_cores", lambda: 8)
    directory = make_bundle(batch=batch)
    opened: list[int] = []
    real = Scorer.__init__

    def recorded(self: Scorer, *given: Any, **options: Any) -> None:
        opened.append(1)
        real(self, *given, **options)

    with Scorer(directory) as scorer:
        expected = [scorer.score(photo).score for photo in photos]
        monkeypatch.setattr(Scorer, "__init__", recorded)
        assert [result.score for result in scorer.score_many(photos)] == expected  # type: ignore[union-attr]
    assert 1 <= len(opened) <= 3  # eleven frames are three batches


def test_a_depth_map_of_an_earlier_frame_is_taken_by_a_batch(make_bundle: MakeBundle, photos: list[np.ndarray]) -> None:
    with Scorer(make_bundle(layout="split")) as alone:
        depth = alone.score(photos[0]).depth
        expected = alone.score(photos[1], depth)
    for batch in BATCHES:
        with Scorer(make_bundle(layout="split", batch=batch)) as scorer:
            near(scorer.score(photos[1], depth), expected)


@pytest.mark.parametrize("batch", BATCHES)
def test_rows_that_leak_into_one_another_are_refused(make_bundle: MakeBundle, batch: tuple[int, int]) -> None:
    directory = make_bundle(batch=batch)
    path = directory / "frame_graph.onnx"
    model = onnx.load(path)
    (score,) = (node for node in model.graph.node if "score" in node.output)
    score.output[0] = "own"
    none = numpy_helper.from_array(np.array(0.0, np.float32), "none")
    model.graph.initializer.append(none)
    model.graph.node.extend(
        [
            helper.make_node("ReduceMean", ["own"], ["of_all"], axes=[0], keepdims=1),
            helper.make_node("Mul", ["own", "none"], ["shape"]),
            helper.make_node("Add", ["shape", "of_all"], ["score"]),
        ]
    )
    onnx.save(model, path)
    document = json.loads((directory / "bundle.json").read_text())
    write_manifest(directory, {**document, "files": build_manifest_files(directory)})
    with pytest.raises(FidelityError, match=r"in row 1 of 4, the golden frame's score is"):
        Scorer(directory, verify="always")
    Scorer(directory, verify=False).close()


def test_a_graph_of_one_frame_is_no_batch(make_bundle: MakeBundle) -> None:
    for batch in BATCHES:
        least, most = batch
        directory = make_bundle(edit=lambda document, b=batch: document.update(batch={"least": b[0], "most": b[1]}))
        promised = r"\?" if least != most else "4"
        with pytest.raises(BundleError, match=rf"'frame' is uint8 \[1, 48, .*manifest promises uint8 \[{promised}, 48"):
            Scorer(directory)


def test_the_replay_states_the_worst_row(make_bundle: MakeBundle) -> None:
    with Scorer(make_bundle(batch=(1, 4)), verify="always") as scorer:
        assert scorer.deviation is not None
        assert scorer.deviation.score < 1e-6
