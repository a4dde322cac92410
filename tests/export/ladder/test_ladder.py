"""The ladder over real graphs in real sessions: what is taken, what is refused, and what the bundle keeps of it."""

import contextlib
import json
import shutil
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from dgiqa_edge.export.build import bundle_writer, onnxruntime_build
from dgiqa_edge.export.frame_graph.graph_session import open_graph
from dgiqa_edge.export.ladder import lowering
from dgiqa_edge.export.ladder.devices.onnxruntime import OnnxRuntimeDevice
from dgiqa_edge.export.ladder.rungs import RUNGS, rungs_from
from dgiqa_edge.export.options.accuracy_budget import AccuracyBudget
from dgiqa_edge.runtime import load_bundle
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.errors import BudgetError, ExportError, FidelityError

pytestmark = pytest.mark.usefixtures("small_networks")

LOOSE = AccuracyBudget(score_mae=0.05, srcc=0.0, depth_corr=0.0, depth_mae=50.0)
BROKEN_LAYER = "/quality_net/fc/"


@pytest.fixture
def resumed(options, exported_work, tmp_path):
    """Options of a build that finds its exported graph."""

    def make(**changes):
        shutil.copytree(exported_work, tmp_path / "work", dirs_exist_ok=True)
        return options(**changes)

    return make


@pytest.fixture
def broken_block(monkeypatch):
    """INT8 whose weights of one block are read on a grid 60 times too coarse, wherever that block is in INT8."""
    sound = lowering.quantize

    def quantize(model, placement, ranges, target):
        result = sound(model, placement, ranges, target)
        for tensor in result.model.graph.initializer:
            if tensor.name.startswith(BROKEN_LAYER) and tensor.name.endswith("weight/scale"):
                wrong = numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(60), tensor.name)
                tensor.CopyFrom(wrong)
        return result

    monkeypatch.setattr(lowering, "quantize", quantize)


def statuses(ladder):
    return {rung.name: rung.status for rung in ladder.rungs}


def plug_in(monkeypatch, made, **changes):
    """Put a device in the place of ONNX Runtime's, where the backend declares it, and ``changes`` of its target."""
    build = onnxruntime_build.BUILD
    changed = replace(build, open_device=lambda threads: made, target=replace(build.target, **changes))
    monkeypatch.setattr(onnxruntime_build, "BUILD", changed)


def test_the_rungs_end_in_fp32_from_wherever_they_start():
    assert [rung.name for rung in rungs_from("int8")] == [rung.name for rung in RUNGS]
    assert [rung.name for rung in rungs_from("fp16")] == ["fp16", "fp16-attention", "fp16-islands", "fp32"]
    assert [rung.name for rung in rungs_from("fp32")] == ["fp32"]


def test_the_bundle_keeps_the_whole_table(resumed, build, capsys):
    result = build(resumed(accuracy_budget=LOOSE))
    manifest = load_bundle(result.bundle).manifest
    ladder = manifest.ladder
    assert list(statuses(ladder)) == [rung.name for rung in RUNGS]
    assert statuses(ladder)["fp16"] == statuses(ladder)["fp16-islands"] == "unsupported"
    assert statuses(ladder)["int8-mixed-50"] == "not_needed"
    taken = next(rung for rung in ladder.rungs if rung.status == "accepted")
    ran = [rung for rung in ladder.rungs if rung.p50_ms is not None]
    assert [rung.name for rung in ran] == ["int8", "fp32"]
    assert taken.p50_ms == min(rung.p50_ms for rung in ran)
    assert manifest.precision.name == taken.precision
    assert manifest.fidelity.score_mae == taken.score_mae
    assert manifest.latency.p50_ms == taken.p50_ms
    assert (ladder.budget.score_mae, ladder.photos, ladder.held_out, ladder.sensitivity) == (0.05, 8, True, None)
    assert main(["inspect", "--bundle", str(result.bundle)]) == 0
    shown = capsys.readouterr().out
    assert "not supported here: ONNX Runtime's CPU computes FP16 in FP32" in shown
    assert all(rung.name in shown for rung in RUNGS)


def test_a_broken_block_costs_its_rung_and_is_left_float(resumed, build, broken_block):
    budget = AccuracyBudget(score_mae=0.005, srcc=0.0, depth_corr=0.0, depth_mae=50.0)
    ladder = build(resumed(accuracy_budget=budget)).ladder
    table = {rung.name: rung for rung in ladder.rungs}
    assert table["int8"].status == "over_budget"
    assert "score_mae" in table["int8"].reason
    mixed = table["int8-mixed-95"] if table["int8-mixed-95"].p50_ms else table["int8-mixed-80"]
    assert mixed.float_blocks
    assert mixed.score_mae < table["int8"].score_mae
    assert ladder.sensitivity.photos == 8
    assert [block.score_mae for block in ladder.sensitivity.blocks] == sorted(
        (block.score_mae for block in ladder.sensitivity.blocks), reverse=True
    )
    assert table[next(name for name, status in statuses(ladder).items() if status == "accepted")].score_mae <= 0.005


def test_without_a_budget_a_broken_engine_is_refused_and_leaves_no_bundle(resumed, build, broken_block):
    chosen = resumed()
    with pytest.raises(FidelityError, match=r"int8 is too far from FP32 on 8 held-out photos.*--accuracy-budget"):
        build(chosen)
    assert not chosen.out.exists()


def test_a_user_may_keep_a_broken_engine_and_the_bundle_says_so(resumed, build, broken_block):
    manifest = load_bundle(build(resumed(accuracy_check=False)).bundle).manifest
    assert manifest.fidelity.score_mae > 0.05
    assert manifest.ladder is None
    assert any("--no-accuracy-check" in note for note in manifest.notes)


def test_a_target_that_nothing_meets_names_the_nearest_miss(resumed, build):
    chosen = resumed(accuracy_budget=LOOSE, latency_target_ms=1e-3)
    with pytest.raises(
        BudgetError, match=r"latency target 0.001 ms.*nearest miss: (int8|fp32) keeps the budget"
    ) as told:
        build(chosen)
    assert statuses(told.value.ladder)["int8"] == statuses(told.value.ladder)["fp32"] == "too_slow"
    assert not chosen.out.exists()


class WrongDevice(OnnxRuntimeDevice):
    """A backend that is 0.3 off in every precision, as broken builders have been, and reports no error."""

    @contextlib.contextmanager
    def open(self, executable):
        with super().open(executable) as run:
            yield lambda frame: {**run(frame), "score": run(frame)["score"] + np.float32(0.3)}


def test_a_device_that_is_wrong_in_fp32_too_is_refused(resumed, build, monkeypatch):
    plug_in(monkeypatch, WrongDevice("1.0-wrong", 1))
    chosen = resumed(latency_target_ms=1e6)
    with pytest.raises(BudgetError, match=r"nearest miss: \S+ has score_mae 0\.(29|3)") as told:
        build(chosen)
    assert statuses(told.value.ladder)["fp32"] == "over_budget"
    assert not chosen.out.exists()


class HalfDevice(OnnxRuntimeDevice):
    """A backend with fast FP16 that builds files of its own, and cannot build FP16 with FP32 islands."""

    engine_file = "engine.bin"

    def __init__(self):
        super().__init__("1.0-half", 1)
        self.built = []

    def obstacle(self, precision, islands=""):
        return ""

    def build(self, graph, directory):
        model = onnx.load(str(graph))
        kinds = {node.op_type for node in model.graph.node}
        halves = {tensor.data_type for tensor in model.graph.initializer} & {TensorProto.FLOAT16}
        kind = "+".join((["int8"] if "DequantizeLinear" in kinds else []) + (["fp16"] if halves else [])) or "fp32"
        if "fp16" in kind and not any(tensor.name.endswith("norm.weight__half") for tensor in model.graph.initializer):
            raise ExportError("node /quality_net/norm: no implementation")
        self.built.append(kind)
        shutil.copyfile(graph, directory / self.engine_file)
        return {"kind": kind}

    @contextlib.contextmanager
    def open(self, executable):
        assert executable.name == self.engine_file
        copy = executable.with_name("loaded.onnx")
        shutil.copyfile(executable, copy)
        yield open_graph(copy, 1)
        copy.unlink()


def test_a_backend_with_fast_fp16_climbs_every_rung_and_a_failure_costs_only_its_own(resumed, build, monkeypatch):
    half = HalfDevice()
    plug_in(monkeypatch, half, float_part="fp16")
    impossible = AccuracyBudget(score_mae=0.0, srcc=0.0, depth_corr=0.0, depth_mae=50.0)
    ladder = build(resumed(accuracy_budget=impossible)).ladder
    table = {rung.name: rung for rung in ladder.rungs}
    assert half.built[0] == "int8+fp16"
    assert half.built[-2:] == ["fp16", "fp32"]
    assert {rung.status for name, rung in table.items() if name.startswith("int8")} <= {"over_budget", "not_needed"}
    assert table["fp16"].status == "over_budget"
    assert (table["fp16-islands"].status, table["fp16-islands"].p50_ms) == ("failed", None)
    assert table["fp16-islands"].reason == "node /quality_net/norm: no implementation"
    assert table["fp32"].status == "accepted"
    built = len(half.built)
    build(resumed(accuracy_budget=impossible))
    assert len(half.built) == built  # engines and their checks are resumed, the failed rung is tried again


def test_an_engine_changed_after_its_check_never_becomes_a_bundle(resumed, build, monkeypatch, exported_work):
    chosen = resumed()

    def mixed_up(source, target):
        model = onnx.load(str(source))
        for tensor in model.graph.initializer:
            if tensor.name == "/quality_net/fc/Gemm/weight/scale":
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(60), tensor.name))
        onnx.save(model, str(target))

    monkeypatch.setattr(bundle_writer.shutil, "copyfile", mixed_up)
    with pytest.raises(FidelityError, match="not the one that was checked"):
        build(chosen)
    assert not chosen.out.exists()


SIZES = {"--frame": "128x96", "--depth-side": "70", "--short-side": "224", "--crops": "2", "--calib-images": "16"}
ARGUMENTS = [
    "--preset",
    "reference",
    "--backend",
    "onnxruntime",
    *(word for option in SIZES.items() for word in option),
]


def test_the_command_prints_the_table_also_where_nothing_fits(exported_work, tmp_path, capsys):
    work = tmp_path / "work"
    shutil.copytree(exported_work, work)
    report = tmp_path / "report.json"
    paths = ["--out", str(tmp_path / "b"), "--work", str(work), "--json", str(report), "--threads", "1"]
    assert main(["build", *ARGUMENTS, *paths, "--accuracy-budget", "srcc=0", "--latency-target", "1us"]) == 3
    told = capsys.readouterr()
    assert "too slow: p50" in told.out
    assert told.err.splitlines()[-1].startswith("dgiqa-edge: error: no rung keeps")
    content = json.loads(report.read_text())
    assert content["bundle"] is None
    assert [rung["name"] for rung in content["ladder"]["rungs"]] == [rung.name for rung in RUNGS]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--accuracy-budget", "mae=1"], "no accuracy limit"),
        (["--latency-target", "10"], "with its unit"),
        (["--no-accuracy-check", "--accuracy-budget", "srcc=0.9"], "contradicts"),
    ],
)
def test_bad_limits_are_usage_errors(argv, words, capsys):
    assert main(["build", *argv]) == 2
    assert words in capsys.readouterr().err
