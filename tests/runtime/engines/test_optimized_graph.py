"""The optimized graph that ONNX Runtime's engine keeps: when it is made, when it is taken, when it is not trusted."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.engines import EngineOptions, load_engine
from dgiqa_edge.runtime.engines import onnxruntime as backend
from dgiqa_edge.runtime.engines.optimized_graph import content_sha256, optimized_graph
from dgiqa_edge.runtime.errors import EngineCompatibilityError
from dgiqa_edge.runtime.hashing import sha256_file
from dgiqa_edge.runtime.machine.processor import Processor
from dgiqa_edge.runtime.scoring.scorer import Scorer


@pytest.fixture
def opened(monkeypatch):
    """The files that sessions were opened of, in order."""
    found, real = [], onnxruntime.InferenceSession

    def recorded(graph, *args, **settings):
        found.append(Path(graph))
        return real(graph, *args, **settings)

    monkeypatch.setattr(onnxruntime, "InferenceSession", recorded)
    return found


@pytest.fixture
def folder(cache_home):
    return cache_home / "dgiqa-edge" / "optimized"


def test_a_later_start_opens_what_the_first_one_optimized(bundle_dir, folder, opened, make_photo):
    scores = []
    for _ in range(2):
        with Scorer(bundle_dir) as scorer:
            scores.append(scorer.score(make_photo(seed=1)).score)
            (facts,) = scorer.describe()
    (kept,) = folder.iterdir()
    assert opened == [bundle_dir / "frame_graph.onnx", kept, kept]
    assert scores[0] == scores[1]
    assert facts["optimized_sha256"] == content_sha256(kept) == sha256_file(kept)


def test_the_outputs_are_those_of_the_graph_itself(bundle_dir, make_photo, monkeypatch):
    frame = {"frame": make_photo(seed=2)[np.newaxis]}
    with load_engine(load_bundle(bundle_dir), "fused") as engine:
        optimized = engine.run(frame)
    monkeypatch.setattr(backend, "optimized_graph", lambda *args: None)
    with load_engine(load_bundle(bundle_dir), "fused") as engine:
        assert "optimized_sha256" not in engine.describe()
        for name, array in engine.run(frame).items():
            np.testing.assert_array_equal(array, optimized[name])


@pytest.mark.parametrize("damage", [lambda file: file.write_bytes(b""), lambda file: flip_a_bit(file)])
def test_a_damaged_file_is_never_opened_but_made_again(bundle_dir, folder, opened, damage):
    Scorer(bundle_dir).close()
    (kept,) = folder.iterdir()
    whole = kept.read_bytes()
    damage(kept)
    opened.clear()
    Scorer(bundle_dir).close()
    assert opened == [bundle_dir / "frame_graph.onnx", kept]
    assert kept.read_bytes() == whole


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(onnxruntime, "__version__", "1.99.0"),
        lambda patch: patch.setattr(onnxruntime, "get_build_info", lambda: "another build"),
        lambda patch: patch.setattr(backend, "processor", lambda: Processor("another", "0")),
        lambda patch: patch.setattr(backend, "VERSION", "9.9.9"),
    ],
)
def test_anything_else_that_the_result_depends_on_makes_another(bundle_dir, folder, monkeypatch, change):
    load_engine(load_bundle(bundle_dir), "fused").close()
    change(monkeypatch)
    load_engine(load_bundle(bundle_dir), "fused").close()
    assert len(list(folder.iterdir())) == 2


def test_a_changed_bundle_has_its_own(make_bundle, folder):
    for shift in (0.0, 0.001):
        load_engine(load_bundle(make_bundle(golden_shift=shift)), "fused").close()
    assert len(list(folder.iterdir())) == 2


def test_it_lies_where_the_caller_says(bundle_dir, folder, tmp_path):
    load_engine(load_bundle(bundle_dir), "fused", options=EngineOptions(cache_folder=tmp_path / "mine")).close()
    assert len(list((tmp_path / "mine").iterdir())) == 1
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_costs_time_alone(bundle_dir, tmp_path, opened):
    (tmp_path / "file").touch()
    options = EngineOptions(cache_folder=tmp_path / "file" / "mine")
    load_engine(load_bundle(bundle_dir), "fused", options=options).close()
    assert opened[-1] == bundle_dir / "frame_graph.onnx"


def test_a_graph_that_cannot_be_optimized_is_left_to_who_opens_it(tmp_path):
    (tmp_path / "graph.onnx").write_bytes(b"no graph")

    def refuse(file):
        raise EngineCompatibilityError("no graph")

    assert optimized_graph(tmp_path / "graph.onnx", {}, tmp_path / "kept", refuse) is None
    assert not (tmp_path / "kept").exists()


def test_a_large_graph_is_not_copied(tmp_path):
    with (tmp_path / "graph.onnx").open("wb") as file:
        file.truncate((64 << 20) + 1)
    asked = []
    assert optimized_graph(tmp_path / "graph.onnx", {}, tmp_path / "kept", asked.append) is None
    assert not asked
