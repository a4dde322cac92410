"""What the scorer sees of a frame under regions, and where in the frame a fault is."""

from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime.gate.regions import Regions
from dgiqa_edge.runtime.ground.framing import Box
from dgiqa_edge.runtime.quality import Quality, Timings
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.seen import Seen, in_words, where

TOP_HALF = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5))
CORNER = ((0.0, 0.0), (0.25, 0.0), (0.25, 0.25), (0.0, 0.25))
MIDDLE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))


def quality(cells: Any, depth_box: Box | None = None, frame_box: Box | None = None) -> Quality:
    coverage = np.asarray(cells, np.float32)[..., np.newaxis]
    return Quality(
        score=0.5,
        crop_scores=np.zeros(1, np.float32),
        depth=np.zeros((30, 40), np.uint8),
        timings=Timings(0.0, 0.0, 0.0),
        faults=MappingProxyType({"dirty": 0.9}),
        coverage=coverage,
        depth_box=depth_box,
        frame_box=frame_box,
        size=(400, 300),
    )


def test_what_is_excluded_is_filled_and_the_size_stays(make_photo: Any) -> None:
    photo = make_photo(seed=1, height=96, width=128)
    assert Seen().picture(photo) is photo
    before = photo.copy()
    filled = Seen(Regions(exclude=(CORNER,))).picture(photo)
    np.testing.assert_array_equal(photo, before)
    np.testing.assert_array_equal(filled[24:], photo[24:])
    np.testing.assert_array_equal(filled[23, :16], photo[24, :16])  # mirrored at its lower border
    photo[:24, :32] = 77
    np.testing.assert_array_equal(Seen(Regions(exclude=(CORNER,))).picture(photo), filled)


def test_frames_of_another_size_and_tiny_ones_are_taken(make_photo: Any) -> None:
    seen = Seen(Regions(include=(((0.0, 0.0), (0.3, 0.0), (0.3, 0.3), (0.0, 0.3)),)))
    for height, width in ((96, 128), (48, 64), (1, 1)):
        assert seen.picture(make_photo(seed=1, height=height, width=width)).shape == (height, width, 3)


def test_the_score_does_not_hang_on_what_is_excluded(bundle_dir: Path, make_photo: Any) -> None:
    photo = make_photo(seed=3, height=96, width=128)
    other = photo.copy()
    other[:48] = 255
    seen = Seen(Regions(exclude=(TOP_HALF,)))
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as scorer:
        one, two, whole = (scorer.score(it) for it in (seen.picture(photo), seen.picture(other), other))
    assert one.score == two.score != whole.score


def test_without_regions_where_is_the_bundles_own_coverage() -> None:
    cells = [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8], [0.9, 1.0, 0.0, 0.1], [0.2, 0.3, 0.4, 0.5]]
    one = quality(cells)
    found = where(one, "dirty", (300, 400))
    assert found is not None
    np.testing.assert_allclose(found, cells, atol=1e-4)
    assert where(one, "blurred", (300, 400)) is None and where(one, None, (300, 400)) is None


@pytest.mark.parametrize(
    ("depth_box", "frame_box", "expected"),
    [
        # Two rows of cells show the picture, the others are padding: each stands for two rows of the frame.
        (Box(0, 7, 40, 15), None, [[2.0] * 4, [2.0] * 4, [3.0] * 4, [3.0] * 4]),
        # Cropped: only the middle of the frame was seen, two of its columns.
        (None, Box(100, 0, 200, 300), [[0, row, row, 0] for row in (1.0, 2.0, 3.0, 4.0)]),
    ],
)
def test_cells_of_a_padded_or_cropped_frame_are_brought_to_their_place(
    depth_box: Box | None, frame_box: Box | None, expected: Any
) -> None:
    cells = [[row / 10] * 4 for row in (1, 2, 3, 4)]
    found = where(quality(cells, depth_box, frame_box), "dirty", (300, 400))
    np.testing.assert_allclose(np.array(found) * 10, expected, atol=0.35)


def test_what_is_excluded_has_no_fault() -> None:
    found = where(quality([[0.8] * 4] * 4), "dirty", (300, 400), Regions(exclude=(MIDDLE,)))
    assert found == ((0.8, 0.8, 0.8, 0.8), (0.8, 0.0, 0.0, 0.8), (0.8, 0.0, 0.0, 0.8), (0.8, 0.8, 0.8, 0.8))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (None, ""),
        ([[0.4] * 4] * 4, ""),
        ([[0.9] * 4] * 4, "all over"),
        ([[0.9, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], "top left"),
        ([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0.9, 0.9, 0]], "bottom"),
        ([[0, 0, 0, 0.9]] * 4, "right"),
        ([[0, 0, 0], [0, 0.9, 0], [0, 0, 0]], "in the middle"),
    ],
)
def test_where_in_words(rows: Any, words: str) -> None:
    assert in_words(rows) == words
