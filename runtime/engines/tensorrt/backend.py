"""TensorRT as a backend: how it is found, and what it can run on the GPU that is here."""

from collections.abc import Iterator

from ...bundle.bundle import Bundle
from ...bundle.manifest import EngineRecord
from ...errors import EngineCompatibilityError
from ...machine.survey import Survey
from ..backend import PRECISIONS, PRESETS, Backend, Capability, can_run, cannot_run
from ..cuda.binding import bindings_here
from ..protocol import Engine, EngineOptions
from . import package
from .versions import families_of, known_bad, support_of


def _capabilities(survey: Survey) -> Iterator[Capability]:
    reason = obstacle(survey)
    if reason:
        yield cannot_run("tensorrt", reason)
        return
    gpu, version = survey.cuda.gpus[0], str(survey.facts["tensorrt"].value)
    precisions = [precision for precision in PRECISIONS if _gpu_computes(int(gpu.sm), precision)]
    yield can_run("tensorrt", precisions, _on_record(version, gpu.sm, precisions))


def obstacle(survey: Survey, flavour: str = "tensorrt") -> str:
    """What keeps a flavour from running here, "" for nothing."""
    if not survey.cuda.gpus:
        return survey.cuda.problem
    for name in (flavour, "cuda_binding"):
        if survey.facts[name].value is None:
            return survey.facts[name].reason
    try:
        support_of(str(survey.facts[flavour].value), flavour)
    except EngineCompatibilityError as error:
        return str(error)
    return ""


def _on_record(version: str, sm: str, precisions: list[str]) -> Iterator[str]:
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


def load(bundle: Bundle, record: EngineRecord, options: EngineOptions) -> Engine:
    """One engine of either flavour, by ``engine.py``, which is imported for it: most machines have no TensorRT."""
    from .engine import load

    return load(bundle, record, options)


BACKEND = Backend(
    name="tensorrt",
    title="TensorRT",
    extra="tensorrt",
    packages=("tensorrt",),
    runs_portable_graphs=False,
    options=("cuda_graph", "beside"),
    facts=lambda: {**package.facts(), "cuda_binding": bindings_here()},
    capabilities=_capabilities,
    load=load,
)
