"""The table of cues on shipped photos: its shares are those of the values, and a fault's own cue leads."""

import json

import numpy as np
import pytest

from dgiqa_edge.benchmarks.cameras import cue_separation
from dgiqa_edge.benchmarks.cameras.cue_separation import main, measure, separations
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.gate.policy import CHECKS, CUE_CHECKS

PHOTOS = [SHIPPED_PHOTOS / f"{name}.jpg" for name in ("cat", "coffee", "dahlia")]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Of three photos, the first degraded, and of one that is missing."""
    return measure([*PHOTOS, tmp_path_factory.mktemp("cues") / "missing.jpg"], every=3)


def test_each_kind_lies_beyond_its_own_cue(measured):
    found, failed = measured
    assert len(failed) == 1 and "missing.jpg" in failed[0]
    assert len(found["clean"]) == 3 and len(found["noise 0.5"]) == 1
    rows = {row.cue: row for row in separations(found)}
    assert set(rows) == set(CUE_CHECKS)
    for cue, kind in (
        ("noise", "noise 1"),
        ("sharpness", "defocus 1"),
        ("haze", "haze 1"),
        ("clipped", "over_exposure 1"),
    ):
        assert rows[cue].beyond[kind] == 1.0
        assert rows[cue].beyond["clean"] == 0.0
    sharpness = [cues.sharpness for cues in found["clean"]]
    assert rows["sharpness"].quantiles[1.0] == min(sharpness)
    assert rows["noise"].quantiles[0.5] == np.median([cues.noise for cues in found["clean"]])


def test_the_table_and_the_file(measured, tmp_path, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(cue_separation, "measure", lambda *arguments: asked.append(arguments) or measured)
    main([str(PHOTOS[0]), "--every", "2", "--json", str(tmp_path / "cues.json")])
    assert asked == [([PHOTOS[0]], 2)]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3 photos")
    assert any(line.startswith("motion_blur 0.5") for line in lines)
    assert lines[-1].startswith("not used: ") and "missing.jpg" in lines[-1]
    rows = json.loads((tmp_path / "cues.json").read_text())
    assert [row["cue"] for row in rows] == [name for name in CHECKS if name != "score"]


def test_no_photo_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="no photo could be measured"):
        main([str(tmp_path / "nothing")])
