"""Builds with a batch axis: precision is decided as ever, bundles are checked row by row, engines have a profile."""

import json

import cv2
import numpy as np
import onnx
import pytest
from stand_ins import small_networks as small

from dgiqa_edge.export.debug.diagnosis import Debugger
from dgiqa_edge.export.frame_graph import batch_axis
from dgiqa_edge.export.frame_graph.batch_axis import batch_of
from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.errors import ConfigurationError, FidelityError

OPEN, FIXED = BatchRange(1, 4), BatchRange(3, 3)


def scored(bundle, photos, backend="onnxruntime"):
    """One by one, and as many at once as the bundle takes."""
    with Scorer(bundle, backend=backend, threads=1, verify="always") as scorer:
        return [scorer.score(photo) for photo in photos], list(scorer.score_many(photos))


def assert_same_bits(alone, together):
    for one, other in zip(alone, together, strict=True):
        assert one.score == other.score
        for name in ("crop_scores", "depth", "coverage"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert dict(one.faults) == dict(other.faults)


@pytest.fixture(scope="module")
def four_photos():
    from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS

    return [cv2.imread(str(path)) for path in sorted(SHIPPED_PHOTOS.glob("*.jpg"))[:5]]


@pytest.mark.usefixtures("small_networks")
@pytest.mark.parametrize("batch", [OPEN, FIXED], ids=str)
@pytest.mark.parametrize(("precision", "layout"), [("int8", "fused"), ("fp32", "split"), ("fp16", "fused")])
def test_a_batch_gives_the_bits_of_one_by_one(options, build, four_photos, precision, layout, batch):
    result = build(options(precision=precision, layout=layout, batch=batch))
    bundle = load_bundle(result.bundle)
    assert bundle.manifest.batch == batch
    argv = bundle.manifest.build.argv
    assert argv[argv.index("--batch") + 1] == str(batch)
    for graph in bundle.manifest.graphs:
        model = onnx.load(bundle.file(graph.file))
        assert batch_of(model) == batch
    assert_same_bits(*scored(result.bundle, four_photos))


@pytest.mark.usefixtures("small_networks")
def test_precision_is_decided_before_and_one_frame_is_built_as_ever(options, build, tmp_path):
    plain = load_bundle(build(options(out=tmp_path / "plain")).bundle)
    opened = load_bundle(build(options(out=tmp_path / "opened", batch=OPEN)).bundle)
    assert "batch" not in plain.document
    assert "--batch" not in plain.manifest.build.argv
    (lowered,) = (tmp_path / "work").glob("int8-*/frame_graph.onnx")
    assert plain.file("frame_graph.onnx").read_bytes() == lowered.read_bytes()
    for key in ("precision", "calibration", "fidelity", "golden", "geometry", "engines"):
        assert plain.document[key] == opened.document[key], key
    nodes = [onnx.load(one.file("frame_graph.onnx")).graph.node for one in (plain, opened)]
    rounded = [sorted(node.name for node in own if "Quantize" in node.op_type) for own in nodes]
    assert rounded[0] == rounded[1]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_faults_are_read_row_by_row_on_each_backend(
    fault_options, tmp_path, four_photos, monkeypatch, backend, precision
):
    if backend == "openvino":
        pytest.importorskip("openvino")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bundle = small.run_build(fault_options(tmp_path, precision=precision, batch=OPEN)).bundle
    alone, together = scored(bundle, four_photos, backend)
    if backend == "onnxruntime":
        assert_same_bits(alone, together)
    for one, other in zip(alone, together, strict=True):  # OpenVINO chooses kernels by the number of rows
        assert one.score == pytest.approx(other.score, abs=1e-5)
        assert np.abs(one.depth.astype(int) - other.depth).max() <= 2
        np.testing.assert_allclose(one.coverage, other.coverage, rtol=0, atol=1e-4)


@pytest.mark.usefixtures("small_networks")
def test_a_graph_whose_rows_leak_becomes_no_bundle(options, build, monkeypatch):
    real = batch_axis.open_axis

    def leaky(model, batch):
        """Every row has the score of the best one."""
        opened = real(model, batch)
        (score,) = (node for node in opened.graph.node if "score" in node.output)
        score.output[0] = "own"
        best = onnx.helper.make_node("ReduceMax", ["own"], ["best"], axes=[0], keepdims=1)
        opened.graph.node.extend([best, onnx.helper.make_node("Max", ["own", "best"], ["score"])])
        return opened

    monkeypatch.setattr("dgiqa_edge.export.frame_graph.split.open_axis", leaky)
    chosen = options(precision="fp32", batch=FIXED)
    with pytest.raises(FidelityError, match=r"in row \d of 3"):
        build(chosen)
    assert not chosen.out.exists()


@pytest.mark.usefixtures("small_networks")
def test_a_batch_is_not_debugged_and_its_twin_without_is_named(options, build):
    bundle = build(options(precision="fp32", batch=OPEN)).bundle
    with pytest.raises(ConfigurationError, match="debug the same build without --batch"):
        Debugger(bundle, backend="onnxruntime", asked=None, threads=1, announce=lambda title: lambda *_: None)


@pytest.mark.parametrize("batch", [OPEN, FIXED], ids=str)
@pytest.mark.parametrize(("version", "layout"), [("8.6.0", "fused"), ("10.13.3.9", "split"), ("11.0.0", "fused")])
def test_an_engine_is_built_for_the_range_and_checked_in_each_row(machine, engine_options, version, layout, batch):
    trt = machine(version)
    bundle = load_bundle(small.run_build(engine_options(layout=layout, batch=batch)).bundle)
    assert bundle.manifest.batch == batch
    assert [engine.backend for engine in bundle.manifest.engines] == [*["tensorrt"] * len(bundle.roles)] + [
        "onnxruntime"
    ] * len(bundle.roles)
    if batch.fixed:
        assert trt.config["profile"] is None
    else:
        for least, opt, most in trt.config["profile"].values():
            assert (least[0], opt[0], most[0]) == (1, 4, 4)
            assert least[1:] == opt[1:] == most[1:]


def test_another_batch_is_another_engine(machine, engine_options):
    trt = machine()
    small.run_build(engine_options(batch=OPEN))
    small.run_build(engine_options(batch=OPEN))
    assert trt.built == 1
    small.run_build(engine_options(batch=FIXED))
    assert trt.built == 2


def test_graphs_for_a_device_say_the_range_beside_them(engine_options):
    bundle = load_bundle(small.run_build(engine_options(engine=False, batch=OPEN)).bundle)
    for graph in bundle.manifest.parser_graphs:
        assert json.loads(bundle.file(graph.facts).read_text())["batch"] == {"least": 1, "most": 4}
