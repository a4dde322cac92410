"""The engine stage on its own: what it leaves behind on a full disk, and whether the runtime takes what it promises."""

import re
from dataclasses import replace

import pytest
from onnx import TensorProto, helper
from stand_ins import fake_tensorrt

from dgiqa_edge.export.options.tensorrt_options import BuilderSettings, TensorRtOptions
from dgiqa_edge.export.stages.reporter import Reporter
from dgiqa_edge.export.stages.stages import Stages
from dgiqa_edge.export.tensorrt import build_watch
from dgiqa_edge.export.tensorrt.build_watch import silent
from dgiqa_edge.export.tensorrt.configuration import Device
from dgiqa_edge.export.tensorrt.engines import EngineStage, ready
from dgiqa_edge.export.tensorrt.machine import TensorRtMachine
from dgiqa_edge.runtime.bundle.manifest import Requirements
from dgiqa_edge.runtime.commands import progress
from dgiqa_edge.runtime.engines.tensorrt.compatibility import Machine, obstacles
from dgiqa_edge.runtime.engines.tensorrt.versions import support_of
from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.machine.processor import platform_name

VERSION = "10.13.3.9"
HERE = Machine("Test GPU", "86", False, "13.0", "580.65", VERSION, platform_name())


@pytest.fixture
def build(tmp_path):
    """``build(work, settings, spoil)`` builds one engine; the timing cache lies elsewhere."""

    def run(work, settings=None, spoil=None, beat=silent, pace=0):
        trt = fake_tensorrt.FakeTensorRt(VERSION, spoil=spoil, pace=pace)
        machine = TensorRtMachine(trt, VERSION, support_of(VERSION), Device("Test GPU", "86"))
        options = TensorRtOptions(settings=settings or BuilderSettings(), timing_cache=tmp_path / "timing.cache")
        stage = EngineStage(
            machine,
            options,
            precision="fp32",
            half=False,
            families=(),
            work=work,
            threads=1,
            say=silent,
            beat=beat,
        )
        frame = helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 4, 4, 3])
        score = helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 4, 4, 3])
        nodes = [helper.make_node("Cast", ["frame"], ["score"], name="/Cast", to=1)]
        graph = helper.make_graph(nodes, "g", [frame], [score])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return stage.run(Stages(work), {"fused": ready(model, machine)}, "source")

    return run


def test_a_disk_that_fills_up_leaves_nothing_half_written(build, small_disk):
    work = small_disk / "work"
    with pytest.raises(MachineError, match="disk full while writing"):
        build(work, spoil=lambda content: content + bytes(1 << 20))
    assert not list(work.glob("*engine*"))
    assert not list(work.glob(".partial-*"))
    assert build(work).plans["fused"].is_file()


def test_the_stage_tells_what_the_builder_is_at(build, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build_watch, "BEAT_S", 0.01)
    monkeypatch.setattr(progress, "LOG_S", 0.0)
    reporter = Reporter(1)
    with reporter.stage("engine"):
        build(tmp_path / "work", beat=reporter.progress.beat, pace=0.03)
    assert re.search(r"^\[1/1\] engine: \d+ s, Building engine 0/2: Timing nodes \d/9$", capsys.readouterr().err, re.M)


@pytest.mark.parametrize(
    ("settings", "changes", "words"),
    [
        (None, {}, None),
        (None, {"sm": "87"}, "SM 86"),
        (None, {"tensorrt": "10.14.1"}, "TensorRT 10.13.3.9"),
        (None, {"platform": "linux-riscv64"}, "was built for"),
        (BuilderSettings(hardware_compatible="ampere_plus"), {"sm": "120"}, None),
        (BuilderSettings(version_compatible=True), {"tensorrt": "10.16.1"}, None),
        (BuilderSettings(version_compatible=True), {"tensorrt": "11.0.0"}, None),
        (BuilderSettings(version_compatible=True), {"tensorrt": "10.3.0"}, "TensorRT"),
    ],
)
def test_the_runtime_takes_an_engine_where_it_was_built_for_and_nowhere_else(build, tmp_path, settings, changes, words):
    requires = Requirements(**build(tmp_path / "work", settings).requires)
    found = obstacles(requires, replace(HERE, **changes))
    if words is None:
        assert found == ()
    else:
        assert any(words in obstacle for obstacle in found)
