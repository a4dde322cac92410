"""The network that reads faults, from seeded weights to bundles that say what is wrong with a frame, and where."""

import json
import shutil

import cv2
import numpy as np
import onnx
import pytest
from stand_ins import small_networks as small

from dgiqa_edge.calibration.degradations.kinds import FAULTS
from dgiqa_edge.calibration.fidelity import compare_engines
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.export import networks
from dgiqa_edge.export.build.recipes import recipe_of
from dgiqa_edge.export.debug.diagnosis import Debugger
from dgiqa_edge.export.debug.report import lines
from dgiqa_edge.export.frame_graph.graph_session import open_graph
from dgiqa_edge.export.ladder.devices.check import FAULTS_FLOOR
from dgiqa_edge.export.networks.fault_reader import COVERAGE_SIDE
from dgiqa_edge.export.options import presets
from dgiqa_edge.export.stages.outcome import table_lines
from dgiqa_edge.export.tensorrt.lint import lint
from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.bundle.golden import load_golden
from dgiqa_edge.runtime.errors import ConfigurationError

RUNGS = ("int8", "fp16", "fp32")
OUTPUTS = ["score", "crop_scores", "depth", "faults", "coverage"]


@pytest.fixture(scope="module")
def results(fault_options, carried_faults, tmp_path_factory):
    """The build of each precision for a CPU."""
    folder = tmp_path_factory.mktemp("faults")
    shutil.copytree(carried_faults / "work", folder / "work")
    return {
        precision: small.run_build(fault_options(folder, precision=precision, out=folder / precision))
        for precision in ("fp32", "int8")
    }


@pytest.fixture(scope="module")
def photos():
    return [cv2.imread(str(path)) for path in sorted(SHIPPED_PHOTOS.glob("*.jpg"))[:4]]


def test_what_the_registry_says_of_a_network_is_what_the_network_gives():
    grids = {name: networks.get(name).coverage for name in networks.names() if networks.get(name).coverage}
    assert grids == dict.fromkeys(("nano", "nano2"), (COVERAGE_SIDE, COVERAGE_SIDE))


def test_the_preset_is_built_by_its_name_and_listed_nowhere_until_its_weights_ship(fault_options, tmp_path):
    assert "nano2" not in presets.PRESETS
    with pytest.raises(ConfigurationError, match=r"choose one of nano, reference, reference-lite, edge$"):
        presets.get("nano3")
    assert recipe_of(fault_options(tmp_path)).faults.names == FAULTS
    with pytest.raises(ConfigurationError, match=r"nano2\.safetensors are not part of this installation"):
        recipe_of(fault_options(tmp_path, quality_weights=None))
    with pytest.raises(ConfigurationError, match="preset nano2: it is one network"):
        recipe_of(fault_options(tmp_path, depth_network="nano"))


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_bundle_names_its_faults_and_holds_what_fp32_says_of_them(results, precision):
    bundle = load_bundle(results[precision].bundle)
    manifest = bundle.manifest
    assert manifest.faults.names == FAULTS
    assert manifest.faults.grid == (4, 4)
    golden = load_golden(bundle.file(manifest.golden.file))
    assert golden.faults.shape == (1, 8)
    assert golden.coverage.shape == (1, 4, 4, 8)
    graph = onnx.load(str(bundle.file("frame_graph.onnx"))).graph
    assert [value.name for value in graph.output] == OUTPUTS
    assert 0.0 <= manifest.fidelity.faults_mae < 0.05
    assert (manifest.fidelity.faults_mae > 0.0) == (precision == "int8")
    report = json.loads(bundle.file("report.json").read_text())
    first = report["fidelity"]["per_image"][0]
    seen = max(first["faults_max"], first["coverage_mean"])
    assert manifest.golden.tolerance.faults == pytest.approx(max(FAULTS_FLOOR[precision], 2 * seen), abs=1e-6)
    assert report["parity"]["faults_max"] < 1e-4


def test_the_closing_table_has_a_column_for_faults(results):
    heading, *rows = table_lines(results["int8"].rows)
    assert "faults MAE" in heading
    mae = load_bundle(results["int8"].bundle).manifest.fidelity.faults_mae
    assert f" {mae:.5f} " in rows[-1]


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_frames_are_read_alike_on_both_backends(results, photos, precision, backend):
    pytest.importorskip(backend)
    with (
        Scorer(results["fp32"].bundle, backend="onnxruntime", threads=1) as fp32,
        Scorer(results[precision].bundle, backend=backend, threads=1, verify="always") as scorer,
    ):
        pairs = [(fp32.score(photo), scorer.score(photo)) for photo in photos]
    for exact, found in pairs:
        assert list(found.faults) == list(FAULTS)
        assert all(0.0 <= probability <= 1.0 for probability in found.faults.values())
        differences = [abs(found.faults[name] - exact.faults[name]) for name in FAULTS]
        assert max(differences) < (1e-4 if precision == "fp32" else 0.1)
        assert np.abs(found.coverage - exact.coverage).max() < (1e-4 if precision == "fp32" else 0.15)
    spread = np.ptp([list(exact.faults.values()) for exact, _ in pairs], axis=0)
    assert spread.max() > 0.05, "seeded weights that tell no photo from another would prove nothing"


def test_the_last_layer_of_the_cells_is_float_and_the_one_before_it_is_not(results):
    graph = onnx.load(str(load_bundle(results["int8"].bundle).file("frame_graph.onnx"))).graph
    makers = {name: node for node in graph.node for name in node.output}
    weights = {
        node.name: makers.get(node.input[1])
        for node in graph.node
        if "/faults/" in node.name and node.op_type == "Conv"
    }
    assert {name.split("/")[3]: maker is not None for name, maker in weights.items()} == {"mix": True, "cells": False}


def test_a_bundle_for_a_device_carries_faults_in_every_precision(carried_faults):
    bundle = load_bundle(carried_faults / "bundle")
    device = bundle.manifest.device_build
    assert [one.precision.name for one in device.carried] == list(RUNGS)
    for one in device.carried:
        assert one.tolerance.faults >= FAULTS_FLOOR[one.precision.name]
        assert one.fidelity.faults_mae < 0.05
    check = load_golden(bundle.file(device.check), device.carried[0].fidelity.images)
    assert check.faults.shape == (4, 8)
    answers = iter([one.outputs for one in check.each()])
    run = open_graph(bundle.file(device.carried[1].graphs[0].file), threads=1)
    again = compare_engines(lambda frame: next(answers), run, [one.frame for one in check.each()])
    assert again.faults_mae == pytest.approx(device.carried[1].fidelity.faults_mae, abs=1e-4)
    for graph in bundle.manifest.parser_graphs:
        model = onnx.load(str(bundle.file(graph.file)))
        assert [value.name for value in model.graph.output] == OUTPUTS
        assert not [one for one in lint(model, graph.backend_version.split(",")[0].removeprefix(">=")) if one.blocking]


def test_debug_judges_faults_too(results):
    def quiet(title):
        return lambda done, total: None

    exact = results["fp32"].bundle
    found = Debugger(results["int8"].bundle, backend="onnxruntime", asked=exact, threads=1, announce=quiet).run()
    assert found.replays[0].deviation.faults_max == pytest.approx(0.0, abs=1e-4)
    assert all(replay.deviation.faults_max is not None for replay in found.replays)
    text = "\n".join(lines(found))
    assert ", faults and cells " in text
    assert " cells " in text
    assert json.loads(json.dumps(found.to_json()))["tolerance"]["faults"] == found.tolerance.faults
