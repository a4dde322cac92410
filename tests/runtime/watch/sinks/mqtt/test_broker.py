"""Against a real broker on loopback, also one that goes away and comes back."""

import dataclasses
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from places import ROOT
from stand_ins.mqtt_broker import Broker, Listener, needs_broker, section

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.watch.event import FrameEvent, Presence
from dgiqa_edge.runtime.watch.sinks import create
from dgiqa_edge.runtime.watch.sinks.mqtt import client
from dgiqa_edge.runtime.watch.sinks.mqtt.broker import MqttBroker
from dgiqa_edge.runtime.watch.sinks.protocol import FollowsBundle
from dgiqa_edge.runtime.watch.sinks.registry import BringsMessages
from dgiqa_edge.runtime.watch.status import RunningBundle

SCHEMA = json.loads((ROOT / "runtime" / "schemas" / "frame_event.schema.json").read_text())
Scored = Callable[..., FrameEvent]


@needs_broker
def test_frames_states_and_status_arrive(
    broker: Broker, listen: Callable[[int], Listener], scored: Scored, wait_for: Callable[..., Any]
) -> None:
    listener = listen(broker.port)
    sink = create(section(broker.port, topic="plant/gate"), "sinks.0")
    sink.put(scored(0, State.PASS))
    sink.put(scored(1, State.PASS))
    sink.put(scored(2, State.REJECT, changed=True))
    sink.put(scored(0, State.PASS, camera="yard/+ 2"))
    wait_for(lambda: sink.stats().delivered == 4)
    stats = sink.close(20.0)
    assert (stats.offered, stats.delivered) == (4, 4)
    wait_for(lambda: len(listener.of("plant/gate/status")) == 2)
    assert listener.of("plant/gate/status") == [b"online", b"offline"]
    frames = [json.loads(payload) for payload in listener.of("plant/gate/front/frame")]
    assert [frame["index"] for frame in frames] == [0, 1, 2]
    for frame in frames:
        jsonschema.validate(frame, SCHEMA)
    states = [json.loads(payload)["verdict"]["state"] for payload in listener.of("plant/gate/front/state")]
    assert states == ["pass", "reject"]  # the first, then each change
    assert len(listener.of("plant/gate/yard%2F%2B 2/frame")) == 1


@needs_broker
def test_the_last_state_is_retained_for_whoever_comes_later(
    broker: Broker, listen: Callable[[int], Listener], scored: Scored, wait_for: Callable[..., Any]
) -> None:
    sink = create(section(broker.port, frames=False), "sinks.0")
    sink.put(scored(0, State.REJECT, changed=True))
    sink.put(scored(1, State.REJECT))
    wait_for(lambda: sink.stats().delivered == 1)
    late = listen(broker.port)
    (state,) = wait_for(lambda: late.of("dgiqa-edge/front/state"))
    assert json.loads(state)["verdict"]["reason"] == "too dark"
    assert sink.close(20.0).ignored == 1


@needs_broker
def test_a_broker_that_comes_back_is_used_again_and_nothing_goes_uncounted(
    broker: Broker, listen: Callable[[int], Listener], scored: Scored, wait_for: Callable[..., Any]
) -> None:
    sink = create(section(broker.port, timeout_s=0.3, queue=2, attempts=1), "sinks.0")
    sink.put(scored(0))
    wait_for(lambda: sink.stats().delivered == 1)
    broker.stop()
    for index in range(1, 20):
        sink.put(scored(index))
    wait_for(lambda: sink.stats().failed >= 1)
    assert "broker" in (sink.stats().last_error or "")
    missed = sink.stats().missed
    for index in range(20, 40):  # now that the loss is noticed: until then the socket may have taken some
        sink.put(scored(index))
    assert sink.stats().missed >= missed + 15
    broker.start()
    wait_for(lambda: sink.describe()["connected"], 60)
    before = sink.stats().delivered
    sink.put(scored(99))
    wait_for(lambda: sink.stats().delivered > before)
    stats = sink.close(20.0)
    assert stats.offered == 41
    assert stats.offered == stats.delivered + stats.ignored + stats.missed + stats.failed


@needs_broker
def test_the_bundle_is_retained_also_for_a_broker_that_comes_back(
    broker: Broker, listen: Callable[[int], Listener], wait_for: Callable[..., Any]
) -> None:
    sink = create(section(broker.port, timeout_s=0.3, attempts=1), "sinks.0")
    assert isinstance(sink, FollowsBundle)
    sink.follow_bundle(RunningBundle("ab12", "2026-01-31T12:00:00Z"))  # before there is a connection
    wait_for(lambda: sink.describe()["connected"])
    first = listen(broker.port)
    assert json.loads(wait_for(lambda: first.of("dgiqa-edge/bundle"))[0])["sha256"] == "ab12"
    new = RunningBundle("cd34", "2026-02-01T12:00:00Z", on_trial=True)
    sink.follow_bundle(new)
    wait_for(lambda: len(first.of("dgiqa-edge/bundle")) == 2)
    broker.stop()
    wait_for(lambda: not sink.describe()["connected"])
    broker.start()
    wait_for(lambda: sink.describe()["connected"], 60)
    late = listen(broker.port)
    told = json.loads(wait_for(lambda: late.of("dgiqa-edge/bundle"))[-1])
    assert told == dataclasses.asdict(new)
    sink.close(20.0)
    after = listen(broker.port)
    wait_for(lambda: after.of("dgiqa-edge/status") == [b"offline"])
    assert after.of("dgiqa-edge/bundle"), "which one ran last"


@needs_broker
def test_what_is_told_while_the_connection_comes_about_is_not_lost(
    broker: Broker, listen: Callable[[int], Listener], wait_for: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    publish = MqttBroker._publish

    def slowly(self: MqttBroker, messages: Any) -> None:
        publish(self, messages)
        if not told:  # what is retained has gone out, and the sink does not yet call itself connected
            told.append(threading.Thread(target=self.tell_bundle, args=(RunningBundle("ab12"),)))
            told.append(threading.Thread(target=self.bring, args=(frozenset({"mode"}), lambda *_: heard.set())))
            for thread in told:
                thread.start()
                thread.join(0.2)

    heard = threading.Event()
    monkeypatch.setattr(MqttBroker, "_publish", slowly)
    listener = listen(broker.port)
    sink: Any = create(section(broker.port, topic="g"), "sinks.0")
    try:
        wait_for(lambda: listener.of("g/bundle"), 5)
        listener.client.publish("mode", "night", 1, True)
        assert heard.wait(5)
    finally:
        sink.close(20.0)


@needs_broker
def test_each_camera_has_a_retained_availability(
    broker: Broker, listen: Callable[[int], Listener], scored: Scored, presence: Scored, wait_for: Callable[..., Any]
) -> None:
    """Also where filter options choose only frames that pass: they choose frames, not what holds of the camera."""
    listener = listen(broker.port)
    sink = create(section(broker.port, topic="g", states=["pass"], outcomes=["scored"]), "sinks.0")
    for event in (
        presence(Presence.STARTING),
        scored(0, State.PASS, changed=True),
        scored(1, State.REJECT, changed=True),
        presence(Presence.LOST, 2),
        presence(Presence.RETURNED, 3),
        scored(3, State.PASS),
        presence(Presence.STARTING, camera="never"),
        presence(Presence.LOST, 1, camera="never"),
        presence(Presence.ENDED, 4),
    ):
        sink.put(event)
    wait_for(lambda: sink.stats().delivered == 9)
    wait_for(lambda: len(listener.of("g/front/availability")) == 5)
    assert listener.of("g/front/availability") == [b"offline", b"online", b"offline", b"online", b"offline"]
    late = listen(broker.port)
    told = ("g/front/availability", "g/never/availability")
    wait_for(lambda: all(late.of(topic) for topic in told))  # a broker sends what it retains in any order
    assert [late.of(topic) for topic in told] == [[b"offline"], [b"offline"]]
    states = [json.loads(payload)["verdict"]["state"] for payload in listener.of("g/front/state")]
    assert states == ["unknown", "pass", "reject", "unknown", "pass", "unknown"]
    sink.close(20.0)


@needs_broker
def test_closing_leaves_no_camera_online(
    broker: Broker, listen: Callable[[int], Listener], scored: Scored, wait_for: Callable[..., Any]
) -> None:
    sink = create(section(broker.port), "sinks.0")
    sink.put(scored(0, changed=True))
    wait_for(lambda: sink.stats().delivered == 1)
    sink.close(20.0)
    late = listen(broker.port)
    told = ("dgiqa-edge/status", "dgiqa-edge/front/availability")
    wait_for(lambda: all(late.of(topic) for topic in told))
    assert [late.of(topic) for topic in told] == [[b"offline"], [b"offline"]]


KILLED = """
import sys, time
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome
from dgiqa_edge.runtime.watch.sinks import create
from dgiqa_edge.runtime.gate.verdict import State, Verdict
sink = create({"type": "mqtt", "host": "127.0.0.1", "port": int(sys.argv[1])}, "sinks.0")
sink.put(FrameEvent("front", 0, 0.0, Outcome.SCORED, Verdict(State.PASS, "good", changed=True)))
while not sink.stats().delivered: time.sleep(0.01)
print("ready", flush=True)
time.sleep(60)
"""


@needs_broker
def test_a_killed_program_is_offline(
    broker: Broker, listen: Callable[[int], Listener], wait_for: Callable[..., Any]
) -> None:
    program = subprocess.Popen([sys.executable, "-c", KILLED, str(broker.port)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None and program.stdout.readline() == "ready\n"
    listener = listen(broker.port)
    wait_for(lambda: listener.of("dgiqa-edge/status") == [b"online"])
    program.kill()
    program.communicate()
    wait_for(lambda: listener.of("dgiqa-edge/status") == [b"online", b"offline"])


@needs_broker
def test_a_broker_that_forgot_everything_is_told_again(
    broker: Broker, listen: Callable[[int], Listener], scored: Scored, presence: Scored, wait_for: Callable[..., Any]
) -> None:
    sink = create(section(broker.port, timeout_s=0.3, attempts=1), "sinks.0")
    sink.put(scored(0, State.PASS, changed=True))
    sink.put(scored(0, State.PASS, camera="rear", changed=True))
    wait_for(lambda: sink.stats().delivered == 2)
    broker.stop()
    sink.put(presence(Presence.LOST, 1))
    wait_for(lambda: sink.stats().failed == 1)
    broker.start()
    listener = listen(broker.port)
    wait_for(lambda: listener.of("dgiqa-edge/status") == [b"online"], 60)  # told last
    assert listener.of("dgiqa-edge/rear/availability") == [b"online"]
    assert set(listener.of("dgiqa-edge/front/availability")) == {b"offline"}
    told = {camera: listener.of(f"dgiqa-edge/{camera}/state") for camera in ("front", "rear")}
    states = {camera: {json.loads(it)["verdict"]["state"] for it in payloads} for camera, payloads in told.items()}
    assert states == {"front": {"unknown"}, "rear": {"pass"}}  # never what was true before the outage
    sink.close(20.0)


@needs_broker
def test_a_wrong_password_is_said_without_showing_it(
    tmp_path: Path, scored: Scored, wait_for: Callable[..., Any]
) -> None:
    broker = Broker(tmp_path, "allow_anonymous false")
    try:
        options = {"username": "joe", "password": "hunter2", "timeout_s": 0.5, "attempts": 1}
        sink = create(section(broker.port, **options), "sinks.0")
        wait_for(lambda: "it says" in sink._target._problem)  # type: ignore[attr-defined]
        sink.put(scored())
        stats = sink.close(20.0)
        assert stats.failed == 1
        assert "authori" in (stats.last_error or "").lower()
        assert "hunter2" not in json.dumps([sink.describe(), stats.last_error])
    finally:
        broker.stop()


@needs_broker
def test_tls_to_a_plain_port_is_named(broker: Broker, scored: Scored) -> None:
    sink = create(section(broker.port, tls=True, timeout_s=1.0, attempts=1), "sinks.0")
    sink.put(scored())
    stats = sink.close(20.0)
    assert stats.failed == 1
    assert "no TLS is spoken on that port" in (stats.last_error or "")


def test_a_port_that_hangs_up_on_plain_mqtt_is_asked_for_tls(scored: Scored) -> None:
    """As a broker does on its TLS port."""

    def hang_up() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(100)
            connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")  # a TLS alert
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, daemon=True).start()
        sink = create(section(listener.getsockname()[1], timeout_s=1.0, attempts=1), "sinks.0")
        sink.put(scored())
        stats = sink.close(20.0)
    assert "tls = true" in (stats.last_error or "")


@pytest.mark.parametrize(("host", "shown"), [("fe80::1%eth9", "[fe80::1%eth9]:1883"), ("[::1]", "[::1]:1883")])
def test_ipv6_hosts(host: str, shown: str, scored: Scored) -> None:
    sink = create({"type": "mqtt", "host": host, "timeout_s": 0.5, "attempts": 1}, "sinks.0")
    sink.put(scored())
    stats = sink.close(20.0)
    assert shown in (stats.last_error or "")
    assert "%" not in host or "the interface behind the %" in (stats.last_error or "")


def test_without_a_broker_events_are_counted_and_closing_does_not_hang(scored: Scored) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        sink = create(section(probe.getsockname()[1], timeout_s=0.2, attempts=1), "sinks.0")
        for index in range(5):
            sink.put(scored(index))
        stats = sink.close(0.5)
    assert stats.offered == 5 == stats.missed + stats.failed


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "host is missing"),
        ({"host": "mqtt://u:secret@h"}, r"host is 'mqtt://\*\*\*@h': give the host alone"),
        ({"host": "h:1883"}, "give the host alone"),
        ({"host": "h", "topic": "a/#"}, "topic"),
        ({"host": "h", "topic": "/"}, "topic"),
        ({"host": "h", "discovery": True, "discovery_prefix": "home/+"}, "discovery_prefix is 'home/.'"),
        ({"host": "h", "qos": 3}, "qos"),
        ({"host": "h", "port": 0}, "port"),
        ({"host": "h", "password": ["x"]}, "give a text"),
    ],
)
def test_a_wrong_setting_is_named(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        create({"type": "mqtt", **options}, "sinks.0")


@needs_broker
def test_messages_on_topics_that_somebody_waits_for_are_brought(
    broker: Broker, listen: Callable[[int], Listener], wait_for: Callable[..., Any]
) -> None:
    listener = listen(broker.port)
    listener.client.publish("site/mode", b"night", retain=True)
    brought: list[tuple[str, str]] = []
    sink = create(section(broker.port), "sinks.0")
    assert isinstance(sink, BringsMessages)
    sink.bring(frozenset(["site/mode"]), lambda topic, payload: brought.append((topic, payload)))
    wait_for(lambda: brought == [("site/mode", "night")])  # retained: known at once
    listener.client.publish("site/other", b"works")
    listener.client.publish("site/mode", b"d\xffy")
    wait_for(lambda: len(brought) == 2)
    assert brought[1] == ("site/mode", "d\ufffdy")
    listener.client.publish("site/mode", b"x" * (1 << 22))
    wait_for(lambda: len(brought) == 3)
    assert brought[2] == ("site/mode", "x" * (1 << 16)), "what is too long chooses nothing, and is not kept"
    sink.close(20.0)


def test_a_broker_that_hangs_costs_no_memory_and_no_time_at_the_end(
    scored: Scored, wait_for: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection and what is sent, and acknowledges nothing."""
    monkeypatch.setattr(client, "_MOST_QUEUED", 10)

    def hang() -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x00")  # CONNACK
        while connection.recv(1 << 16):
            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang, daemon=True).start()
        sink: Any = create(section(listener.getsockname()[1], timeout_s=0.1, attempts=1, queue=100), "sinks.0")
        wait_for(lambda: sink.describe()["connected"])
        for index in range(30):
            sink.put(scored(index))
        wait_for(lambda: "takes no message" in (sink.stats().last_error or ""))
        assert len(sink._target._client._out_messages) == 10
        began = time.monotonic()
        stats = sink.close(0.5)
        assert time.monotonic() - began < 8.0
    assert stats.offered == 30 == stats.missed + stats.failed
