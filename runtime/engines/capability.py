"""What follows from a survey: which backends run here, at which precisions, and what is on record against them.

It says what can run, never how fast or how well: that is measured on the device.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from ..errors import EngineCompatibilityError
from ..hashing import Json
from ..machine.survey import Survey
from .registry import BACKENDS
from .tensorrt.versions import families_of, known_bad, support_of

PRECISIONS = ("fp32", "fp16", "int8")
# Networks of the presets that build_engine offers, by their names in the manifest.
PRESETS: Mapping[str, tuple[str, ...]] = {
    "nano": ("nano",),
    "reference": ("depth_anything_v1_vits", "dgiqa"),
    "reference-lite": ("depth_anything_v2_vits", "dgiqa"),
    "edge": ("depth_anything_v2_vits", "edge"),
}
_FAST_INT8 = {"AVX-VNNI", "AVX512-VNNI", "AMX-INT8", "dotprod"}


@dataclass(frozen=True)
class Capability:
    """One way to run engines here. ``reason`` says why not; ``notes`` what to know before trusting it."""

    backend: str
    runs: bool
    reason: str
    precisions: tuple[str, ...]
    presets: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return asdict(self)


def capabilities(survey: Survey) -> tuple[Capability, ...]:
    """Every backend, those that do not run here included."""
    return (_tensorrt(survey), *_onnxruntime(survey), _openvino(survey))


def _tensorrt(survey: Survey) -> Capability:
    reason = _tensorrt_obstacle(survey)
    if reason:
        return _cannot("tensorrt", reason)
    gpu, version = survey.cuda.gpus[0], str(survey.facts["tensorrt"].value)
    precisions = tuple(precision for precision in PRECISIONS if _gpu_computes(int(gpu.sm), precision))
    return Capability("tensorrt", True, "", precisions, tuple(PRESETS), tuple(_on_record(version, gpu.sm, precisions)))


def _tensorrt_obstacle(survey: Survey) -> str:
    if not survey.cuda.gpus:
        return survey.cuda.problem
    for name in ("tensorrt", "cuda_binding"):
        if survey.facts[name].value is None:
            return survey.facts[name].reason
    try:
        support_of(str(survey.facts["tensorrt"].value))
    except EngineCompatibilityError as error:
        return str(error)
    return ""


def _on_record(version: str, sm: str, precisions: tuple[str, ...]) -> Iterator[str]:
    """Public reports of wrong results that fit this GPU and version, each once, with the presets it touches."""
    touched: dict[str, list[str]] = {}
    for preset, networks in PRESETS.items():
        for precision in precisions:
            for report in known_bad(version, families=families_of(networks), precision=precision, sm=sm):
                presets = touched.setdefault(report.message(), [])
                if preset not in presets:
                    presets.append(preset)
    for message, presets in touched.items():
        yield f"{', '.join(presets)}: {message}"


def _gpu_computes(sm: int, precision: str) -> bool:
    """Source: TensorRT support matrix, "Hardware and Precision" (FP16 not on 6.1; INT8 on 6.1 and from 7.0 on)."""
    if precision == "fp16":
        return sm >= 53 and sm != 61
    if precision == "int8":
        return sm == 61 or sm >= 70
    return True


def _onnxruntime(survey: Survey) -> Iterator[Capability]:
    installed = survey.facts["onnxruntime"]
    if installed.value is None:
        yield _cannot("onnxruntime (cpu)", installed.reason)
        return
    features = survey.facts["cpu_features"].value
    notes = ["FP16 graphs run, but the CPU computes them in FP32"]
    if isinstance(features, list) and not _FAST_INT8.intersection(map(str, features)):
        notes.append("this CPU has no INT8 dot products (VNNI, dotprod): measure whether INT8 is faster here")
    yield Capability("onnxruntime (cpu)", True, "", PRECISIONS, tuple(PRESETS), tuple(notes))
    providers = survey.facts["onnxruntime_providers"].value
    for provider in ("cuda", "tensorrt"):
        name = f"onnxruntime ({provider})"
        if not isinstance(providers, list) or provider not in providers:
            yield _cannot(name, f"this onnxruntime {installed.value} was built without it")
        elif not survey.cuda.gpus:
            yield _cannot(name, survey.cuda.problem)
        else:
            yield Capability(name, True, "", PRECISIONS, tuple(PRESETS), ("its CUDA libraries are tried on first use",))


def _openvino(survey: Survey) -> Capability:
    installed = survey.facts["openvino"]
    if installed.value is None:
        return _cannot("openvino", installed.reason)
    if "openvino" not in BACKENDS:
        return _cannot("openvino", "installed, but this version of dgiqa-edge has no OpenVINO engine")
    return Capability("openvino", True, "", PRECISIONS, tuple(PRESETS))


def _cannot(backend: str, reason: str) -> Capability:
    return Capability(backend, False, reason, (), ())
