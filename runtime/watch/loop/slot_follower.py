"""The scorer of a watch whose bundles come over the air: it takes over a new bundle between two frames, watches its
trial, and goes back to the one before where the trial fails.

A thread of its own looks after the slots (``update/slots.py``), loads and frees, so that scoring never waits for a
disk; the scoring thread only fetches what is ready. During a trial the bundle before stays loaded.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from ...errors import DgiqaEdgeError
from ...ground.error_text import one_line
from ...quality import FrameScorer
from ...update.slots import Slots
from ..status import RunningBundle
from .clock import Clock, SystemClock

log = logging.getLogger("dgiqa_edge.watch")

_LOOK_S = 1.0
_MOST_STARTS = 2
"""So many starts within a trial that did not end well are a bundle that kills its process."""
_END_S = 5.0


class OpenScorer(FrameScorer, Protocol):
    """A scorer that is freed by ``close``."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class TrialSettings:
    """A trial is lasted once frames were scored for ``seconds``; with so many failed frames it has failed."""

    seconds: float = 300.0
    most_failures: int = 5


@dataclass(eq=False)
class _Held:
    """A loaded bundle, and how its trial goes."""

    bundle: str
    scorer: OpenScorer
    on_trial: bool
    scored_since: float | None = None
    failures: int = 0
    problem: str = ""


class SlotFollower:
    """In a ``with`` block; a block that an error ends counts against a bundle on trial.

    Args:
        slots: with a current bundle.
        open_scorer: of a bundle's folder; replays its golden frame, and raises where it will not do here.
        trial: how long, how many failures.
        clock: the machine's where None.

    Raises:
        DgiqaEdgeError: neither the current bundle nor the one before can be loaded.
    """

    def __init__(
        self,
        slots: Slots,
        open_scorer: Callable[[Path], OpenScorer],
        trial: TrialSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._slots = slots
        self._open = open_scorer
        self._trial = trial or TrialSettings()
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._rollbacks = 0
        self._unrecorded: set[str] = set()  # taken back, and the disk does not know
        self._running = self._first()
        self._failed = self._slots.last_refusal
        self._before: _Held | None = None
        self._ready: _Held | None = None
        self._retired: list[_Held] = []
        self._hangs = False
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bundles", daemon=True)

    @property
    def scorer(self) -> OpenScorer:
        """What frames are scored with."""
        return self._running.scorer

    @property
    def is_loading(self) -> bool:
        """Whether a bundle is still being loaded, also after the block has ended."""
        return self._thread.is_alive()

    def take(self) -> OpenScorer | None:
        """Another scorer that takes over from now on, or None. For the scoring thread, between frames."""
        with self._lock:
            ready, self._ready = self._ready, None
            if ready is None:
                return None
            last, self._running = self._running, ready
            if ready.on_trial and not last.on_trial:
                self._before = last
            else:
                self._retired.append(last)
            if not ready.on_trial:
                self._let_before_go()
        log.warning("bundle %s takes over from %s", ready.bundle[:12], last.bundle[:12])
        return ready.scorer

    def scored(self) -> None:
        """A frame was scored."""
        if self._running.scored_since is None:
            self._running.scored_since = self._clock.monotonic()

    def failed(self, problem: str) -> bool:
        """A frame could not be scored; whether that is the trial's matter, and no reason to end the watch."""
        held = self._running
        if not held.on_trial:
            return False
        held.failures += 1
        held.problem = problem
        if held.failures >= self._trial.most_failures:
            self._wake.set()
        return True

    def hangs(self, busy_s: float) -> bool:
        """The engine has been busy with one frame; whether its bundle was taken back: it takes a new process then."""
        held = self._running
        if held.on_trial and not self._hangs:
            self._hangs = self._take_back(held.bundle, f"its engine hung with one frame for {busy_s:.0f} s") is not None
        return self._hangs

    def status(self) -> RunningBundle:
        """As it is now. For any thread."""
        held, failed = self._running, self._failed
        return RunningBundle(
            sha256=held.bundle,
            version=held.scorer.bundle.manifest.created,
            on_trial=held.on_trial,
            rollbacks=self._rollbacks,
            failed=None if failed is None else failed.bundle,
            reason=None if failed is None else failed.reason,
        )

    def end_well(self) -> None:
        """The watch ends as told, or never began: a start within a trial that does not count against the bundle."""
        if self._running.on_trial:
            self._kept(lambda: self._slots.count_start(-1))

    def __enter__(self) -> "SlotFollower":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join(_END_S)
        if kind is None:
            self.end_well()
        if self._hangs:
            return  # closing would wait for the engine
        for held in (self._running, self._before, self._ready, *self._retired):
            if held is not None:
                held.scorer.close()

    def _first(self) -> _Held:
        self._kept(self._slots.settle)
        current = self._slots.current
        assert current is not None
        if self._slots.on_trial and (self._kept(self._slots.count_start) or 0) > _MOST_STARTS:
            reason = f"{_MOST_STARTS} starts with it did not end well within its trial"
            current = self._take_back(current, reason) or current
        try:
            return self._load(current)
        except (DgiqaEdgeError, OSError) as error:
            if (before := self._slots.previous) is None:
                raise
            try:
                held = self._load(before)
            except (DgiqaEdgeError, OSError):  # what keeps both from running is not this bundle's fault
                self._kept(lambda: self._slots.count_start(-1))
                raise error from None
            self._take_back(current, one_line(error))
            return held

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            try:
                self.look()
            except Exception:  # a bug: what runs goes on
                log.exception("internal error while looking after the bundles")

    def look(self) -> None:
        """What happens every second: a trial's end, another bundle to load, and bundles to free."""
        with self._lock:
            retired, self._retired = self._retired, []
            held, waiting = self._running, self._ready is not None
        for one in retired:
            one.scorer.close()
        self._failed = self._slots.last_refusal  # another process may have refused one
        if waiting:
            return
        wanted = self._slots.current
        if held.on_trial and held.failures >= self._trial.most_failures:
            reason = f"{held.failures} frames could not be scored within its trial, the last one: {held.problem}"
            wanted = self._take_back(held.bundle, reason)
            held.on_trial = wanted is not None  # with nothing to go back to, failures count as anyone's
        elif held.on_trial and self._lasted(held):
            log.warning("bundle %s has lasted its trial", held.bundle[:12])
            self._kept(lambda: self._slots.accept(held.bundle))
            with self._lock:
                held.on_trial = False
                self._let_before_go()
        if wanted is not None and wanted != held.bundle and wanted not in self._unrecorded:
            self._bring(wanted)

    def _bring(self, bundle: str) -> None:
        with self._lock:
            before = self._before
        if before is not None and before.bundle == bundle:
            ready = before
        else:
            try:
                ready = self._load(bundle)
            except Exception as error:  # whatever it is, the bundle that runs goes on
                self._take_back(bundle, one_line(error))
                return
            if ready.on_trial:
                self._kept(self._slots.count_start)
        with self._lock:
            self._ready = ready

    def _load(self, bundle: str) -> _Held:
        on_trial = self._slots.on_trial and bundle == self._slots.current
        return _Held(bundle, self._open(self._slots.path(bundle)), on_trial)

    def _lasted(self, held: _Held) -> bool:
        return held.scored_since is not None and self._clock.monotonic() - held.scored_since >= self._trial.seconds

    def _let_before_go(self) -> None:
        if self._before is not None and self._before is not self._running:
            self._retired.append(self._before)
        self._before = None

    def _take_back(self, bundle: str, reason: str) -> str | None:
        """The bundle that is current instead; None where there is no other."""
        log.error("bundle %s is taken back: %s", bundle[:12], reason)
        self._rollbacks += 1
        try:
            return self._slots.roll_back(bundle, reason)
        except (DgiqaEdgeError, OSError) as error:
            log.error("that cannot be kept in %s: %s", self._slots.folder, error)
            self._unrecorded.add(bundle)
            return self._slots.previous

    def _kept(self, change: Callable[[], int | None]) -> int | None:
        """Change what is kept on disk; where that fails the watch goes on all the same."""
        try:
            return change()
        except (DgiqaEdgeError, OSError) as error:
            log.error("%s cannot be written: %s", self._slots.folder, error)
            return None
