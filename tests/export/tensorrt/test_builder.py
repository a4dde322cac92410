"""The builder's whole flow on every listed version's surface: what each is told, what comes out, what is said."""

import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from stand_ins import fake_tensorrt

from dgiqa_edge.export.options.tensorrt_options import BuilderSettings
from dgiqa_edge.export.tensorrt import builder as tensorrt_builder
from dgiqa_edge.export.tensorrt.builder import BuildLog, build, dla_cores, load_tensorrt
from dgiqa_edge.export.tensorrt.configuration import Device, configure
from dgiqa_edge.export.tensorrt.graph import facts_of, prepare
from dgiqa_edge.runtime.engines.tensorrt.versions import support_of
from dgiqa_edge.runtime.errors import EngineCompatibilityError, ExportError, MachineError

VERSIONS = ["8.5.3.1", "8.6.0", "10.3.0.26", "10.13.3.9", "11.0.0", "11.4.0.106"]
ORIN = Device("Orin", "87", jetson=True, dla_cores=2)
DESKTOP = Device("RTX A6000", "86")


def graph(*, half=False, quantized=False):
    """A convolution, in FP16 behind casts or INT8 between Q/DQ, then an FP32 softmax."""
    weight = np.ones((2, 3, 1, 1), np.float32)
    constants = {"weight": weight.astype(np.float16) if half else weight}
    nodes, source = [helper.make_node("Cast", ["frame"], ["pixels"], name="/Cast", to=TensorProto.FLOAT)], "pixels"
    if quantized:
        constants |= {"s": np.float32(0.1), "z": np.int8(0), "weight": weight.astype(np.int8)}
        nodes += [
            helper.make_node("QuantizeLinear", ["pixels", "s", "z"], ["q"], name="/q"),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["dq"], name="/dq"),
            helper.make_node("DequantizeLinear", ["weight", "s", "z"], ["w"], name="/w"),
        ]
        source = "dq"
    if half:
        nodes.append(helper.make_node("Cast", [source], ["half"], name="/half", to=TensorProto.FLOAT16))
        source = "half"
    nodes.append(helper.make_node("Conv", [source, "w" if quantized else "weight"], ["features"], name="/conv"))
    source = "features"
    if half:
        nodes.append(helper.make_node("Cast", [source], ["wide"], name="/wide", to=TensorProto.FLOAT))
        source = "wide"
    nodes.append(helper.make_node("Softmax", [source], ["score"], name="/softmax", axis=1))
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 3, 4, 4])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 2, 4, 4])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(trt, model, *, device=DESKTOP, log=None, timings=b"", calibrator=None, unprepared=False, **settings):
    support = support_of(trt.__version__)
    prepared = model if unprepared else prepare(model, support)[0]
    facts = facts_of(prepared)
    configuration = configure(
        BuilderSettings(**settings),
        version=trt.__version__,
        support=support,
        has_qdq=facts.has_qdq,
        has_fp16=facts.has_fp16,
        families=("convolutional",),
        device=device,
    )
    return build(
        trt,
        prepared.SerializeToString,
        facts,
        configuration,
        log=log or BuildLog(),
        timings=timings,
        calibrator=calibrator,
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("model", [graph(), graph(half=True), graph(quantized=True)], ids=["fp32", "fp16", "int8"])
def test_every_version_builds_every_precision(version, model):
    trt = fake_tensorrt.FakeTensorRt(version)
    built = run(trt, model)
    content, record = fake_tensorrt.onnx_of(built.plan)
    assert onnx.load_from_string(content).graph.node
    assert record["strong"] == (version.startswith(("10.13", "11")) or (version.startswith("10.3") and not _qdq(model)))
    assert bin(trt.config["tactic_sources"]).count("1") == 2
    assert trt.networks[-1].flags & 1 == (0 if version.startswith("11") and not record["strong"] else 1)


def _qdq(model):
    return any(node.op_type == "QuantizeLinear" for node in model.graph.node)


def test_weak_versions_hold_fp32_layers_to_fp32():
    trt = fake_tensorrt.FakeTensorRt("8.6.0")
    built = run(trt, graph(half=True))
    assert trt.config["flags"] == {"FP16", "OBEY_PRECISION_CONSTRAINTS"}
    layers = {layer.name: layer for layer in trt.networks[-1].layers}
    assert layers["/softmax"].precision.name == "FLOAT"
    assert layers["/softmax"].set_types == {0: "FLOAT"}
    assert not hasattr(layers["/conv"], "precision")
    assert not hasattr(layers["/wide"], "precision")  # a cast computes nothing
    assert built.constrained_layers == 1


def test_a_quantized_layer_is_never_held_to_fp32():
    trt = fake_tensorrt.FakeTensorRt("8.6.0")
    model = graph(quantized=True)
    extra = helper.make_node("Cast", ["score"], ["narrow"], name="/narrow", to=TensorProto.FLOAT16)
    model.graph.node.append(extra)  # an FP16 tensor somewhere, so that FP16 is allowed and FP32 has to be held
    model.graph.output.append(helper.make_tensor_value_info("narrow", TensorProto.FLOAT16, [1, 2, 4, 4]))
    run(trt, model)
    assert trt.config["flags"] == {"INT8", "FP16", "OBEY_PRECISION_CONSTRAINTS"}
    held = {layer.name for layer in trt.networks[-1].layers if hasattr(layer, "precision")}
    assert held == {"/softmax"}


def test_strong_versions_touch_no_layer():
    trt = fake_tensorrt.FakeTensorRt("11.0.0")
    assert run(trt, graph(half=True)).constrained_layers == 0
    assert trt.config["flags"] == set()


def test_settings_reach_the_builder():
    trt = fake_tensorrt.FakeTensorRt("10.13.3.9")
    run(
        trt,
        graph(),
        workspace_mib=512,
        tactic_memory_mib=2048,
        optimization_level=5,
        aux_streams=2,
        hardware_compatible="same_compute_capability",
        version_compatible=True,
    )
    config = trt.configs[-1]
    assert config.record["pools"] == {"WORKSPACE": 512 << 20, "TACTIC_DRAM": 2048 << 20}
    assert (config.builder_optimization_level, config.max_aux_streams) == (5, 2)
    assert config.hardware_compatibility_level.name == "SAME_COMPUTE_CAPABILITY"
    assert config.record["flags"] == {"VERSION_COMPATIBLE"}
    assert config.record["cleared"] == {"TF32"}
    assert config.profiling_verbosity.name == "DETAILED"


def test_a_dla_build_names_what_the_dla_cannot_take():
    trt = fake_tensorrt.FakeTensorRt("10.3.0.26", dla_cores=2)
    built = run(trt, graph(half=True), device=ORIN, dla_core=1)
    config = trt.configs[-1]
    assert (config.default_device_type.name, config.DLA_core) == ("DLA", 1)
    assert config.record["flags"] == {"FP16", "OBEY_PRECISION_CONSTRAINTS", "GPU_FALLBACK"}
    assert "/softmax" in built.gpu_fallback
    assert "/conv" not in built.gpu_fallback


@pytest.mark.parametrize(
    ("stored", "origin"), [(b"", "new"), (b"fake timings\nold\n", "reused"), (b"of another device", "replaced")]
)
def test_the_timing_cache_is_reused_or_replaced_and_extended(stored, origin):
    built = run(fake_tensorrt.FakeTensorRt("8.6.0"), graph(), timings=stored)
    assert built.timing_cache == origin
    assert built.timings.endswith(b"build\n")
    assert (b"old\n" in built.timings) == (origin == "reused")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unsupported_operator_is_named_with_its_node_and_a_remedy(version):
    trt = fake_tensorrt.FakeTensorRt(version, refuse=["Softmax"])
    with pytest.raises(ExportError, match=rf"TensorRT {version} cannot parse .*/softmax \(Softmax\): .*write it with"):
        run(trt, graph())
    assert trt.built == 0


def test_int8_weights_that_8_x_cannot_store_are_said_so():
    with pytest.raises(ExportError, match=r"/w \(DequantizeLinear\): .*cannot store int8 weights"):
        run(fake_tensorrt.FakeTensorRt("8.6.0"), graph(quantized=True), unprepared=True)


@pytest.mark.parametrize(
    ("message", "error", "words"),
    [
        ("Requested amount of GPU memory (1024 bytes) could not be allocated", MachineError, "--workspace-mib"),
        ("CUDA driver version is insufficient for CUDA runtime version", MachineError, "driver is older"),
        ("Could not find any implementation for node /conv.", ExportError, "raise --workspace-mib"),
        ("No implementation of layer /softmax obeys the requested constraints", ExportError, "--fp32"),
        ("Target GPU SM 120 is not supported by this TensorRT release", MachineError, "install a newer one"),
        ("something never seen", ExportError, "something never seen; see the build log"),
    ],
)
def test_a_failed_build_says_what_to_do(message, error, words):
    log = BuildLog()
    with pytest.raises(error, match=words):
        run(fake_tensorrt.FakeTensorRt("8.6.0", fail_with=message), graph(), log=log)
    assert message in log.text()


def test_what_a_stored_timing_cache_logs_explains_no_later_failure():
    harmless = "CUDA driver version is insufficient for CUDA runtime version (error code: 35)"
    stored, log = b"fake timings\nold\n", BuildLog()
    built = run(fake_tensorrt.FakeTensorRt("10.3.0.26", cache_says=harmless), graph(), timings=stored, log=log)
    assert built.timing_cache == "reused" and harmless in log.text()
    trt = fake_tensorrt.FakeTensorRt("10.3.0.26", cache_says=harmless, fail_with="Could not find any implementation")
    with pytest.raises(ExportError, match="no tactic fits a layer"):
        run(trt, graph(), timings=stored, log=log)


def test_a_driver_that_does_not_start_is_an_error_and_not_a_crash():
    with pytest.raises(MachineError, match=r"driver is older .*error: 35"):
        dla_cores(fake_tensorrt.FakeTensorRt("8.6.0", gpu=False), BuildLog())


def test_the_dla_is_counted():
    assert dla_cores(fake_tensorrt.FakeTensorRt("10.3.0.26", dla_cores=2), BuildLog()) == 2
    assert dla_cores(fake_tensorrt.FakeTensorRt("11.0.0"), BuildLog()) == 0


def test_a_member_that_a_version_lacks_is_an_error_of_ours():
    trt = fake_tensorrt.FakeTensorRt("8.5.3.1")
    with pytest.raises(EngineCompatibilityError, match=r"has no BuilderFlag\.VERSION_COMPATIBLE"):
        tensorrt_builder._member(trt, trt.BuilderFlag, "VERSION_COMPATIBLE")


def test_the_log_keeps_errors_past_its_limit(monkeypatch):
    monkeypatch.setattr(tensorrt_builder, "LOG_LINES", 2)
    log = BuildLog()
    for index in range(4):
        log.add(3, f"info {index}")
    log.add(4, "verbose")
    log.add(1, "the error")
    assert log.errors == ["the error"]
    with log.during() as errors:
        log.add(1, "another")
    assert (errors, log.errors) == (["another"], ["the error"])
    assert "the error" in log.text()
    assert "(2 more lines left out)" in log.text()
    assert "verbose" not in log.text()


def test_without_the_package_or_a_gpu_nothing_is_loaded(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(MachineError, match="JetPack"):
        load_tensorrt()
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt.FakeTensorRt("8.6.0"))
    monkeypatch.setattr(tensorrt_builder, "gpu_count", lambda: 0)
    with pytest.raises(MachineError, match="no NVIDIA GPU"):
        load_tensorrt()
    monkeypatch.setattr(tensorrt_builder, "gpu_count", lambda: 1)
    assert load_tensorrt().__version__ == "8.6.0"
