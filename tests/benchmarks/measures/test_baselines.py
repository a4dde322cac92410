"""Which baselines this machine can run, and what is said of the others."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from places import SHARED
from scipy import stats

from dgiqa_edge.benchmarks.accuracy.opinion_set import read_opinions
from dgiqa_edge.benchmarks.measures.baselines import ModelFiles, baselines, laplacian_variance
from dgiqa_edge.benchmarks.measures.measures import Measure
from dgiqa_edge.runtime.errors import ConfigurationError, SourceError

DATA = SHARED / "data"
NAMES = ["BRISQUE", "NIQE", "BRISQUE (OpenCV)", "Laplacian variance"]


def test_each_is_a_measure_or_a_reason():
    found = baselines()
    assert list(found) == NAMES
    assert all(isinstance(one, Measure | str) for one in found.values())
    keys = [one.key for one in found.values() if isinstance(one, Measure)]
    assert len(set(keys)) == len(keys)


def test_without_their_packages_there_are_reasons_and_no_error(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = baselines()
    assert "pip install --no-deps brisque" in found["BRISQUE"]
    assert "pip install --no-deps scikit-video" in found["NIQE"]
    assert isinstance(found["Laplacian variance"], Measure)


def test_packages_of_another_form_are_reasons_too(monkeypatch, tmp_path):
    for file in (
        "brisque/models/svm.txt",
        "brisque/models/normalize.pickle",
        "skvideo/measure/data/frames_modelparameters.mat",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("something else")
    monkeypatch.setattr("dgiqa_edge.benchmarks.measures.baselines._package_folder", lambda name: tmp_path / name)
    found = baselines()
    assert "no model of the expected form" in found["BRISQUE"]
    assert "no model of the expected form" in found["NIQE"]


def test_only_files_of_the_packages_are_used():
    code = (
        "import sys\nfrom dgiqa_edge.benchmarks.measures.baselines import baselines\nbaselines()\n"
        "print(sorted({'brisque', 'skvideo', 'skimage', 'libsvm'} & set(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


@pytest.mark.parametrize("files", [ModelFiles(opencv_brisque="x.yml"), ModelFiles(opencv_brisque_range="x.yml")])
def test_opencvs_files_belong_together(files):
    with pytest.raises(ConfigurationError, match="give both"):
        baselines(files)


def test_opencvs_brisque(tmp_path):
    if not hasattr(cv2, "quality"):
        assert "opencv-contrib-python-headless" in baselines()["BRISQUE (OpenCV)"]
        return
    assert "no --brisque-model" in baselines()["BRISQUE (OpenCV)"]
    with pytest.raises(SourceError, match="does not exist"):
        baselines(ModelFiles(opencv_brisque=tmp_path / "a.yml", opencv_brisque_range=tmp_path / "b.yml"))


def test_laplacian_variance_falls_with_blur(make_photo):
    sharp = make_photo(seed=1)
    noisy = np.clip(sharp + np.random.default_rng(0).normal(0, 20, sharp.shape), 0, 255).astype(np.uint8)
    assert laplacian_variance(cv2.GaussianBlur(noisy, (0, 0), 2)) < laplacian_variance(noisy)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["BRISQUE", "NIQE"])
def test_the_authors_models_agree_with_people_somewhat(name):
    """On photos taken by people, not degraded by us, both are known to be weak, but not blind."""
    photos = DATA / "photos"
    measure = baselines()[name]
    if not photos.is_dir() or isinstance(measure, str):
        pytest.skip("needs rated photos in ../shared/data, and the models of brisque and scikit-video")
    rated = read_opinions(photos / "mos.csv", photos, "test")[:120]
    scores = [measure.run(cv2.imread(str(photo.path))) for photo in rated]
    assert 0.25 < stats.spearmanr(scores, [photo.mos for photo in rated]).statistic < 0.8
