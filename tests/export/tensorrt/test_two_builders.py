"""Two builders on one machine: real processes, each with the fake of TensorRT, that share a lock and a timing cache."""

import signal
import subprocess
import sys

import pytest
from stand_ins import environment

SLOW_BUILD = """
import sys, time
from pathlib import Path
import onnx
from onnx import helper, TensorProto
from stand_ins.fake_tensorrt import FakeTensorRt
from dgiqa_edge.export.tensorrt import engines as tensorrt_engines
from dgiqa_edge.export.stages.stages import Stages
from dgiqa_edge.export.tensorrt.configuration import Device
from dgiqa_edge.export.tensorrt.machine import TensorRtMachine
from dgiqa_edge.export.options.tensorrt_options import TensorRtOptions
from dgiqa_edge.runtime.engines.tensorrt.versions import support_of
work, go = Path(sys.argv[1]), Path(sys.argv[1]) / "go"
def build(content):
    print("building", flush=True)
    while not go.exists():
        time.sleep(0.02)
    return content
trt = FakeTensorRt("10.13.3.9", spoil=build)
machine = TensorRtMachine(trt, "10.13.3.9", support_of("10.13.3.9"), Device("Test GPU", "87"))
graph = helper.make_graph([helper.make_node("Cast", ["frame"], ["score"], name="/Cast", to=1)], "g",
    [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 4, 4, 3])],
    [helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 4, 4, 3])])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
stage = tensorrt_engines.EngineStage(machine, TensorRtOptions(timing_cache=work / "timing.cache"),
    precision="fp32", half=False, families=(), work=work, threads=1, say=lambda text: print("SAY", text, flush=True))
files = stage.run(Stages(work), {"fused": tensorrt_engines.ready(model, machine)}, sys.argv[2])
print("DONE", files.report["fused"]["timing_cache"], flush=True)
"""


@pytest.fixture
def start(tmp_path):
    """``start(key)`` builds one engine in a process of its own, which is done once the file ``go`` is there."""
    processes = []

    def run(key):
        arguments = [sys.executable, "-c", SLOW_BUILD, str(tmp_path), key]
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def test_two_builds_at_once_wait_for_each_other_and_share_their_timings(start, tmp_path):
    first = start("first")
    assert first.stdout.readline() == "building\n"
    second = start("second")
    assert second.stdout.readline().startswith("SAY another build uses the GPU")
    (tmp_path / "go").touch()
    assert "DONE new" in first.communicate(timeout=120)[0]
    assert "DONE reused" in second.communicate(timeout=120)[0]
    assert {path.name for path in tmp_path.glob("engine-*/*")} == {"fused.plan", "stage.json", "tensorrt_build.log"}


def test_a_killed_build_holds_no_lock_and_leaves_no_engine(start, tmp_path):
    first = start("first")
    assert first.stdout.readline() == "building\n"
    first.send_signal(signal.SIGKILL)
    first.wait(timeout=60)
    assert not list(tmp_path.glob("engine-*"))
    assert not (tmp_path / "timing.cache").exists()
    (tmp_path / "go").touch()
    output, _ = start("first").communicate(timeout=120)
    assert output.splitlines() == ["building", "DONE new"]
