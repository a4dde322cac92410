"""Switching, trials and going back; and a folder whose writer is killed between any two of its steps."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.errors import BundleError, ConfigurationError, UpdateError
from dgiqa_edge.runtime.update import slots as module
from dgiqa_edge.runtime.update.slots import Slots, State, is_slots, slots_of


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    """With the bundles a, b and c, of which none is current."""
    made = Slots(tmp_path / "bundles")
    for name in "abc":
        made.path(name).mkdir(parents=True)
        (made.path(name) / "bundle.json").write_text("{}")
    return made


def test_the_first_is_current_and_on_no_trial(slots: Slots) -> None:
    slots.switch("a")
    assert (slots.current, slots.previous, slots.on_trial) == ("a", None, False)
    assert (slots.folder / "current").resolve() == slots.path("a").resolve()
    assert (slots.folder / "current").readlink() == Path("slots/a")  # the folder may be moved


def test_the_next_is_on_trial_until_it_has_lasted(slots: Slots) -> None:
    slots.switch("a")
    slots.switch("b")
    assert (slots.current, slots.previous, slots.on_trial) == ("b", "a", True)
    slots.accept("a")  # not the current one: nothing happens
    assert slots.on_trial
    slots.accept("b")
    assert (slots.current, slots.previous, slots.on_trial) == ("b", "a", False)


def test_a_third_within_the_trial_keeps_the_one_that_has_lasted(slots: Slots) -> None:
    for name in "abc":
        slots.switch(name)
    assert (slots.current, slots.previous) == ("c", "a")
    slots.accept("c")
    slots.switch("b")
    assert (slots.current, slots.previous) == ("b", "c")


def test_going_back_is_remembered_with_its_reason(slots: Slots) -> None:
    slots.switch("a")
    slots.switch("b")
    assert slots.roll_back("a", "not current") is None
    assert slots.roll_back("b", "it failed") == "a"
    assert (slots.current, slots.previous, slots.on_trial) == ("a", None, False)
    failed = slots.state().refusal("b")
    assert failed is not None
    assert failed.reason == "it failed"
    assert slots.last_refusal == failed
    slots.switch("b")  # somebody wants it all the same
    assert slots.state().refusal("b") is None


def test_a_reason_is_kept_without_paths_and_short(slots: Slots) -> None:
    slots.refuse("c", f"{slots.path('c')}: the score is no number; rebuild it with: {'--option ' * 100}")
    failed = slots.last_refusal
    assert failed is not None
    assert failed.reason.startswith("it: the score is no number; rebuild it with: --option")
    assert len(failed.reason) == 240


def test_with_nothing_to_go_back_to_it_stays(slots: Slots) -> None:
    slots.switch("a")
    assert slots.roll_back("a", "it failed") is None
    assert slots.current == "a"


def test_starts_within_a_trial_are_counted(slots: Slots) -> None:
    slots.switch("a")
    assert slots.count_start() == 0  # nothing to go back to: no trial
    slots.switch("b")
    assert [slots.count_start(), slots.count_start(), slots.count_start(-1), slots.count_start()] == [1, 2, 1, 2]
    slots.accept("b")
    assert slots.count_start() == 0


def test_others_are_removed_and_what_a_killed_pull_left(slots: Slots) -> None:
    slots.switch("a")
    slots.switch("b")
    (slots.folder / ".partial-x.tar").write_text("half")
    (slots.folder / "slots" / ".partial-y").mkdir()
    slots.prune()
    assert {place.name for place in (slots.folder / "slots").iterdir()} == {"a", "b"}
    assert not list(slots.folder.rglob(".partial*"))


def test_a_slot_that_is_gone_is_none(slots: Slots) -> None:
    slots.switch("a")
    slots.switch("b")
    for file in slots.path("a").iterdir():
        file.unlink()
    slots.path("a").rmdir()
    assert (slots.current, slots.previous, slots.on_trial) == ("b", None, False)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"trial": 1, "refused": [], "fetched": {}}', "\xff"])
def test_a_damaged_state_counts_as_empty(slots: Slots, text: str) -> None:
    slots.switch("a")
    slots.switch("b")
    (slots.folder / "state.json").write_text(text)
    assert slots.state() == State()
    assert (slots.current, slots.on_trial) == ("b", False)
    slots.refuse("c", "it failed")
    assert slots.state().refusal("c")


def test_only_one_pulls_at_a_time(slots: Slots) -> None:
    with slots.pulling():
        with pytest.raises(UpdateError, match="another pull"), Slots(slots.folder).pulling():
            pass
        slots.switch("a")  # a watch may go back meanwhile
    with Slots(slots.folder).pulling():
        pass


def test_what_is_no_folder_of_slots(slots: Slots, bundle_dir: Path, tmp_path: Path) -> None:
    assert is_slots(slots.folder)
    assert not is_slots(bundle_dir)
    with pytest.raises(BundleError, match="has no current bundle"):
        slots_of(slots.folder)
    for folder in (bundle_dir, tmp_path / "absent"):
        with pytest.raises(ConfigurationError, match="is no folder of slots"):
            slots_of(folder)


class KilledError(BaseException):
    """The process is gone: nothing after it is carried out, no handler either."""


def dying(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Die before the step of that number."""
    left = iter(range(at))

    def step(real: Any) -> Any:
        def run(*given: Any, **named: Any) -> Any:
            if next(left, None) is None:
                raise KilledError
            return real(*given, **named)

        return run

    monkeypatch.setattr(module, "write_text", step(module.write_text))
    for name in ("replace", "symlink_to"):
        monkeypatch.setattr(Path, name, step(getattr(Path, name)))


def states(monkeypatch: pytest.MonkeyPatch, slots: Slots, change: Any) -> Iterator[Slots]:
    """The folder as each possible moment of death leaves it, and at last as the change does."""
    saved = slots.folder.with_name("saved")
    shutil.copytree(slots.folder, saved, symlinks=True)
    for at in range(100):
        shutil.rmtree(slots.folder)
        shutil.copytree(saved, slots.folder, symlinks=True)
        with monkeypatch.context() as patch:
            dying(patch, at)
            try:
                change()
            except KilledError:
                pass
            else:
                yield Slots(slots.folder)
                return
        yield Slots(slots.folder)


def test_killed_at_any_step_of_a_switch_the_one_or_the_other_is_current(
    slots: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots.switch("a")
    slots.switch("b")
    slots.accept("b")
    found = []
    for left in states(monkeypatch, slots, lambda: slots.switch("c")):
        found.append((left.current, left.on_trial))
        assert left.current in ("b", "c")
        assert left.current != "c" or (left.previous, left.on_trial) == ("b", True)
    assert found[0] == ("b", False)
    assert found[-1] == ("c", True)
    assert len(found) > 4


def test_killed_at_any_step_of_going_back_the_next_start_finishes_it(
    slots: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots.switch("a")
    slots.switch("b")
    found = []
    for left in states(monkeypatch, slots, lambda: slots.roll_back("b", "it failed")):
        refused = left.state().refusal("b") is not None
        left.settle()
        found.append(left.current)
        assert left.current == ("a" if refused else "b")
    assert (found[0], found[-1]) == ("b", "a")


def test_the_state_is_readable_json(slots: Slots) -> None:
    slots.switch("a")
    slots.remember_fetched("of an address", '"etag"', "a")
    document = json.loads((slots.folder / "state.json").read_text())
    assert document["fetched"] == {"of an address": ['"etag"', "a"]}
    assert slots.state().fetched == {"of an address": ('"etag"', "a")}


def test_a_copy_that_lost_its_links_is_refused_and_keeps_its_bundles(slots: Slots, tmp_path: Path) -> None:
    slots.switch("a")
    copy = Slots(tmp_path / "copy")
    shutil.copytree(slots.folder, copy.folder, symlinks=False)
    with pytest.raises(UpdateError, match=r"copied without its links; copy it with cp -a"), copy.pulling():
        raise AssertionError
    assert copy.path("a").is_dir()
