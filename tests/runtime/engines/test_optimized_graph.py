"""The optimized graph that ONNX Runtime's engine keeps: when it is made, when it is taken, when it is not trusted."""

import json
import os
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, load_bundle, write_manifest
from dgiqa_edge.runtime.engines import EngineOptions, load_engine
from dgiqa_edge.runtime.engines import onnxruntime as backend
from dgiqa_edge.runtime.engines.optimized_graph import content_sha256, optimized_graph
from dgiqa_edge.runtime.errors import EngineCompatibilityError
from dgiqa_edge.runtime.hashing import sha256_bytes, sha256_file
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


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def into_a_pipe(file):
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("damage", [lambda file: file.write_bytes(b""), flip_a_bit, into_a_pipe])
def test_a_damaged_file_is_never_opened_but_made_again(bundle_dir, folder, opened, make_photo, damage):
    before = score_of(bundle_dir, make_photo)
    (kept,) = folder.iterdir()
    damage(kept)
    opened.clear()
    assert score_of(bundle_dir, make_photo) == before
    (made,) = folder.iterdir()
    assert opened == [bundle_dir / "frame_graph.onnx", made]
    assert sha256_file(made) == content_sha256(made)  # which need not be that of the first


def score_of(bundle, make_photo):
    with Scorer(bundle) as scorer:
        return scorer.score(make_photo(seed=3)).score


def test_what_cannot_be_removed_is_passed_by(bundle_dir, folder, make_photo):
    before = score_of(bundle_dir, make_photo)
    (kept,) = folder.iterdir()
    (kept.with_name(f"{kept.name.partition('.')[0]}.{'0' * 64}.onnx") / "inside").mkdir(parents=True)
    assert score_of(bundle_dir, make_photo) == before
    assert kept.is_file()


def test_a_whole_file_that_cannot_be_opened_is_removed_and_the_graph_taken(bundle_dir, folder, opened, make_photo):
    before = score_of(bundle_dir, make_photo)
    (kept,) = folder.iterdir()
    kept.unlink()
    garbage = kept.with_name(f"{kept.name.partition('.')[0]}.{sha256_bytes(b'garbage')}.onnx")
    garbage.write_bytes(b"garbage")
    opened.clear()
    with Scorer(bundle_dir) as scorer:
        assert scorer.score(make_photo(seed=3)).score == before
        assert "optimized_sha256" not in scorer.describe()[0]
    assert opened == [garbage, bundle_dir / "frame_graph.onnx"]
    assert list(folder.iterdir()) == []
    assert score_of(bundle_dir, make_photo) == before
    assert len(list(folder.iterdir())) == 1


def test_those_used_last_are_kept(tmp_path):
    graph, folder = tmp_path / "graph.onnx", tmp_path / "kept"
    graph.touch()

    def ask(number):
        return optimized_graph(graph, number, folder, lambda file: file.write_text(f"{number}"))

    files = [ask(number) for number in range(16)]
    for age, file in enumerate(files):
        os.utime(file, (1000.0 - age, 1000.0 - age))
    others = [folder / "mine.onnx", folder / "graph.cache"]
    for other in others:
        other.touch()
        os.utime(other, (1.0, 1.0))
    assert ask(15) == files[15]  # the oldest until now
    made = [ask(number) for number in (16, 17)]
    assert set(folder.iterdir()) == {*files[:13], files[15], *made, *others}


def test_what_a_killed_process_left_behind_goes_a_day_later(tmp_path):
    graph, folder = tmp_path / "graph.onnx", tmp_path / "kept"
    graph.touch()
    for name, age_s in {".partial-old": 90_000, ".partial-new": 3_000}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "graph.onnx").touch()
        (folder / f"{name}.onnx").touch()
        for path in (folder / name, folder / f"{name}.onnx"):
            os.utime(path, (time.time() - age_s, time.time() - age_s))
    made = optimized_graph(graph, {}, folder, Path.touch)
    assert set(folder.iterdir()) == {made, folder / ".partial-new", folder / ".partial-new.onnx"}


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


@pytest.mark.parametrize(
    ("name", "kept"), [("frame_graph.onnx", 2), ("weights.bin", 2), ("report.json", 1), ("golden.safetensors", 1)]
)
def test_a_bundle_has_its_own_where_its_graph_reads_anything_else(make_bundle, folder, name, kept):
    for text in ("", "another"):
        bundle = make_bundle()
        if name == "frame_graph.onnx":
            graph = onnx.load(bundle / name)
            graph.producer_name = text
            onnx.save(graph, bundle / name)
        elif name != "golden.safetensors" or text:
            (bundle / name).write_text(text)
        document = json.loads((bundle / "bundle.json").read_text())
        write_manifest(bundle, {**document, "files": build_manifest_files(bundle)})
        load_engine(load_bundle(bundle), "fused").close()
    assert len(list(folder.iterdir())) == kept


def test_it_lies_where_the_caller_says(bundle_dir, folder, tmp_path):
    load_engine(load_bundle(bundle_dir), "fused", options=EngineOptions(cache_folder=tmp_path / "mine")).close()
    assert len(list((tmp_path / "mine").iterdir())) == 1
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_costs_time_alone(bundle_dir, tmp_path, opened):
    (tmp_path / "file").touch()
    options = EngineOptions(cache_folder=tmp_path / "file" / "mine")
    load_engine(load_bundle(bundle_dir), "fused", options=options).close()
    assert opened == [bundle_dir / "frame_graph.onnx"]


def test_a_graph_that_cannot_be_optimized_is_left_to_who_opens_it(tmp_path):
    (tmp_path / "graph.onnx").write_bytes(b"no graph")

    def refuse(file):
        raise EngineCompatibilityError("no graph")

    assert optimized_graph(tmp_path / "graph.onnx", {}, tmp_path / "kept", refuse) is None
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_large_graph_is_not_copied(tmp_path):
    with (tmp_path / "graph.onnx").open("wb") as file:
        file.truncate((64 << 20) + 1)
    asked = []
    assert optimized_graph(tmp_path / "graph.onnx", {}, tmp_path / "kept", asked.append) is None
    assert not asked
