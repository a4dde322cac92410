"""What each part of a model is worth: the same training without it, and the difference on the same validation photos.

It trains nothing itself; the trainers do, one run folder per variant, so a stopped ablation goes on where it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.calibration import agreement as metrics

from ..trainers.trainer import GOAL
from . import jobs, nano_jobs

Changes = Mapping[str, Any]
EpochProgress = Callable[[int, int, int, float], None]
COMPLETE = "complete"
RESAMPLES = 1000

EDGE: Mapping[str, Changes] = {
    COMPLETE: {},
    "whole frame alone": {"without": ("crop",)},
    "native crop alone": {"without": ("whole",)},
    "without degraded copies": {"pairs_per_batch": 0, "series_per_batch": 0, "blanks_per_batch": 0},
}
NANO: Mapping[str, Changes] = {
    COMPLETE: {},
    "without depth guidance": {"without": ("depth",)},
    "whole frame alone": {"without": ("crop",)},
    "native crop alone": {"without": ("whole",)},
    "without edge as a teacher": {"teacher_share": 0.0},
    "without the encoder's figures": {"guide_weight": 0.0},
    "without the depth loss": {"depth_weight": 0.0},
}


@dataclass(frozen=True)
class Outcome:
    """One variant after training: its scores of the validation photos, and the figures of its best epoch."""

    scores: np.ndarray
    figures: Mapping[str, float]


def edge_outcomes(shop: jobs.Workshop, out: Path, progress: EpochProgress) -> tuple[dict[str, Outcome], np.ndarray]:
    """Train every variant of `edge`'s head; outcomes by name, and the human scores float32 [photos]."""
    outcomes = {}
    for name, changes in EDGE.items():
        changed = replace(shop.config, edge=replace(shop.config.edge, **changes))
        trainer = jobs.edge_trainer(jobs.Workshop(changed), out / _slug(name))
        trainer.train(progress)
        trainer.load_best()
        scores = trainer.scores(trainer.data.photos, trainer.data.validation)
        outcomes[name] = Outcome(scores, max(trainer.run.rows, key=lambda row: row[GOAL]))
        human = trainer.data.mos[trainer.data.validation]
    return outcomes, human


def nano_outcomes(
    shop: jobs.Workshop, out: Path, taught: jobs.Taught, progress: EpochProgress
) -> tuple[dict[str, Outcome], np.ndarray]:
    """Train every variant of `nano`, taught by those scores; returns as :func:`edge_outcomes`."""
    outcomes = {}
    for name, changes in NANO.items():
        changed = replace(shop.config, nano=replace(shop.config.nano, **changes))
        teacher = taught if changed.nano.teacher_share else shop.silent
        trainer = nano_jobs.nano_trainer(jobs.Workshop(changed), out / _slug(name), teacher)
        trainer.train(progress)
        trainer.load_best()
        scores = trainer.said(trainer.data.photos, trainer.data.validation)[0]
        outcomes[name] = Outcome(scores, max(trainer.run.rows, key=lambda row: row[trainer.goal]))
        human = trainer.data.mos[trainer.data.validation]
    return outcomes, human


def report(model: str, outcomes: Mapping[str, Outcome], human: np.ndarray, fit: int, seed: int = 0) -> dict[str, Any]:
    """SRCC of each variant, and its difference to the complete model with a paired 95% bootstrap interval.

    Args:
        human: float32 [photos].
        fit: how many photos each variant was fitted on.
    """
    complete = outcomes[COMPLETE].scores
    draws = np.random.default_rng(seed).integers(0, len(human), (RESAMPLES, len(human)))
    rows = {}
    for name, outcome in outcomes.items():
        differences = [
            metrics.srcc(outcome.scores[draw], human[draw]) - metrics.srcc(complete[draw], human[draw])
            for draw in draws
        ]
        rows[name] = {
            "srcc": metrics.srcc(outcome.scores, human),
            "difference": metrics.srcc(outcome.scores, human) - metrics.srcc(complete, human),
            "interval": [float(edge) for edge in np.quantile(differences, (0.025, 0.975))],
            "order": outcome.figures.get("validation_order"),
            "depth_correlation": outcome.figures.get("validation_depth_correlation"),
        }
    return {"model": model, "fit_photos": fit, "validation_photos": len(human), "variants": rows}


def table(report: Mapping[str, Any]) -> str:
    """The report as a Markdown table."""
    lines = ["| | SRCC | difference [95% interval] | pairs in order |", "|---|---|---|---|"]
    for name, row in report["variants"].items():
        low, high = row["interval"]
        difference = "" if name == COMPLETE else f"{row['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
        order = "not measured" if row["order"] is None else f"{row['order']:.1%}"
        lines.append(f"| {name} | {row['srcc']:.3f} | {difference} | {order} |")
    return "\n".join(lines)


def _slug(name: str) -> str:
    return name.replace(" ", "-")
