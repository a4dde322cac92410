"""The figures of agreement with people, where training looks for them; they live in the calibration room."""

from dgiqa_edge.calibration.agreement import (
    Agreement,
    Figure,
    agreement,
    krcc,
    logistic,
    mapped_scores,
    ordered_share,
    pearson,
    rmse,
    srcc,
)

__all__ = [
    "Agreement",
    "Figure",
    "agreement",
    "krcc",
    "logistic",
    "mapped_scores",
    "ordered_share",
    "pearson",
    "rmse",
    "srcc",
]
