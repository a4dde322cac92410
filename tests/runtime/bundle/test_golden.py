"""The golden frame's file is validated both ways, and deviations are what they say."""

import contextlib
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.bundle import golden as golden_module
from dgiqa_edge.runtime.bundle.golden import GOLDEN_NAME, Deviation, Golden, compare, load_golden, save_golden
from dgiqa_edge.runtime.bundle.manifest import Tolerance
from dgiqa_edge.runtime.errors import BundleError


def arrays(**changed: Any) -> dict[str, Any]:
    return {
        "frame": np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3),
        "score": np.array([0.5], dtype=np.float32),
        "crop_scores": np.array([[0.25, 0.75]], dtype=np.float32),
        "depth": np.array([[[0, 255], [128, 7]]], dtype=np.uint8),
        **changed,
    }


def with_faults(**changed: Any) -> dict[str, Any]:
    faults = np.array([[0.25, 0.75, 0.5]], np.float32)
    return arrays(**{"faults": faults, "coverage": np.tile(faults[:, None, None], (1, 2, 4, 1)), **changed})


def packed(header: Any, numbers: bytes = bytes(100)) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def test_a_golden_frame_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / GOLDEN_NAME
    save_golden(path, Golden(**arrays()))
    assert [file.name for file in tmp_path.iterdir()] == [GOLDEN_NAME]
    np.savez_compressed(tmp_path / "golden.npz", **arrays())  # as bundles of schema version 1 have it
    for loaded in (load_golden(path), load_golden(tmp_path / "golden.npz")):
        for name, array in arrays().items():
            np.testing.assert_array_equal(getattr(loaded, name), array)
            assert getattr(loaded, name).dtype == array.dtype


def test_faults_are_read_back_and_check_frames_come_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / GOLDEN_NAME
    both = {name: np.concatenate([array, array]) for name, array in with_faults().items()}
    save_golden(path, Golden(**both))
    loaded = load_golden(path, frames=2)
    assert list(loaded.outputs) == ["score", "crop_scores", "depth", "faults", "coverage"]
    for one in loaded.each():
        for name, array in with_faults().items():
            np.testing.assert_array_equal(getattr(one, name), array)
    save_golden(path, Golden(**arrays()))
    assert load_golden(path).faults is None
    assert b"faults" not in path.read_bytes()


def test_the_file_is_one_that_others_read(tmp_path: Path) -> None:
    numpy_of_safetensors = pytest.importorskip("safetensors.numpy")
    save_golden(tmp_path / GOLDEN_NAME, Golden(**arrays()))
    for name, array in numpy_of_safetensors.load_file(tmp_path / GOLDEN_NAME).items():
        np.testing.assert_array_equal(array, arrays()[name])
    numpy_of_safetensors.save_file(arrays(), tmp_path / "theirs.safetensors")
    np.testing.assert_array_equal(load_golden(tmp_path / "theirs.safetensors").depth, arrays()["depth"])


BAD = [
    ({"frame": np.zeros((2, 4, 3), np.uint8)}, "'frame' is uint8"),
    ({"frame": np.zeros((1, 2, 4, 4), np.uint8)}, "three colour channels"),
    ({"frame": np.zeros((1, 2, 4, 3), np.float32)}, "'frame' is float32"),
    ({"frame": np.zeros((1, 0, 4, 3), np.uint8)}, "non-empty"),
    ({"score": np.array([0.5])}, "'score' is float64"),
    ({"score": np.array([np.nan], np.float32)}, "'score' holds a non-finite"),
    ({"crop_scores": np.array([[0.1, np.inf]], np.float32)}, "'crop_scores' holds a non-finite"),
    ({"depth": np.zeros((2, 2, 2), np.uint8)}, "'depth' is uint8"),
    ({"faults": np.zeros((1, 3), np.float32)}, "lacks the array 'coverage'"),
    (with_faults(coverage=np.zeros((1, 4, 3), np.float32)), "'coverage' is float32"),
    (with_faults(faults=np.full((1, 3), np.nan, np.float32)), "'faults' holds a non-finite"),
]


@pytest.mark.parametrize(("changed", "words"), BAD)
def test_bad_arrays_are_neither_written_nor_read(changed: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=words):
        save_golden(tmp_path / GOLDEN_NAME, Golden(**arrays(**changed)))
    assert list(tmp_path.iterdir()) == []
    np.savez(tmp_path / "other.npz", **arrays(**changed))
    with pytest.raises(BundleError, match=words):
        load_golden(tmp_path / "other.npz")


def test_a_file_that_lacks_an_array(tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    np.savez(path, frame=arrays()["frame"])
    with pytest.raises(BundleError, match="lacks the array 'score'"):
        load_golden(path)


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    np.savez(path, **arrays(score=np.array([{"run": "me"}], dtype=object)))
    with pytest.raises(BundleError, match="not a golden frame"):
        load_golden(path)


def test_an_archive_is_not_unpacked_beyond_a_golden_frames_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "golden.npz"
    np.savez_compressed(path, **arrays())
    with zipfile.ZipFile(path) as packed:
        unpacked = sum(entry.file_size for entry in packed.infolist())
    monkeypatch.setattr(golden_module, "_MOST_BYTES", unpacked)
    assert load_golden(path).score == 0.5
    monkeypatch.setattr(golden_module, "_MOST_BYTES", unpacked - 1)
    with pytest.raises(BundleError, match=f"it unpacks to {unpacked} bytes"):
        load_golden(path)


ENTRY = {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}
ODD = [
    *(None, b"", b"text", b"PK\x03\x04 but no archive", b"\x93NUMPY", b"\xff" * 8),
    *(packed([1]), packed({"frame": 1}), packed({"frame": {}})),
    packed({"frame": {**ENTRY, "dtype": "I64"}}),
    packed({"frame": {**ENTRY, "dtype": []}}),
    packed({"frame": {**ENTRY, "shape": [3]}}),
    packed({"frame": {**ENTRY, "shape": "all"}}),
    packed({"frame": {**ENTRY, "data_offsets": [99, 102]}}),
    packed({"frame": {**ENTRY, "data_offsets": "0"}}),
    packed({"frame": {**ENTRY, "data_offsets": [0.5, 1]}}),
]


@pytest.mark.parametrize("name", [GOLDEN_NAME, "golden.npz"])
@pytest.mark.parametrize("content", ODD)
def test_files_of_another_kind(content: bytes | None, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BundleError, match="not a golden frame"):
        load_golden(path)


@pytest.mark.parametrize("pack", [np.savez, np.savez_compressed, None])
@given(spoils=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4), kept=st.floats(0, 1))
def test_a_spoilt_file_is_refused_or_read_whole(
    pack: Callable[..., None] | None, spoils: list[tuple[float, int]], kept: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (GOLDEN_NAME if pack is None else "golden.npz")
        golden = Golden(**arrays())
        save_golden(path, golden) if pack is None else pack(path, **arrays())
        content = bytearray(path.read_bytes())
        for place, value in spoils:
            content[int(place * (len(content) - 1))] = value
        path.write_bytes(content[: int(kept * len(content))] if kept < 0.5 else content)
        with contextlib.suppress(BundleError):
            assert load_golden(path).frame.shape[0] == 1


def test_a_lone_array_is_not_a_golden_frame(tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(BundleError, match="not a golden frame"):
        load_golden(path)


def test_deviations() -> None:
    golden = Golden(**arrays())
    found = compare(
        golden,
        arrays(
            score=np.array([0.4], np.float32),
            crop_scores=np.array([[0.25, 0.5]], np.float32),
            depth=np.array([[[4, 255], [128, 7]]], np.uint8),
        ),
    )
    assert found.score == pytest.approx(0.1)
    assert found.crop_score_max == pytest.approx(0.25)
    assert (found.depth_mean_levels, found.depth_max_levels) == (1.0, 4.0)


def test_of_faults_the_worst_of_the_frame_and_the_mean_of_its_cells_deviate() -> None:
    golden = Golden(**with_faults())
    found = with_faults(faults=np.array([[0.25, 0.5, 0.625]], np.float32))
    found["coverage"][0, 0, 0, 0] += 0.6
    deviation = compare(golden, found)
    assert deviation.faults_max == pytest.approx(0.25)
    assert deviation.coverage_mean == pytest.approx(0.025)
    assert deviation.within(Tolerance(0.0, 0.0, 0.25))
    assert not deviation.within(Tolerance(0.0, 0.0, 0.24))
    assert compare(Golden(**arrays()), arrays()).faults_max is None


@given(st.integers(0, 255), st.integers(0, 255))
def test_depth_deviation_does_not_wrap_around(first: int, second: int) -> None:
    golden = Golden(**arrays(depth=np.full((1, 1, 1), first, np.uint8)))
    found = compare(golden, arrays(depth=np.full((1, 1, 1), second, np.uint8)))
    assert found.depth_mean_levels == found.depth_max_levels == abs(first - second)


def test_another_shape_is_an_error() -> None:
    with pytest.raises(BundleError, match=r"'crop_scores' is \[1, 3\], the golden one \[1, 2\]"):
        compare(Golden(**arrays()), arrays(crop_scores=np.zeros((1, 3), np.float32)))
    with pytest.raises(BundleError, match=r"'faults' is \[1, 3\], the golden one missing"):
        compare(Golden(**arrays()), with_faults())
    with pytest.raises(BundleError, match=r"'faults' is missing, the golden one \[1, 3\]"):
        compare(Golden(**with_faults()), arrays())


@pytest.mark.parametrize(
    ("score", "depth", "accepted"),
    [(0.0, 0.0, True), (0.01, 0.5, True), (0.011, 0.5, False), (0.01, 0.51, False), (np.nan, 0.0, False)],
)
def test_tolerance(score: float, depth: float, accepted: bool) -> None:
    deviation = Deviation(score, 0.9, depth, 99.0)
    assert deviation.within(Tolerance(score=0.01, depth_levels=0.5)) is accepted


@pytest.mark.parametrize(
    ("faults", "cells", "accepted"),
    [(0.01, 0.01, True), (0.02, 0.0, False), (0.0, 0.02, False), (np.nan, 0.0, False), (0.0, np.nan, False)],
)
def test_tolerance_of_faults(faults: float, cells: float, accepted: bool) -> None:
    deviation = Deviation(0.0, 0.0, 0.0, 0.0, faults, cells)
    assert deviation.within(Tolerance(0.0, 0.0, 0.01)) is accepted
    assert deviation.within(Tolerance(0.0, 0.0))


def test_of_two_deviations_the_worse_is_kept_figure_by_figure() -> None:
    first, second = Deviation(0.1, 0.2, 0.3, 4.0, 0.5, 0.6), Deviation(0.2, 0.1, float("nan"), 3.0, 0.4, 0.7)
    for worse in (first.or_worse(second), second.or_worse(first)):
        assert (worse.score, worse.crop_score_max, worse.depth_max_levels) == (0.2, 0.2, 4.0)
        assert (worse.faults_max, worse.coverage_mean) == (0.5, 0.7)
        assert np.isnan(worse.depth_mean_levels)
    alone = Deviation(0.1, 0.2, 0.3, 4.0)
    assert alone.or_worse(None) == alone.or_worse(alone) == alone
