"""Several frames at once: the range in words, how a batch is filled, and the batches that a bundle is checked by."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dgiqa_edge.runtime import load_bundle
from dgiqa_edge.runtime.bundle.batch import MOST_FRAMES, BatchRange, batches_to_check, filled
from dgiqa_edge.runtime.bundle.checks import SCHEMA_FILE
from dgiqa_edge.runtime.errors import BundleError


@pytest.mark.parametrize(
    ("batch", "words", "fixed"),
    [(BatchRange(), "1", True), (BatchRange(4, 4), "4", True), (BatchRange(1, 8), "1..8", False)],
)
def test_a_range_says_itself_as_the_build_takes_it(batch: BatchRange, words: str, fixed: bool) -> None:
    assert (str(batch), batch.fixed) == (words, fixed)


@pytest.mark.parametrize(("given", "rows", "expected"), [(2, 4, [0, 1, 1, 1]), (4, 4, [0, 1, 2, 3]), (3, 1, [0, 1, 2])])
def test_the_last_row_fills_a_batch(given: int, rows: int, expected: list[int]) -> None:
    array = np.arange(given, dtype=np.uint8).reshape(given, 1)
    assert filled(array, rows)[:, 0].tolist() == expected


@pytest.mark.parametrize("sizes", [(1, 1), (2, 2), (1, 2), (5, 5), (1, 8)])
def test_the_golden_frame_comes_in_every_row_beside_others(sizes: tuple[int, int]) -> None:
    batch = BatchRange(*sizes)
    frame = np.random.default_rng(1).integers(0, 256, (1, 4, 6, 3), dtype=np.uint8)
    batches = list(batches_to_check(frame, batch))
    if batch.least == 1:
        alone, rows = batches.pop(0)
        assert (alone.shape, list(rows)) == ((1, 4, 6, 3), [0])
    seen = [row for _, rows in batches for row in rows]
    assert sorted(seen) == (list(range(batch.most)) if batch.most > 1 else [])
    for frames, rows in batches:
        assert frames.shape == (batch.most, 4, 6, 3)
        equal = [row for row in range(batch.most) if np.array_equal(frames[row], frame[0])]
        assert equal == list(rows)


def test_the_schema_takes_as_many_frames_as_the_build() -> None:
    properties = json.loads(SCHEMA_FILE.read_text())["properties"]["batch"]["properties"]
    assert {properties[name]["maximum"] for name in ("least", "most")} == {MOST_FRAMES}


@pytest.mark.parametrize(
    ("batch", "problem"),
    [
        ({"least": 2, "most": 4}, "'batch.least' must be 1, or as 'most'"),
        ({"least": 1, "most": 1}, "'batch.most' must be bigger than or equal to 2"),
        ({"least": 1, "most": 65}, "'batch.most' must be smaller than or equal to 64"),
        ({"most": 4}, "batch"),
    ],
)
def test_a_range_that_no_build_writes_is_refused(
    make_bundle: Callable[..., Path], batch: dict[str, int], problem: str
) -> None:
    with pytest.raises(BundleError, match=problem):
        make_bundle(edit=lambda document: document.update(batch=batch))


def test_a_bundle_that_does_not_say_takes_one_frame(bundle_dir: Path, make_bundle: Callable[..., Path]) -> None:
    assert load_bundle(bundle_dir).manifest.batch == BatchRange(1, 1)
    assert load_bundle(make_bundle(batch=(1, 4))).manifest.batch == BatchRange(1, 4)
