"""The ``tegrastats`` program as a telemetry adapter: Jetson's power rails, temperatures, loads and clocks.

It is started as the user who measures; without root it leaves some tokens out, which the report then lacks.
"""

import shutil
import subprocess
import threading
from collections.abc import Sequence

from .rails import jetson_total
from .reading import PowerScope, Values
from .tegrastats import parse_line

_FIRST_LINE_S = 5.0
_STOP_S = 2.0
_SHOWN_UNKNOWN = 8


class TegrastatsAdapter:
    """Keeps the latest line of a running tegrastats; lines and tokens that are not understood are counted."""

    name = "tegrastats"

    def __init__(self, interval_s: float, command: Sequence[str] | None = None) -> None:
        self._command = list(command or ("tegrastats", "--interval", str(max(1, round(interval_s * 1e3)))))
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._latest: Values = {}
        self._first = threading.Event()
        self._lines = self._foreign_lines = 0
        self._unknown: dict[str, int] = {}

    def open(self) -> str | None:
        if shutil.which(self._command[0]) is None:
            return f"there is no {self._command[0]} here (it comes with Jetson Linux)"
        try:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True
            )
        except OSError as error:
            return f"{self._command[0]} cannot be started: {error.strerror}"
        self._thread = threading.Thread(target=self._follow, name="tegrastats", daemon=True)
        self._thread.start()
        if not self._first.wait(_FIRST_LINE_S):
            self.close()
            return f"{self._command[0]} printed no line that is understood within {_FIRST_LINE_S:.0f} s"
        return None

    def read(self) -> Values:
        """The values of the newest line that has not been read yet; none twice."""
        with self._lock:
            latest, self._latest = self._latest, {}
        return latest

    def power_scope(self, rails: frozenset[str]) -> PowerScope | None:
        return jetson_total(rails)

    def notes(self) -> tuple[str, ...]:
        with self._lock:
            notes = [f"{self._lines} lines read, {self._foreign_lines} of them not in a known format"]
            if self._unknown:
                shown = ", ".join(list(self._unknown)[:_SHOWN_UNKNOWN])
                notes.append(f"{sum(self._unknown.values())} tokens not understood and left out, such as: {shown}")
        return tuple(notes)

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._thread is not None:
            self._thread.join(_STOP_S)
        if process.stdout is not None:
            process.stdout.close()

    def _follow(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        for text in process.stdout:
            parsed = parse_line(text)
            with self._lock:
                self._lines += 1
                if parsed is None:
                    self._foreign_lines += 1
                    continue
                self._latest = parsed.values
                for token in parsed.unknown:
                    self._unknown[token] = self._unknown.get(token, 0) + 1
            self._first.set()
