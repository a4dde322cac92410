"""A long build speaks and can be stopped: phases, signs of life, Ctrl-C in real processes."""

import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from stand_ins import environment, fake_tensorrt

from dgiqa_edge.export.tensorrt import build_watch
from dgiqa_edge.export.tensorrt.build_watch import CANNOT_STOP, STOPPING, WITHOUT_PHASES, BuildWatch, Phases

NEW, OLD = "10.3.0.26", "8.6.0"


class Rest:
    """A builder's surroundings: a configuration of one version."""

    def __init__(self, version, **settings):
        self.trt = fake_tensorrt.FakeTensorRt(version, **settings)
        self.builder = self.trt.Builder(SimpleNamespace(log=lambda severity, text: None))
        self.config = self.builder.create_builder_config()
        self.network = self.builder.create_network(1)

    def build(self, beat=build_watch.silent, say=build_watch.silent):
        with BuildWatch(self.trt, self.config, beat, say).running():
            return self.builder.build_serialized_network(self.network, self.config)


@pytest.fixture
def quick_beats(monkeypatch):
    monkeypatch.setattr(build_watch, "BEAT_S", 0.01)


def test_the_outermost_and_the_innermost_phase_are_said():
    phases = Phases()
    assert str(phases) == ""
    phases.start("Building engine", 6)
    assert str(phases) == "Building engine 0/6"
    phases.step("Building engine", 1)
    phases.start("Timing tactics", 3)
    phases.start("Timing graph nodes", 57)
    phases.step("Timing graph nodes", 11)
    assert str(phases) == "Building engine 2/6: Timing graph nodes 12/57"
    phases.finish("Timing graph nodes")
    phases.finish("never begun")
    assert str(phases) == "Building engine 2/6: Timing tactics 0/3"


def test_a_build_tells_its_phases_every_second(quick_beats):
    said = []
    assert Rest(NEW, pace=0.03).build(said.append)
    assert any(text.startswith("Building engine 0/2: Timing nodes ") for text in said)
    assert any(text.startswith("Building engine 0/2: Timing tactics ") for text in said)


def test_a_version_without_phases_gives_a_sign_of_life(quick_beats):
    said = []
    assert Rest(OLD, pace=0.03).build(said.append)
    assert set(said) == {WITHOUT_PHASES}


def test_what_goes_wrong_in_telling_does_not_reach_the_builder(quick_beats, monkeypatch, capfd):
    def fail(*given):
        raise ValueError("broken")

    monkeypatch.setattr(Phases, "start", fail)
    monkeypatch.setattr(Phases, "step", fail)
    monkeypatch.setattr(Phases, "finish", fail)
    assert Rest(NEW, pace=0.01).build(fail, fail)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("version", "said", "built"), [(NEW, [STOPPING], False), (OLD, [CANNOT_STOP], True)], ids=["stops", "cannot"]
)
def test_ctrl_c_ends_the_build_and_then_the_program(version, said, built):
    heard, plans, rest = [], [], Rest(version, pace=0.05)
    before = signal.getsignal(signal.SIGINT)
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt), BuildWatch(rest.trt, rest.config, say=heard.append).running():
        plans.append(rest.builder.build_serialized_network(rest.network, rest.config))
    assert heard == said
    assert (plans != [None]) is built
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.set_wakeup_fd(-1) == -1
    assert "build watch" not in [thread.name for thread in threading.enumerate()]


def test_an_ignored_signal_stays_ignored(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        assert Rest(NEW, pace=0.02).build()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_build_outside_the_main_thread_leaves_signals_alone(quick_beats):
    said, plans = [], []
    thread = threading.Thread(target=lambda: plans.append(Rest(NEW, pace=0.02).build(said.append)))
    thread.start()
    thread.join(60)
    assert plans != [None] and said


PROGRAM = """
import sys
import onnx
from onnx import TensorProto, helper
from stand_ins.fake_tensorrt import FakeTensorRt
from dgiqa_edge.export.options.tensorrt_options import BuilderSettings
from dgiqa_edge.export.stages.reporter import Reporter
from dgiqa_edge.export.tensorrt.builder import BuildLog, build
from dgiqa_edge.export.tensorrt.configuration import Device, configure
from dgiqa_edge.export.tensorrt.graph import facts_of
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.engines.tensorrt.versions import support_of

version = sys.argv[1]
value = lambda name, kind: helper.make_tensor_value_info(name, kind, [1, 4])
graph = helper.make_graph([helper.make_node("Cast", ["frame"], ["score"], name="/Cast", to=1)], "g",
    [value("frame", TensorProto.UINT8)], [value("score", TensorProto.FLOAT)])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
facts = facts_of(model)
configuration = configure(BuilderSettings(), version=version, support=support_of(version), has_qdq=False,
    has_fp16=False, families=(), device=Device("Test GPU", "87"))

def work():
    reporter = Reporter(1)
    with reporter.stage("engine"):
        print("building", flush=True)
        build(FakeTensorRt(version, pace=0.2), model.SerializeToString, facts, configuration, log=BuildLog(),
            beat=reporter.progress.beat, say=reporter.note)
    return 0

sys.exit(guarded(work))
"""


@pytest.mark.parametrize(
    ("version", "numbers", "code", "words"),
    [
        (NEW, [signal.SIGINT], 130, [STOPPING, "engine: failed", "interrupted"]),
        (NEW, [signal.SIGTERM], 143, [STOPPING, "engine: failed", "terminated"]),
        (OLD, [signal.SIGINT, signal.SIGINT], 130, [CANNOT_STOP]),
    ],
)
def test_a_program_that_builds_ends_as_any_other(version, numbers, code, words):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, version],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout.readline() == "building\n"
    for number in numbers:
        threading.Event().wait(0.5)
        process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Exception" not in err and "Traceback" not in err
    for text in words:
        assert text in err


def test_nvidias_own_builder_tells_its_phases_and_is_stopped():
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX is not installed (extra tensorrt-rtx)")
    logger, said, texts = trt.Logger(trt.Logger.INTERNAL_ERROR), [], []
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    tensor = network.add_input("x", trt.float32, (1, 8, 32, 32))
    for index in range(8):
        tensor = network.add_activation(tensor, trt.ActivationType.RELU).get_output(0)
        tensor = network.add_unary(tensor, trt.UnaryOperation.EXP).get_output(0)
        tensor.name = f"y{index}"
    network.mark_output(tensor)

    def build(stop_at):
        config = builder.create_builder_config()
        config.num_compute_capabilities = 1
        config.set_compute_capability(trt.ComputeCapability.SM89, 0)
        watch = BuildWatch(trt, config, say=texts.append)
        start = watch.phases.start

        def follow(name, steps):
            said.append(name)
            start(name, steps)
            if name == stop_at:
                os.kill(os.getpid(), signal.SIGINT)

        watch.phases.start = follow
        with watch.running():
            return builder.build_serialized_network(network, config)

    assert build(None).nbytes > 0
    assert len(set(said)) > 2
    with pytest.raises(KeyboardInterrupt):
        build(said[1])
    assert texts == [STOPPING]
