"""Every decision about how to build: what each version is told for each kind of graph, and what is refused."""

import pytest

from dgiqa_edge.export.options.tensorrt_options import BuilderSettings
from dgiqa_edge.export.tensorrt.configuration import Device, configure
from dgiqa_edge.runtime.engines.tensorrt.versions import families_of, support_of
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError

ORIN = Device("Orin", "87", jetson=True, dla_cores=2)
DESKTOP = Device("RTX A6000", "86")
TURING = Device("T4", "75")
GRAPHS = {"fp32": (False, False), "fp16": (False, True), "int8": (True, False), "int8+fp16": (True, True)}


def decide(version, graph="int8", device=DESKTOP, networks=("nano",), **settings):
    has_qdq, has_fp16 = GRAPHS[graph]
    return configure(
        BuilderSettings(**settings),
        version=version,
        support=support_of(version),
        has_qdq=has_qdq,
        has_fp16=has_fp16,
        families=families_of(networks),
        device=device,
    )


@pytest.mark.parametrize(
    ("version", "graph", "strong", "flags"),
    [
        ("8.5.3", "fp32", False, set()),
        ("8.5.3", "fp16", False, {"FP16", "OBEY_PRECISION_CONSTRAINTS"}),
        ("8.5.3", "int8", False, {"INT8"}),
        ("8.6.1", "int8+fp16", False, {"INT8", "FP16", "OBEY_PRECISION_CONSTRAINTS"}),
        ("10.3.0", "fp16", True, set()),
        ("10.3.0", "int8", False, {"INT8"}),
        ("10.3.0", "int8+fp16", False, {"INT8", "FP16", "OBEY_PRECISION_CONSTRAINTS"}),
        ("10.13.3", "int8+fp16", True, set()),
        ("11.4.1", "int8", True, set()),
        ("11.4.1", "fp16", True, set()),
    ],
)
def test_precision_comes_from_the_graph(version, graph, strong, flags):
    decided = decide(version, graph)
    assert decided.strongly_typed is strong
    assert set(decided.flags) == flags
    assert decided.constrain_fp32 == ("OBEY_PRECISION_CONSTRAINTS" in flags)


RTX = "1.7.1.116"


def rtx(**settings):
    return configure(
        BuilderSettings(**settings),
        version=RTX,
        support=support_of(RTX, "tensorrt-rtx"),
        has_qdq=False,
        has_fp16=True,
        families=(),
        device=Device("RTX GPUs", ""),
    )


def test_targets_are_called_as_the_package_calls_them():
    assert rtx(targets=("86", "120")).targets == ("SM86", "SM120")
    assert rtx().targets == decide("10.13", "fp32").targets == ()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            "75",
            r"sm75: TensorRT-RTX computes no FP32 matrix product on Turing.*; TensorRT-RTX .* builds for sm80",
        ),
        ("87", "sm87: Jetson Orin is TensorRT's: build with --backend tensorrt on the device"),
        ("90", "sm90: H100 and H200 are no RTX GPUs"),
        ("99", r"sm99: TensorRT-RTX 1\.7\.1\.116 builds for sm80,sm86,sm89,sm120,sm121$"),
    ],
)
def test_targets_that_there_are_no_engines_for(target, words):
    with pytest.raises(EngineCompatibilityError, match=f"--targets {words}"):
        rtx(targets=("89", target))


def test_tensorrt_has_no_targets():
    with pytest.raises(
        EngineCompatibilityError, match=r"--targets sm89: TensorRT 10\.13 builds for the GPU at hand alone"
    ):
        decide("10.13", "fp16", targets=("89",))


def test_tf32_is_cleared_where_fp32_is_asked_for_and_only_there():
    assert decide("10.13", "fp32").cleared_flags == ("TF32",)
    assert decide("10.13", "int8").cleared_flags == ()


def test_no_cudnn_and_no_cublas():
    assert not any("CU" in source for source in decide("8.6.1").tactic_sources)


def test_a_calibrator_sets_int8_on_a_weak_network():
    decided = decide("10.3", "fp32", calibrator="entropy")
    assert decided.flags == ("INT8",)
    assert not decided.strongly_typed
    assert any("deprecated" in warning for warning in decided.warnings)
    assert decide("8.5.3", "fp32", calibrator="minmax").warnings == ()


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        ({"version": "11.0", "graph": "fp32", "calibrator": "entropy"}, ConfigurationError, "ended with 10"),
        ({"version": "8.6", "graph": "int8", "calibrator": "entropy"}, ConfigurationError, "FP32 graph"),
        ({"version": "8.6", "graph": "fp32", "calibrator": "magic"}, ConfigurationError, "entropy, minmax"),
        (
            {"version": "8.6", "graph": "fp32", "calibrator": "entropy", "networks": ["dgiqa"]},
            EngineCompatibilityError,
            "leave out --calibrator",
        ),
        ({"version": "8.5.3", "optimization_level": 3}, ConfigurationError, "8.6 or newer"),
        ({"version": "8.5.3", "aux_streams": 1}, ConfigurationError, "8.6 or newer"),
        ({"version": "8.5.3", "tactic_memory_mib": 100}, ConfigurationError, "8.6 or newer"),
        ({"version": "8.5.3", "version_compatible": True}, ConfigurationError, "8.6 or newer"),
        ({"version": "8.6", "optimization_level": 6}, ConfigurationError, "0 .quick"),
        ({"version": "8.6", "workspace_mib": 0}, ConfigurationError, "at least 1"),
        ({"version": "8.6", "aux_streams": -1}, ConfigurationError, "at least 0"),
        ({"version": "8.5.3", "hardware_compatible": "ampere_plus"}, ConfigurationError, "offers none"),
        (
            {"version": "10.8", "hardware_compatible": "same_compute_capability"},
            ConfigurationError,
            "offers ampere_plus",
        ),
        (
            {"version": "10.3", "hardware_compatible": "ampere_plus", "device": ORIN},
            ConfigurationError,
            "not on Jetson",
        ),
        (
            {"version": "10.3", "hardware_compatible": "ampere_plus", "device": TURING},
            EngineCompatibilityError,
            "SM 8.0",
        ),
        ({"version": "10.13", "dla_core": 0, "device": ORIN}, EngineCompatibilityError, "no DLA support"),
        ({"version": "10.3", "dla_core": 0, "graph": "fp16"}, EngineCompatibilityError, "has no DLA"),
        ({"version": "10.3", "dla_core": 2, "device": ORIN}, EngineCompatibilityError, "cores 0 to 1"),
        ({"version": "10.3", "dla_core": 0, "device": ORIN}, ConfigurationError, "--calibrator entropy"),
        ({"version": "10.3", "dla_core": 0, "device": ORIN, "graph": "fp32"}, ConfigurationError, "--fp16 or --int8"),
    ],
)
def test_contradictions_are_refused_with_the_way_out(build, error, words):
    with pytest.raises(error, match=words):
        decide(**build)


def test_a_dla_build_falls_back_to_the_gpu_and_may_use_fp16():
    decided = decide("8.5.3", "fp32", ORIN, calibrator="entropy", dla_core=1)
    assert set(decided.flags) == {"INT8", "FP16", "GPU_FALLBACK"}
    assert decided.dla_core == 1
    assert any("run on the GPU" in warning for warning in decided.warnings)
    strong = decide("11.4.1", "int8", ORIN, dla_core=0)
    assert (strong.strongly_typed, strong.flags) == (True, ("GPU_FALLBACK",))


def test_compatibility_flags():
    decided = decide("10.13", version_compatible=True, hardware_compatible="same_compute_capability")
    assert decided.flags == ("VERSION_COMPATIBLE",)
    assert decided.hardware_level == "SAME_COMPUTE_CAPABILITY"
    assert any("slower" in warning for warning in decided.warnings)


def test_public_reports_become_warnings():
    decided = decide("10.3.0.30", "int8", ORIN, networks=["depth_anything_v2_vits", "dgiqa"])
    assert any("depth-anything-tensorrt/issues/49" in warning for warning in decided.warnings)
    assert decide("10.3.0.30", "int8", ORIN).warnings == ()
