"""What ends a watch: the signals of a service manager, a terminal, a closing terminal."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


class Stop(threading.Event):
    """Set by a signal. ``hung_up``: by SIGHUP, so that the terminal is gone."""

    hung_up = False


@contextlib.contextmanager
def stop_signals() -> Iterator[Stop]:
    """An event that SIGTERM, SIGINT and SIGHUP set; a second SIGTERM or SIGINT does what it did before.

    A closing terminal may send SIGHUP more than once: the others change nothing. Under nohup it stays ignored.
    """
    stop = Stop()
    before: dict[signal.Signals, Any] = {}

    def ask(number: int, frame: object) -> None:
        stop.set()
        for kind, handler in before.items():
            signal.signal(kind, handler)

    def hang_up(number: int, frame: object) -> None:
        stop.hung_up = True
        stop.set()

    for kind in (signal.SIGTERM, signal.SIGINT):
        before[kind] = signal.signal(kind, ask)
    hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    if hangs_up:
        signal.signal(signal.SIGHUP, hang_up)
    try:
        yield stop
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
        if hangs_up:
            signal.signal(signal.SIGHUP, signal.SIG_IGN if stop.hung_up else signal.SIG_DFL)
