"""When a server that fails may be asked again: a circuit breaker whose pauses are those of a back-off."""

import random

from ...backoff import Backoff, BackoffPolicy

POLICY = BackoffPolicy(first_s=0.1, longest_s=5.0)


class CircuitBreaker:
    """Pure but for the random numbers of its back-off; times are the caller's, in seconds.

    After a failure the server is left alone for a pause, after each further one in a row for a longer one. One success
    ends that. Whoever cannot wait for the pause fails at once, without asking.
    """

    def __init__(self, policy: BackoffPolicy = POLICY, rng: random.Random | None = None) -> None:
        self._backoff = Backoff(policy, rng or random.Random())
        self._until: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the last that was heard of the server is a failure."""
        return self._until is not None

    def wait_s(self, now: float) -> float:
        """Seconds until the server may be asked; 0 where that is now."""
        return 0.0 if self._until is None else max(0.0, self._until - now)

    def failed(self, now: float) -> None:
        """It did not answer, or failed."""
        self._until = now + self._backoff.next_s()

    def succeeded(self) -> None:
        """It answered."""
        self._until = None
        self._backoff.reset()
