"""Where a broker is, and the connection to it; what is said over it is ``topics.py``'s."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....errors import MachineError, SinkError
from ....ground.extra_packages import watch_package
from ...media.connection_words import connection_problem

_MOST_QUEUED = 10_000  # messages that a broker has not acknowledged; 64 cameras retain 2,000
HUNG_UP = "it closed the connection without an answer: does that port want tls = true?"


@dataclass(frozen=True)
class MqttSettings:
    """Where the broker is and what it is told; ``password`` and ``ca_file`` may be absent. ``discovery``: the prefix of
    Home Assistant's, ``None`` for none.
    """

    host: str
    port: int
    topic: str
    qos: int
    frames: bool
    discovery: str | None
    onvif: bool
    username: str | None
    password: str | None = field(repr=False)
    tls: bool
    ca_file: Path | None
    timeout_s: float

    @property
    def shown(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def connection(settings: MqttSettings) -> Any:
    mqtt = watch_package("paho.mqtt.client", "the mqtt sink")
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, clean_session=True)
    client.connect_timeout = settings.timeout_s
    client.max_queued_messages_set(_MOST_QUEUED)
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.password)
    if settings.tls:
        try:
            client.tls_set(None if settings.ca_file is None else str(settings.ca_file))
        except OSError as error:
            raise MachineError(f"the mqtt sink cannot use {settings.ca_file}: {error}: give a PEM file") from error
    return client


def reached(settings: MqttSettings, timeout_s: float) -> str:
    """The broker takes the connection and the login; nothing is published."""
    client = connection(settings)
    answers: list[Any] = []
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason)
    until = time.monotonic() + timeout_s
    try:
        client.connect(settings.host, settings.port)
        while not answers and time.monotonic() < until:
            if client.loop(0.1) != 0 and not answers:
                raise SinkError(f"the MQTT broker {settings.shown} cannot be used ({HUNG_UP})")
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
