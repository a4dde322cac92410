"""The ranking of blocks by sensitivity as a build makes it: on calibration photos, block by block, resumable.

Photos of the final check are never used here: what was chosen on them would flatter the result.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.calibration.images.calibration_set import CalibrationSet
from dgiqa_edge.calibration.int8.placement import DEFAULT_SCOPES
from dgiqa_edge.calibration.int8.scopes import blocks_of
from dgiqa_edge.calibration.int8.sensitivity import measure_block
from dgiqa_edge.runtime.bundle.manifest import BlockRecord
from dgiqa_edge.runtime.hashing import Json

from ..frame_graph.graph_session import Run, open_graph
from .devices.protocol import Device
from .lowering import Lowering
from .trial import Reference

if TYPE_CHECKING:
    import onnx

PHOTOS = 8


class BlockRanking:
    """Measures blocks; ``measure`` may be called again and resumes at the first unmeasured one."""

    def __init__(self, lowering: Lowering, device: Device) -> None:
        inputs = lowering.inputs
        self.lowering, self.device = lowering, device
        self.photos: CalibrationSet = inputs.photos.held_out(min(PHOTOS, len(inputs.photos)))[1]
        self.reference = Reference(lowering.graph, self.photos, inputs.options.threads)

    def blocks(self) -> dict[str, tuple[str, ...]]:
        """Output tensors of the layers that INT8 is given to, by block."""
        return blocks_of(self.lowering.model.graph, self.lowering.placement.outputs, DEFAULT_SCOPES)

    def measure(self) -> Sequence[BlockRecord]:
        """Sensitivity of every block, in graph order."""
        blocks = self.blocks()
        found: list[BlockRecord] = []
        with self.lowering.inputs.reporter.stage("sensitivity of the blocks, one at a time in INT8") as line:
            for block, outputs in blocks.items():
                found.append(self._measure_one(block, outputs))
                line.tick(len(found), len(blocks))
            worst = max(found, key=lambda one: one.score_mae)
            line.result = (
                f"{len(found)} blocks on {len(self.photos)} calibration photos, most sensitive {worst.block} "
                f"(score MAE {worst.score_mae:.5f})"
            )
        return found

    def _measure_one(self, block: str, outputs: tuple[str, ...]) -> BlockRecord:
        lowering, inputs = self.lowering, self.lowering.inputs

        def make(directory: Path) -> dict[str, Json]:
            found = measure_block(
                lowering.integer_model,
                lowering.placement,
                block,
                outputs,
                lowering.calibration.ranges,
                inputs.target,
                open_model=self._open,
                frames=self.photos,
                reference=self.reference.outputs(),
            )
            return asdict(found)

        key: dict[str, Json] = {
            "calibration": lowering.calibration.key,
            "block": block,
            "outputs": list(outputs),
            "photos": self.photos.image_set_sha256,
            "device": self.device.identity(),
        }
        return BlockRecord(**inputs.stages.run("block", key, make).values)  # type: ignore[arg-type]

    def _open(self, model: "onnx.ModelProto") -> Run:
        """ONNX Runtime stands in for other backends, where dozens of engines would take hours to build."""
        import onnx

        inputs = self.lowering.inputs
        with tempfile.TemporaryDirectory(prefix="dgiqa-edge-") as folder:
            path = Path(folder) / "block.onnx"
            onnx.save(model, str(path))
            return open_graph(path, inputs.options.threads, as_written=self.device.as_written)
