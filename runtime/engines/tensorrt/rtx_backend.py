"""TensorRT-RTX as a backend: TensorRT's engine with another package, for RTX desktop GPUs."""

from collections.abc import Iterator

from ...machine.survey import Survey
from ..backend import Backend, Capability, can_run, cannot_run
from ..cuda.binding import bindings_here
from . import package
from .backend import load, obstacle
from .versions import support_of, why_no_target

_NAME = "tensorrt-rtx"


def _capabilities(survey: Survey) -> Iterator[Capability]:
    reason = obstacle(survey, _NAME)
    if not reason:
        gpu, version = survey.cuda.gpus[0], str(survey.facts[_NAME].value)
        targets = support_of(version, _NAME).targets
        if gpu.sm not in targets:
            why = why_no_target(gpu.sm, _NAME) or f"it runs on SM {', '.join(targets)}"
            reason = f"SM {gpu.sm} ({gpu.name}) is no target of TensorRT-RTX {version}: {why}"
    yield cannot_run(_NAME, reason) if reason else can_run(_NAME)


BACKEND = Backend(
    name=_NAME,
    title="TensorRT-RTX",
    extra=_NAME,
    packages=("tensorrt_rtx_cu13_bindings",),
    runs_portable_graphs=False,
    options=("cuda_graph", "cache_folder", "beside"),
    facts=lambda: {**package.facts(_NAME), "cuda_binding": bindings_here()},
    capabilities=_capabilities,
    load=load,
)
