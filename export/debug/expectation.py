"""How far a tensor may lie from FP32 where only its own precision tells them apart. One rule, as data.

All figures are shares of the tensor's own spread (its standard deviation), so that a tensor of thousands and one of
thousandths are judged alike. What is expected never comes from the scales that the candidate itself states: a scale
that is far too wide would excuse what it does.
"""

from dataclasses import dataclass

import numpy as np

ALLOWANCE = 16.0
"""Four bits: sound layers of the shipped networks stay below a tenth of it, a fault that matters is far above."""

# A sum in another order differs by several units in the last place; FP16 rounds what it is given, and the result.
_RELATIVE_STEP = {"fp32": 2.0**-18, "fp16": 2.0**-10}
_LEVELS = 127.0  # the coarsest grid that a backend asks for: symmetric, of the largest magnitude
_UNIFORM = 12.0**-0.5  # standard deviation of what is rounded away, in steps


@dataclass(frozen=True)
class Distance:
    """How far a candidate's tensor is from the reference's, and how far it may be, in spreads of the reference's.

    ``limit`` is the expectation times ``ALLOWANCE``; ``overflow`` says what left the number format, if anything did.
    """

    found: float
    limit: float
    overflow: str = ""

    @property
    def diverges(self) -> bool:
        """Whether it is further than it may be; NaN always is."""
        return not self.found <= self.limit

    @property
    def excess(self) -> float:
        """Found of allowed; infinite for what is not a number."""
        return self.found / self.limit if np.isfinite(self.found) else float("inf")


def distance(
    kind: str, reference: np.ndarray, found: np.ndarray, weight: np.ndarray | None = None, *, constant: bool = False
) -> Distance:
    """Compare one tensor.

    Args:
        kind: ``fp32``, ``fp16``, or ``int8``: a tensor that was rounded to an INT8 grid, or a product with ``weight``
            that was.
        reference, found: float, of one shape; where the reference is not finite itself, nothing is compared.
        constant: the largest distance counts, not its root mean square: no photo is the reason that a weight is off.
    """
    exact, other = (array.astype(np.float64, copy=False).reshape(-1) for array in (reference, found))
    if exact.size == other.size and not np.isfinite(exact).all():
        exact, other = exact[np.isfinite(exact)], other[np.isfinite(exact)]
    spread = _spread(exact)
    limit = ALLOWANCE * _expected(kind, exact, None if weight is None else weight.astype(np.float64).reshape(-1))
    if exact.size != other.size:
        return Distance(float("inf"), limit / spread, f"its shape is {list(found.shape)}, not {list(reference.shape)}")
    if not np.isfinite(other).all():
        largest, count = float(np.abs(exact).max()), int(np.count_nonzero(~np.isfinite(other)))
        overflow = f"{count} of {other.size} not finite; FP32 reaches {largest:.3g}"
        return Distance(float("nan"), limit / spread, overflow + ", FP16 ends at 65504" * (kind == "fp16"))
    error = np.abs(exact - other)
    size = float(error.max(initial=0.0)) if constant else _rms(error)
    return Distance(size / spread, limit / spread)


def _expected(kind: str, exact: np.ndarray, weight: np.ndarray | None) -> float:
    """Root mean square of a sound error, in the tensor's own unit."""
    if kind == "int8" and weight is not None:
        return _rms(exact) * max(_step(weight) * _UNIFORM / max(_rms(weight), 1e-30), _RELATIVE_STEP["fp16"])
    if kind == "int8":
        return _step(exact) * _UNIFORM
    return _rms(exact) * _RELATIVE_STEP[kind] + 1e-12


def _step(exact: np.ndarray) -> float:
    return max(float(np.abs(exact).max(initial=0.0)) / _LEVELS, 1e-12)


def _spread(exact: np.ndarray) -> float:
    """Standard deviation; of a tensor that hardly varies, its magnitude."""
    size = _rms(exact)
    return max(float(exact.std()) if exact.size else 0.0, 1e-3 * size, 1e-12)


def _rms(exact: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(exact)))) if exact.size else 0.0
