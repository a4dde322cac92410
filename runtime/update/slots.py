"""A folder of bundles of which one is *current*: beside it the one to go back to, and how a new one's trial goes.

::

    FOLDER/current  -> slots/HASH        a link, which is switched by one rename
    FOLDER/previous -> slots/HASH        the last one that has lasted its trial
    FOLDER/slots/HASH/                   a bundle; HASH is the SHA-256 of its bundle.json
    FOLDER/state.json                    the trial, what was taken back and why, what was fetched last

Whoever is killed at any moment leaves a folder that is read as before or after its change: a trial counts only for the
bundle that is current, and a bundle that was taken back is not current for whoever looks (``settle``).
"""

import contextlib
import logging
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..bundle.checks import MANIFEST_NAME
from ..errors import BundleError, ConfigurationError, UpdateError
from ..ground.atomic import PARTIAL_PREFIX, write_text
from ..ground.input_file import file_bytes
from ..ground.names import json_text, shown
from ..ground.strict_text import parse_json

log = logging.getLogger("dgiqa_edge.update")

_CURRENT, _PREVIOUS, _SLOTS = "current", "previous", "slots"
_MOST_REFUSALS = 100
_LONGEST_REASON = 240


@dataclass(frozen=True)
class Trial:
    """``starts``: how often a watch began with this bundle and did not end well, or goes on."""

    bundle: str
    starts: int = 0


@dataclass(frozen=True)
class Refusal:
    """A bundle that is not tried again by itself; ``at`` is wall clock, seconds since the epoch."""

    bundle: str
    reason: str
    at: float


@dataclass(frozen=True)
class State:
    """``fetched``: of an address, by its SHA-256, the ETag and the bundle that it gave."""

    trial: Trial | None = None
    refused: tuple[Refusal, ...] = ()
    fetched: dict[str, tuple[str, str]] = field(default_factory=dict)

    def refusal(self, bundle: str) -> Refusal | None:
        """Of that bundle."""
        return next((one for one in self.refused if one.bundle == bundle), None)


def is_slots(path: Path) -> bool:
    """Whether a path is such a folder, and no bundle."""
    return (path / _SLOTS).is_dir() and not (path / MANIFEST_NAME).exists()


class Slots:
    """Reads and switches; any process may, at any time.

    Args:
        folder: is made with the first bundle.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._complained = False

    @property
    def current(self) -> str | None:
        """The bundle that runs; None before the first."""
        return self._target(_CURRENT)

    @property
    def previous(self) -> str | None:
        """The bundle to go back to; None where there is none."""
        before = self._target(_PREVIOUS)
        return before if before != self.current else None

    @property
    def on_trial(self) -> bool:
        """Whether the current bundle has not lasted its trial yet."""
        trial = self.state().trial
        return trial is not None and trial.bundle == self.current and self.previous is not None

    @property
    def last_refusal(self) -> Refusal | None:
        """The bundle that failed here last."""
        return next(reversed(self.state().refused), None)

    def path(self, bundle: str) -> Path:
        """Where a bundle lies, or will."""
        return self.folder / _SLOTS / bundle

    def state(self) -> State:
        """What is kept beside the bundles; a file that cannot be read counts as empty, and is said."""
        file = self.folder / "state.json"
        try:
            document = parse_json(file_bytes(file).decode())
            trial = document["trial"]
            return State(
                None if trial is None else Trial(str(trial["bundle"]), int(trial["starts"])),
                tuple(Refusal(str(it["bundle"]), str(it["reason"]), float(it["at"])) for it in document["refused"]),
                {str(key): (str(tag), str(bundle)) for key, (tag, bundle) in document["fetched"].items()},
            )
        except FileNotFoundError:
            return State()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if not self._complained:
                self._complained = True
                log.warning("%s cannot be used (%s): it counts as empty", shown(file), type(error).__name__)
            return State()

    def switch(self, bundle: str) -> None:
        """Make a bundle of this folder the current one; where another has lasted, it is on trial."""
        with self._changing():
            before = self.current
            lasted = self._target(_PREVIOUS) if self.on_trial else before
            refused = tuple(one for one in self.state().refused if one.bundle != bundle)
            self._write(trial=Trial(bundle) if bundle != before else self.state().trial, refused=refused)
            if lasted is not None and lasted != bundle:
                self._link(_PREVIOUS, lasted)
            self._link(_CURRENT, bundle)

    def count_start(self, change: int = 1) -> int:
        """A watch begins with the current bundle on trial, or (-1) has ended well; returns how often so far."""
        with self._changing():
            trial = self.state().trial
            if trial is None or not self.on_trial:
                return 0
            starts = max(0, trial.starts + change)
            self._write(trial=replace(trial, starts=starts))
            return starts

    def accept(self, bundle: str) -> None:
        """The bundle has lasted its trial."""
        with self._changing():
            if bundle == self.current:
                self._write(trial=None)

    def refuse(self, bundle: str, reason: str) -> None:
        """Remember that a bundle failed here, so that it is not tried again by itself.

        The reason is kept without the bundle's own path, and short: errors end with the commands that mend them.
        """
        with self._changing():
            self._refuse(bundle, reason)

    def roll_back(self, bundle: str, reason: str) -> str | None:
        """Take a bundle back, if it is the current one and there is another; returns that one, or None.

        It is remembered with its reason either way.
        """
        with self._changing():
            self._refuse(bundle, reason)
            return self._go_back(bundle)

    def settle(self) -> None:
        """Finish a going back that was cut off."""
        current = self.current
        if current is not None and self.previous is not None and self.state().refusal(current):
            with self._changing():
                self._go_back(current)

    def remember_fetched(self, address: str, etag: str, bundle: str) -> None:
        """What an address gave last; ``address`` is its SHA-256, for it may hold a password."""
        with self._changing():
            self._write(fetched={**self.state().fetched, address: (etag, bundle)})

    def prune(self) -> None:
        """Remove all bundles but the current one and the one to go back to, and what a killed process left."""
        kept = {self._target(_CURRENT), self._target(_PREVIOUS)}
        for place in (self.folder / _SLOTS).glob("*"):
            if place.name not in kept:
                shutil.rmtree(place, ignore_errors=True)
        for place in self.folder.glob(f"{PARTIAL_PREFIX}*"):
            place.unlink(missing_ok=True)

    @contextlib.contextmanager
    def pulling(self) -> Iterator[None]:
        """No other process fetches into this folder meanwhile.

        Raises:
            UpdateError: one does; or the folder is a copy that lost its links, of which nothing is known.
        """
        for link in (self.folder / _CURRENT, self.folder / _PREVIOUS):
            if link.is_dir() and not link.is_symlink():
                raise UpdateError(
                    f"{shown(link)} is a folder, not a link: {shown(self.folder)} was copied without its links; copy "
                    "it with cp -a, or remove it and pull again"
                )
        with self._locked("pull.lock", wait=False):
            yield

    def _refuse(self, bundle: str, reason: str) -> None:
        others = [one for one in self.state().refused if one.bundle != bundle]
        reason = re.sub(rf"\S*\.partial-\w+|\S*/{re.escape(bundle)}", "it", reason)
        reason = reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 3]}..."
        self._write(refused=(*others, Refusal(bundle, reason, time.time()))[-_MOST_REFUSALS:])

    def _go_back(self, bundle: str) -> str | None:
        before = self.previous
        if bundle != self.current or before is None:
            return None
        self._link(_CURRENT, before)
        self._write(trial=None)
        return before

    def _target(self, name: str) -> str | None:
        try:
            bundle = (self.folder / name).readlink().name
        except OSError:
            return None
        return bundle if self.path(bundle).is_dir() else None

    def _link(self, name: str, bundle: str) -> None:
        new = self.folder / f"{PARTIAL_PREFIX}{name}"
        new.unlink(missing_ok=True)
        new.symlink_to(Path(_SLOTS, bundle), target_is_directory=True)
        new.replace(self.folder / name)

    def _write(self, **changes: Any) -> None:
        write_text(self.folder / "state.json", json_text(asdict(replace(self.state(), **changes)), indent=2) + "\n")

    def _changing(self) -> contextlib.AbstractContextManager[None]:
        return self._locked("state.lock", wait=True)

    @contextlib.contextmanager
    def _locked(self, name: str, wait: bool) -> Iterator[None]:
        import fcntl

        (self.folder / _SLOTS).mkdir(parents=True, exist_ok=True)
        with (self.folder / name).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise UpdateError(f"{shown(self.folder)}: another pull is under way: wait for it to end") from None
            yield


def slots_of(folder: Path) -> Slots:
    """The slots of a folder that has some.

    Raises:
        ConfigurationError: it is none, or a bundle.
        BundleError: there is no bundle in it yet.
    """
    if not is_slots(folder):
        raise ConfigurationError(
            f"{shown(folder)} is no folder of slots: dgiqa-edge bundle pull URL --slots DIR makes one"
        )
    slots = Slots(folder)
    if slots.current is None:
        raise BundleError(f"{shown(folder)} has no current bundle: dgiqa-edge bundle pull URL --slots DIR fetches one")
    return slots
