"""Block-wise sensitivity: how far the score moves when one block alone computes in INT8.

One block at a time against an otherwise FP32 graph, since what a single block adds to a graph that is INT8 elsewhere
drowns in the others' noise. It ranks blocks by what was measured; which of them stay float is the caller's choice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.bundle.manifest import BlockRecord
from dgiqa_edge.runtime.errors import CalibrationError

from ..fidelity import Outputs, Run, compare_outputs, summarize
from .placement import Placement
from .quantize import quantize
from .ranges import TensorRange
from .targets import Target

if TYPE_CHECKING:
    import numpy as np
    from onnx import ModelProto

FIGURES = ("score_mae", "depth_mae_levels")


def measure_block(
    model: "ModelProto",
    placement: Placement,
    block: str,
    outputs: Sequence[str],
    ranges: Mapping[str, TensorRange],
    target: Target,
    *,
    open_model: "Callable[[ModelProto], Run]",
    frames: "Iterable[np.ndarray]",
    reference: Sequence[Outputs],
) -> BlockRecord:
    """Run ``model`` with one block in INT8 and compare it with FP32.

    Args:
        model: float32; left as it is.
        outputs: output tensors of the block's placed nodes (``scopes.blocks_of``).
        open_model: loads a graph; its function takes uint8 [1, H, W, 3].
        frames: photos that the final check does not use.
        reference: FP32 outputs of every frame, in order.

    Raises:
        CalibrationError: there is no frame, a range is missing, or the block is not of this placement.
        FidelityError: a score is not finite.
    """
    alone = only(placement, outputs)
    run = open_model(quantize(model, alone, ranges, target).model)
    found = summarize(compare_outputs(fp32, run(frame)) for frame, fp32 in zip(frames, reference, strict=True))
    return BlockRecord(block, len(alone.nodes), found.score_mae, found.depth_mae_levels)


def only(placement: Placement, outputs: Iterable[str]) -> Placement:
    """The placement with only the nodes that make ``outputs``.

    Raises:
        CalibrationError: none of its nodes does.
    """
    wanted = set(outputs)
    nodes = tuple(node for node in placement.nodes if node.output in wanted)
    if not nodes:
        raise CalibrationError("no layer would be left in INT8: build with --fp16 or --fp32")
    return replace(placement, nodes=nodes)


def ranked(blocks: Iterable[BlockRecord], figure: str = "score_mae") -> tuple[BlockRecord, ...]:
    """Most sensitive first by ``figure``, one of ``FIGURES``; the other figure, then the name, decide a tie."""
    other = FIGURES[1 - FIGURES.index(figure)]
    return tuple(sorted(blocks, key=lambda block: (-getattr(block, figure), -getattr(block, other), block.block)))


def most_sensitive(ranking: Sequence[BlockRecord], share: float, figure: str = "score_mae") -> tuple[BlockRecord, ...]:
    """The fewest blocks from the top of ``ranking`` that hold ``share`` (0..1) of the summed error; at least one."""
    total = sum(getattr(block, figure) for block in ranking)
    held, count = 0.0, 0
    while count < len(ranking) and (count == 0 or held < share * total):
        held += getattr(ranking[count], figure)
        count += 1
    return tuple(ranking[:count])
