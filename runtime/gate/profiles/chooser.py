"""Which profile of a camera is in force: by its picture, by the clock, or by what a message says.

A pure state machine: no clock, no input or output. Local time and messages are given to it; the vectors in
``tests/vectors/profiles`` pin it for implementations in other languages. One update, in this order:

1. Each property of the picture has a latch. Dark: ``luminance`` is below ``dark_below``, and from then on below
   ``light_above``. Grey (a camera that sees infra-red light shows no colours): ``chroma`` likewise, ``grey_below`` and
   ``colour_above``. A picture whose ``luminance`` is below ``BLACK`` or whose ``occlusion`` is above ``COVERED`` tells
   neither, it is a fault by day and by night: the latches stay, and it is judged without delay. The first picture that
   tells sets them; later ones once they have asked for it for ``hold_s`` without a break, so that neither dusk nor a
   passing headlamp makes them flap. A frame without cues breaks it.
2. The first profile whose rule applies is chosen, else the camera's own settings. The first choice is no switch.
3. Quiet: for ``settle_s`` after a switch, and while the pictures ask for another choice; yet at most ``LONGEST`` times
   ``settle_s`` and ``hold_s`` together in a row, so that a picture that never settles is judged after all. A frame
   without cues is never quiet.

A camera that turns infra-red while it sees nothing but fog or a bare wall keeps the profile that it had, or its own
settings, until it sees some texture; every published profile would call it covered until then, too. Where such a view
is healthy, the clock or a message must choose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..reading import Cues

BLACK = 16.0
# A cover with two lines of text burnt in has 0.90 to 0.93. Of 1,434 train photos three have more than 0.85, of 160 as a
# camera shows them at night one.
COVERED = 0.85
LONGEST = 3.0
DAY_S = 86400


@dataclass(frozen=True)
class PictureRule:
    """By the picture: ``dark`` or ``grey``."""

    shows: str


@dataclass(frozen=True)
class ClockRule:
    """From ``begins_s`` until before ``ends_s``, seconds since local midnight; over midnight where it ends earlier."""

    begins_s: int
    ends_s: int


@dataclass(frozen=True)
class MessageRule:
    """While the last payload on this topic is this one."""

    topic: str
    payload: str


Rule = PictureRule | ClockRule | MessageRule


@dataclass(frozen=True)
class SwitchPolicy:
    """When a picture is dark and when it is grey, and how a profile gives way to another one; see the module.

    Levels of grey; an infra-red picture's ``chroma`` is next to 0.
    """

    hold_s: float = 2.0
    settle_s: float = 3.0
    dark_below: float = 75.0
    light_above: float = 95.0
    grey_below: float = 2.0
    colour_above: float = 4.0


class Choice(NamedTuple):
    """``profile``: index of the one in force, None: the camera's own settings; ``quiet``: nothing is to be judged."""

    profile: int | None
    quiet: bool


class ProfileChooser:
    """For one camera.

    Args:
        rules: of its profiles, in their order.
    """

    def __init__(self, rules: Sequence[Rule], switch: SwitchPolicy) -> None:
        self._rules = tuple(rules)
        self._switch = switch
        self._shows: dict[str, bool] = {}  # the latches
        self._asked_since: dict[str, float] = {}
        self._messages: dict[str, str] = {}
        self._chosen: int | None = None
        self._started = False
        self._quiet_until = float("-inf")
        self._quiet_since: float | None = None

    def tell(self, topic: str, payload: str) -> None:
        """A message has come."""
        self._messages[topic] = payload

    def update(self, cues: Cues | None, local_s: float, t: float) -> Choice:
        """Take in one frame.

        Args:
            cues: None: it has none.
            local_s: seconds since local midnight.
            t: seconds that never decrease.
        """
        asked = self._look(cues, t)
        chosen = self._choice(self._shows, local_s)
        if chosen != self._chosen and self._started:
            self._quiet_until = t + self._switch.settle_s
        self._chosen, self._started = chosen, True
        if cues is None or (t >= self._quiet_until and self._choice(asked, local_s) == chosen):
            self._quiet_since = None
            return Choice(chosen, False)
        if self._quiet_since is None:
            self._quiet_since = t
        return Choice(chosen, t - self._quiet_since < LONGEST * (self._switch.settle_s + self._switch.hold_s))

    def _look(self, cues: Cues | None, t: float) -> Mapping[str, bool]:
        """Set the latches; what this picture asks them to be."""
        asked = dict(self._shows)
        if cues is None:
            self._asked_since.clear()
            return asked
        covered = cues.occlusion is not None and cues.occlusion > COVERED
        if cues.luminance is not None and cues.luminance >= BLACK and not covered:
            asked["dark"] = cues.luminance < self._bound("dark", self._switch.dark_below, self._switch.light_above)
            if cues.chroma is not None:
                asked["grey"] = cues.chroma < self._bound("grey", self._switch.grey_below, self._switch.colour_above)
        for name, wanted in asked.items():
            if wanted is self._shows.setdefault(name, wanted):
                self._asked_since.pop(name, None)
            elif t - self._asked_since.setdefault(name, t) >= self._switch.hold_s:
                self._shows[name] = wanted
                del self._asked_since[name]
        return asked

    def _bound(self, name: str, enter: float, leave: float) -> float:
        return leave if self._shows.get(name, False) else enter

    def _choice(self, shows: Mapping[str, bool], local_s: float) -> int | None:
        for index, rule in enumerate(self._rules):
            if isinstance(rule, PictureRule):
                applies = shows.get(rule.shows, False)
            elif isinstance(rule, ClockRule):
                inside = rule.begins_s <= local_s, local_s < rule.ends_s
                applies = all(inside) if rule.begins_s < rule.ends_s else any(inside)
            else:
                applies = self._messages.get(rule.topic) == rule.payload
            if applies:
                return index
        return None
