"""Builds on the device that end without a bundle: what is said, and that what was there before is as it was."""

import json

import pytest

from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest


def edit(bundle, change):
    document = json.loads((bundle / "bundle.json").read_text())
    change(document)
    write_manifest(bundle, {**document, "files": build_manifest_files(bundle)})


def other_versions(document):
    for graph in document["parser_graphs"]:
        graph["backend_version"] = ">=12.0"


@pytest.mark.parametrize(("spoil", "words"), [("wrong_weights", "distance from FP32"), ("no_number", "not finite")])
def test_a_wrong_engine_is_refused_even_though_it_built_and_ran(from_desktop, on_device, tmp_path, spoil, words):
    source = from_desktop()
    before = (source / "bundle.json").read_bytes()
    arguments = ["build", "--from", "brought", "--fp32", "--work", "work"]
    finished = on_device(*arguments, version="10.3.0.26", DGIQA_FAKE_SPOIL=spoil)
    assert finished.returncode == 3
    assert "the engine of TensorRT 10.3.0.26 on Fake GPU 0 (SM 87) is wrong: " in finished.stderr
    assert words in finished.stderr
    assert "issues/4419" in finished.stderr  # what is on record for attention on 10.3
    assert "which layer it is, says: dgiqa-edge debug brought --backend tensorrt" in finished.stderr
    assert (source / "bundle.json").read_bytes() == before
    assert not list(tmp_path.glob("work/.partial-*"))
    assert not list(tmp_path.glob("work/device_check-*"))


def test_a_precision_beyond_the_budget_is_refused(from_desktop, on_device, tmp_path):
    from_desktop()
    options = ["--int8", "--accuracy-budget", "score_mae=0.0001"]
    finished = on_device("build", "--from", "brought", "--out", "out", *options)
    assert finished.returncode == 3
    assert "int8 is too far from FP32 on 4 photos (score_mae" in finished.stderr
    assert not (tmp_path / "out").exists()
    options = ["--int8", "--no-accuracy-check"]
    assert on_device("build", "--from", "brought", "--out", "out", *options).returncode == 0


def test_a_full_disk_leaves_nothing_half_written(from_desktop, on_device, small_disk, tmp_path):
    from_desktop()
    arguments = ["build", "--from", "brought", "--out", "out", "--fp32", "--work", small_disk / "work"]
    finished = on_device(*arguments, DGIQA_FAKE_SPOIL="large")
    assert finished.returncode == 4
    assert "disk full while writing" in finished.stderr
    assert not (tmp_path / "out").exists()
    assert not list(small_disk.glob("work/engine-*"))
    assert not list(small_disk.glob("work/.partial-*"))


def test_a_disk_too_small_for_the_bundle_leaves_the_old_one(from_desktop, on_device, small_disk, tmp_path):
    from_desktop()
    finished = on_device("build", "--from", "brought", "--out", small_disk / "out", "--fp32", "--work", "work")
    assert finished.returncode == 4
    assert "disk full while writing" in finished.stderr
    assert list(small_disk.iterdir()) == []
    assert list(tmp_path.glob("work/engine-*"))  # the next run goes on from here


@pytest.mark.parametrize(
    ("change", "arguments", "settings", "words"),
    [
        (lambda d: d.pop("device_build"), [], {}, "carries no graphs and check frames for a build on the device"),
        (other_versions, [], {}, r"has no int8 graph for tensorrt 10.13.3.9 (its graphs are for >=12.0)"),
        (None, [], {"version": "9.3.0"}, "TensorRT 9.3.0 is not supported"),
        (None, [], {"LD_LIBRARY_PATH": ""}, "no NVIDIA GPU was found"),
        (None, ["--preset", "edge"], {}, "--preset does nothing with --from"),
        (None, ["--no-engine"], {}, "--no-engine does nothing with --from"),
        (None, ["--calibrator", "entropy"], {}, "--calibrator does nothing with --from"),
        (None, ["--dla-core", "0"], {}, "has no DLA"),
        (None, ["--work", "out/work"], {}, "out/work lies in "),
    ],
)
def test_what_cannot_be_built_is_said_before_anything_is(
    from_desktop, on_device, tmp_path, change, arguments, settings, words
):
    source = from_desktop()
    if change is not None:
        edit(source, change)
    finished = on_device("build", "--from", "brought", "--out", "out", "--int8", *arguments, **settings)
    assert finished.returncode in (2, 3, 4)
    assert words in finished.stderr
    assert len(finished.stderr.splitlines()[-1]) < 400
    assert not (tmp_path / "out").exists()


def test_a_precision_that_the_bundle_does_not_carry_is_named(from_desktop, on_device):
    edit(from_desktop(), lambda d: d["device_build"].update(carried=d["device_build"]["carried"][1:]))
    finished = on_device("build", "--from", "brought", "--out", "out", "--rungs", "int8,fp16")
    assert finished.returncode == 2
    assert "brought carries fp16, fp32, not int8" in finished.stderr


def test_a_folder_that_is_no_bundle_is_not_replaced(from_desktop, on_device, tmp_path):
    from_desktop()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    finished = on_device("build", "--from", "brought", "--out", "out")
    assert finished.returncode == 2
    assert "exists and is not a bundle" in finished.stderr
    assert (tmp_path / "out" / "mine").read_text() == "mine"


def test_a_folder_to_build_from_that_is_no_bundle_is_not_to_be_removed(on_device, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo").touch()
    finished = on_device("build", "--from", "mine")
    assert finished.returncode == 3
    assert "mine is not a bundle (no bundle.json)" in finished.stderr
    assert "remove" not in finished.stderr


def test_a_bundle_without_an_engine_names_the_command_that_builds_one(from_desktop, on_device):
    from_desktop()
    for backend, words in (
        ("tensorrt", "build it here with: dgiqa-edge build --from brought"),
        ("tensorrt-rtx", "choose one of those, or build a bundle for it"),
    ):
        finished = on_device("score", "--bundle", "brought", "--backend", backend, "photo.jpg", DGIQA_DEVICE_HAS="cv2")
        assert finished.returncode == 4
        assert words in finished.stderr
