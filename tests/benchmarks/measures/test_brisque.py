"""BRISQUE: the regression against its formula, and the authors' model against degraded photos."""

import pickle

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.measures.baselines import baselines
from dgiqa_edge.benchmarks.measures.brisque import Regression, brisque, features, load_regression
from dgiqa_edge.calibration.degradations.kinds import degrade

HEADER = "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.5\nnr_class 2\ntotal_sv 2\nrho -3.5\nSV\n"


class RunsCode:
    def __reduce__(self):
        return print, ("code of a model file",)


@pytest.fixture
def write_model(tmp_path):
    def write(text=HEADER + "2 1:1 36:-1\n-4 2:0.5\n", spans=None):
        model, pickled = tmp_path / "svm.txt", tmp_path / "normalize.pickle"
        model.write_text(text)
        pickled.write_bytes(pickle.dumps(spans or {"min_": [0.0] * 36, "max_": [2.0] * 36}))
        return model, pickled

    return write


def test_a_model_is_read_and_evaluated_by_its_formula(write_model):
    regression = load_regression(*write_model())
    x = np.full(36, 1.5)  # stretched to 0.5
    first = np.zeros(36)
    first[0], first[35] = 1.0, -1.0
    second = np.zeros(36)
    second[1] = 0.5
    expected = 2 * np.exp(-0.5 * ((0.5 - first) ** 2).sum()) - 4 * np.exp(-0.5 * ((0.5 - second) ** 2).sum()) + 3.5
    assert regression.predict(x) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "spans", "words"),
    [
        (HEADER.replace("rbf", "linear"), None, "not a regression with a Gaussian kernel"),
        (HEADER + "1 1:1\n", {"min_": [0.0] * 35, "max_": [1.0] * 36}, "spans of 36 features"),
        (HEADER + "1 1:1\n", {"min_": [0.0] * 36, "max_": [0.0] * 36}, "spans of 36 features"),
        (HEADER + "1 1:1\n", {"min_": RunsCode()}, "numbers only"),
    ],
)
def test_a_file_of_another_form_is_refused(write_model, capsys, text, spans, words):
    with pytest.raises(ValueError, match=words):
        load_regression(*write_model(text, spans))
    assert "code of a model file" not in capsys.readouterr().out


def test_features_know_the_neighbours_direction():
    """Streaks along a direction make the products of neighbours along it large, and leave those across small."""
    noise = np.random.default_rng(0).normal(0, 60, (96, 96))
    across = {"level": (9, 1), "upright": (1, 9)}
    found = {}
    for name, kernel in across.items():
        grey = np.clip(128 + 3 * cv2.blur(noise, kernel), 0, 255).astype(np.uint8)
        found[name] = features(np.repeat(grey[..., None], 3, axis=2))
    right, down = 5, 9  # right-hand mean square of the pairs to the right and below
    assert found["level"][right] > 2 * found["level"][down]
    assert found["upright"][down] > 2 * found["upright"][right]
    np.testing.assert_allclose(found["level"][right] / found["upright"][down], 1.0, atol=0.3)


@pytest.mark.parametrize(("frame", "words"), [((12, 40, 3), "too small"), ((40, 40, 3), "flat")])
def test_frames_it_is_not_defined_on_are_refused(frame, words):
    regression = Regression(np.zeros(36), np.ones(36), np.zeros((1, 36)), np.ones(1), 1.0, 0.0)
    with pytest.raises(ValueError, match=words):
        brisque(np.full(frame, 90, np.uint8), regression)


@pytest.fixture(scope="module")
def measure():
    found = baselines()["BRISQUE"]
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.mark.parametrize("kind", ["defocus", "motion_blur", "upscaled", "jpeg"])
def test_the_authors_model_scores_degraded_photos_lower(measure, sharp_photos, kind):
    for photo in sharp_photos:
        assert measure.run(degrade(photo, kind, 0.6, 1)) < measure.run(photo)


def test_the_authors_model_keeps_to_its_scale(measure, sharp_photos):
    clean = [-measure.run(photo) for photo in sharp_photos]
    blurred = [-measure.run(cv2.GaussianBlur(photo, (0, 0), 4.0)) for photo in sharp_photos]
    assert np.median(clean) < 35
    assert 60 < np.median(blurred) < 110


def test_it_agrees_with_opencv_where_its_files_are(measure, sharp_photos):
    cv2_quality = getattr(cv2, "quality", None)
    if cv2_quality is None:
        pytest.skip("this OpenCV has no quality module (opencv-contrib-python-headless has)")
    theirs = [cv2_quality.QualityBRISQUE.computeFeatures(photo).ravel() for photo in sharp_photos]
    for photo, their in zip(sharp_photos, theirs, strict=True):
        np.testing.assert_allclose(features(photo)[:18], their[:18], atol=0.06)  # it halves without smoothing
