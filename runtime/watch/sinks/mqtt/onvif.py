"""A camera's faults as ONVIF events on MQTT: topics and JSON of the ONVIF Core Specification's event broker (26.06).

Topics are ``TOPIC/CAMERA/onvif-ej/LOCAL/&CAMERA``: ``TOPIC/CAMERA`` is the broker's ``TopicPrefix``, so each camera is
a device of its own, ``LOCAL`` the ONVIF topic without its ``tns1:``, the level behind ``&`` the event's source. That
format has no ``PropertyOperation``: the retained message is the property's value, each further one a change. Of a
fault of which nothing is known there is no event.
"""

from collections.abc import Mapping

from ....gate.vocabulary import FAULTS, Fault
from ....ground.names import json_text
from ...event import utc_text
from .topics import Message

_STANDARD = "tns1:"


def onvif_topic(base: str, fault: Fault) -> str:
    """Where a fault's event is, below ``base``, the camera's topic; two faults may share one."""
    return f"{base}/onvif-ej/{fault.onvif.removeprefix(_STANDARD)}/&{base.rpartition('/')[2]}"


def onvif_topics(base: str) -> list[str]:
    """All that :func:`onvif_messages` may fill."""
    return sorted({onvif_topic(base, fault) for fault in FAULTS.values()})


def onvif_messages(base: str, camera: str, faults: Mapping[str, bool | None], at: float) -> list[Message]:
    """One event for each topic of which something is known; one that two faults share is true for either.

    Args:
        base: the camera's topic.
        faults: as ``watch/fault_states.py`` gives them.
        at: seconds since the epoch.
    """
    states: dict[str, set[bool | None]] = {}
    for name, state in faults.items():
        states.setdefault(onvif_topic(base, FAULTS[name]), set()).add(state)
    return [
        _event(topic, camera, True in found, at)
        for topic, found in states.items()
        if True in found or None not in found
    ]


def _event(topic: str, camera: str, state: bool, at: float) -> Message:
    payload = {"UtcTime": utc_text(at), "Source": {"Source": camera}, "Data": {"State": state}}
    return Message(topic, json_text(payload), says=str(state))
