"""The check on the device: an engine that was built is accepted only by its outputs, never because it ran.

Each engine answers the photos of the fidelity check as the runtime will run it, and is compared with the FP32 graph.
It may be as far from FP32 as twice the portable graph of the same precision is, whose fidelity was measured on the
CPU, and never less than what another device's kernels may change.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dgiqa_edge.calibration.fidelity import Fidelity, Outputs, Progress, Run, compare_engines
from dgiqa_edge.runtime.bundle.bundle import layer_hint
from dgiqa_edge.runtime.bundle.manifest import FidelityFigures
from dgiqa_edge.runtime.errors import FidelityError
from dgiqa_edge.runtime.scoring.scorer import Scorer

SCORE_FLOOR = {"fp32": 5e-4, "fp16": 5e-3, "int8": 1e-2}
FAULTS_FLOOR = SCORE_FLOOR  # both are sigmoids of logits
DEPTH_FLOOR_LEVELS = {"fp32": 0.5, "fp16": 1.0, "int8": 2.0}
ALLOWANCE = 2.0


def score_bound(seen: float, precision: str) -> float:
    """Largest accepted score distance (scores lie in 0..1) where a sound engine's was ``seen``."""
    return max(SCORE_FLOOR[precision], ALLOWANCE * seen)


def depth_bound(seen_levels: float, precision: str) -> float:
    """Largest accepted mean depth distance, grey levels, where a sound engine's was ``seen_levels``."""
    return max(DEPTH_FLOOR_LEVELS[precision], ALLOWANCE * seen_levels)


def faults_bound(seen: float, precision: str) -> float:
    """Largest accepted distance of probabilities of faults where a sound engine's was ``seen``."""
    return max(FAULTS_FLOOR[precision], ALLOWANCE * seen)


def tolerance(seen: Iterable[Fidelity], precision: str) -> dict[str, float]:
    """What a replay of the first frame may deviate: twice what any engine's did, never less than the floor.

    Returns:
        what the manifest says of the golden frame.
    """
    first = [fidelity.per_image[0] for fidelity in seen]
    score = max(abs(one.reference_score - one.candidate_score) for one in first)
    depth = max(one.depth_mae_levels for one in first)
    faults = [value for one in first for value in (one.faults_max, one.coverage_mean) if value is not None]
    return {
        "score": round(score_bound(score, precision), 6),
        "depth_levels": round(depth_bound(depth, precision), 4),
        **({"faults": round(faults_bound(max(faults), precision), 6)} if faults else {}),
    }


class BundleEngines:
    """The engines of a bundle, run as the runtime runs them; a context manager that frees them."""

    def __init__(self, bundle: Path, backend: str) -> None:
        """Load them.

        Raises:
            BundleError, EngineCompatibilityError, MachineError: see ``Scorer``.
        """
        self._scorer = Scorer(bundle, backend=backend, verify=False)

    def __call__(self, frame: np.ndarray) -> Outputs:
        """All outputs for one frame, uint8 [1, H, W, 3]."""
        return self._scorer.run(frame)

    def close(self) -> None:
        self._scorer.close()

    def __enter__(self) -> "BundleEngines":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def check_engine(
    fp32: Run,
    engine: Run,
    frames: Iterable[np.ndarray],
    *,
    portable: FidelityFigures,
    precision: str,
    what: str,
    remarks: Iterable[str] = (),
    hint: str = "",
    progress: Progress | None = None,
) -> Fidelity:
    """Compare an engine with FP32 on every frame and refuse a wrong one.

    Args:
        portable: fidelity of the portable graph of the same precision, on the same frames.
        what: the engine, for the message.
        remarks: public reports that fit this build; the message names them.
        hint: ``layer_hint`` of the bundle that the engine was built from; "": there is none yet.

    Raises:
        FidelityError: the engine is further from FP32 than it may be, or a score is not finite.
    """
    remedy = "build another precision (--fp16, --fp32) or another --opt-level"
    known = "".join(f"; {remark}" for remark in remarks)
    known += hint or f"; or build for another --backend, or write a bundle with --no-engine{layer_hint()}"
    try:
        fidelity = compare_engines(fp32, engine, frames, progress=progress)
    except FidelityError as error:
        raise FidelityError(f"{what} is wrong: {error}: {remedy}{known}") from error
    for name, found, allowed in _bounds(fidelity, portable, precision):
        if not found <= allowed:
            raise FidelityError(
                f"{what} is wrong: its {name} from FP32 is {found:.4g} over {fidelity.images} photos, at most "
                f"{allowed:.4g} is accepted (the portable graph's, doubled): {remedy}{known}"
            )
    return fidelity


def _bounds(found: Fidelity, portable: FidelityFigures, precision: str) -> list[tuple[str, float, float]]:
    faults = []
    if found.faults_mae is not None and portable.faults_mae is not None:
        faults = [("mean fault distance", found.faults_mae, faults_bound(portable.faults_mae, precision))]
    return [
        *faults,
        ("mean score distance", found.score_mae, score_bound(portable.score_mae, precision)),
        ("largest score distance", found.score_max, score_bound(portable.score_max, precision)),
        (
            "mean depth distance (grey levels)",
            found.depth_mae_levels,
            depth_bound(portable.depth_mae_levels, precision),
        ),
    ]
