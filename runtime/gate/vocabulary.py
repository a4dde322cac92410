"""What can be wrong with a camera, in the words of every part: ``vocabulary.json``, which the native runtime reads too.

A verdict's reason is the name of a fault, or of a condition, which is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..ground.strict_text import parse_json

_DOCUMENT = parse_json((Path(__file__).parent / "vocabulary.json").read_text(encoding="utf-8"))
CONDITIONS: Mapping[str, str] = _DOCUMENT["conditions"]
"""The reasons that are no faults, each with its sentence."""


@dataclass(frozen=True)
class Fault:
    """One thing that can be wrong.

    Attributes:
        name: the reason of a verdict.
        says: one sentence for people.
        measured_by: of ``faults`` (the bundle's fault head), ``cue``, ``reference`` (a cue that needs a reference
            view), ``clock``, ``score``.
        head: what bundles call it that read it; ``None`` where none does.
        lasting: whether it waits for a person; else it may pass by itself.
        onvif: topic of the event; ``tnsdgiqa`` where ONVIF has none.
        home_assistant: device class of its binary sensor.
    """

    name: str
    says: str
    measured_by: tuple[str, ...]
    head: str | None
    lasting: bool
    onvif: str
    home_assistant: str

    @property
    def slug(self) -> str:
        """The name for labels, topics and paths: ``too_dark``."""
        return slug(self.name)


def head_of(reason: str) -> str | None:
    """What bundles call the fault of this name; ``None`` for what they do not read, and for conditions."""
    return FAULTS[reason].head if reason in FAULTS else None


def slug(reason: str) -> str:
    """A reason, fault or condition, as one word of a-z and underscores."""
    return reason.replace(" ", "_").replace("-", "_")


FAULTS: Mapping[str, Fault] = {
    facts["name"]: Fault(**{**facts, "measured_by": tuple(facts["measured_by"])}) for facts in _DOCUMENT["faults"]
}
REASONS = (*FAULTS, *CONDITIONS)
