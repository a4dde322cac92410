"""Home Assistant's MQTT discovery: one message per camera that makes it a device with its entities.

``PREFIX/device/NODE/OBJECT/config`` (a device's discovery, Home Assistant 2024.12 and later), where ``NODE`` is the
sink's topic and ``OBJECT`` the camera, written so that no two meet. What the entities read is in ``topics.py``.
"""

import re
from typing import Any

from ....gate.vocabulary import FAULTS
from ....ground.names import json_text
from ....version import VERSION
from ...status import WatchStatus
from .topics import Message, camera_topic, fault_topic, status_topic

BIRTH_TOPIC = "homeassistant/status"  # whatever the discovery's prefix is, unless its owner changed it
BIRTH = b"online"
ORIGIN = "dgiqa-edge"

_KNOWN = "{{ none if value == 'unknown' else value }}"
_PICTURE = "{{ {'pass': 'OFF', 'reject': 'ON'}.get(value_json.verdict.state) }}"
_SCORE = "{{ value_json.verdict.score | round(2, default=none) }}"
_REASON = "{{ value_json.verdict.reason }}"
_SHOWN = ("cue", "value", "threshold", "runner_up", "profile")  # not where: a grid of numbers
_ATTRIBUTES = "{{ {" + ", ".join(f"'{name}': value_json.verdict.{name}" for name in _SHOWN) + "} | tojson }}"


def discovery_filter(prefix: str, topic: str) -> str:
    """What to subscribe to for the discovery messages that this topic's sinks ever left."""
    return f"{prefix}/device/{_word(topic)}/+/config"


def discovery_topic(prefix: str, topic: str, camera: str) -> str:
    """Where one camera's discovery message is."""
    return f"{prefix}/device/{_word(topic)}/{_word(camera)}/config"


def discovered_camera(discovery: str) -> str:
    """The camera's name in a topic of :func:`discovery_topic`."""
    return _name(discovery.split("/")[-2])


def discovery_message(prefix: str, topic: str, camera: str, status: WatchStatus, frames: bool) -> Message:
    """What makes a camera a device.

    Args:
        topic: the sink's.
        status: whose bundle the device shows as its model.
        frames: whether ``frame`` is published; else the score is that of the last change of state.
    """
    base = camera_topic(topic, camera)
    running = {"topic": status_topic(topic)}
    identifier = f"{ORIGIN}/{_word(topic)}/{_word(camera)}"
    while_it_runs = {"availability": [running], "availability_mode": "all"}
    components: dict[str, dict[str, Any]] = {
        "picture": {
            "platform": "binary_sensor",
            "name": "Picture",
            "device_class": "problem",
            "state_topic": f"{base}/state",
            "value_template": _PICTURE,
        },
        "reason": {
            "platform": "sensor",
            "name": "Reason",
            "state_topic": f"{base}/state",
            "value_template": _REASON,
            "json_attributes_topic": f"{base}/state",
            "json_attributes_template": _ATTRIBUTES,
            **while_it_runs,
        },
        "score": {
            "platform": "sensor",
            "name": "Score",
            "state_class": "measurement",
            "state_topic": f"{base}/{'frame' if frames else 'state'}",
            "value_template": _SCORE,
        },
    }
    for fault in FAULTS.values():
        components[f"fault_{fault.slug}"] = {
            "platform": "binary_sensor",
            "name": fault.name.capitalize(),
            "device_class": fault.home_assistant,
            "state_topic": fault_topic(base, fault.slug),
            "value_template": _KNOWN,
            **(while_it_runs if fault.slug == "no_signal" else {}),  # true while the camera is away
        }
    for name, component in components.items():
        component["unique_id"] = f"{identifier}/{name}"
    payload = {
        "device": {
            "identifiers": [identifier],
            "name": camera,
            "manufacturer": ORIGIN,
            "model": f"{status.preset} {status.precision}",
            "model_id": status.running.sha256[:12],
            "sw_version": VERSION,
        },
        "origin": {"name": ORIGIN, "sw_version": VERSION},
        "availability": [running, {"topic": f"{base}/availability"}],
        "availability_mode": "all",
        "components": components,
    }
    return Message(discovery_topic(prefix, topic, camera), json_text(payload))


def _word(text: str) -> str:
    """A name in the letters that Home Assistant takes; ``_`` before the two digits of any other byte."""
    return re.sub(rb"[^A-Za-z0-9-]", lambda match: b"_%02X" % match[0][0], text.encode()).decode("ascii")


def _name(word: str) -> str:
    return re.sub(rb"_([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), word.encode()).decode(errors="replace")
