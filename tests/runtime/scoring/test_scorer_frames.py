"""Frames of any size and of any number of channels, and the ways in which they take the bundle's size."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.frames.fit import fit_frame
from dgiqa_edge.runtime.ground.framing import Box, Fit


@pytest.mark.parametrize(("height", "width"), [(96, 128), (100, 64), (30, 200), (24, 32), (1, 1)])
def test_any_size_is_stretched_to_an_older_bundle(bundle_dir: Path, make_photo: Any, height: int, width: int) -> None:
    frame = make_photo(seed=4, height=height, width=width)
    shrinks = height >= 48 and width >= 64
    resized = cv2.resize(frame, (64, 48), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    with Scorer(bundle_dir) as scorer:
        found, expected = scorer.score(frame), scorer.score(resized)
    assert found.score == expected.score
    np.testing.assert_array_equal(found.depth, expected.depth)


@pytest.mark.parametrize(
    ("bundles", "given", "used"),
    [
        (None, None, "stretch"),
        (None, "pad", "pad"),
        ("pad", None, "pad"),
        ("pad", "crop", "crop"),
        ("crop", "stretch", "stretch"),
    ],
)
def test_the_fit_is_the_bundles_unless_another_is_given(
    make_bundle: Callable[..., Path], make_photo: Any, bundles: Fit | None, given: Fit | None, used: Fit
) -> None:
    bundle = make_bundle(edit=lambda document: document.update({} if bundles is None else {"fit": bundles}))
    frame = make_photo(seed=4, height=96, width=54)
    with Scorer(bundle, fit=given) as scorer:
        assert scorer.fit == used
        found, expected = scorer.score(frame), scorer.score(fit_frame(frame, 48, 64, used))
    assert found.score == expected.score
    np.testing.assert_array_equal(found.depth, expected.depth)


@pytest.mark.parametrize(
    ("height", "width", "fit", "depth_box", "frame_box"),
    [
        (96, 48, "stretch", None, None),
        (96, 48, "pad", Box(10, 0, 12, 24), None),
        (96, 48, "crop", None, Box(0, 30, 48, 36)),
        (27, 96, "pad", Box(0, 8, 32, 9), None),
        (96, 128, "pad", None, None),
        (96, 128, "crop", None, None),
    ],
)
def test_where_the_picture_lies_in_the_depth(
    bundle_dir: Path, height: int, width: int, fit: Fit, depth_box: Box | None, frame_box: Box | None
) -> None:
    """In this bundle depth is brightness: that of the picture alone has the picture's content from edge to edge."""
    ramp = np.linspace(40, 200, width).astype(np.uint8)
    frame = np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (height, width, 3)))
    with Scorer(bundle_dir, fit=fit) as scorer:
        quality = scorer.score(frame)
    assert (quality.depth_box, quality.frame_box) == (depth_box, frame_box)
    assert quality.depth.shape == (24, 32)
    shown = quality.picture_depth
    assert not shown.flags.writeable
    row = shown[len(shown) // 2].astype(int)
    assert (np.diff(row) > 0).all()  # nothing of the mirrored copies
    assert row[0] < 40 + 160 * 1.5 / len(row) and row[-1] > 200 - 160 * 1.5 / len(row)


def test_another_fit_is_refused(bundle_dir: Path) -> None:
    with pytest.raises(ConfigurationError, match="fit is 'letterbox': give stretch, pad or crop"):
        Scorer(bundle_dir, fit="letterbox")  # type: ignore[arg-type]


def test_strict_size(bundle_dir: Path, make_photo: Any) -> None:
    with Scorer(bundle_dir, strict_size=True) as scorer:
        scorer.score(make_photo(seed=1))
        with pytest.raises(SourceError, match="the frame is 128x96, the bundle takes 64x48"):
            scorer.score(make_photo(seed=1, height=96, width=128))
    with Scorer(bundle_dir, fit="pad", strict_size=True) as scorer, pytest.raises(SourceError, match="is 48x64"):
        scorer.score(make_photo(seed=1, height=64, width=48))


def test_grey_and_bgra_frames_score_like_their_bgr(bundle_dir: Path, make_photo: Any) -> None:
    frame = make_photo(seed=9)
    alpha = np.zeros((*frame.shape[:2], 1), np.uint8)
    grey = frame[:, :, 1]
    with Scorer(bundle_dir) as scorer:
        assert scorer.score(np.concatenate([frame, alpha], axis=2)).score == scorer.score(frame).score
        assert scorer.score(grey).score == scorer.score(np.dstack([grey] * 3)).score
        with pytest.raises(SourceError, match="not uint16"):
            scorer.score(frame.astype(np.uint16))
