"""Discovery over a real broker; and, where `make home-assistant-test` has put one, to a real Home Assistant."""

import dataclasses
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import ROOT
from stand_ins import home_assistant
from stand_ins.mqtt_broker import Broker, Listener, needs_broker, section

from dgiqa_edge.runtime.gate.verdict import RunnerUp, State, Verdict
from dgiqa_edge.runtime.gate.vocabulary import FAULTS
from dgiqa_edge.runtime.version import VERSION
from dgiqa_edge.runtime.watch.event import FrameEvent, Presence
from dgiqa_edge.runtime.watch.sinks import create
from dgiqa_edge.runtime.watch.sinks.mqtt.home_assistant import discovered_camera, discovery_message, discovery_topic
from dgiqa_edge.runtime.watch.status import CameraState, CameraStatus, RunningBundle, WatchStatus

PYTHON = Path(os.environ.get("DGIQA_HOME_ASSISTANT", ROOT / "build" / "home-assistant")) / "bin" / "python"
needs_home_assistant = pytest.mark.skipif(not PYTHON.exists(), reason="no Home Assistant: make home-assistant-test")
FRONT = "homeassistant/device/g/front/config"
OLD = "homeassistant/device/g/old_20yard/config"
Scored = Callable[..., FrameEvent]


def status(*cameras: str, sha256: str = "ab12" * 16) -> WatchStatus:
    return WatchStatus(
        started_at=0.0,
        uptime_s=1.0,
        stopping=False,
        memory_mib=None,
        bundle="bundle",
        preset="nano",
        precision="int8",
        engines=(),
        cameras=tuple(CameraStatus(camera, "test://", CameraState.LIVE) for camera in cameras),
        sinks={},
        running=RunningBundle(sha256, "2026-01-31T12:00:00Z"),
    )


@pytest.fixture
def watching(broker: Broker) -> Iterator[Callable[..., Any]]:
    """A sink that knows its cameras, as in a watch."""
    opened = []

    def start(*cameras: str, **options: object) -> Any:
        sink: Any = create(section(broker.port, topic="g", discovery=True, **options), "sinks.0")
        opened.append(sink)
        sink.follow(lambda: status(*cameras))
        sink.follow_bundle(status().running)
        return sink

    yield start
    for sink in opened:
        sink.close(20.0)


@needs_broker
def test_each_camera_is_a_device_with_an_entity_for_each_fault(
    broker: Broker, watching: Callable[..., Any], listen: Callable[[int], Listener], wait_for: Callable[..., Any]
) -> None:
    watching("front", "a b/c", "hidden", cameras=["front", "a b/c"])
    listener = listen(broker.port)
    wait_for(lambda: "homeassistant/device/g/a_20b_2Fc/config" in listener.retained())
    assert len([topic for topic in listener.retained() if topic.startswith("homeassistant/")]) == 2
    told = json.loads(listener.retained()[FRONT])
    assert told["device"]["name"] == "front"
    assert (told["device"]["model"], told["device"]["sw_version"]) == ("nano int8", VERSION)
    assert [it["topic"] for it in told["availability"]] == ["g/status", "g/front/availability"]
    entities = told["components"]
    assert set(entities) == {"picture", "reason", "score", *(f"fault_{it.slug}" for it in FAULTS.values())}
    assert len({it["unique_id"] for it in entities.values()}) == len(entities)
    for fault in FAULTS.values():
        assert entities[f"fault_{fault.slug}"]["device_class"] == fault.home_assistant
        assert entities[f"fault_{fault.slug}"]["state_topic"] == f"g/front/fault/{fault.slug}"
    assert entities["fault_no_signal"]["availability"] == [{"topic": "g/status"}]


@needs_broker
def test_what_home_assistant_forgot_it_is_told_again(
    broker: Broker, watching: Callable[..., Any], listen: Callable[[int], Listener], wait_for: Callable[..., Any]
) -> None:
    listener = listen(broker.port)
    sink = watching("front", timeout_s=0.5, attempts=1)
    wait_for(lambda: len(listener.of(FRONT)) >= 1)
    before = len(listener.of(FRONT))
    listener.client.publish("homeassistant/status", "offline", 1)
    listener.client.publish("homeassistant/status", "online", 1)
    wait_for(lambda: len(listener.of(FRONT)) == before + 1)
    sink.follow_bundle(RunningBundle("cd34"))  # another bundle: the device shows it
    wait_for(lambda: len(listener.of(FRONT)) == before + 2)
    broker.stop()
    wait_for(lambda: not sink.describe()["connected"])
    broker.start()  # it keeps nothing
    wait_for(lambda: sink.describe()["connected"], 60)
    late = listen(broker.port)
    wait_for(lambda: FRONT in late.retained())


@needs_broker
@pytest.mark.parametrize("known_first", [True, False])
def test_a_camera_that_is_gone_is_taken_back(
    broker: Broker,
    watching: Callable[..., Any],
    listen: Callable[[int], Listener],
    scored: Scored,
    wait_for: Callable[..., Any],
    known_first: bool,
) -> None:
    """Also what a run that was killed left of it; what others have there stays."""
    others = "homeassistant/device/other/old_20yard/config"
    listener = listen(broker.port)
    earlier = watching("front", "old yard", onvif=True)
    for camera in ("front", "old yard"):
        earlier.put(scored(0, State.REJECT, camera=camera, changed=True))
    wait_for(lambda: earlier.stats().delivered == 2 and OLD in listener.retained())
    earlier.close(20.0)
    for topic in (others, "g/old yard/availability"):
        listener.client.publish(topic, "online", 1, True).wait_for_publish(20)
    sink: Any = create(section(broker.port, topic="g", discovery=True), "sinks.0")
    sink.follow(lambda: status("front"))
    if not known_first:
        wait_for(lambda: sink._target._found >= {FRONT, OLD})
    sink.follow_bundle(status().running)
    wait_for(lambda: not [topic for topic in listener.retained() if "/old yard/" in topic or topic == OLD])
    sink.close(20.0)
    assert {FRONT, others} <= listener.retained().keys()
    assert {"g/front/state", "g/front/fault/too_dark"} <= listener.retained().keys()


@given(st.text(min_size=1).filter(lambda name: name.isprintable()), st.text(min_size=1))
def test_names_survive_the_letters_that_home_assistant_takes(camera: str, topic: str) -> None:
    where = discovery_topic("homeassistant", topic, camera)
    assert discovered_camera(where) == camera
    assert home_assistant.TAKEN.fullmatch(where.removeprefix("homeassistant/"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("g", "front.1"), ("g", "front-1")),
        (("g", "front_1"), ("g", "front.1")),
        (("g", "front"), ("g", "Front")),
        (("a", "5Fb_X"), ("a_b", "5FX")),
    ],
)
def test_no_two_cameras_share_an_entity(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Also those of two watches, each with a topic of its own."""
    told = [json.loads(discovery_message("home", *pair, status(), frames=True).payload) for pair in (one, other)]
    assert told[0]["device"]["identifiers"] != told[1]["device"]["identifiers"]
    ids = [it["unique_id"] for message in told for it in message["components"].values()]
    assert len(set(ids)) == len(ids)


@needs_broker
def test_what_others_publish_does_not_end_the_connection(
    broker: Broker,
    watching: Callable[..., Any],
    listen: Callable[[int], Listener],
    scored: Scored,
    wait_for: Any,
    caplog: Any,
) -> None:
    listener = listen(broker.port)
    sink = watching("front")
    for camera in ("", "\u00e9" * 12_000, "_00", "x" * 60_000):  # some are too long for topics of ours
        listener.client.publish(f"homeassistant/device/g/{camera}/config", b"\xff{" * 1000, 1, True).wait_for_publish(
            20
        )
    listener.client.publish("homeassistant/status", b"\0" * (1 << 20), 1).wait_for_publish(20)
    sink.put(scored(0, State.REJECT, changed=True))
    wait_for(lambda: sink.stats().delivered == 1)
    listener.client.publish("homeassistant/device/g/old/config", b"{}", 1, True)
    wait_for(lambda: listener.of("homeassistant/device/g/old/config") == [b"{}", b""])
    assert "was left alone: Publish topic is too long" in caplog.text


@pytest.fixture
def home(broker: Broker, tmp_path: Path, wait_for: Callable[..., Any]) -> Iterator[Callable[[], dict[str, Any]]]:
    """What a real Home Assistant shows now."""
    (tmp_path / "configuration.yaml").write_text("")
    command = [PYTHON, home_assistant.__file__, tmp_path, broker.port]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines: list[str] = ["{}"]
    assert process.stdout is not None
    reader = threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True)
    reader.start()
    wait_for(lambda: len(lines) > 1 or process.poll() is not None, 90)
    yield lambda: json.loads(lines[-1])
    process.kill()
    _, complaints = process.communicate()
    assert not re.search("payload|template|discovery|Invalid|invalid", complaints), complaints


@needs_broker
@needs_home_assistant
def test_a_real_home_assistant_shows_what_is_true(
    home: Callable[[], dict[str, Any]],
    watching: Callable[..., Any],
    scored: Scored,
    presence: Scored,
    wait_for: Callable[..., Any],
) -> None:
    def shows(**states: str) -> bool:
        found = {name.partition(".")[2].removeprefix("front_"): state for name, (state, _) in home()["states"].items()}
        return states.items() <= found.items()

    sink = watching("front")
    sink.put(presence(Presence.STARTING))
    wait_for(lambda: shows(picture="unavailable", too_dark="unavailable", score="unavailable"), 60)
    entities = home()["states"]
    assert len(entities) == 3 + len(FAULTS)
    assert {"name": "front", "model": "nano int8", "sw_version": VERSION} in home()["devices"]
    sink.put(scored(0, State.PASS, changed=True))
    wait_for(lambda: shows(picture="off", too_dark="off", no_signal="off", reason="good"))
    wait_for(lambda: sink.put(scored(1)) or shows(score="0.75"))  # frames are not retained: it subscribes in its time
    verdict = Verdict(State.REJECT, "too dark", changed=True, announced=True, runner_up=RunnerUp("noisy", "noise"))
    sink.put(dataclasses.replace(scored(2), verdict=verdict))
    wait_for(lambda: shows(picture="on", too_dark="on", noisy="on", blurred="off", reason="too dark", score="unknown"))
    attributes = next(it[1] for name, it in home()["states"].items() if name == "sensor.front_reason")
    assert attributes["runner_up"]["reason"] == "noisy"
    sink.put(presence(Presence.LOST, 3))
    wait_for(lambda: shows(no_signal="on", too_dark="unavailable", picture="unavailable", reason="no signal"))
    sink.close(20.0)
    wait_for(lambda: shows(no_signal="unavailable", reason="unavailable", too_dark="unavailable"))
    later = watching("rear")
    wait_for(lambda: len(home()["states"]) == 3 + len(FAULTS) and "sensor.rear_reason" in home()["states"])
    assert [device["name"] for device in home()["devices"]] == ["rear"]
    later.close(20.0)
