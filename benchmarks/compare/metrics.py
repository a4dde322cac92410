"""The figures that can be compared: how each is called, which way is better, and from what change on it matters."""

from collections.abc import Mapping
from dataclasses import dataclass

from dgiqa_edge.calibration.significance import P50_MATTERS


@dataclass(frozen=True)
class Metric:
    """One figure of a report.

    Attributes:
        unit: of its values; empty for a share or a score.
        relative: changes are shares of the first value, otherwise absolute.
        matters: the change from which on it counts where the user sets no limit.
        of_machine: depends on the machine, so reports of two machines do not compare.
    """

    name: str
    title: str
    lower_is_better: bool
    relative: bool
    matters: float
    of_machine: bool
    unit: str = ""


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("p50", "median latency", True, True, P50_MATTERS, True, "ms"),
        Metric("p90", "p90 latency", True, True, 0.05, True, "ms"),
        Metric("p99", "p99 latency", True, True, 0.10, True, "ms"),
        Metric("mean", "mean latency", True, True, 0.03, True, "ms"),
        Metric("power", "mean power", True, True, 0.05, True, "W"),
        Metric("j_per_frame", "energy per frame", True, True, 0.05, True, "J"),
        Metric("score_mae", "score error to FP32", True, False, 0.002, False),
        Metric("srcc", "agreement with people (SRCC)", False, False, 0.01, False),
    )
}
