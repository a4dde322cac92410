"""A bundle for a device: check frames with FP32's answers, and every precision that the device may choose from."""

import pytest
from stand_ins.small_networks import run_build as build

from dgiqa_edge.calibration.fidelity import compare_engines
from dgiqa_edge.export.frame_graph.graph_session import open_graph
from dgiqa_edge.export.ladder.ladder import Ladder
from dgiqa_edge.export.options.accuracy_budget import FLOOR, parse_budget
from dgiqa_edge.runtime import load_bundle
from dgiqa_edge.runtime.bundle.golden import load_golden
from dgiqa_edge.runtime.errors import BundleError, CalibrationError
from dgiqa_edge.runtime.machine.version_requirement import satisfies

RUNGS = ("int8", "fp16", "fp32")


@pytest.fixture
def carry(machine, engine_options):
    """``carry(**changes)``: a bundle without an engine that carries all precisions."""
    return lambda **changes: load_bundle(
        build(engine_options(engine=False, **{"rungs": RUNGS, "precision": "int8", **changes})).bundle
    )


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_a_bundle_carries_each_precision_with_its_graphs_and_its_fidelity(carry, layout):
    bundle = carry(layout=layout)
    manifest = bundle.manifest
    carried = manifest.device_build.carried
    assert [one.precision.name for one in carried] == list(RUNGS)
    assert manifest.precision == carried[0].precision
    assert manifest.graphs == carried[0].graphs
    assert manifest.calibration == carried[0].calibration is not None
    assert carried[1].calibration is carried[2].calibration is None
    assert manifest.golden.tolerance == carried[0].tolerance
    assert manifest.device_build.argv == manifest.build.argv
    assert " --rungs int8,fp16,fp32 " in " ".join(manifest.build.argv)
    for one in carried:
        files = {graph.role: graph.file for graph in one.graphs}
        assert tuple(files) == bundle.roles
        newest = [graph for graph in manifest.parser_graphs if satisfies("10.3", graph.backend_version)]
        assert {graph.role: graph.file for graph in newest if graph.precision == one.precision.name} == files
        assert one.fidelity.held_out == manifest.fidelity.held_out


def test_the_check_frames_give_each_precision_the_fidelity_that_is_written(carry):
    bundle = carry()
    device = bundle.manifest.device_build
    check = load_golden(bundle.file(device.check), device.carried[0].fidelity.images)
    assert len(check.frame) == 4
    answers = {one.frame.tobytes(): one.outputs for one in check.each()}
    for one in device.carried:
        run = open_graph(bundle.file(one.graphs[0].file), 1, as_written=True)
        frames = [single.frame for single in check.each()]
        found = compare_engines(lambda frame: answers[frame.tobytes()], run, frames)
        assert found.score_mae == pytest.approx(one.fidelity.score_mae, abs=1e-9)
        assert found.depth_mae_levels == pytest.approx(one.fidelity.depth_mae_levels, abs=1e-9)


def test_check_frames_of_another_number_are_refused(carry):
    bundle = carry(rungs=(), precision="fp32")
    with pytest.raises(BundleError, match="expected a non-empty batch of 5"):
        load_golden(bundle.file(bundle.manifest.device_build.check), 5)


def test_what_the_device_is_to_keep_is_written_down(carry):
    device = carry().manifest.device_build
    assert (device.budget.score_mae, device.latency_target_ms) == (FLOOR.score_mae, None)
    device = carry(accuracy_budget=parse_budget("score_mae=0.03"), latency_target_ms=12.5).manifest.device_build
    assert (device.budget.score_mae, device.budget.srcc, device.latency_target_ms) == (0.03, FLOOR.srcc, 12.5)
    assert carry(accuracy_check=False).manifest.device_build.budget.score_mae is None


def test_a_bundle_of_one_precision_carries_that_and_one_for_a_cpu_none(machine, engine_options):
    one = load_bundle(build(engine_options(engine=False, precision="fp16")).bundle).manifest.device_build
    assert [carried.precision.name for carried in one.carried] == ["fp16"]
    cpu = load_bundle(build(engine_options(engine=False, backend="onnxruntime", precision="fp32")).bundle)
    assert cpu.manifest.device_build is None
    assert not (cpu.path / "check.safetensors").exists()


def test_notes_on_the_weights_stay_and_those_on_the_missing_engine_do_not(carry):
    manifest = carry().manifest
    assert any("seeded" in note for note in manifest.device_build.notes)
    assert set(manifest.notes) - set(manifest.device_build.notes) == {
        note for note in manifest.notes if "dgiqa-edge build --from" in note
    }


def test_a_precision_that_is_too_far_from_fp32_is_left_out(carry, capsys):
    carried = carry(accuracy_budget=parse_budget("score_mae=0.00001")).manifest.device_build.carried
    assert [one.precision.name for one in carried] == ["fp32"]
    assert "int8 is left out: int8 is too far from FP32" in capsys.readouterr().err


def test_a_precision_that_cannot_be_written_is_left_out(carry, capsys, monkeypatch):
    single = Ladder.single

    def fail(self, rung):
        if rung.precision == "int8":
            raise CalibrationError("a range is no number")
        return single(self, rung)

    monkeypatch.setattr(Ladder, "single", fail)
    carried = carry().manifest.device_build.carried
    assert [one.precision.name for one in carried] == ["fp16", "fp32"]
    assert "int8 is left out: a range is no number" in capsys.readouterr().err
