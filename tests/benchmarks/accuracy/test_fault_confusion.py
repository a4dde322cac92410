"""Pictures with a known fault, judged by a bundle: what is counted, and that a bundle without faults is refused."""

import json

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.accuracy.fault_confusion import HEALTHY, Judged, lines, main, report
from dgiqa_edge.calibration.degradations.kinds import FAULTS, KINDS, runnable
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.cli import main as build


def said(**probabilities):
    return np.array([probabilities.get(name.replace("-", "_"), 0.1) for name in FAULTS])


@pytest.mark.parametrize(
    ("probabilities", "called"),
    [({"noisy": 0.9, "dark": 0.7}, "noisy"), ({"dark": 0.5}, "dark"), ({"dark": 0.49}, HEALTHY), ({}, HEALTHY)],
)
def test_a_picture_is_called_by_its_most_probable_fault(probabilities, called):
    assert Judged("noise", said(**probabilities)).called == called


def test_what_a_kind_may_show_beside_its_own_fault_is_not_counted():
    low_light, healthy = Judged("low_light", said()).labels, Judged(HEALTHY, said()).labels
    named = dict(zip(FAULTS, low_light, strict=True))
    assert named["dark"] == 1.0
    assert np.isnan(named["noisy"])
    assert named["flared"] == 0.0
    assert not healthy.any()


def test_the_report_holds_precision_calls_and_overlap():
    judged = [
        Judged(HEALTHY, said(noisy=0.6)),
        Judged("noise", said(noisy=0.9)),
        Judged("noise", said(noisy=0.3)),
        Judged("dirt", said(dirty=0.8), overlap=0.5),
        Judged("mud", said(dirty=0.7), overlap=0.7),
        Judged("drops", said(dirty=0.2)),
    ]
    found = report(judged)
    assert found["average_precision"]["noisy"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert found["average_precision"]["dirty"] == 1.0
    assert found["called"] == {
        HEALTHY: {"noisy": 1},
        "noise": {"noisy": 1, HEALTHY: 1},
        "dirt": {"dirty": 1},
        "mud": {"dirty": 1},
        "drops": {HEALTHY: 1},
    }
    assert (found["dirt_overlap"], found["dirty_pictures"]) == (pytest.approx(0.6), 2)
    text = "\n".join(lines(found))
    assert "0.60 intersection over union, 2 pictures" in text
    assert text.splitlines()[-1].split() == ["drops", *["."] * 8, "1"]


@pytest.mark.slow
def test_what_ships_tells_faults_from_healthy_photos(tmp_path, capsys):
    bundle, photos = tmp_path / "bundle", tmp_path / "photos"
    options = ("--fp32", "--frame", "512x512", "--backend", "onnxruntime", "--threads", "1", "--no-accuracy-check")
    assert build(["build", *options, "--out", str(bundle)]) == 0
    photos.mkdir()
    for name in ("astronaut.jpg", "dahlia.jpg"):
        picture = cv2.imread(str(SHIPPED_PHOTOS / name))
        cv2.imwrite(str(photos / name), cv2.resize(picture, (512, 512), interpolation=cv2.INTER_AREA))
    out = tmp_path / "faults.json"
    assert main(["--bundle", str(bundle), "--photos", str(photos), "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["pictures"] == 2 * (1 + sum(bool(KINDS[kind].faults) for kind in runnable()))
    assert found["average_precision"]["mean"] > 0.85
    assert found["called"][HEALTHY] == {HEALTHY: 2}
    assert found["bundle"]["preset"] == "nano"
    assert "average precision" in capsys.readouterr().out


def test_a_bundle_that_reads_no_faults_is_refused(bundle_dir, rated, tmp_path, capsys):
    photos, _ = rated
    code = guarded(lambda: main(["--bundle", str(bundle_dir), "--photos", str(photos)]), extra="bench")
    assert code != 0
    assert "reads no faults: build one of nano" in capsys.readouterr().err
