"""What is told of a score: in a line, as JSON, and the depth as large as the frame."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime import Quality, Scorer, Unscored
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.ground.framing import Fit


def scored(bundle: Path, image: Any, fit: Fit = "stretch") -> Quality:
    with Scorer(bundle, fit=fit) as scorer:
        return scorer.score(image)


def test_it_shows_itself_in_a_short_line(make_bundle: Callable[..., Path], make_photo: Any, tmp_path: Path) -> None:
    quality = scored(make_bundle(), make_photo(seed=3))
    milliseconds = f"{quality.timings.total_ms:.1f}"
    assert repr(quality) == f"Quality(score={quality.score:.4f}, depth=[24, 32], total_ms={milliseconds})"
    file = tmp_path / "photo.png"
    cv2.imwrite(str(file), np.full((48, 64, 3), 250, np.uint8))
    said = repr(scored(make_bundle(faults=True), file))
    assert said.startswith(f"Quality(image={str(file)!r}, score=0.9")
    assert said.endswith("faults=['over-exposed'])")


def test_as_json(make_bundle: Callable[..., Path], make_photo: Any, tmp_path: Path) -> None:
    quality = scored(make_bundle(), make_photo(seed=3, height=90, width=160))
    assert quality.where("dark") is None
    record = json.loads(json.dumps(quality.to_dict()))
    assert list(record) == ["score", "latency_ms", "crop_scores", "width", "height"]
    assert record["crop_scores"] == quality.crop_scores.tolist()
    assert (record["score"], record["width"], record["height"]) == (quality.score, 160, 90)
    file = tmp_path / "photo.png"
    cv2.imwrite(str(file), np.full((48, 64, 3), 250, np.uint8))
    record = json.loads(json.dumps(scored(make_bundle(faults=True), file).to_dict()))
    assert record["image"] == str(file)
    assert record["faults"] == {"dark": 0.0196, "over-exposed": 0.9804}
    assert record["coverage"] == {"over-exposed": [[0.9804] * 4] * 2}
    quality = scored(make_bundle(faults=True), file)
    assert quality.where("dark") == ((0.0196,) * 4,) * 2
    assert quality.where("hazy") is None and quality.where(None) is None
    assert Unscored(SourceError("one\nline")).to_dict() == {"error": "one line"}


@pytest.mark.parametrize(("height", "width"), [(96, 48), (48, 64), (30, 100)])
@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_depth_lies_on_what_it_is_of(
    make_bundle: Callable[..., Path], make_photo: Any, fit: Fit, height: int, width: int
) -> None:
    """Depth of these bundles is the frame's grey: laid on the frame, it is the frame, but for detail."""
    frame = cv2.GaussianBlur(make_photo(seed=4, height=height, width=width), (0, 0), 4)
    quality = scored(make_bundle(), frame, fit)
    depth = quality.depth_as(frame)
    assert depth.shape == (height, width)
    assert depth.dtype == np.uint8
    box = quality.frame_box
    seen = (slice(None), slice(None)) if box is None else box.slices
    assert np.abs(depth[seen].astype(float) - frame[seen].mean(axis=2)).mean() < 6
    rest = np.ones((height, width), bool)
    rest[seen] = False
    assert not depth[rest].any()
    assert rest.any() == (fit == "crop" and (height, width) != (48, 64))


def test_depth_of_a_scaled_copy(make_bundle: Callable[..., Path], make_photo: Any) -> None:
    frame = make_photo(seed=4, height=96, width=48)
    quality = scored(make_bundle(), frame, "crop")
    twice = cv2.resize(frame, (96, 192))
    large = quality.depth_as(twice)
    assert large.shape == (192, 96)
    np.testing.assert_array_equal(large.any(axis=1)[::2], quality.depth_as(frame).any(axis=1))


def test_depth_as_large_as_the_frame_is_the_callers_own(make_bundle: Callable[..., Path], make_photo: Any) -> None:
    quality = scored(make_bundle(), make_photo(seed=4))
    depth = quality.depth_as(quality.depth)
    np.testing.assert_array_equal(depth, quality.depth)
    depth[:] = 0
    assert quality.depth.any()
