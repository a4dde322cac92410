"""A real MQTT broker on loopback, and everything that it publishes."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from . import free_port

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
needs_broker = pytest.mark.skipif(PROGRAM is None, reason="no mosquitto broker: apt-get install mosquitto")


def section(port: int, **options: object) -> dict[str, object]:
    """The settings of a sink for a broker of this machine."""
    return {"type": "mqtt", "host": "127.0.0.1", "port": port, **options}


class Broker:
    """A mosquitto of the test's own, without persistence."""

    def __init__(self, folder: Path, access: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\n{access}\npersistence false\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        assert PROGRAM is not None
        self._process = subprocess.Popen([PROGRAM, "-c", str(self._config)], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < until, "the broker does not start"
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Listener:
    """Collects everything that is published."""

    def __init__(self, port: int) -> None:
        from paho.mqtt import client as mqtt

        self.messages: list[tuple[str, bytes, bool]] = []
        self.subscribed = False
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self.client.on_message = lambda _c, _d, message: self.messages.append(
            (message.topic, message.payload, message.retain)
        )
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def of(self, topic: str) -> list[Any]:
        return [payload for found, payload, _ in self.messages if found == topic]

    def retained(self) -> dict[str, bytes]:
        """The last of each topic but those of frames, without what was removed: what the broker keeps."""
        last = {topic: payload for topic, payload, _ in self.messages if not topic.endswith("/frame")}
        return {topic: payload for topic, payload in last.items() if payload}
