"""What the gate says about a frame. Data only: the gate decides it, sinks and the dashboard pass it on."""

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class State(str, Enum):
    """``unknown``: nobody can tell (no signal, too few frames yet); it is never treated as ``pass``."""

    PASS = "pass"
    REJECT = "reject"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RunnerUp:
    """The next most severe fault beside the verdict's own; fields as those of :class:`Verdict`."""

    reason: str
    cue: str
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Verdict:
    """One decision.

    Attributes:
        state: of the camera after this frame.
        reason: one of ``REASONS`` in ``vocabulary.py`` (``too dark``, ``blurred``, ``good`` ...).
        cue: which check decided (``score``, ``luminance``, ``sharpness`` ...), ``None`` where none did.
        value, threshold: of that cue, in its own unit; ``None`` where it has none.
        score: learned quality of this frame in [0, 1]; ``None`` where the frame was not scored.
        smoothed: the score after smoothing.
        changed: whether this frame changed the state.
        announced: whether people are to be told on this frame: state and reason have been the same for the policy's
            ``reason.settle_s`` and differ from what they were told last.
        overdue: rejecting for longer than the policy's watchdog allows.
        runner_up: what is wrong too; ``None`` where nothing else is.
        where: probability of the reason's fault in each cell of the picture, rows from the top; ``None`` where the
            bundle does not read it.
        profile: name of the profile in force; ``None`` for the camera's own settings.
    """

    state: State
    reason: str
    cue: str | None = None
    value: float | None = None
    threshold: float | None = None
    score: float | None = None
    smoothed: float | None = None
    changed: bool = False
    overdue: bool = False
    announced: bool = False
    runner_up: RunnerUp | None = None
    where: tuple[tuple[float, ...], ...] | None = None
    profile: str | None = None

    @property
    def good(self) -> bool:
        """Passing without any fault: such a picture may teach what is normal."""
        return self.state is State.PASS and self.reason == "good"

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON, by the names above."""
        return asdict(self) | {"state": self.state.value}
