"""A broker of the test's own, and who listens to it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stand_ins.mqtt_broker import Broker, Listener


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def listen(wait_for: Callable[..., Any]) -> Iterator[Callable[[int], Listener]]:
    started: list[Listener] = []

    def start(port: int) -> Listener:
        started.append(Listener(port))
        wait_for(lambda: started[-1].subscribed)
        return started[-1]

    yield start
    for listener in started:
        listener.client.disconnect()
        listener.client.loop_stop()
