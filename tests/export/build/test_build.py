"""The whole build in-process, with small networks: every precision and layout ends in a bundle the runtime accepts."""

import json
import shutil

import numpy as np
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.export.ladder import lowering as lowering_module
from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.bundle.golden import GOLDEN_NAME, load_golden
from dgiqa_edge.runtime.errors import CalibrationError, ConfigurationError, EngineCompatibilityError, MachineError
from dgiqa_edge.runtime.frames.fit import fit_frame
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.ground.framing import FITS

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.mark.parametrize("precision", ["int8", "fp16", "fp32"])
@pytest.mark.parametrize("layout", ["fused", "split"])
def test_every_precision_and_layout_ends_in_a_bundle_that_scores(options, precision, layout, photos, build):
    result = build(options(precision=precision, layout=layout))
    bundle = load_bundle(result.bundle)
    assert bundle.manifest.precision.name == precision
    assert (bundle.manifest.calibration is not None) == (precision == "int8")
    assert bundle.manifest.fidelity.images == 8
    assert bundle.manifest.fidelity.score_mae < 0.02
    assert any("seeded" in note for note in bundle.manifest.notes)
    with Scorer(result.bundle) as scorer:
        qualities = [scorer.score(photo) for photo in photos]
    assert all(0.0 <= quality.score <= 1.0 for quality in qualities)
    assert all(quality.depth.shape == bundle.manifest.geometry.depth_output for quality in qualities)


@pytest.mark.parametrize(("precision", "observed"), [("int8", 16), ("fp16", 16), ("fp32", 0)])
def test_the_report_names_the_photos_that_were_seen(options, precision, observed, build):
    seen = json.loads((build(options(precision=precision)).bundle / "report.json").read_text())["photos"]
    keys = {role: {photo["pixels_sha256"] for photo in seen[role]} for role in ("observed", "checked")}
    assert (len(keys["observed"]), len(keys["checked"])) == (observed, 8)
    assert not keys["observed"] & keys["checked"]
    assert all((SHIPPED_PHOTOS / photo["name"]).is_file() for role in seen.values() for photo in role)


def test_int8_layers_are_counted(options, build):
    nodes = load_bundle(build(options()).bundle).manifest.precision.nodes
    assert sum(counts.get("int8", 0) for counts in nodes.values()) == 8
    assert nodes["MatMul"]["fp32"] >= 2  # attention products stay float


def test_an_interrupted_build_leaves_no_bundle_and_resumes(options, monkeypatch, build):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(lowering_module, "quantize", interrupt)
        build(options())
    chosen = options()
    assert not chosen.out.exists()
    assert not [path for path in chosen.work.rglob("*") if path.name.startswith(".partial-")]
    exports = [path.stat().st_mtime_ns for path in chosen.work.glob("export-*/*.onnx")]
    build(chosen)
    assert [path.stat().st_mtime_ns for path in chosen.work.glob("export-*/*.onnx")] == exports
    assert load_bundle(chosen.out)


def test_a_second_build_replaces_the_first_whole(options, build):
    build(options(precision="fp32"))
    build(options(precision="int8"))
    assert load_bundle(options().out).manifest.precision.name == "int8"
    assert [path.name for path in options().out.parent.iterdir() if path.name.startswith(".partial-")] == []


def test_other_photos_are_another_calibration(options, tmp_path, build):
    build(options())
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, path in enumerate(sorted(SHIPPED_PHOTOS.glob("*.jpg"))[:20]):
        shutil.copy(path, folder / f"{index}.jpg")
    build(options(calib=str(folder)))
    assert len(list(options().work.glob("calibration-*.json"))) == 2
    assert len(list(options().work.glob("export-*"))) == 1


def test_another_fit_is_another_calibration_of_the_same_graph(options, build):
    found = {}
    for fit in FITS:
        manifest = load_bundle(build(options(fit=fit)).bundle).manifest
        assert manifest.fit == fit
        found[fit] = manifest.calibration
    assert len({one.preprocessing_sha256 for one in found.values()}) == 3
    assert len({one.image_set_sha256 for one in found.values()}) == 3
    assert len({one.graph_sha256 for one in found.values()}) == 1
    assert len(list(options().work.glob("export-*"))) == 1


def test_photos_are_checked_as_the_bundle_fits_them(options, build):
    chosen = options(fit="pad")
    result = build(chosen)
    first = json.loads((result.bundle / "report.json").read_text())["photos"]["checked"][0]["name"]
    golden = load_golden(result.bundle / GOLDEN_NAME)
    np.testing.assert_array_equal(golden.frame[0], fit_frame(read_image(SHIPPED_PHOTOS / first), *chosen.frame, "pad"))


def test_too_few_photos_to_hold_any_out_is_said(options, tmp_path, build):
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in sorted(SHIPPED_PHOTOS.glob("*.jpg"))[:16]:
        shutil.copy(path, folder)
    result = build(options(calib=str(folder)))
    assert any("calibration photos themselves" in note for note in result.notes)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"backend": "tensorrt"}, EngineCompatibilityError, "TensorRT"),
        ({"depth_side": 71}, ConfigurationError, "multiple of 14"),
        ({"calib": "/nowhere"}, CalibrationError, "/nowhere"),
    ],
)
def test_bad_input_fails_before_any_work_and_leaves_nothing(options, changes, error, words, build):
    chosen = options(**changes)
    with pytest.raises(error, match=words):
        build(chosen)
    assert not chosen.out.exists()
    assert not chosen.work.exists()


def test_a_folder_that_is_no_bundle_is_never_replaced(options, build):
    chosen = options()
    chosen.out.mkdir()
    (chosen.out / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match="not a bundle"):
        build(chosen)
    assert (chosen.out / "thesis.txt").read_text() == "years of work"


def test_a_place_that_cannot_be_written_is_said(options, tmp_path, build):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(MachineError, match="is not a folder"):
        build(options(out=blocker / "bundle"))


def test_the_golden_frame_holds_fp32_outputs(options, build):
    result = build(options())
    golden = load_golden(result.bundle / GOLDEN_NAME)
    assert golden.frame.shape == (1, 96, 128, 3)
    assert np.isfinite(golden.score).all()
