"""Which backend a build for the CPU takes: a short trial of real ones, stand-ins where one has to be slow or wrong."""

import contextlib
import re
import time
from dataclasses import replace

import numpy as np
import pytest

from dgiqa_edge.export.build import onnxruntime_build, openvino_build
from dgiqa_edge.export.build.backends import beside
from dgiqa_edge.export.ladder.devices.onnxruntime import OnnxRuntimeDevice
from dgiqa_edge.export.options.accuracy_budget import AccuracyBudget
from dgiqa_edge.export.stages.outcome import table_lines
from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.engines import openvino as openvino_engine
from dgiqa_edge.runtime.errors import ExportError, FidelityError
from dgiqa_edge.runtime.machine.fact import Fact

pytestmark = pytest.mark.usefixtures("small_networks")

LOOSE = AccuracyBudget(score_mae=0.05, srcc=0.0, depth_corr=0.0, depth_mae=50.0)


class OtherDevice(OnnxRuntimeDevice):
    """OpenVINO's place, taken by ONNX Runtime that is slower, wrong or fails; its packages are the larger ones."""

    backend = "openvino"

    def __init__(self, *, slower_s=0.0, score_off=0.0, fails=False, install_bytes=1 << 40):
        super().__init__(f"1.0-{slower_s}-{score_off}-{fails}", 1)
        self.name, self.install_bytes = "a stand-in for OpenVINO", install_bytes
        self.slower_s, self.score_off, self.fails = slower_s, np.float32(score_off), fails

    @contextlib.contextmanager
    def open(self, executable):
        if self.fails:
            raise ExportError("the plugin does not know Foo")
        with super().open(executable) as run:

            def changed(frame):
                time.sleep(self.slower_s)
                outputs = run(frame)
                return {**outputs, "score": outputs["score"] + self.score_off}

            yield changed


@pytest.fixture
def other(monkeypatch):
    """``other(**how)`` puts such a device into OpenVINO's place."""

    def plug_in(own_slower_s=0.0, **how):
        build = replace(openvino_build.BUILD, open_device=lambda threads: OtherDevice(**how), obstacle=lambda: "")
        monkeypatch.setattr(openvino_build, "BUILD", build)

        def slow(threads):
            device = OtherDevice(slower_s=own_slower_s)
            device.backend, device.install_bytes = "onnxruntime", 1 << 20
            return device

        if own_slower_s:
            monkeypatch.setattr(onnxruntime_build, "BUILD", replace(onnxruntime_build.BUILD, open_device=slow))

    return plug_in


def verdicts(result):
    return {row.backend: row.verdict for row in result.rows if row.verdict}


def test_auto_compares_what_is_here_and_the_bundle_keeps_the_winner(options, build, photos):
    pytest.importorskip("openvino", reason="openvino is not installed: extra openvino")
    result = build(options(backend="auto"))
    manifest = load_bundle(result.bundle).manifest
    rungs = {rung.backend: rung for rung in manifest.ladder.rungs}
    assert set(rungs) == {"onnxruntime", "openvino"}
    assert {rung.precision for rung in manifest.ladder.rungs} == {"int8"}
    taken = next(rung for rung in manifest.ladder.rungs if rung.status == "accepted")
    assert manifest.preferred_backend == taken.backend
    assert manifest.latency.p50_ms == taken.p50_ms
    assert manifest.precision.target == "onnxruntime"
    assert all(rung.p50_ms > 0 and rung.score_mae < 0.05 for rung in manifest.ladder.rungs)
    assert [row.backend for row in result.rows] == ["onnxruntime", "openvino"] * 2
    assert any("accepted: " in line for line in table_lines(result.rows))
    with Scorer(result.bundle) as scorer:
        assert scorer.describe()[0]["backend"] == manifest.preferred_backend
        scorer.score(photos[0])
    for backend in rungs:  # each keeps the tolerance of the golden frame
        Scorer(result.bundle, backend=backend, verify="always").close()


def test_the_ladder_climbs_backends_too(options, build, capsys):
    pytest.importorskip("openvino", reason="openvino is not installed: extra openvino")
    result = build(options(backend="auto", accuracy_budget=LOOSE))
    manifest = load_bundle(result.bundle).manifest
    ran = {(rung.name, rung.backend) for rung in manifest.ladder.rungs if rung.p50_ms is not None}
    assert ran == {(name, backend) for name in ("int8", "fp32") for backend in ("onnxruntime", "openvino")}
    taken = next(rung for rung in manifest.ladder.rungs if rung.status == "accepted")
    assert (manifest.precision.name, manifest.preferred_backend) == (taken.precision, taken.backend)
    assert all(rung.reason for rung in manifest.ladder.rungs)
    assert main(["inspect", "--bundle", str(result.bundle)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("openvino  ") >= len(manifest.ladder.rungs) // 2
    assert f"{taken.backend} preferred, where it is installed" in shown


def test_a_slower_backend_is_not_taken(options, build, other):
    pytest.importorskip("openvino", reason="the packed graph is replayed on it too: extra openvino")
    other(slower_s=0.05)
    result = build(options(backend="auto"))
    assert load_bundle(result.bundle).manifest.preferred_backend == "onnxruntime"
    verdict = re.fullmatch(r"slower: (.*) times the latency of int8 on onnxruntime", verdicts(result)["openvino"])
    assert float(verdict[1]) > 2
    assert verdicts(result)["onnxruntime"] == "accepted: the fastest within the budget"


def test_of_two_that_are_as_fast_the_smaller_install_is_taken(options, build, other):
    pytest.importorskip("openvino", reason="the packed graph is replayed on it too: extra openvino")
    other(own_slower_s=0.05, slower_s=0.0505, install_bytes=1 << 10)  # by its latency alone ONNX Runtime would win
    result = build(options(backend="auto"))
    assert load_bundle(result.bundle).manifest.preferred_backend == "openvino"


def test_a_backend_that_is_wrong_is_over_the_budget_and_the_tolerance_does_not_know_it(options, build, other):
    other(own_slower_s=0.05, score_off=0.3)
    result = build(options(backend="auto"))
    manifest = load_bundle(result.bundle).manifest
    assert manifest.preferred_backend == "onnxruntime"
    assert verdicts(result)["openvino"].startswith("over budget: score_mae 0.")
    assert manifest.golden.tolerance.score < 0.1


def test_a_backend_that_fails_costs_nothing_but_itself(options, build, other):
    other(fails=True)
    result = build(options(backend="auto"))
    assert load_bundle(result.bundle).manifest.preferred_backend == "onnxruntime"
    assert verdicts(result)["openvino"] == "failed: the plugin does not know Foo"


@pytest.mark.parametrize("budget", [{}, {"accuracy_budget": LOOSE}])
def test_the_stages_of_all_backends_are_announced_from_the_first_on(options, build, other, capsys, budget):
    other(fails=True)
    build(options(backend="auto", **budget))
    numbers = re.findall(r"^\[(\d+)/(\d+)\] ", capsys.readouterr().err, re.MULTILINE)
    assert [int(number) for number, _ in numbers] == list(range(1, len(numbers) + 1))
    assert {int(total) for _, total in numbers} == {len(numbers)}


def test_where_all_fail_the_build_does(options, build, other):
    other(own_slower_s=0.001, score_off=0.3)
    wrong = replace(onnxruntime_build.BUILD, open_device=lambda threads: OtherDevice(score_off=0.3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnxruntime_build, "BUILD", wrong)
        with pytest.raises(FidelityError, match="int8 is too far from FP32 on 8 held-out photos"):
            build(options(backend="auto"))


@pytest.mark.parametrize("asked", ["onnxruntime", "openvino"])
def test_a_backend_that_is_named_is_taken_without_a_trial(options, build, asked):
    if asked == "openvino":
        pytest.importorskip("openvino", reason="openvino is not installed: extra openvino")
    result = build(options(backend=asked))
    manifest = load_bundle(result.bundle).manifest
    assert (manifest.preferred_backend, manifest.ladder) == (asked, None)
    assert manifest.precision.target == "onnxruntime"
    assert [row.verdict for row in result.rows] == ["", ""]
    with Scorer(result.bundle) as scorer:
        assert scorer.describe()[0]["backend"] == asked


def test_where_only_one_is_installed_a_note_says_that_nothing_was_compared(options, build, monkeypatch, capsys):
    lacking = replace(openvino_engine.BACKEND, facts=lambda: {"openvino": Fact(None, "not installed (openvino)")})
    monkeypatch.setattr(openvino_build, "BACKEND", lacking)
    assert beside(onnxruntime_build.BUILD)[0] == []
    result = build(options(backend="auto"))
    said = capsys.readouterr().err
    assert "not compared with other backends of the same graph: OpenVINO is not installed (openvino): pip" in said
    assert load_bundle(result.bundle).manifest.preferred_backend == "onnxruntime"
