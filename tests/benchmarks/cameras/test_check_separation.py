"""The table of checks on shipped photos: its shares are those of the values, and a fault's own check leads."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.cameras import check_separation
from dgiqa_edge.benchmarks.cameras.check_separation import CLEAN, HEALTHY, main, measure, separations
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.gate.policy import CHECKS, CUE_CHECKS

PHOTOS = [SHIPPED_PHOTOS / f"{name}.jpg" for name in ("cat", "coffee", "dahlia")]
WIDTH = 320
OF_A_FILM = {"moved", "likeness", "cast"}
"""Those that a photo alone does not have."""


class DarknessScorer:
    """Of any picture: its mean as score, and that it is dark below a mean of 40."""

    def score(self, image):
        return SimpleNamespace(score=float(image.mean()) / 255.0, faults={"dark": float(image.mean() < 40.0)})


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Small copies."""
    folder = tmp_path_factory.mktemp("photos")
    for path in PHOTOS:
        photo = cv2.imread(str(path))
        height = round(photo.shape[0] * WIDTH / photo.shape[1])
        cv2.imwrite(str(folder / path.name), cv2.resize(photo, (WIDTH, height), interpolation=cv2.INTER_AREA))
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def measured(photos):
    """Of three photos, the first degraded, and of one that is missing."""
    return measure([*photos, photos[0].with_name("missing.jpg")], every=3, scorer=DarknessScorer())


def test_each_kind_lies_beyond_its_own_check(measured):
    found, failed = measured
    assert len(failed) == 1 and "missing.jpg" in failed[0]
    assert all(len(found[name]) == 3 for name in HEALTHY) and len(found["noise 0.5"]) == 1
    rows = {row.check: row for row in separations(found)}
    assert set(rows) == {*CUE_CHECKS, "score", "faults.dark"} - OF_A_FILM
    for check, kind in (
        ("noise", "noise 1"),
        ("sharpness", "defocus 1"),
        ("haze", "haze 1"),
        ("clipped", "over_exposure 1"),
        ("luminance", "under_exposure 1"),
        ("faults.dark", "under_exposure 1"),
        ("occlusion", "hand 1"),
    ):
        assert rows[check].beyond[kind] == 1.0, check
        assert rows[check].beyond[CLEAN] == 0.0, check
    sharpness = [values["sharpness"] for values in found[CLEAN]]
    assert rows["sharpness"].quantiles[CLEAN][1.0] == min(sharpness)
    assert rows["noise"].quantiles[CLEAN][0.5] == np.median([values["noise"] for values in found[CLEAN]])


def test_a_fault_is_put_into_the_night_too(measured):
    found, _ = measured
    by_day, at_night = (np.mean([values["luminance"] for values in found[name]]) for name in (CLEAN, "at night"))
    assert at_night < by_day
    assert found["defocus 0.5 at night"][0]["luminance"] < found["defocus 0.5"][0]["luminance"]


def test_without_a_bundle_there_are_the_cues_alone(photos):
    found, _ = measure(photos[:1], every=2, scorer=None)
    assert {row.check for row in separations(found)} == {*CUE_CHECKS} - OF_A_FILM


def test_the_table_and_the_file(measured, tmp_path, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(check_separation, "measure", lambda *arguments: asked.append(arguments) or measured)
    main([str(PHOTOS[0]), "--every", "2", "--json", str(tmp_path / "checks.json")])
    assert asked == [([PHOTOS[0]], 2, None)]
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("3 photos, clean")
    assert any(line.startswith("motion_blur 0.5") for line in lines)
    assert lines[-1].startswith("not used: ") and "missing.jpg" in lines[-1]
    rows = json.loads((tmp_path / "checks.json").read_text())
    assert [row["check"] for row in rows] == [name for name in CHECKS if name in {row["check"] for row in rows}]


def test_no_photo_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="no photo could be measured"):
        main([str(tmp_path / "nothing")])
