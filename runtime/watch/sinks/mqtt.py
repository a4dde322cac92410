"""Events to an MQTT broker: every scored frame, and retained for whoever subscribes later each camera's state, whether
it gives verdicts, and whether the program runs.

========================= ======== =======================================================================
topic                     retained payload
========================= ======== =======================================================================
TOPIC/CAMERA/frame        no       the record of each scored frame, and of each change of presence
TOPIC/CAMERA/state        yes      the record on which state or reason changed last; ``unknown`` while lost
TOPIC/CAMERA/availability yes      ``online`` while frames of the camera are scored, else ``offline``
TOPIC/status              yes      ``online`` while the program runs, else ``offline``, also when killed
TOPIC/bundle              yes      which bundle scores, or scored last: ``RunningBundle`` of ``status.py`` as JSON
========================= ======== =======================================================================

A connection has one last will, and that is ``TOPIC/status``: a camera's state holds only while ``TOPIC/status`` and
``TOPIC/CAMERA/availability`` are both ``online``. In Home Assistant: ``availability: [{topic: TOPIC/status}, {topic:
TOPIC/CAMERA/availability}]`` with ``availability_mode: all``. Filter options choose frames; state and availability
follow every change of the cameras chosen. All retained messages are published again with each new connection.
"""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from ...backoff import BackoffPolicy
from ...errors import ConfigurationError, MachineError, SinkError
from ...ground.extra_packages import watch_package
from ...ground.names import json_text
from ...settings.credentials import shown_address
from ...settings.secret import secret_option
from ...settings.section import Section
from ..event import FrameEvent, Outcome, Presence, record_text
from ..media.connection_words import connection_problem
from ..status import RunningBundle
from .event_filter import EventFilter, filter_options
from .protocol import Sink
from .queued import QueuedSink, QueuePolicy, RefusedError, queue_options
from .registry import Planned

_POLICY = QueuePolicy(size=256, when_full="oldest", attempts=3, backoff=BackoffPolicy(first_s=0.2, longest_s=5.0))
_RECONNECT_S = (1, 30)
_GOODBYE_S = 1.0
_POLL_S = 0.005
_ONLINE, _OFFLINE = "online", "offline"
_NO_ANSWER = "no answer yet"
_HUNG_UP = "it closed the connection without an answer: does that port want tls = true?"
_NO_CONNECTION = 4  # paho's MQTT_ERR_NO_CONN


def plan(options: Section, name: str, folder: Path) -> Planned:
    """Options: ``host``, ``port`` (1883, with ``tls`` 8883), ``topic`` (dgiqa-edge), ``qos`` (1), ``frames`` (true),
    ``username``, ``password`` (also ``password_file``, ``password_env``), ``tls`` (false), ``ca_file``, ``timeout_s``
    (5), ``attempts`` (3), filter and queue options.
    """
    tls = options.flag("tls", False)
    settings = MqttSettings(
        host=_host(options),
        port=options.integer("port", 8883 if tls else 1883, low=1, high=65535),
        topic=_topic(options),
        qos=options.integer("qos", 1, low=0, high=2),
        frames=options.flag("frames", True),
        username=options.optional_text("username"),
        password=secret_option(options, "password", folder),
        tls=tls,
        ca_file=options.optional_path("ca_file", folder),
        timeout_s=options.number("timeout_s", 5.0, low=0.1, high=300.0),
    )
    events = filter_options(options, outcomes=("scored",))
    policy = queue_options(options, _POLICY, with_attempts=True)

    def open_sink() -> Sink:
        return _MqttSink(name, MqttBroker(settings, events), policy)

    return Planned(open_sink, lambda limit_s: _reached(settings, min(limit_s, settings.timeout_s)))


@dataclass(frozen=True)
class MqttSettings:
    """Where the broker is and what it is told; ``password`` and ``ca_file`` may be absent."""

    host: str
    port: int
    topic: str
    qos: int
    frames: bool
    username: str | None
    password: str | None = field(repr=False)
    tls: bool
    ca_file: Path | None
    timeout_s: float

    @property
    def shown(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class _Message(NamedTuple):
    topic: str
    payload: str
    retain: bool


class _Item:
    """The messages of one event, and those the client has already been given: a retry waits for these again."""

    def __init__(self, messages: list[_Message]) -> None:
        self.messages = messages
        self.given: list[Any] = []


class MqttBroker:
    """The topics of one broker; see above.

    With ``qos`` 1 and 2 an event counts as delivered when the broker has acknowledged it; after a lost connection it
    may reach the broker twice. The client connects, and connects again, in a thread of its own.

    Raises:
        MachineError: paho-mqtt is not installed, or the CA file cannot be read.
    """

    def __init__(self, settings: MqttSettings, events: EventFilter) -> None:
        self._settings = settings
        self._events = events
        self._online: dict[str, bool] = {}  # by camera, as select has told it
        self._retained: dict[str, str] = {}  # topic -> payload, the newest that was to be delivered
        self._connected = threading.Event()
        self._aborted = threading.Event()
        self._problem = _NO_ANSWER
        self._status_topic = f"{settings.topic}/status"
        self._client = self._started()

    def select(self, event: FrameEvent) -> _Item | None:
        if event.verdict is None or not self._events.wants(event.camera):
            return None
        base = f"{self._settings.topic}/{_level(event.camera)}"
        framed = isinstance(event.outcome, Presence) or self._events.takes(event)
        stated = event.tells_state or event.camera not in self._online  # the first replaces what an earlier run left
        online = event.outcome in (Outcome.SCORED, Presence.RETURNED)
        messages = []
        if online is not self._online.get(event.camera):
            self._online[event.camera] = online
            messages.append(_Message(f"{base}/availability", _ONLINE if online else _OFFLINE, True))
        if stated or (framed and self._settings.frames):
            text = record_text(event)
            if stated:
                messages.append(_Message(f"{base}/state", text, True))
            if framed and self._settings.frames:
                messages.append(_Message(f"{base}/frame", text, False))
        return _Item(messages) if messages else None

    def tell_bundle(self, running: RunningBundle) -> None:
        """Publish which bundle runs, now and with each new connection. For any thread; never waits."""
        text = json_text(asdict(running), separators=(",", ":"))
        self._retained[f"{self._settings.topic}/bundle"] = text
        if self._connected.is_set():
            self._client.publish(f"{self._settings.topic}/bundle", text, 1, True)

    def deliver(self, item: _Item) -> None:
        until = time.monotonic() + self._settings.timeout_s
        retained = {message.topic: message.payload for message in item.messages if message.retain}
        # a connection that comes back while this waits tells what is true now, not what was
        self._retained.update({topic: payload for topic, payload in retained.items() if topic in self._retained})
        if not self._wait(self._connected.is_set, until):
            raise SinkError(
                f"no connection to the MQTT broker {self._where()} ({self._problem}): start it, or check host"
            )
        self._retained.update(retained)
        for message in item.messages[len(item.given) :]:
            info = self._client.publish(message.topic, message.payload, self._settings.qos, message.retain)
            if info.rc not in (0, _NO_CONNECTION):
                raise RefusedError(f"the MQTT client takes no message for {message.topic} (code {info.rc})")
            if info.rc == _NO_CONNECTION:
                raise SinkError(f"the connection to the MQTT broker {self._where()} broke off")
            item.given.append(info)
        if not self._wait(lambda: all(info.is_published() for info in item.given), until):
            raise SinkError(f"the MQTT broker {self._where()} does not acknowledge: look at its log")

    def close(self) -> None:
        if self._connected.is_set():
            online = [topic for topic, payload in self._retained.items() if payload == _ONLINE]
            goodbyes = [self._client.publish(topic, _OFFLINE, 1, True) for topic in (*online, self._status_topic)]
            self._wait(lambda: all(it.is_published() for it in goodbyes), time.monotonic() + _GOODBYE_S)
        self._client.disconnect()
        self._client.loop_stop()

    def abort(self) -> None:
        self._aborted.set()

    def describe(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "type": "mqtt",
            "broker": self._where(),
            "topic": settings.topic,
            "qos": settings.qos,
            "tls": settings.tls,
            "username": settings.username is not None,
            "connected": self._connected.is_set(),
        }

    def _started(self) -> Any:
        settings = self._settings
        client = _client(settings)
        client.reconnect_delay_set(*_RECONNECT_S)
        client.will_set(self._status_topic, _OFFLINE, 1, True)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.connect_async(settings.host, settings.port)
        client.loop_start()
        return client

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._problem = f"it says: {reason}"
            return
        for topic, payload in (*dict(self._retained).items(), (self._status_topic, _ONLINE)):
            client.publish(topic, payload, 1, True)
        self._connected.set()

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        error = sys.exc_info()[1]  # the client calls this while it handles the error, and does not pass it on
        self._problem = "it cannot be reached" if error is None else connection_problem(error, self._settings.tls)

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._connected.is_set():
            self._problem = f"the connection was lost: {reason}"
        elif self._problem == _NO_ANSWER:
            self._problem = _HUNG_UP
        self._connected.clear()

    def _wait(self, done: Callable[[], bool], until: float) -> bool:
        while not done():
            if self._aborted.is_set() or time.monotonic() >= until:
                return False
            time.sleep(_POLL_S)
        return True

    def _where(self) -> str:
        return self._settings.shown


class _MqttSink(QueuedSink):
    """A queue before a broker that is also told, beside the queue, which bundle runs."""

    def __init__(self, name: str, broker: MqttBroker, policy: QueuePolicy) -> None:
        super().__init__(name, broker, policy)
        self._broker = broker

    def follow_bundle(self, running: RunningBundle) -> None:
        self._broker.tell_bundle(running)


def _client(settings: MqttSettings) -> Any:
    mqtt = watch_package("paho.mqtt.client", "the mqtt sink")
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, clean_session=True)
    client.connect_timeout = settings.timeout_s
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.password)
    if settings.tls:
        try:
            client.tls_set(None if settings.ca_file is None else str(settings.ca_file))
        except OSError as error:
            raise MachineError(f"the mqtt sink cannot use {settings.ca_file}: {error}: give a PEM file") from error
    return client


def _reached(settings: MqttSettings, timeout_s: float) -> str:
    """The broker takes the connection and the login; nothing is published."""
    client = _client(settings)
    answers: list[Any] = []
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason)
    until = time.monotonic() + timeout_s
    try:
        client.connect(settings.host, settings.port)
        while not answers and time.monotonic() < until:
            if client.loop(0.1) != 0 and not answers:
                raise SinkError(f"the MQTT broker {settings.shown} cannot be used ({_HUNG_UP})")
    except OSError as error:
        raise SinkError(
            f"the MQTT broker {settings.shown} cannot be reached ({connection_problem(error, settings.tls)})"
        ) from None
    finally:
        client.disconnect()
    if not answers:
        raise SinkError(f"the MQTT broker {settings.shown} does not answer within {timeout_s:g} s")
    if answers[0].is_failure:
        raise SinkError(f"the MQTT broker {settings.shown} refuses the login ({answers[0]}): check username, password")
    return f"the MQTT broker {settings.shown} takes the login"


def _host(options: Section) -> str:
    """A name or address; in brackets, as in addresses, an IPv6 one is taken as well."""
    host = options.text("host").removeprefix("[").removesuffix("]")
    if "/" in host or "@" in host or host.count(":") == 1:
        raise ConfigurationError(
            f"{options.path_of('host')} is {shown_address(host)!r}: give the host alone, beside port and username"
        )
    return host


def _level(camera: str) -> str:
    """A camera's name as one level of a topic."""
    return quote(camera, safe=" ")


def _topic(options: Section) -> str:
    topic = options.text("topic", "dgiqa-edge").strip("/")
    if not topic or any(character in topic for character in "+#\0") or topic.startswith("$"):
        raise ConfigurationError(
            f"{options.path_of('topic')} is {topic!r}: give levels without '+', '#' and a leading '$'"
        )
    return topic
