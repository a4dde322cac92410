"""Baselines that are kept from one run to the next."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.errors import GateError
from dgiqa_edge.runtime.gate.baseline import Baseline, Spread
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.profiles.profiled_gate import Profiles
from dgiqa_edge.runtime.gate.reference.reference import ReferenceTaker, ReferenceView
from dgiqa_edge.runtime.watch.assembly.baseline_keeper import BaselineKeeper

BASELINE = Baseline(5, {"score": Spread(0.1, 0.2, 0.3)})


def camera_of(learn_minutes: float = 1.0) -> Any:
    policy = parse_policy({"baseline": {"learn_minutes": learn_minutes}})
    return SimpleNamespace(name="front", policy=policy, profiles=Profiles())


def test_a_baseline_is_kept_for_its_bundle(bundle_dir: Path, tmp_path: Path) -> None:
    keeper = BaselineKeeper(tmp_path / "base", load_bundle(bundle_dir))
    assert keeper.load(camera_of()) == {None: None}
    keeper.save("front", BASELINE)
    assert keeper.load(camera_of()) == {None: BASELINE}
    assert keeper.load(camera_of(learn_minutes=0.0)) == {None: BASELINE}, "one that was taken, where nothing is learned"


def test_bundles_that_change_have_a_folder_each(make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    first = load_bundle(make_bundle())
    other = load_bundle(make_bundle(edit=lambda document: document.update(created="2026-02-01T00:00:00Z")))
    keeper = BaselineKeeper(tmp_path / "base", first, for_each=True)
    keeper.save("front", BASELINE)
    keeper.follow(other)
    assert keeper.load(camera_of()) == {None: None}, "it is learned anew, and no error"
    keeper.follow(first)
    assert keeper.load(camera_of()) == {None: BASELINE}


def test_without_a_folder_nothing_is_kept(bundle_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    keeper = BaselineKeeper(None, load_bundle(bundle_dir))
    with caplog.at_level("INFO"):
        keeper.save("front", BASELINE)
    assert "names no folder" in caplog.text
    assert keeper.load(camera_of()) == {None: None}


def test_a_folder_that_cannot_be_written_is_logged(
    bundle_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "base").write_text("a file where the folder should be")
    BaselineKeeper(tmp_path / "base", load_bundle(bundle_dir)).save("front", BASELINE)
    assert "could not be kept" in caplog.text


def reference() -> ReferenceView:
    taker = ReferenceTaker()
    taker.add(cv2.imread(str(SHIPPED_PHOTOS / "pagoda.jpg")))  # type: ignore[arg-type]
    return taker.take()


def test_a_reference_view_is_the_cameras_whatever_the_bundle(bundle_dir: Path, tmp_path: Path) -> None:
    keeper = BaselineKeeper(tmp_path, load_bundle(bundle_dir), for_each=True)
    assert keeper.load_references(camera_of()) == {}
    keeper.save_reference("front", reference())
    assert (tmp_path / "front.reference.json").is_file()
    found = keeper.load_references(camera_of())
    assert {name: view and view.frames for name, view in found.items()} == {None: 1}
    (tmp_path / "front.reference.json").write_text("{}")
    with pytest.raises(GateError, match="it holds something else"):
        keeper.load_references(camera_of())


def test_a_reference_view_that_cannot_be_kept_is_logged(
    bundle_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level("INFO"):
        BaselineKeeper(tmp_path / "file", load_bundle(bundle_dir)).save_reference("front", reference())
        BaselineKeeper(None, load_bundle(bundle_dir)).save_reference("front", reference())
    assert "the reference view could not be kept" in caplog.text
    assert "names no folder" in caplog.text


def test_what_somebody_took_meanwhile_is_not_replaced_by_what_was_learned(
    bundle_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = BaselineKeeper(tmp_path / "base", load_bundle(bundle_dir))
    keeper.save("front", BASELINE)
    keeper.save_reference("front", reference())
    taken = {file.name: file.read_bytes() for file in (tmp_path / "base").iterdir()}
    keeper.save("front", Baseline(9, {}))
    keeper.save_reference("front", replace(reference(), frames=9))
    assert {file.name: file.read_bytes() for file in (tmp_path / "base").iterdir()} == taken
    assert caplog.text.count("was taken meanwhile and stays") == 2
    (tmp_path / "base" / "front.json").write_text("{}")
    keeper.save("front", BASELINE)
    assert (tmp_path / "base" / "front.json").read_bytes() == taken["front.json"], "one that nobody can use is replaced"
