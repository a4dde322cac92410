"""What takes over when, and what is closed, by hand: no thread runs here, time passes by ``advance``."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stand_ins.watch_loop import FakeClock, ListSink, PlayedSource, frame

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.errors import BundleError, ConfigurationError, EngineCompatibilityError, FidelityError
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.update.slots import Slots
from dgiqa_edge.runtime.watch.event import Outcome, Presence
from dgiqa_edge.runtime.watch.loop.intake import LineSettings, Policy
from dgiqa_edge.runtime.watch.loop.slot_follower import SlotFollower, TrialSettings
from dgiqa_edge.runtime.watch.loop.watch import Grace, Watch, WatchedCamera


class Opened:
    """A scorer as far as it is asked here."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.bundle = SimpleNamespace(path=path, manifest=SimpleNamespace(created=f"built {path.name}"))
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Place:
    """Slots with the bundles a (current), b and c; ``errors`` has what opening one raises; ``opened`` all of them."""

    def __init__(self, folder: Path) -> None:
        self.slots = Slots(folder)
        self.clock = FakeClock()
        self.errors: dict[str, Exception] = {}
        self.opened: list[Opened] = []
        for name in "abc":
            self.slots.path(name).mkdir(parents=True)
        self.slots.switch("a")

    def open(self, path: Path) -> Opened:
        if path.name in self.errors:
            raise self.errors[path.name]
        self.opened.append(Opened(path))
        return self.opened[-1]

    def follower(self) -> SlotFollower:
        return SlotFollower(self.slots, self.open, TrialSettings(seconds=60, most_failures=3), self.clock)  # type: ignore[arg-type]

    def alive(self) -> list[str]:
        assert all(one.closed <= 1 for one in self.opened)
        return [one.name for one in self.opened if not one.closed]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "bundles")


def taken(follower: SlotFollower) -> str | None:
    """What the scoring thread gets, after what happens each second."""
    follower.look()
    scorer: Any = follower.take()
    follower.look()
    return None if scorer is None else scorer.name


def test_a_new_one_takes_over_lasts_and_the_old_one_is_closed(place: Place) -> None:
    follower = place.follower()
    assert taken(follower) is None
    place.slots.switch("b")
    assert taken(follower) == "b"
    assert place.alive() == ["a", "b"]
    assert (follower.status().sha256, follower.status().on_trial, follower.status().version) == ("b", True, "built b")
    place.clock.advance(1000)
    assert taken(follower) is None
    assert follower.status().on_trial, "no frame was scored yet"
    follower.scored()
    place.clock.advance(59)
    follower.look()
    assert follower.status().on_trial
    place.clock.advance(1)
    follower.look()
    follower.look()
    assert not follower.status().on_trial
    assert not place.slots.on_trial
    assert place.alive() == ["b"]


def test_failures_within_the_trial_bring_the_old_one_back_at_once(place: Place) -> None:
    follower = place.follower()
    assert not follower.failed("not on trial: anyone's matter")
    place.slots.switch("b")
    assert taken(follower) == "b"
    assert [follower.failed("no number") for _ in range(2)] == [True, True]
    assert taken(follower) is None
    assert follower.failed("no number")
    assert taken(follower) == "a"
    assert place.alive() == ["a"], "the old one was kept, not opened again"
    assert place.slots.current == "a"
    status = follower.status()
    assert (status.rollbacks, status.failed, status.on_trial) == (1, "b", False)
    assert "3 frames could not be scored" in (status.reason or "")
    assert taken(follower) is None


def test_one_that_cannot_be_opened_never_takes_over(place: Place) -> None:
    follower = place.follower()
    for error in (FidelityError("other outputs"), RuntimeError("a bug")):
        place.errors = {"b": error}
        place.slots.switch("b")
        assert taken(follower) is None
        assert place.slots.current == "a"
        assert str(error) in (follower.status().reason or "")
    assert place.alive() == ["a"]


def test_a_third_within_the_trial_leaves_the_first_to_go_back_to(place: Place) -> None:
    follower = place.follower()
    place.slots.switch("b")
    assert taken(follower) == "b"
    place.slots.switch("c")
    assert taken(follower) == "c"
    assert place.alive() == ["a", "c"]
    for _ in range(3):
        follower.failed("no number")
    assert taken(follower) == "a"
    assert place.alive() == ["a"]


def test_going_back_by_hand(place: Place) -> None:
    follower = place.follower()
    place.slots.switch("b")
    taken(follower)
    place.slots.roll_back("b", "taken back by hand")
    assert taken(follower) == "a"
    assert place.alive() == ["a"]
    assert follower.status().rollbacks == 0


def test_a_disk_that_takes_nothing_does_not_keep_it_from_going_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = place.follower()
    place.slots.switch("b")
    taken(follower)

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(place.slots, "_write", refused)
    for _ in range(3):
        follower.failed("no number")
    assert taken(follower) == "a"
    assert place.slots.current == "b"
    assert taken(follower) is None, "it is not taken up again"


def test_one_that_will_not_start_is_passed_over(place: Place) -> None:
    place.slots.switch("b")
    place.errors = {"b": BundleError("damaged")}
    follower = place.follower()
    assert (follower.status().sha256, place.slots.current) == ("a", "a")
    assert follower.status().reason == "damaged"


def test_what_keeps_all_from_starting_takes_none_back(place: Place) -> None:
    place.slots.switch("b")
    place.errors = dict.fromkeys("ab", ConfigurationError("no such backend"))
    for _ in range(3):  # as often as a service manager likes
        with pytest.raises(ConfigurationError, match="no such backend"):
            place.follower()
    assert place.slots.current == "b"
    assert place.slots.last_refusal is None
    place.errors = {}
    assert place.follower().status().sha256 == "b"


def test_two_starts_that_do_not_end_well_are_enough(place: Place) -> None:
    place.slots.switch("b")
    for _ in range(5):
        with place.follower() as follower:  # ends well: does not count
            assert follower.status().sha256 == "b"
    for _ in range(2):
        with pytest.raises(KeyError), place.follower() as follower:
            assert follower.status().sha256 == "b"
            raise KeyError
    assert place.follower().status().sha256 == "a"
    assert place.slots.last_refusal is not None
    assert place.slots.last_refusal.bundle == "b"


def test_closing_closes_all_that_is_loaded(place: Place) -> None:
    with place.follower() as follower:
        place.slots.switch("b")
        taken(follower)
    assert place.alive() == []


@pytest.fixture
def pair(tmp_path: Path, make_bundle: Callable[..., Path]) -> Slots:
    """Slots with two real bundles, the first one current; ``second`` is the other's name."""
    slots = Slots(tmp_path / "slots")
    for created in ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"):
        made = make_bundle(edit=lambda document, at=created: document.update(created=at))
        name = load_bundle(made).sha256
        slots.path(name).parent.mkdir(parents=True, exist_ok=True)
        made.rename(slots.path(name))
    first, second = (
        place.name
        for place in sorted(slots.path("x").parent.iterdir(), key=lambda it: load_bundle(it).manifest.created)
    )
    slots.switch(first)
    slots.second = second  # type: ignore[attr-defined]
    return slots


def opened(path: Path) -> Scorer:
    return Scorer(path, threads=1, allow_spinning=False)


def test_the_loop_changes_over_between_frames_and_gates_start_anew(pair: Any) -> None:
    told: list[str] = []
    switched = threading.Event()

    def after(event: Any) -> None:
        if event.index == 4:
            pair.switch(pair.second)
            follower.look()
            switched.set()

    class Told(ListSink):
        def follow_bundle(self, running: Any) -> None:
            told.append(running.sha256)

    frames = [frame(90 + index) for index in range(12)]
    sink = Told(then=after)
    with SlotFollower(pair, opened) as follower:
        first = follower.status().sha256
        camera = WatchedCamera(
            "a", lambda: PlayedSource([frames], live=False), "a", LineSettings(Policy.EVERY, places=2)
        )
        watch = Watch([camera], follower.scorer, [sink], follower=follower)
        status = watch.run(threading.Event())
        watch.tick()
    shown = status.cameras[0]
    assert (shown.captured, shown.scored, shown.failed, shown.skipped) == (12, 12, 0, 0)
    assert [event.index for event in sink.events] == list(range(12))
    assert all(event.outcome is Outcome.SCORED for event in sink.events)
    assert [it.outcome for it in sink.presences] == [Presence.STARTING, Presence.STARTING, Presence.ENDED]
    assert status.running.sha256 == pair.second
    assert status.bundle.endswith(pair.second)
    assert told == [first, pair.second]
    assert switched.is_set()


def test_an_engine_that_hangs_within_the_trial_ends_the_process_with_the_old_one_current(pair: Any) -> None:
    """A thread in a driver cannot be freed: a new process goes on, with the bundle before."""
    first = pair.current
    pair.switch(pair.second)
    follower = SlotFollower(pair, opened)
    release, clock = threading.Event(), FakeClock()
    score = follower.scorer.score

    def hang(*given: Any) -> Any:
        release.wait(20)
        return score(*given)

    follower.scorer.score = hang  # type: ignore[method-assign]
    camera = WatchedCamera("a", lambda: PlayedSource([[frame()]]), "a")
    watch = Watch([camera], follower.scorer, [], follower=follower, clock=clock, grace=Grace(0.1, 0.1, 0.1))
    stop = threading.Event()
    status = watch.run(stop)
    release.set()
    assert isinstance(watch.fatal, EngineCompatibilityError)
    assert "its bundle was taken back" in str(watch.fatal)
    assert pair.current == first
    assert status.cameras[0].in_flight == 1


def test_an_end_that_was_asked_for_does_not_count_whoever_tells_it(place: Place) -> None:
    """A camera that hangs ends the process at once, past the block's own end."""
    place.slots.switch("b")
    for _ in range(4):
        follower = place.follower()
        assert follower.status().sha256 == "b"
        follower.end_well()
