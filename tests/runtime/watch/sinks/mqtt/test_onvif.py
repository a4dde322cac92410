"""ONVIF's events over a real broker: topics and payloads as its Core Specification writes them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from stand_ins.mqtt_broker import Broker, Listener, needs_broker, section

from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.gate.vocabulary import FAULTS
from dgiqa_edge.runtime.watch.event import FrameEvent, Presence
from dgiqa_edge.runtime.watch.sinks import create
from dgiqa_edge.runtime.watch.sinks.mqtt.onvif import onvif_messages, onvif_topic

DARK = "g/front/onvif-ej/VideoSource/ImageTooDark/ImagingService/&front"
LOSS = "g/front/onvif-ej/VideoSource/SignalLoss/&front"
Scored = Callable[..., FrameEvent]


@needs_broker
def test_a_fault_comes_and_goes(
    broker: Broker, listen: Callable[[int], Listener], scored: Scored, presence: Scored, wait_for: Callable[..., Any]
) -> None:
    listener = listen(broker.port)
    sink = create(section(broker.port, topic="g", onvif=True), "sinks.0")
    states = (State.PASS, State.PASS, State.REJECT, State.REJECT, State.PASS)
    for index, state in enumerate(states):
        sink.put(scored(index, state, changed=True))
    sink.put(presence(Presence.LOST, 9))
    wait_for(lambda: sink.stats().delivered == 6)
    sink.close(20.0)
    dark = [json.loads(payload) for payload in wait_for(lambda: listener.of(DARK))]
    assert [event["Data"] for event in dark] == [{"State": False}, {"State": True}, {"State": False}]
    assert all(event.keys() == {"UtcTime", "Source", "Data"} for event in dark)
    assert dark[0]["Source"] == {"Source": "front"}
    assert [json.loads(it)["Data"]["State"] for it in listener.of(LOSS)] == [False, True]
    assert dark[1]["UtcTime"].endswith("Z")
    late = listen(broker.port)
    wait_for(lambda: late.of(DARK))


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_a_topic_that_brokers_and_onvif_take(name: str) -> None:
    topic = onvif_topic("g/front", FAULTS[name])
    assert not set("#+") & set(topic)
    assert "tns1:" not in topic
    assert topic.startswith("g/front/onvif-ej/")
    assert topic.endswith("/&front")


def test_what_nobody_knows_is_no_event() -> None:
    states = dict.fromkeys(FAULTS) | {"no signal": True, "too dark": False}
    told = {
        message.topic: json.loads(message.payload)["Data"]["State"]
        for message in onvif_messages("g/front", "front", states, 0.0)
    }
    assert told == {LOSS: True, DARK: False}
