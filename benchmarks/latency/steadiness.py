"""Whether a latency can be trusted: what a measurement should be warned about, decided from its numbers alone.

The limits are trtexec's where it has one: the enqueue takes over 0.8 of the compute time, a transfer takes at least the
compute time, the coefficient of variation is above 2.5 %. Pure functions; nothing is measured here.
"""

from dataclasses import dataclass

import numpy as np

ENQUEUE_SHARE = 0.8
VARIATION_PERCENT = 2.5
OTHERS_PERCENT = 10.0
DRIFT_PERCENT = 5.0


@dataclass(frozen=True)
class Warned:
    """A reason to distrust a figure: ``value`` is what was found, ``limit`` from where on it is said."""

    code: str
    message: str
    value: float
    limit: float


def variation_percent(latencies_ms: np.ndarray) -> float:
    """Coefficient of variation, percent of the mean; 0 for fewer than two values."""
    if len(latencies_ms) < 2:
        return 0.0
    return float(np.std(latencies_ms, ddof=1) / np.mean(latencies_ms) * 100.0)


def variation_warning(latencies_ms: np.ndarray) -> Warned | None:
    """Latencies that scatter: the mean says little, and small differences cannot be seen."""
    found = variation_percent(latencies_ms)
    if found <= VARIATION_PERCENT:
        return None
    return Warned(
        "variation",
        f"latency varies by {found:.1f} % (coefficient of variation): lock the clocks, stop other work, or run longer",
        found,
        VARIATION_PERCENT,
    )


def enqueue_warning(enqueue_ms: np.ndarray, compute_ms: np.ndarray) -> Warned | None:
    """A GPU that waits for the CPU to launch its kernels."""
    share = float(np.median(enqueue_ms) / np.median(compute_ms))
    if share <= ENQUEUE_SHARE:
        return None
    return Warned(
        "enqueue-bound",
        f"launching the kernels takes {share:.2f} of their compute time: the CPU limits the GPU; use a CUDA graph",
        share,
        ENQUEUE_SHARE,
    )


def transfer_warning(copy_in_ms: np.ndarray, copy_out_ms: np.ndarray, compute_ms: np.ndarray) -> Warned | None:
    """A GPU that waits for its data; the longer of the two directions counts."""
    name, longest = max(
        (("copy in", float(np.median(copy_in_ms))), ("copy out", float(np.median(copy_out_ms)))), key=lambda it: it[1]
    )
    share = longest / float(np.median(compute_ms))
    if share < 1.0:
        return None
    return Warned(
        "transfer-bound",
        f"{name} takes {share:.2f} times the compute time: the bus limits the GPU; use pinned or zero-copy buffers",
        share,
        1.0,
    )


def busy_warning(others_percent: float | None) -> Warned | None:
    """Other processes that took processor time during the measurement."""
    if others_percent is None or others_percent <= OTHERS_PERCENT:
        return None
    return Warned(
        "machine-busy",
        f"other processes used {others_percent:.0f} % of all processor time during the measurement: "
        "these latencies are not the bundle's own; measure on a quiet machine",
        others_percent,
        OTHERS_PERCENT,
    )


def yardstick_warning(yardstick_ms: np.ndarray) -> Warned | None:
    """A fixed piece of work that took longer in some blocks than in others: the machine changed its speed."""
    if len(yardstick_ms) < 4:
        return None
    low, middle, high = np.percentile(yardstick_ms, (10, 50, 90))
    spread = float((high - low) / middle * 100.0)
    if spread <= DRIFT_PERCENT:
        return None
    return Warned(
        "machine-unsteady",
        f"a fixed piece of work took between {low:.2f} and {high:.2f} ms (10th to 90th percentile of the blocks): "
        "the machine's own speed changed during the measurement",
        spread,
        DRIFT_PERCENT,
    )
