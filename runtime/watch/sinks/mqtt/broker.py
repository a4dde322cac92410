"""A broker that is told everything: what it retains is true again after each loss of the connection. What the topics
hold is said in ``topics.py``.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ....errors import SinkError
from ....ground.error_text import one_line
from ....ground.names import json_text
from ...event import FrameEvent, Presence, record_text
from ...fault_states import fault_states
from ...media.connection_words import connection_problem
from ...status import RunningBundle, WatchStatus
from ..event_filter import EventFilter
from ..queued import RefusedError
from .client import HUNG_UP, MqttSettings, connection
from .home_assistant import BIRTH, BIRTH_TOPIC, discovered_camera, discovery_filter, discovery_message
from .onvif import onvif_messages, onvif_topics
from .topics import (
    OFFLINE,
    ONLINE,
    Message,
    bundle_topic,
    camera_messages,
    camera_topic,
    frame_message,
    retained_topics,
    scores,
    status_topic,
)

_LOG = logging.getLogger(__name__)
_RECONNECT_S = (1, 30)
_GOODBYE_S = 1.0
_POLL_S = 0.005
_LONGEST = 1 << 16  # bytes of a message that are looked at
_NO_ANSWER = "no answer yet"
_NO_CONNECTION = 4  # paho's MQTT_ERR_NO_CONN


class _Item:
    """The messages of one event, and those the client has already been given: a retry waits for these again.

    What is retained goes out only where it is new, which the first attempt decides: ``news``.
    """

    def __init__(self, messages: list[Message]) -> None:
        self.messages = messages
        self.news: list[Message] | None = None
        self.given: list[Any] = []


class MqttBroker:
    """The topics of one broker; see ``topics.py``.

    With ``qos`` 1 and 2 an event counts as delivered when the broker has acknowledged it; after a lost connection it
    may reach the broker twice. The client connects, and connects again, in a thread of its own.

    Attributes:
        status: a function that takes a snapshot of the watch; without it nothing is discovered.

    Raises:
        MachineError: paho-mqtt is not installed, or the CA file cannot be read.
    """

    def __init__(self, settings: MqttSettings, events: EventFilter) -> None:
        self.status: Callable[[], WatchStatus] | None = None
        self._settings = settings
        self._events = events
        self._seen: set[str] = set()  # cameras, as select has met them
        self._retained: dict[str, Message] = {}  # by topic, the newest that was to be delivered
        self._discovery: list[Message] = []
        self._cameras: frozenset[str] | None = None  # of the watch; None until it is known
        self._found: set[str] = set()  # topics with a discovery message, of this run or an earlier one
        self._wanted: frozenset[str] = frozenset()
        self._tell: Callable[[str, str], None] | None = None
        self._connected = threading.Event()
        # What is to be told is noted and told, or a new connection tells it: never between the two, and never late.
        self._telling = threading.Lock()
        self._aborted = threading.Event()
        self._problem = _NO_ANSWER
        self._client = connection(settings)
        self._start()

    def select(self, event: FrameEvent) -> _Item | None:
        if event.verdict is None or not self._events.wants(event.camera):
            return None
        base = camera_topic(self._settings.topic, event.camera)
        framed = isinstance(event.outcome, Presence) or self._events.takes(event)
        framed = framed and self._settings.frames
        stated = event.tells_state or event.camera not in self._seen  # the first replaces what an earlier run left
        if not (framed or stated):
            return None
        record = record_text(event)
        messages = []
        if stated:
            self._seen.add(event.camera)
            faults = fault_states(event.verdict, scores(event))
            messages += camera_messages(base, event, record, faults)
            if self._settings.onvif:
                messages += onvif_messages(base, event.camera, faults, event.captured_at)
        if framed:
            messages.append(frame_message(base, record))
        return _Item(messages)

    def tell_bundle(self, running: RunningBundle) -> None:
        """Publish which bundle runs and what is to be discovered, now and with each new connection. For any thread;
        never waits.
        """
        settings = self._settings
        news = [Message(bundle_topic(settings.topic), json_text(asdict(running), separators=(",", ":")))]
        if settings.discovery is not None and self.status is not None:
            status = self.status()
            names = [camera.camera for camera in status.cameras]
            self._discovery = [
                discovery_message(settings.discovery, settings.topic, name, status, settings.frames)
                for name in names
                if self._events.wants(name)
            ]
            self._cameras = frozenset(names)
            news += self._discovery
        with self._telling:
            self._retained.update({message.topic: message for message in news})
            if self._connected.is_set():
                self._publish(news)
                self._forget_gone()

    def bring(self, topics: frozenset[str], tell: Callable[[str, str], None]) -> None:
        """Pass on what comes on these topics, now and with each new connection: topic and payload, by the client's
        thread.
        """
        with self._telling:
            self._wanted, self._tell = topics, tell
            if self._connected.is_set():
                self._subscribe()

    def deliver(self, item: _Item) -> None:
        until = time.monotonic() + self._settings.timeout_s
        if item.news is None:
            item.news = [message for message in item.messages if not message.repeats(self._retained.get(message.topic))]
        retained = {message.topic: message for message in item.news if message.retain}
        # a connection that comes back while this waits tells what is true now, not what was
        with self._telling:
            self._retained.update({topic: message for topic, message in retained.items() if topic in self._retained})
        if not self._wait(self._connected.is_set, until):
            raise SinkError(
                f"no connection to the MQTT broker {self._settings.shown} ({self._problem}): start it, or check host"
            )
        with self._telling:
            self._retained.update(retained)
        for message in item.news[len(item.given) :]:
            info = self._client.publish(message.topic, message.payload, self._settings.qos, message.retain)
            if info.rc not in (0, _NO_CONNECTION):
                raise RefusedError(f"the MQTT client takes no message for {message.topic} (code {info.rc})")
            if info.rc == _NO_CONNECTION:
                raise SinkError(f"the connection to the MQTT broker {self._settings.shown} broke off")
            item.given.append(info)
        if not self._wait(lambda: all(info.is_published() for info in item.given), until):
            raise SinkError(f"the MQTT broker {self._settings.shown} does not acknowledge: look at its log")

    def close(self) -> None:
        if self._connected.is_set():
            online = [message.topic for message in self._retained.values() if message.payload == ONLINE]
            status = status_topic(self._settings.topic)
            goodbyes = [self._client.publish(topic, OFFLINE, 1, True) for topic in (*online, status)]
            self._wait(lambda: all(it.is_published() for it in goodbyes), time.monotonic() + _GOODBYE_S)
        self._client.disconnect()
        self._client.loop_stop()

    def abort(self) -> None:
        self._aborted.set()

    def describe(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "type": "mqtt",
            "broker": self._settings.shown,
            "topic": settings.topic,
            "qos": settings.qos,
            "tls": settings.tls,
            "username": settings.username is not None,
            "discovery": settings.discovery,
            "onvif": settings.onvif,
            "connected": self._connected.is_set(),
        }

    def _start(self) -> None:
        settings, client = self._settings, self._client
        client.reconnect_delay_set(*_RECONNECT_S)
        client.will_set(status_topic(settings.topic), OFFLINE, 1, True)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.connect_async(settings.host, settings.port)
        client.loop_start()

    def _publish(self, messages: list[Message]) -> None:
        for message in messages:
            self._client.publish(message.topic, message.payload, 1, message.retain)

    def _forget_gone(self) -> None:
        """Take back what is retained of cameras that an earlier run had and this one has not."""
        if self._cameras is None:
            return
        for topic in sorted(self._found):
            camera = discovered_camera(topic)
            if camera not in self._cameras:
                self._found.discard(topic)
                base = camera_topic(self._settings.topic, camera)
                self._publish([Message(it, "") for it in (topic, *retained_topics(base), *onvif_topics(base))])

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._problem = f"it says: {reason}"
            return
        settings = self._settings
        if settings.discovery is not None:
            client.subscribe([(discovery_filter(settings.discovery, settings.topic), 1), (BIRTH_TOPIC, 1)])
        with self._telling:
            self._subscribe()
            self._publish([*self._retained.values(), Message(status_topic(settings.topic), ONLINE)])
            self._connected.set()

    def _subscribe(self) -> None:
        if wanted := sorted(self._wanted):
            self._client.subscribe([(topic, 1) for topic in wanted])

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        try:
            self._take_in(message.topic, bytes(message.payload[:_LONGEST]))
        except Exception as error:  # whatever others publish, the client's thread goes on
            _LOG.warning("a message from the MQTT broker %s was left alone: %s", self._settings.shown, one_line(error))

    def _take_in(self, topic: str, payload: bytes) -> None:
        """Home Assistant has started, a discovery message that stands there, or one that was to be brought."""
        if topic in self._wanted and self._tell is not None:
            self._tell(topic, payload.decode(errors="replace"))
        if topic == BIRTH_TOPIC:
            if payload == BIRTH:
                self._publish(self._discovery)
        elif payload and topic not in self._wanted:
            with self._telling:
                self._found.add(topic)
                self._forget_gone()

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        error = sys.exc_info()[1]  # the client calls this while it handles the error, and does not pass it on
        self._problem = "it cannot be reached" if error is None else connection_problem(error, self._settings.tls)

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._connected.is_set():
            self._problem = f"the connection was lost: {reason}"
        elif self._problem == _NO_ANSWER:
            self._problem = HUNG_UP
        self._connected.clear()

    def _wait(self, done: Callable[[], bool], until: float) -> bool:
        while not done():
            if self._aborted.is_set() or time.monotonic() >= until:
                return False
            time.sleep(_POLL_S)
        return True
