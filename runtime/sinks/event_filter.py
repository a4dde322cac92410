"""Which events a sink takes: by camera, by outcome, by the gate's state, or only changes of state."""

from dataclasses import dataclass

from ..frame_event import FrameEvent, Outcome
from ..settings_section import Section
from ..verdict import State

ALL_OUTCOMES = tuple(outcome.value for outcome in Outcome)
ALL_STATES = tuple(state.value for state in State)


@dataclass(frozen=True)
class EventFilter:
    """An event is taken if every part agrees.

    Attributes:
        cameras: their names; ``None`` for all.
        outcomes: what became of the frame.
        states: of the camera after a scored frame; other outcomes have none and are not asked.
        changes_only: of the scored frames only those that changed the state.
    """

    cameras: frozenset[str] | None = None
    outcomes: frozenset[Outcome] = frozenset(Outcome)
    states: frozenset[State] = frozenset(State)
    changes_only: bool = False

    def takes(self, event: FrameEvent) -> bool:
        if self.cameras is not None and event.camera not in self.cameras:
            return False
        if event.outcome not in self.outcomes:
            return False
        if event.verdict is None:
            return True
        return event.verdict.state in self.states and (event.verdict.changed or not self.changes_only)


def filter_options(
    options: Section,
    outcomes: tuple[str, ...] = ALL_OUTCOMES,
    states: tuple[str, ...] = ALL_STATES,
    changes_only: bool = False,
) -> EventFilter:
    """The options ``cameras``, ``outcomes``, ``states`` and ``changes_only``; the arguments are their defaults."""
    cameras = options.texts("cameras", ())
    return EventFilter(
        cameras=frozenset(cameras) or None,
        outcomes=frozenset(map(Outcome, options.texts("outcomes", outcomes, ALL_OUTCOMES))),
        states=frozenset(map(State, options.texts("states", states, ALL_STATES))),
        changes_only=options.flag("changes_only", changes_only),
    )


def accepted_of(camera: str) -> EventFilter:
    """The passing frames of one camera, for destinations that carry one picture stream."""
    return EventFilter(frozenset([camera]), frozenset([Outcome.SCORED]), frozenset([State.PASS]))
