"""A whole build for RTX GPUs by NVIDIA's own builder, on a machine without a GPU; what would be said where one is."""

import argparse
import gzip
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from places import ROOT
from stand_ins import small_networks as small

from dgiqa_edge.export.build import tensorrt_rtx_build
from dgiqa_edge.export.options import build_options
from dgiqa_edge.export.options.accuracy_budget import parse_budget
from dgiqa_edge.export.options.tensorrt_options import BuilderSettings, TensorRtOptions
from dgiqa_edge.export.tensorrt.machine import open_rtx
from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.runtime.engines.protocol import TensorSpec
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError, FidelityError, MachineError
from dgiqa_edge.runtime.machine.cuda_probe import CudaProbe, Gpu
from dgiqa_edge.runtime.scoring import scorer

trt = pytest.importorskip("tensorrt_rtx_bindings", reason="the extra tensorrt-rtx is not installed here")

# Which bit of a plan's header stands for which target: seen in the plans of 1.7.1.116, and written down nowhere.
TARGET_BITS = {"80": 2, "86": 4, "89": 8, "120": 16, "121": 32}
TARGET_BYTE = 32


@pytest.fixture
def rtx_options(finished_stages, small_networks, tmp_path):
    """``rtx_options(targets=("89",), **changes)``: a build that starts from the stages before the engine."""
    shutil.copytree(finished_stages, tmp_path / "work")

    def make(targets=("86", "89", "120"), **changes):
        tensorrt = TensorRtOptions(settings=BuilderSettings(targets=targets))
        given = {"backend": "tensorrt-rtx", "precision": "fp16", "check_images": 4, "tensorrt": tensorrt, **changes}
        return small.options(tmp_path, **given)

    return make


@pytest.fixture
def put_gpu(monkeypatch):
    """``put_gpu("89")``: the driver shows such a GPU, or none for ``None``."""

    def put(sm):
        gpus = (Gpu("Test RTX", sm, 1 << 30, False),) if sm else ()
        monkeypatch.setattr(tensorrt_rtx_build, "probe", lambda: CudaProbe("13.0", gpus))

    put(None)
    return put


def header_of(file):
    with gzip.open(file) as stream:
        return stream.read(64)


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_a_bundle_for_several_gpus_is_built_without_one(rtx_options, put_gpu, layout):
    result = small.run_build(rtx_options(layout=layout))
    bundle = load_bundle(result.bundle)
    for role in bundle.roles:
        engine, portable = bundle.engines(role)
        assert (engine.backend, portable.backend) == ("tensorrt-rtx", "onnxruntime")
        assert engine.file.endswith(".plan.gz")
        assert engine.requires.targets == ("86", "89", "120")
        assert engine.requires.backend_version == f"=={trt.__version__}"
        assert (engine.requires.sm, engine.requires.device, engine.requires.compatibility) == (None, None, None)
        assert header_of(bundle.path / engine.file)[TARGET_BYTE] == sum(TARGET_BITS[sm] for sm in ("86", "89", "120"))
    manifest = bundle.manifest
    assert (manifest.precision.name, manifest.precision.target, manifest.latency) == ("fp16", "tensorrt-rtx", None)
    assert any("built without their GPU" in note for note in manifest.notes)
    assert manifest.parser_graphs == ()
    assert manifest.build.argv[-2:] == ("--targets", "sm86,sm89,sm120")
    assert [row.precision for row in result.rows] == ["fp32", "fp16", "fp16 TensorRT-RTX"]
    assert result.rows[-1].score_mae is None, "what did not run has no figures"
    assert "for sm86,sm89,sm120" in result.caption
    report = json.loads((result.bundle / "report.json").read_text())["tensorrt-rtx"]
    assert {report[role]["timing_cache"] for role in bundle.roles} == {"none"}
    with Scorer(result.bundle, backend="onnxruntime") as scorer:
        assert np.isfinite(scorer.score(np.zeros((96, 128, 3), np.uint8)).score)
    with pytest.raises(MachineError, match=r"plan\.gz needs an NVIDIA GPU: .* or run this bundle with --backend onnx"):
        Scorer(result.bundle)


def test_the_same_build_gives_the_same_engine(rtx_options, put_gpu, tmp_path):
    """But for the order in which the builder lists the outputs, which changes from build to build."""
    plans = []
    for name in ("first", "second"):
        file = small.run_build(rtx_options(out=tmp_path / name)).bundle / "frame_graph.plan.gz"
        plans.append(np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8))
        for stage in (tmp_path / "work").glob("engine-*"):
            stage.rename(tmp_path / f"stage of {name}")
    assert plans[0].size == plans[1].size
    assert np.count_nonzero(plans[0] != plans[1]) < 1000


def test_other_targets_are_another_engine(rtx_options, put_gpu, tmp_path):
    small.run_build(rtx_options())
    file = small.run_build(rtx_options(targets=("121",))).bundle / "frame_graph.plan.gz"
    assert header_of(file)[TARGET_BYTE] == TARGET_BITS["121"]
    assert len(list((tmp_path / "work").glob("engine-*"))) == 2


def test_the_real_runtime_reads_the_header_as_far_as_it_goes_without_a_driver(rtx_options, put_gpu):
    """It knows its own header from another's; for the GPU it has to ask the driver, and says so in its log."""
    from dgiqa_edge.runtime.engines.tensorrt.just_in_time import check_validity
    from dgiqa_edge.runtime.engines.tensorrt.log import logger
    from dgiqa_edge.runtime.machine.cuda_probe import probe

    if probe().gpus:
        pytest.skip("here is a GPU")
    header = header_of(small.run_build(rtx_options()).bundle / "frame_graph.plan.gz")
    ours, messages = logger(trt)
    runtime = trt.Runtime(ours)
    assert runtime.engine_header_size == len(header)
    for content, words in ((header, r"cudaError 35"), (b"x" + header[1:], r"\(malformed engine\)")):
        with (
            messages.during() as said,
            pytest.raises(
                EngineCompatibilityError, match=rf"says that a\.plan cannot run here .*{words}.*: rebuild it"
            ),
        ):
            check_validity(trt, runtime, content, said, where="a.plan", rebuild="the command")


@pytest.mark.parametrize(
    ("targets", "words"),
    [(("75", "89"), "sm75: TensorRT-RTX computes no FP32 matrix product on Turing"), (("90",), "no RTX GPUs")],
)
def test_a_target_that_cannot_be_built_is_refused_before_the_work(rtx_options, put_gpu, targets, words):
    with pytest.raises(EngineCompatibilityError, match=words):
        small.run_build(rtx_options(targets=targets))


def test_why_turing_is_no_target(rtx_options, put_gpu, monkeypatch):
    """What the table says of it is what the builder says."""
    machine = open_rtx()
    allowed = replace(machine, support=replace(machine.support, targets=("75",)))
    monkeypatch.setattr(tensorrt_rtx_build, "open_rtx", lambda targets: allowed)
    with pytest.raises(Exception, match=r"Turing \(SM75\): FP32 GEMM is not supported"):
        small.run_build(rtx_options(targets=("75",)))


def test_a_ladder_is_climbed_where_engines_run(rtx_options, put_gpu, capsys):
    with pytest.raises(ConfigurationError, match="leave them out, and name a precision"):
        small.run_build(rtx_options(accuracy_budget=parse_budget("score_mae=0.1")))
    assert "export" not in capsys.readouterr().err  # refused before the work


def test_int8_is_built_with_a_warning(rtx_options, put_gpu, capsys):
    result = small.run_build(rtx_options(precision="int8"))
    assert load_bundle(result.bundle).manifest.precision.title == "int8 + fp16"
    assert "made for 16 bits" in capsys.readouterr().err
    assert any("made for 16 bits" in note for note in result.notes)


def test_the_warnings_figures_are_those_of_the_committed_table():
    table = json.loads((ROOT / "benchmarks" / "results" / "tensorrt-rtx-builds.json").read_text())
    rows = {row["precision"]: row for row in table["builds"] if row["preset"] == "nano"}
    moved = [round(rows[name]["moved_bytes"] / 1e6) for name in ("int8 + fp16", "fp16")]
    assert re.findall(r"(\d+) MB", tensorrt_rtx_build.BUILD.notes["int8"]) == list(map(str, moved))


class Graph:
    """The portable graph in the place of its plan, ``shift`` off."""

    def __init__(self, path, shift, record):
        self.record = record
        self.session, self.shift = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]), shift
        self.inputs = tuple(TensorSpec(node.name, "uint8", tuple(node.shape)) for node in self.session.get_inputs())

    def run(self, inputs):
        names = [node.name for node in self.session.get_outputs()]
        found = dict(zip(names, self.session.run(names, dict(inputs)), strict=True))
        return {name: value + np.float32(self.shift) if name == "score" else value for name, value in found.items()}

    def close(self):
        self.session = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


@pytest.mark.parametrize(("sm", "shift", "checked"), [("89", 0, True), ("89", 0.5, True), ("121", 0.5, False)])
def test_where_one_of_the_gpus_is_at_hand_the_engine_is_checked_on_it(
    rtx_options, put_gpu, monkeypatch, sm, shift, checked
):
    put_gpu(sm)
    real = scorer.open_engine

    def open_engine(bundle, role, backend, options):
        if backend != "tensorrt-rtx":
            return real(bundle, role, backend, options)
        engine, graph = bundle.engines(role)
        return Graph(bundle.path / graph.file, shift, engine)

    monkeypatch.setattr(scorer, "open_engine", open_engine)
    if checked and shift:
        with pytest.raises(FidelityError, match=r"engine of TensorRT-RTX .* for sm86,sm89,sm120 is wrong"):
            small.run_build(rtx_options())
        return
    result = small.run_build(rtx_options())
    assert (load_bundle(result.bundle).manifest.latency is not None) == checked
    assert any("built without their GPU" in note for note in result.notes) != checked


@pytest.mark.slow
def test_the_command_builds_nano_in_fp16_where_no_precision_is_named(tmp_path, capsys):
    out = tmp_path / "bundle"
    words = ["build", "--backend", "tensorrt-rtx", "--targets", "sm120,sm89", "--frame", "160x160", "--threads", "2"]
    assert cli.main([*words, "--out", str(out)]) == 0
    manifest = load_bundle(out).manifest
    assert (manifest.preset, manifest.precision.name) == ("nano", "fp16")
    assert manifest.engines[0].requires.targets == ("89", "120")
    assert "TensorRT-RTX 1" in capsys.readouterr().out
    repeated = parse_again(manifest.build.argv)
    assert (repeated.backend, repeated.precision, repeated.tensorrt.settings.targets) == (
        "tensorrt-rtx",
        "fp16",
        ("89", "120"),
    )


def parse_again(argv):
    parser = argparse.ArgumentParser()
    build_options.configure(parser)
    return build_options.from_args(parser.parse_args(argv[2:]))
