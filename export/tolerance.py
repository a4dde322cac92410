"""How far an engine may be from FP32: twice a sound one's distance, never less than other kernels may change."""

SCORE_FLOOR = {"fp32": 5e-4, "fp16": 5e-3, "int8": 1e-2}
DEPTH_FLOOR_LEVELS = {"fp32": 0.5, "fp16": 1.0, "int8": 2.0}
ALLOWANCE = 2.0


def score_bound(seen: float, precision: str) -> float:
    """Largest accepted score distance (scores lie in 0..1) where a sound engine's was ``seen``."""
    return max(SCORE_FLOOR[precision], ALLOWANCE * seen)


def depth_bound(seen_levels: float, precision: str) -> float:
    """Largest accepted mean depth distance, grey levels, where a sound engine's was ``seen_levels``."""
    return max(DEPTH_FLOOR_LEVELS[precision], ALLOWANCE * seen_levels)
