"""When people are told of a verdict: once its reason has settled, and again when another one has.

The first reason of a change is often that of the way there: a picture that goes dark loses contrast before it is dark.
A pure state machine, as the gate is; the vectors in ``tests/vectors/gate`` pin it.
"""

from .verdict import State

LATEST = 3.0


class Announcer:
    """Follows one camera's verdicts.

    Args:
        settle_s: how long state and reason must have been the same. A new state whose reasons never settle is told
            with the reason at hand after ``LATEST`` times as long: an alarm may be late, never missing.
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._told: tuple[State, str] | None = None
        self._shown: tuple[State, str] | None = None
        self._shown_since = 0.0
        self._state_since = 0.0

    def forget(self) -> None:
        """People were told of something else, a loss: whatever settles next is news to them."""
        self._told = self._shown = None

    def update(self, state: State, reason: str, t: float) -> bool:
        """Whether people are to be told of this verdict at time ``t``, seconds that never decrease."""
        if self._shown is None or self._shown[0] is not state:
            self._state_since = t
        if self._shown != (state, reason):
            self._shown = (state, reason)
            self._shown_since = t
        if self._shown == self._told:
            return False
        settled = t - self._shown_since >= self._settle_s
        state_told = self._told is not None and self._told[0] is state
        late = not state_told and t - self._state_since >= LATEST * self._settle_s
        if settled or late:
            self._told = self._shown
        return settled or late
