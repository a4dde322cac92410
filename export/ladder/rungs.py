"""The rungs of the ladder, from the most reduced graph to FP32. A rung is a name and how the graph is lowered."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """One way to lower the FP32 graph.

    Attributes:
        precision: what the manifest calls it: int8, fp16, fp32.
        float_share: the most sensitive blocks that together hold this share of the measured error stay float; 0: none.
        islands: what FP16 keeps in FP32 by choice, not only what would leave its range: a name in
            ``frame_graph.islands``, or "".
        mends: it exists for accuracy only, and is tried only if no lower rung of its precision keeps the budget.
    """

    name: str
    precision: str
    float_share: float = 0.0
    islands: str = ""
    mends: bool = False


FP32 = Rung("fp32", "fp32")
RUNGS = (
    Rung("int8", "int8"),
    Rung("int8-mixed-50", "int8", float_share=0.5, mends=True),
    Rung("int8-mixed-80", "int8", float_share=0.8, mends=True),
    Rung("int8-mixed-95", "int8", float_share=0.95, mends=True),
    Rung("fp16", "fp16"),
    Rung("fp16-attention", "fp16", islands="attention", mends=True),
    Rung("fp16-islands", "fp16", islands="sums", mends=True),
    FP32,
)


def rungs_from(precision: str) -> tuple[Rung, ...]:
    """The ladder from the lowest rung of ``precision`` up to FP32."""
    start = next(index for index, rung in enumerate(RUNGS) if rung.precision == precision)
    return RUNGS[start:]
