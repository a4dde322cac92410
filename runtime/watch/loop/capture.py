"""One camera's capture: a thread that opens the source, reads it, and connects again when it fails.

A read may hang in a driver where nothing can wake it. ``tick``, called every second, then leaves that thread behind,
counts it, and starts another; whatever the old one still delivers is accounted for as skipped.
"""

import contextlib
import logging
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ...backoff import Backoff, BackoffPolicy
from ...errors import DgiqaEdgeError, MachineError, SourceError
from ...ground.error_text import one_line
from ...settings.credentials import masked
from ..event import Outcome
from ..sources.protocol import Damaged, End, Frame, ReadResult, Source
from ..status import CameraState
from .clock import Clock
from .intake import CapturedFrame, Intake

log = logging.getLogger("dgiqa_edge.watch")

MOST_HUNG_READS = 4
_MARGIN_S = 2.0  # a source's own time-out comes first
_STALL_PAUSE_S = 0.05
_NEARLY = 0.9

Settled = Callable[[CapturedFrame, Outcome], None]


@dataclass(frozen=True)
class ConnectionSettings:
    """``stall_timeout_s``: without a frame for so long, the camera is connected anew."""

    open_timeout_s: float = 15.0
    stall_timeout_s: float = 10.0
    backoff: BackoffPolicy = field(default_factory=BackoffPolicy)


@dataclass(frozen=True)
class CaptureSnapshot:
    """The connection's part of ``CameraStatus``; fields as there."""

    state: CameraState = CameraState.CONNECTING
    problem: str | None = None
    reconnects: int = 0
    stalls: int = 0
    size_changes: int = 0
    abandoned_reads: int = 0
    hung_reads: int = 0
    frame_size: tuple[int, int] | None = None
    last_frame_at: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "problem", self.problem and masked(self.problem))


class _Reader:
    """One capture thread and what it is doing; ``busy_since`` is None while it is not inside the source."""

    def __init__(self, source: Source, delay_s: float) -> None:
        self.source = source
        self.delay_s = delay_s
        self.thread: threading.Thread | None = None
        self.abandoned = False
        self.doing = "open"
        self.busy_since: float | None = None

    @property
    def is_alive(self) -> bool:
        return self.thread is not None and self.thread.is_alive()


class Capture:
    """Reads one camera into the intake.

    Args:
        camera: its name.
        create: makes a source that is not open yet; called again after a read that hung.
        intake: where frames go.
        settings: time-outs and back-off.
        clock, rng: passed in, so that tests are exact.
        settled: called with frames that end here, skipped or failed; from the capture thread.
    """

    def __init__(
        self,
        camera: str,
        create: Callable[[], Source],
        intake: Intake,
        settings: ConnectionSettings,
        clock: Clock,
        rng: random.Random,
        settled: Settled,
    ) -> None:
        self.camera = camera
        self._create = create
        self._intake = intake
        self._settings = settings
        self._clock = clock
        self._settled = settled
        self._backoff = Backoff(settings.backoff, rng)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._shown = CaptureSnapshot()
        self._reader: _Reader | None = None
        self._hung: list[_Reader] = []
        self._had_frames = False
        self._connected = False
        self._opened_at = 0.0

    def start(self) -> None:
        """Begin to connect.

        Raises:
            ConfigurationError, MachineError: from ``create``.
        """
        self._launch(self._create(), 0.0)

    def snapshot(self) -> CaptureSnapshot:
        """The connection as it is now."""
        with self._lock:
            return self._shown

    @property
    def is_finished(self) -> bool:
        """No frame will come any more."""
        return self.snapshot().state in (CameraState.ENDED, CameraState.FAILED, CameraState.STOPPED)

    @property
    def interval_s(self) -> float:
        """Seconds between two frames that the source itself makes; 0 where the camera sets the pace."""
        reader = self._reader
        return 0.0 if reader is None else reader.source.interval_s or 0.0

    def tick(self) -> None:
        """Look after the reading thread; call it about once per second."""
        self._hung = [reader for reader in self._hung if reader.is_alive]
        self._update(hung_reads=len(self._hung))
        if self._stop.is_set() or self.is_finished:
            return
        reader = self._reader
        if reader is None:
            if len(self._hung) < MOST_HUNG_READS:
                self._relaunch()
            return
        since, doing = reader.busy_since, reader.doing
        limit = self._settings.open_timeout_s if doing == "open" else self._settings.stall_timeout_s
        if since is not None and self._clock.monotonic() - since > limit + _MARGIN_S:
            self._abandon(reader, f"{doing} did not return for {limit + _MARGIN_S:g} s")

    def request_stop(self) -> None:
        """Ask the thread to end; does not wait. A connection that is only being made is given up at once."""
        self._stop.set()
        reader = self._reader
        if reader is not None and reader.doing == "open" and reader.busy_since is not None:
            reader.source.interrupt()

    def stop(self, grace_s: float) -> None:
        """Wait for the thread to end, and leave it behind where it does not within ``grace_s``."""
        self._stop.set()
        reader = self._reader
        if reader is not None and reader.thread is not None:
            reader.thread.join(grace_s / 2)
            if reader.is_alive:
                reader.source.interrupt()
                reader.thread.join(grace_s / 2)
            if reader.is_alive:
                reader.abandoned = True
                self._hung.append(reader)
                self._update(abandoned_reads=self.snapshot().abandoned_reads + 1, hung_reads=len(self._hung))
        if not self.is_finished:
            self._update(state=CameraState.STOPPED)

    def _relaunch(self) -> None:
        try:
            self._launch(self._create(), self._backoff.next_s())
        except DgiqaEdgeError as error:  # this machine has lost what the source needs
            self._update(state=CameraState.FAILED, problem=one_line(error))

    def _launch(self, source: Source, delay_s: float) -> None:
        reader = _Reader(source, delay_s)
        reader.thread = threading.Thread(target=self._run, args=(reader,), name=f"capture-{self.camera}", daemon=True)
        self._reader = reader
        reader.thread.start()

    def _abandon(self, reader: _Reader, problem: str) -> None:
        reader.abandoned = True
        self._hung.append(reader)
        self._reader = None
        shown = self.snapshot()
        final = not reader.source.live
        self._update(
            state=CameraState.FAILED if final else CameraState.STALLED,
            problem=problem,
            stalls=shown.stalls + 1,
            abandoned_reads=shown.abandoned_reads + 1,
            hung_reads=len(self._hung),
        )
        self._connected = False
        reader.source.interrupt()
        if final:
            return
        if len(self._hung) >= MOST_HUNG_READS:
            self._update(problem=f"{len(self._hung)} reads hang in the driver: waiting for one of them to return")
        else:
            self._relaunch()

    def _wanted(self, reader: _Reader) -> bool:
        return not (reader.abandoned or self._stop.is_set())

    def _run(self, reader: _Reader) -> None:
        try:
            self._keep_connected(reader)
        finally:
            self._close(reader)

    def _keep_connected(self, reader: _Reader) -> None:
        self._clock.wait(self._stop, reader.delay_s)
        while self._wanted(reader):
            try:
                final = self._connection(reader)
            except Exception:  # a bug in a source must not end the camera
                log.exception("%s: internal error in the source", self.camera)
                final = self._lost(reader, "internal error in the source, see the log")
            if final is not None:
                if not reader.abandoned:
                    self._update(state=final)
                return
            if self._wanted(reader):
                self._clock.wait(self._stop, self._backoff.next_s())

    def _connection(self, reader: _Reader) -> CameraState | None:
        """Open and read until it ends; the state to stay in, or None where it is to be tried again."""
        try:
            with self._busy(reader, "open"):
                reader.source.open()
        except SourceError as error:  # not closed: a source keeps what makes its next attempt cheap
            return self._lost(reader, one_line(error))
        except MachineError as error:
            self._lost(reader, one_line(error))
            return CameraState.FAILED
        try:
            return self._read_all(reader)
        finally:
            self._close(reader)

    def _close(self, reader: _Reader) -> None:
        with self._busy(reader, "close"):
            reader.source.close()

    def _read_all(self, reader: _Reader) -> CameraState | None:
        source = reader.source
        last_frame = due = self._opened_at = self._clock.monotonic()
        while self._wanted(reader):
            if source.interval_s is not None:
                due = self._paced(due, source.interval_s)
            started = self._clock.monotonic()
            with self._busy(reader, "read"):
                result = source.read()
            now = self._clock.monotonic()
            if source.live and now - started >= _NEARLY * self._settings.stall_timeout_s:
                return self._stalled(reader, result, now - started)
            if isinstance(result, Frame):
                last_frame = now
                self._deliver(reader, result, now)
            elif isinstance(result, End):
                return self._ended(reader, result)
            else:
                self._without_frame(result, now)
                if source.live and now - last_frame > self._settings.stall_timeout_s:
                    return self._stalled(reader, result, now - last_frame)
        return None

    def _paced(self, due: float, interval_s: float) -> float:
        """Wait for the time of the next read; lost time is not caught up with."""
        now = self._clock.monotonic()
        if due > now:
            self._clock.wait(self._stop, due - now)
        return max(due, now - interval_s) + interval_s

    def _deliver(self, reader: _Reader, frame: Frame, now: float) -> None:
        if self._wanted(reader):
            self._note_frame(frame, self._clock.wall())
        self._offer(frame, now, lambda: self._wanted(reader))

    def _offer(self, frame: Frame, now: float, wanted: Callable[[], bool]) -> None:
        for dropped in self._intake.offer(self.camera, frame.image, now, self._clock.wall(), wanted):
            self._settled(dropped, Outcome.SKIPPED)

    def _note_frame(self, frame: Frame, wall: float) -> None:
        height, width = frame.image.shape[:2]
        shown = self.snapshot()
        changes = {"frame_size": (width, height), "last_frame_at": wall}
        resized = shown.frame_size not in (None, (width, height))
        if resized:
            log.info("%s: frames are %dx%d now, they were %dx%d", self.camera, width, height, *(shown.frame_size or ()))
        again = not self._connected and self._had_frames
        self._connected = self._had_frames = True
        # One that drops out after every few frames would be tried, lost and returned without a pause.
        if self._clock.monotonic() - self._opened_at >= self._settings.backoff.longest_s:
            self._backoff.reset()
        self._update(
            state=CameraState.LIVE,
            problem=None,
            size_changes=shown.size_changes + resized,
            reconnects=shown.reconnects + again,
            **changes,
        )

    def _without_frame(self, result: ReadResult, now: float) -> None:
        if isinstance(result, Damaged):
            frame = self._intake.damaged(self.camera, result.reason, now, self._clock.wall())
            self._settled(frame, Outcome.FAILED)
        else:
            self._clock.wait(self._stop, _STALL_PAUSE_S)

    def _ended(self, reader: _Reader, end: End) -> CameraState | None:
        if reader.source.live:
            return self._lost(reader, end.reason)
        if not reader.abandoned:
            self._update(problem=None if end.whole else end.reason)
        return CameraState.ENDED

    def _lost(self, reader: _Reader, problem: str) -> CameraState | None:
        if not self._wanted(reader):  # interrupted, which is no problem of the camera's
            return None
        self._connected = False
        if reader.source.live:
            self._update(state=CameraState.RETRYING, problem=problem)
            return None
        self._update(problem=problem)
        return CameraState.FAILED

    def _stalled(self, reader: _Reader, result: ReadResult, silent_s: float) -> CameraState | None:
        """Connect anew. A decoder may hand out an old frame when its own time-out ends a read: that one is skipped."""
        if isinstance(result, Frame):
            self._offer(result, self._clock.monotonic(), lambda: False)
        if not reader.abandoned:
            self._update(stalls=self.snapshot().stalls + 1)
        reason = "" if isinstance(result, Frame) else f" ({result.reason})"
        return self._lost(reader, f"no frame for {silent_s:.0f} s{reason}")

    @contextlib.contextmanager
    def _busy(self, reader: _Reader, doing: str) -> Iterator[None]:
        reader.doing, reader.busy_since = doing, self._clock.monotonic()
        try:
            yield
        finally:
            reader.busy_since = None

    def _update(self, **changes: object) -> None:
        with self._lock:
            before = self._shown
            self._shown = after = replace(before, **changes)  # type: ignore[arg-type]
        if (before.state, before.problem) != (after.state, after.problem):
            level = logging.WARNING if after.problem else logging.INFO
            log.log(level, "%s: %s%s", self.camera, after.state.value, f" ({after.problem})" if after.problem else "")
