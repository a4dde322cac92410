"""How long to wait before the next attempt: longer after each failure, and not the same for all who wait."""

import random
from dataclasses import dataclass

_ENOUGH_DOUBLINGS = 64


@dataclass(frozen=True)
class BackoffPolicy:
    """``first_s * factor ** failures`` up to ``longest_s``, each varied by up to ``jitter`` of itself either way."""

    first_s: float = 0.5
    factor: float = 2.0
    longest_s: float = 5.0  # a camera that is back is seen again soon, whatever its absence
    jitter: float = 0.2


class Backoff:
    """Counts failures in a row; pure but for the random numbers it is given."""

    def __init__(self, policy: BackoffPolicy, rng: random.Random) -> None:
        self._policy = policy
        self._rng = rng
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait after one more failure."""
        policy = self._policy
        grown = policy.first_s * policy.factor ** min(self._failures, _ENOUGH_DOUBLINGS)
        self._failures += 1
        return min(grown, policy.longest_s) * (1.0 + policy.jitter * self._rng.uniform(-1.0, 1.0))

    def reset(self) -> None:
        """A connection has held."""
        self._failures = 0
