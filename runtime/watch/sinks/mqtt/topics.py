"""The topics of a broker and what each holds, from an event alone; sending is ``broker.py``'s work.

========================= ======== =======================================================================
topic                     retained payload
========================= ======== =======================================================================
TOPIC/CAMERA/frame        no       the record of each scored frame, and of each change of presence
TOPIC/CAMERA/state        yes      the record on which state or reason changed last; ``unknown`` while lost
TOPIC/CAMERA/fault/SLUG   yes      ``ON``, ``OFF``, or ``unknown``: one topic per fault of the vocabulary
TOPIC/CAMERA/availability yes      ``online`` while frames of the camera are scored, else ``offline``
TOPIC/status              yes      ``online`` while the program runs, else ``offline``, also when killed
TOPIC/bundle              yes      which bundle scores, or scored last: ``RunningBundle`` of ``status.py`` as JSON
========================= ======== =======================================================================

A connection has one last will, and that is ``TOPIC/status``: ``state`` and ``fault/no_signal`` hold while it is
``online``, the other faults only while ``TOPIC/CAMERA/availability`` is so too. Faults change with ``state`` and say
the same: ``watch/fault_states.py`` tells which are ``ON``, and when they are ``unknown``.

A retained message goes out where it says something new, and all of them with each new connection.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from ....gate.verdict import State
from ....gate.vocabulary import FAULTS
from ...event import FrameEvent, Outcome, Presence

ONLINE, OFFLINE = "online", "offline"
_FAULT = {True: "ON", False: "OFF", None: State.UNKNOWN.value}


class Message(NamedTuple):
    """One message; an empty payload that is retained removes what a broker keeps of the topic. ``says``: what of the
    payload makes it another message than the last one; ``None``: all of it.
    """

    topic: str
    payload: str
    retain: bool = True
    says: str | None = None

    def repeats(self, last: "Message | None") -> bool:
        """Whether the topic holds already what this says."""
        return self.retain and last is not None and (self.says or self.payload) == (last.says or last.payload)


def status_topic(topic: str) -> str:
    """Whether the program runs."""
    return f"{topic}/status"


def bundle_topic(topic: str) -> str:
    """Which bundle scores."""
    return f"{topic}/bundle"


def camera_topic(topic: str, camera: str) -> str:
    """Above all of a camera's; its name is one level."""
    return f"{topic}/{quote(camera, safe=' ')}"


def fault_topic(base: str, slug: str) -> str:
    """Of one fault, below ``camera_topic``."""
    return f"{base}/fault/{slug}"


def scores(event: FrameEvent) -> bool:
    """Whether frames of the camera are scored, as this event tells."""
    return event.outcome in (Outcome.SCORED, Presence.RETURNED)


def camera_messages(base: str, event: FrameEvent, record: str, faults: Mapping[str, bool | None]) -> list[Message]:
    """All that is retained of a camera; ``faults`` as ``watch/fault_states.py`` gives them."""
    return [
        Message(f"{base}/availability", ONLINE if scores(event) else OFFLINE),
        Message(f"{base}/state", record),
        *(Message(fault_topic(base, FAULTS[name].slug), _FAULT[state]) for name, state in faults.items()),
    ]


def frame_message(base: str, record: str) -> Message:
    """The record of one event."""
    return Message(f"{base}/frame", record, retain=False)


def retained_topics(base: str) -> list[str]:
    """All that :func:`camera_messages` fills."""
    faults = [fault_topic(base, fault.slug) for fault in FAULTS.values()]
    return [f"{base}/availability", f"{base}/state", *faults]
