"""TensorRT-RTX's part of a build: engines for a list of GPUs, on any machine; checked where one of those is at hand."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dgiqa_edge.calibration.images.calibration_set import CalibrationSet
from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.runtime.engines.tensorrt.backend import BACKEND as TENSORRT
from dgiqa_edge.runtime.engines.tensorrt.rtx_backend import BACKEND
from dgiqa_edge.runtime.engines.tensorrt.versions import families_of
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.machine.cuda_probe import probe

from ..ladder.devices import portable
from ..options.build_options import BuildOptions
from ..stages.reporter import Reporter
from ..tensorrt.machine import obstacle, open_rtx
from . import bundle_writer
from .backends import BuildBackend
from .recipes import Recipe
from .tensorrt_build import TensorRtBuild

_UNCHECKED = (
    "its TensorRT-RTX engines were built without their GPU: the fidelity is the portable graph's, and the golden frame "
    "decides where they are loaded (dgiqa-edge doctor --bundle)"
)
# benchmarks/results/tensorrt-rtx-builds.json: nano, frames of 640x480, what its layers read and write of activations.
_INT8 = (
    "TensorRT-RTX is made for 16 bits: of nano its INT8 engine moves 125 MB of activations for a frame of 640x480, its "
    "FP16 engine 53 MB; a latency was not measured, so time both, or build with --fp16"
)


class TensorRtRtxBuild(TensorRtBuild):
    """Adds engines to a bundle's contents, which is done without a GPU."""

    @classmethod
    def open(cls, options: BuildOptions, recipe: Recipe, reporter: Reporter) -> "TensorRtRtxBuild":
        if options.climbs:
            raise ConfigurationError(
                "--accuracy-budget and --latency-target decide by engines that run, and TensorRT-RTX builds them for "
                "GPUs that are not here: leave them out, and name a precision"
            )
        machine = open_rtx(options.tensorrt.settings.targets)
        opened = cls(options, machine, families_of(source.name for source in recipe.sources), reporter)
        opened.stage(options.precision, half=options.precision != "fp32")  # refuses what cannot be built
        if options.precision == "int8":
            reporter.note(f"note: {_INT8}")
        reporter.stages += 1 + opened._can_check()
        return opened

    def accept(
        self,
        contents: bundle_writer.BundleContents,
        fp32: Path,
        check_set: CalibrationSet,
        remarks: Iterable[str],
    ) -> bundle_writer.BundleContents:
        if self._can_check():
            return super().accept(contents, fp32, check_set, remarks)
        assert contents.engines is not None
        engines = replace(contents.engines, notes=(*contents.engines.notes, _UNCHECKED))
        return replace(contents, engines=engines, latency=None)

    def _can_check(self) -> bool:
        """Whether the GPU that is here, if any, is one that they are built for."""
        gpus = probe().gpus
        return bool(gpus) and gpus[0].sm in self.options.tensorrt.settings.targets


BUILD = BuildBackend(
    BACKEND,
    target_named(TENSORRT.name),
    lambda threads: portable.open_device(BACKEND.name, threads),
    obstacle=lambda: obstacle(BACKEND.name),
    open_build=TensorRtRtxBuild.open,
    notes={"int8": _INT8},
)
