"""Watching a build from outside: its phases as the builder tells them, a sign of life every second, and Ctrl-C.

The builder keeps its thread for minutes and calls back into Python now and then. An error in a callback of its monitor
would end the build, so none leaves one. A signal must not raise in a callback either, where TensorRT would swallow it:
it is kept, the builder is asked to stop, and whoever handled the signal before gets it when the builder has returned.

Sources: TensorRT's Python API reference, IProgressMonitor (10.0 and newer; threads of the builder may call it); what an
exception does, and that a build lets other threads run, was tried with TensorRT-RTX 1.7.
"""

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from dgiqa_edge.runtime.commands import abrupt_exit

BEAT_S = 1.0
WITHOUT_PHASES = "building (this version does not tell how far it is)"
STOPPING = "stopping the build at its next step; once more ends the program at once"
CANNOT_STOP = (
    "this version of TensorRT cannot stop a build: it ends with this engine; once more ends the program at once"
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Tell = Callable[[str], None]


def silent(text: str) -> None:
    """Tell nobody."""


class Phases:
    """The phases that a builder is in, from the outermost to the innermost; any thread may call."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[int, int]] = {}

    def start(self, name: str, steps: int) -> None:
        self._running[name] = (0, steps)

    def step(self, name: str, step: int) -> None:
        self._running[name] = (step + 1, self._running[name][1])

    def finish(self, name: str) -> None:
        self._running.pop(name, None)

    def __str__(self) -> str:
        """The outermost and the innermost with their steps, ``Building engine 2/6: Timing graph nodes 12/57``."""
        running = [f"{name} {done}/{steps}" for name, (done, steps) in list(self._running.items())]
        return ": ".join([*running[:1], *running[1:][-1:]])


class BuildWatch:
    """Watches one build.

    Args:
        beat: is told what the builder is at, every second, by a thread of its own.
        say: is told once what comes of a signal, by that thread.
    """

    def __init__(self, trt: Any, config: Any, beat: Tell = silent, say: Tell = silent) -> None:
        self.phases = Phases()
        self.stopping = False
        self._beat, self._say = beat, say
        self._signal: int | None = None
        self._monitor: Any = None
        if hasattr(config, "progress_monitor"):  # from 10.0
            self._monitor = _monitor(trt, self)
            config.progress_monitor = self._monitor

    @contextmanager
    def running(self) -> Iterator[None]:
        """While the block builds.

        Raises:
            KeyboardInterrupt: the build was interrupted; or what else the program makes of the signal it got.
        """
        handlers: dict[int, Any] = {}
        reader, writer = socket.socketpair()
        reader.settimeout(BEAT_S)
        writer.setblocking(False)
        thread = threading.Thread(target=self._watch, args=(reader,), name="build watch", daemon=True)
        thread.start()
        try:
            with writer, self._signals_kept(writer, handlers):
                yield
        finally:  # the writer is closed, which ends the thread
            thread.join()
            reader.close()
            if self._signal is not None:
                handlers[self._signal](self._signal, None)

    @contextmanager
    def _signals_kept(self, writer: socket.socket, handlers: dict[int, Any]) -> Iterator[None]:
        """Note signals that had ``handlers``, and have them written to ``writer``, even while the builder runs."""
        if threading.current_thread() is not threading.main_thread():  # no other may ask for signals
            yield
            return
        handlers.update((number, signal.getsignal(number)) for number in _SIGNALS if callable(signal.getsignal(number)))
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in handlers:
            signal.signal(number, self._keep)
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        self._signal, self.stopping = number, True

    def _watch(self, reader: socket.socket) -> None:
        stops = 0
        while True:
            try:
                received = reader.recv(16)
            except TimeoutError:
                with contextlib.suppress(Exception):
                    self._beat(str(self.phases) or WITHOUT_PHASES)
                continue
            if not received:
                return
            for number in filter(_SIGNALS.__contains__, received):
                stops += 1
                if stops > 1:
                    abrupt_exit.end(128 + number)
                self.stopping = True
                with contextlib.suppress(Exception):
                    self._say(STOPPING if self._monitor is not None else CANNOT_STOP)


def _monitor(trt: Any, watch: BuildWatch) -> Any:
    phases = watch.phases

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            with contextlib.suppress(Exception):
                phases.start(phase_name, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            with contextlib.suppress(Exception):
                phases.step(phase_name, step)
            return not watch.stopping

        def phase_finish(self, phase_name: str) -> None:
            with contextlib.suppress(Exception):
                phases.finish(phase_name)

    return Monitor()
