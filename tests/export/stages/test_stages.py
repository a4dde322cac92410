"""Resumable stages: reuse only what is whole and of the same inputs, leave nothing behind on failure."""

import json
import os

import pytest

from dgiqa_edge.export.stages.stages import RECORD, Stages


@pytest.fixture
def stages(tmp_path):
    return Stages(tmp_path / "work")


def maker(calls, content=b"graph"):
    def make(directory):
        calls.append(directory)
        (directory / "graph.onnx").write_bytes(content)
        return {"nodes": 3}

    return make


def test_a_finished_stage_is_reused(stages):
    calls = []
    first = stages.run("export", {"a": 1}, maker(calls))
    again = stages.run("export", {"a": 1}, maker(calls))
    assert len(calls) == 1
    assert (first.reused, again.reused) == (False, True)
    assert again.values == {"nodes": 3}
    assert again.file("graph.onnx").read_bytes() == b"graph"


def test_other_inputs_make_another_stage(stages):
    calls = []
    one, two = (stages.run("export", {"a": value}, maker(calls)) for value in (1, 2))
    assert len(calls) == 2
    assert one.directory != two.directory


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: (d / "graph.onnx").write_bytes(b"grapX"),
        lambda d: (d / "graph.onnx").unlink(),
        lambda d: (d / RECORD).write_text("{"),
        lambda d: (d / RECORD).unlink(),
        lambda d: (d / RECORD).write_text("[]"),
    ],
)
def test_a_damaged_stage_is_made_again(stages, damage):
    calls = []
    damage(stages.run("export", {"a": 1}, maker(calls)).directory)
    again = stages.run("export", {"a": 1}, maker(calls))
    assert len(calls) == 2
    assert not again.reused
    assert again.file("graph.onnx").read_bytes() == b"graph"


def test_a_record_of_other_inputs_is_not_believed(stages):
    calls = []
    directory = stages.run("export", {"a": 1}, maker(calls)).directory
    record = json.loads((directory / RECORD).read_text())
    (directory / RECORD).write_text(json.dumps({**record, "key": "0" * 64}))
    assert not stages.run("export", {"a": 1}, maker(calls)).reused


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failed_stage_leaves_nothing(stages, failure):
    def make(directory):
        (directory / "half").write_bytes(b"x")
        raise failure

    with pytest.raises(failure):
        stages.run("export", {"a": 1}, make)
    assert not stages.root.exists()


def test_a_failed_stage_keeps_the_finished_ones(stages):
    finished = stages.run("export", {"a": 1}, maker([]))

    def make(directory):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stages.run("parity", {"a": 1}, make)
    assert finished.file("graph.onnx").exists()


def test_sweep_removes_only_what_was_abandoned(stages):
    stages.root.mkdir()
    old, young, finished = (stages.root / name for name in (".partial-old", ".partial-young", "export-1"))
    for directory in (old, young, finished):
        directory.mkdir()
    os.utime(old, (0, 0))
    os.utime(finished, (0, 0))
    stages.sweep()
    assert not old.exists()
    assert young.exists()
    assert finished.exists()


def test_sweep_creates_nothing(stages):
    stages.sweep()
    assert not stages.root.exists()
