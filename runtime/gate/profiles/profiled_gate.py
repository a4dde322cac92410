"""A gate whose policy and normal are those of the profile in force, and which judges nothing while one gives way to
another: the state is held, and a camera that was rejected stays so. One that is frozen is so in every profile.

A pure state machine, as its two parts are; the vectors in ``tests/vectors/profiles`` pin it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..baseline import Baseline
from ..checks import Thresholds
from ..gate import Gate
from ..policy import GatePolicy
from ..reading import Reading
from ..verdict import Verdict
from .chooser import ProfileChooser, Rule, SwitchPolicy

OWN = "day"
"""What the camera's own settings are called where it has profiles."""


@dataclass(frozen=True)
class Profile:
    """``policy`` is whole: what the profile says, laid over the camera's own."""

    name: str
    rule: Rule
    policy: GatePolicy


@dataclass(frozen=True)
class Profiles:
    """Of one camera; none: the camera's own settings always hold."""

    each: tuple[Profile, ...] = ()
    switch: SwitchPolicy = field(default_factory=SwitchPolicy)

    @property
    def topics(self) -> frozenset[str]:
        """Those whose messages choose among them."""
        return frozenset(topic for it in self.each if (topic := getattr(it.rule, "topic", None)) is not None)


class ProfiledGate:
    """One camera's; for one thread at a time.

    Args:
        policy: the camera's own.
        profiles: what takes its place, and when.
        baselines: learned before, by the profile's name, the camera's own under None.
    """

    def __init__(
        self,
        policy: GatePolicy,
        profiles: Profiles | None = None,
        baselines: Mapping[str | None, Baseline | None] | None = None,
    ) -> None:
        self._own = policy
        self._profiles = profiles or Profiles()
        self._baselines = dict(baselines or {})
        self._chooser = ProfileChooser([it.rule for it in self._profiles.each], self._profiles.switch)
        self._gate = Gate(policy, self._baselines.get(None))
        self._chosen: Profile | None = None

    @property
    def profile(self) -> str | None:
        """Name of the one in force, ``OWN`` for the camera's own settings; None where there are no profiles."""
        if not self._profiles.each:
            return None
        return OWN if self._chosen is None else self._chosen.name

    @property
    def chosen(self) -> str | None:
        """Name of the profile in force; None for the camera's own settings, with or without profiles."""
        return None if self._chosen is None else self._chosen.name

    @property
    def policy(self) -> GatePolicy:
        """In force now."""
        return self._own if self._chosen is None else self._chosen.policy

    @property
    def names(self) -> tuple[str, ...]:
        """All that ``profile`` may be; none where there are no profiles."""
        return (OWN, *(it.name for it in self._profiles.each)) if self._profiles.each else ()

    def tell(self, topic: str, payload: str) -> None:
        """A message has come that may choose a profile."""
        self._chooser.tell(topic, payload)

    def update(self, reading: Reading, t: float, local_s: float = 0.0) -> Verdict:
        """Take in one frame.

        Args:
            reading, t: as ``Gate.update`` takes them.
            local_s: seconds since local midnight.

        Raises:
            ConfigurationError, GateError: as ``Gate.update``.
        """
        self._gate.check(t)  # before the chooser remembers it
        index, quiet = self._chooser.update(reading.cues, local_s, t)
        chosen = None if index is None else self._profiles.each[index]
        if chosen is not self._chosen:
            self._baselines[self.chosen] = self._gate.baseline
            self._chosen = chosen
            self._gate.change_to(self.policy, self._baselines.get(self.chosen))
        verdict = self._gate.hold(reading, t) if quiet else self._gate.update(reading, t)
        return replace(verdict, profile=self.profile)

    def learned(self) -> tuple[str | None, Baseline] | None:
        """The baseline that the last frame completed, with its profile's name (None: the camera's own); given once."""
        baseline = self._gate.baseline
        if baseline is None or baseline is self._baselines.get(self.chosen):
            return None
        self._baselines[self.chosen] = baseline
        return self.chosen, baseline

    def thresholds(self, check: str = "score") -> Thresholds:
        """As ``Gate.thresholds``."""
        return self._gate.thresholds(check)

    def go_on_from(self, former: "ProfiledGate") -> None:
        """As ``Gate.go_on_from``."""
        self._gate.go_on_from(former._gate)

    def told_of_loss(self) -> None:
        """As ``Gate.told_of_loss``."""
        self._gate.told_of_loss()
