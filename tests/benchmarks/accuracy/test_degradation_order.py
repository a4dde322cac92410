"""Order of photos and copies through a real bundle whose score is the frame's brightness."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.benchmarks.accuracy.degradation_order import (
    OrderReport,
    PhotoScores,
    observed_pictures,
    score_with_copies,
)
from dgiqa_edge.calibration.degradations.kinds import SHOWN
from dgiqa_edge.calibration.images.calibration_set import pixels_sha256
from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest
from dgiqa_edge.runtime.errors import BundleError, ConfigurationError, SourceError


@pytest.fixture
def photo(tmp_path, make_photo):
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), make_photo(seed=3, height=90, width=160))
    return path


@pytest.fixture
def bundle_with_report(bundle_dir):
    """``bundle_with_report(text)`` adds that report to a bundle and loads it."""

    def make(text):
        (bundle_dir / "report.json").write_text(text)
        document = json.loads((bundle_dir / "bundle.json").read_text())
        write_manifest(bundle_dir, {**document, "files": build_manifest_files(bundle_dir)})
        return load_bundle(bundle_dir)

    return make


def test_every_copy_is_a_frame_whose_score_is_its_own(photo, bundle_dir, reference_outputs):
    with Scorer(bundle_dir) as scorer:
        scores, pictures = score_with_copies(scorer, photo, 0.5)
    assert pictures.shape == (90, 160)
    assert pictures.clean.shape == (48, 64, 3)
    assert list(scores.degraded) == list(pictures.degraded) == list(SHOWN)
    frames = {"clean": pictures.clean, **pictures.degraded}
    for name, score in {"clean": scores.clean, **scores.degraded}.items():
        assert score == pytest.approx(float(reference_outputs(frames[name][np.newaxis], "fused")["score"][0]), abs=1e-6)
    assert not any(np.array_equal(copy, pictures.clean) for copy in pictures.degraded.values())


def test_a_judge_of_brightness_gets_darkening_right_and_brightening_wrong(photo, bundle_dir):
    with Scorer(bundle_dir) as scorer:
        scores, _ = score_with_copies(scorer, photo, 0.5)
    assert "low_light" not in scores.disordered
    assert {"over_exposure", "haze"} <= set(scores.disordered)


def test_the_copies_of_a_photo_do_not_depend_on_its_name(photo, bundle_dir, tmp_path):
    twin = tmp_path / "twin.png"
    twin.write_bytes(photo.read_bytes())
    with Scorer(bundle_dir) as scorer:
        first, second = (score_with_copies(scorer, path, 0.5)[0] for path in (photo, twin))
    assert (first.clean, first.degraded) == (second.clean, second.degraded)


@pytest.mark.parametrize(
    ("fit", "size", "depth", "shape"),
    [
        ("stretch", (48, 64), (24, 32), (96, 48)),
        ("pad", (48, 24), (24, 12), (96, 48)),
        ("crop", (48, 64), (24, 32), (36, 48)),
    ],
)
def test_copies_of_a_photo_of_another_shape_have_its_content_alone(
    tmp_path, bundle_dir, make_photo, fit, size, depth, shape
):
    cv2.imwrite(str(tmp_path / "tall.png"), make_photo(seed=8, height=96, width=48))
    with Scorer(bundle_dir, fit=fit) as scorer:
        scores, pictures = score_with_copies(scorer, tmp_path / "tall.png", 0.5)
        assert scores.clean == scorer.score(cv2.imread(str(tmp_path / "tall.png"))).score
    assert pictures.shape == shape
    assert pictures.clean.shape[:2] == size
    assert pictures.depth.shape == depth
    assert {copy.shape[:2] for copy in pictures.degraded.values()} == {size}


def test_haze_follows_the_depth_that_the_bundle_gives(tmp_path, bundle_dir):
    """In this bundle bright is near: haze must lighten the dark half, which is far, more than the bright half."""
    frame = np.full((48, 64, 3), 60, np.uint8)
    frame[:, 32:] = 120
    cv2.imwrite(str(tmp_path / "halves.png"), frame)
    with Scorer(bundle_dir) as scorer:
        _, pictures = score_with_copies(scorer, tmp_path / "halves.png", 0.5)
    far, near = (pictures.degraded["haze"][:, part].mean() for part in (slice(0, 28), slice(36, 64)))
    assert far - 60 > near - 120
    assert far > near  # a haze that ignored depth could not turn the order of the halves


@pytest.mark.parametrize(("spoil", "words"), [(b"", "empty"), (b"no picture", "not an image")])
def test_a_photo_that_cannot_be_read_is_an_error(tmp_path, bundle_dir, spoil, words):
    (tmp_path / "bad.jpg").write_bytes(spoil)
    with Scorer(bundle_dir) as scorer, pytest.raises(SourceError, match=words):
        score_with_copies(scorer, tmp_path / "bad.jpg", 0.5)


def test_a_strength_outside_the_range_is_an_error(photo, bundle_dir):
    with Scorer(bundle_dir) as scorer, pytest.raises(ConfigurationError, match="strength"):
        score_with_copies(scorer, photo, 1.5)


@pytest.mark.parametrize(
    ("observed", "expected"), [(None, None), ([], False), (["other"], False), (["other", "this"], True)]
)
def test_photos_the_bundle_was_calibrated_on_are_known_by_their_pixels(photo, bundle_with_report, observed, expected):
    keys = {"this": pixels_sha256(cv2.imread(str(photo))), "other": "0" * 64}
    photos = None if observed is None else {"observed": [{"name": "x", "pixels_sha256": keys[key]} for key in observed]}
    bundle = bundle_with_report(json.dumps({"parity": {}} if photos is None else {"photos": photos}))
    with Scorer(bundle) as scorer:
        scores, _ = score_with_copies(scorer, photo, 0.5, observed_pictures(bundle))
    assert scores.observed is expected


def test_a_bundle_without_a_report_does_not_say(bundle_dir):
    assert observed_pictures(load_bundle(bundle_dir)) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"photos": []}', '{"photos": {"observed": [{"name": "x"}]}}'])
def test_a_report_of_another_form_is_refused(bundle_with_report, text):
    with pytest.raises(BundleError, match="not a report of build_engine"):
        observed_pictures(bundle_with_report(text))


levels = st.sampled_from([0.1, 0.2, 0.3])
photo_scores = st.builds(
    PhotoScores,
    photo=st.just(Path("x.jpg")),
    observed=st.sampled_from([True, False, None]),
    clean=levels,
    degraded=st.fixed_dictionaries(dict.fromkeys(SHOWN, levels)),
)


@given(st.lists(photo_scores, max_size=6), st.integers(0, 3))
def test_the_counts_of_a_report_add_up(scored, failures):
    failed = {Path(f"{index}.jpg"): "damaged" for index in range(failures)}
    report = OrderReport(0.5, tuple(scored), failed)
    below = sum(score < scores.clean for scores in scored for score in scores.degraded.values())
    assert report.in_order == below == sum(report.in_order_of(kind) for kind in SHOWN)
    assert report.photos == len(scored) + failures
    assert report.frames == len(scored) * (1 + len(SHOWN)) == len(scored) + report.pairs
    assert all((scores in report.observed()) == (scores.observed is True) for scores in scored)
    document = report.to_json()
    assert (len(document["scored"]), len(document["failed"])) == (len(scored), failures)
    json.dumps(document, allow_nan=False)
