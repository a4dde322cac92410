"""One graph on trial: built for the device, run there on the held-out photos, and compared with FP32's own outputs.

FP32 outputs come from ONNX Runtime on the CPU whatever the device is: an engine that is wrong in FP32 too is found.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgiqa_edge.calibration.fidelity import Fidelity, ImageFidelity, compare_outputs, summarize
from dgiqa_edge.calibration.images.calibration_set import CalibrationSet
from dgiqa_edge.runtime.hashing import Json

from ..frame_graph.graph_session import open_graph
from ..stages.stages import StageResult, Stages
from .devices.protocol import Device
from .lowering import GRAPH


class Reference:
    """FP32 outputs of a set of photos, computed when first needed and then kept (a depth map each)."""

    def __init__(self, graph: Path, photos: CalibrationSet, threads: int) -> None:
        self.graph, self.photos, self.threads = graph, photos, threads
        self._outputs: list[Mapping[str, np.ndarray]] = []

    def outputs(self) -> Sequence[Mapping[str, np.ndarray]]:
        """Named outputs per photo, in order."""
        if not self._outputs:
            run = open_graph(self.graph, self.threads)
            self._outputs = [run(frame) for frame in self.photos]
        return self._outputs

    def first(self) -> Mapping[str, np.ndarray]:
        """Named outputs of the first photo."""
        if self._outputs:
            return self._outputs[0]
        return open_graph(self.graph, self.threads)(next(iter(self.photos)))


@dataclass(frozen=True)
class TrialResult:
    """A graph that ran on the device: the file it executes there, and its agreement with FP32."""

    lowered: StageResult
    executable: Path
    fidelity: Fidelity
    reused: bool


class Trials:
    """Builds and checks graphs on one device, against one reference."""

    def __init__(self, stages: Stages, device: Device, reference: Reference, fp32_key: str) -> None:
        self.stages, self.device, self.reference, self.fp32_key = stages, device, reference, fp32_key

    def run(self, lowered: StageResult, tick: Callable[[int, int], None]) -> TrialResult:
        """Build ``lowered`` for the device and compare it with FP32 on every photo of the reference.

        Raises:
            DgiqaEdgeError: the device cannot build, load or run it.
            FidelityError: a score is not finite.
        """
        executable = self.build(lowered)
        photos = self.reference.photos
        inputs: dict[str, Json] = {
            "graph": lowered.key,
            "fp32": self.fp32_key,
            "photos": photos.image_set_sha256,
            "device": self.device.identity(),
        }

        def make(directory: Path) -> dict[str, Json]:
            reference = self.reference.outputs()
            with self.device.open(executable) as run:
                pairs = zip(photos, reference, strict=True)
                images = (compare_outputs(fp32, run(frame)) for frame, fp32 in pairs)
                fidelity = summarize(_counted(images, len(photos), tick))
            return fidelity.to_json(with_images=True)

        checked = self.stages.run("check", inputs, make)
        return TrialResult(lowered, executable, Fidelity.from_json(checked.values), checked.reused)

    def build(self, lowered: StageResult) -> Path:
        """The file that the device executes for ``lowered``."""
        graph = lowered.file(GRAPH)
        if self.device.engine_file is None:
            return graph
        inputs: dict[str, Json] = {"graph": lowered.key, "device": self.device.identity()}
        built = self.stages.run("engine", inputs, lambda directory: self.device.build(graph, directory))
        return built.file(self.device.engine_file)


def _counted(items: Iterator[ImageFidelity], total: int, tick: Callable[[int, int], None]) -> Iterator[ImageFidelity]:
    for done, item in enumerate(items, 1):
        yield item
        tick(done, total)
