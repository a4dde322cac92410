"""NIQE: distance from a model of natural photos; larger for degraded ones."""

import numpy as np
import pytest
from scipy.io import savemat

from dgiqa_edge.benchmarks.measures.baselines import ModelFiles, baselines
from dgiqa_edge.benchmarks.measures.niqe import NaturalPhotos, block_features, load_natural_photos, niqe
from dgiqa_edge.calibration.degradations.kinds import degrade
from dgiqa_edge.runtime.errors import SourceError


@pytest.fixture(scope="module")
def measure():
    found = baselines()["NIQE"]
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.mark.parametrize("kind", ["defocus", "motion_blur", "over_sharpened", "jpeg"])
def test_degraded_photos_are_less_natural(measure, sharp_photos, kind):
    worse = [measure.run(degrade(photo, kind, 0.6, 1)) < measure.run(photo) for photo in sharp_photos]
    assert sum(worse) >= len(sharp_photos) - 1


def test_natural_photos_lie_near(measure, sharp_photos):
    assert 1.0 < np.median([-measure.run(photo) for photo in sharp_photos]) < 10.0


def test_the_distance_is_that_of_its_formula(sharp_photos):
    found = block_features(sharp_photos[0])
    assert found.shape == (3 * 4, 36)
    model = NaturalPhotos(found.mean(axis=0) + 1.0, np.eye(36) * 2.0)
    pooled = (np.cov(found.T) + np.eye(36) * 2.0) / 2.0
    expected = np.sqrt(np.ones(36) @ np.linalg.inv(pooled) @ np.ones(36))
    assert niqe(sharp_photos[0], model) == pytest.approx(expected, rel=1e-6)
    assert niqe(sharp_photos[0], NaturalPhotos(found.mean(axis=0), np.eye(36))) == pytest.approx(0.0, abs=1e-6)


def test_blocks_do_not_feel_what_lies_beyond_their_neighbours(sharp_photos):
    changed = sharp_photos[0].copy()
    changed[:, 300:] = 255 - changed[:, 300:]
    before, after = block_features(sharp_photos[0]), block_features(changed)
    same = np.isclose(before, after).all(axis=1).reshape(3, 4)
    assert same[:, :2].all()
    assert not same[:, 3].any()


@pytest.mark.parametrize(
    ("frame", "words"), [((191, 400, 3), "too small"), ((400, 191, 3), "too small"), ((200, 200, 3), "flat")]
)
def test_frames_it_is_not_defined_on_are_refused(frame, words):
    model = NaturalPhotos(np.zeros(36), np.eye(36))
    with pytest.raises(ValueError, match=words):
        niqe(np.full(frame, 90, np.uint8), model)


def test_the_users_own_model_is_taken(tmp_path, sharp_photos):
    file = tmp_path / "modelparameters.mat"
    mean = block_features(sharp_photos[0]).mean(axis=0)
    savemat(file, {"mu_prisparam": mean[np.newaxis], "cov_prisparam": np.eye(36)})
    measure = baselines(ModelFiles(niqe=file))["NIQE"]
    assert measure.run(sharp_photos[0]) == pytest.approx(0.0, abs=1e-6)
    assert measure.run(sharp_photos[1]) < -0.1
    assert measure.source == "model modelparameters.mat"


@pytest.mark.parametrize("content", [{"x": [1.0]}, {"mu_prisparam": np.zeros(36), "cov_prisparam": np.eye(35)}, None])
def test_a_file_of_another_form_is_refused(tmp_path, content):
    file = tmp_path / "other.mat"
    if content is None:
        file.write_text("no model")
    else:
        savemat(file, content)
        with pytest.raises(ValueError, match="36 features"):
            load_natural_photos(file)
    with pytest.raises(SourceError, match="--niqe-model"):
        baselines(ModelFiles(niqe=file))
