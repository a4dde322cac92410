"""Which events a sink takes: by camera, by outcome, by the gate's state, or only changes of state."""

from dataclasses import dataclass

from ...gate.verdict import State
from ...settings.section import Section
from ..event import FrameEvent, Outcome, Presence

PRESENCES = tuple(presence.value for presence in Presence)
ALL_OUTCOMES = (*(outcome.value for outcome in Outcome), *PRESENCES)
ALL_STATES = tuple(state.value for state in State)


@dataclass(frozen=True)
class EventFilter:
    """An event is taken if every part agrees.

    A camera's presence is asked for by ``cameras`` and ``outcomes`` only: whoever takes passing frames alone must hear
    as well that none come any more.

    Attributes:
        cameras: their names; ``None`` for all.
        outcomes: what became of the frame, or of the camera.
        states: of the camera after a scored frame; other outcomes have none and are not asked.
        changes_only: of the scored frames only those that changed the state, or on which people are told.
        announced_only: of the scored frames only those on which people are told: state and reason have settled.
    """

    cameras: frozenset[str] | None = None
    outcomes: frozenset[Outcome | Presence] = frozenset([*Outcome, *Presence])
    states: frozenset[State] = frozenset(State)
    changes_only: bool = False
    announced_only: bool = False

    def takes(self, event: FrameEvent) -> bool:
        if not self.wants(event.camera) or event.outcome not in self.outcomes:
            return False
        if event.verdict is None or isinstance(event.outcome, Presence):
            return True
        if event.verdict.state not in self.states:
            return False
        if self.announced_only:
            return event.announced
        return event.tells_state or not self.changes_only

    def wants(self, camera: str) -> bool:
        """Whether it takes anything of this camera."""
        return self.cameras is None or camera in self.cameras


def filter_options(
    options: Section,
    outcomes: tuple[str, ...] = ALL_OUTCOMES,
    states: tuple[str, ...] = ALL_STATES,
    announced_only: bool = False,
) -> EventFilter:
    """The options ``cameras``, ``outcomes``, ``states``, ``changes_only`` (false) and ``announced_only``; the arguments
    are their defaults. Where ``changes_only`` is given, ``announced_only`` is false unless it is given too.
    """
    cameras = options.texts("cameras", ())
    announced_only = announced_only and "changes_only" not in options
    return EventFilter(
        cameras=frozenset(cameras) or None,
        outcomes=frozenset(
            Presence(text) if text in PRESENCES else Outcome(text)
            for text in options.texts("outcomes", outcomes, ALL_OUTCOMES)
        ),
        states=frozenset(map(State, options.texts("states", states, ALL_STATES))),
        changes_only=options.flag("changes_only", False),
        announced_only=options.flag("announced_only", announced_only),
    )


def accepted_of(camera: str) -> EventFilter:
    """The passing frames of one camera, for destinations that carry one picture stream."""
    return EventFilter(frozenset([camera]), frozenset([Outcome.SCORED]), frozenset([State.PASS]))
