"""The whole device half in a process that has what a device has: what it builds, what it takes, what it resumes."""

import json
import re
import shlex
import shutil
import time

import pytest
from stand_ins import fake_tensorrt

from dgiqa_edge.runtime import Scorer, load_bundle

RUNGS = ("int8", "fp16", "fp32")


def told(finished, line):
    (found,) = re.findall(rf"^\[\d+/\d+\] {line}.*$", finished.stderr, re.M)
    return found


@pytest.mark.parametrize(
    ("version", "layout", "precision", "title"),
    [
        ("8.5.3.1", "fused", "int8", "int8 + fp16"),
        ("8.6.0", "split", "int8", "int8 + fp16"),
        ("10.3.0.26", "split", "fp16", "fp16"),
        ("10.13.3.9", "fused", "fp32", "fp32"),
        ("11.0.0", "fused", "int8", "int8 + fp16"),
    ],
)
def test_a_bundle_becomes_one_with_an_engine(from_desktop, on_device, tmp_path, version, layout, precision, title):
    source = from_desktop(layout)
    before = load_bundle(source).manifest
    out, result = tmp_path / "out", tmp_path / "result.json"
    arguments = ["--from", "brought", "--out", "out", f"--{precision}", "--json", result]
    finished = on_device("build", *arguments, version=version)
    assert finished.returncode == 0, finished.stderr
    bundle = load_bundle(out)
    manifest = bundle.manifest
    assert manifest.precision.name == precision
    for role in bundle.roles:
        engine, portable = bundle.engines(role)
        assert (engine.backend, portable.backend) == ("tensorrt", "onnxruntime")
        assert engine.requires.backend_version == f"=={version}"
        assert (engine.requires.sm, engine.requires.device) == ("87", "Fake GPU 0")
        assert portable.file in {graph.file for graph in manifest.graphs}
    (carried,) = (one for one in before.device_build.carried if one.precision.name == precision)
    assert manifest.graphs == carried.graphs
    assert manifest.fidelity.images == carried.fidelity.images
    assert manifest.fidelity.score_mae == pytest.approx(carried.fidelity.score_mae, abs=1e-3)
    assert manifest.latency.p50_ms > 0
    assert manifest.latency.fp32_p50_ms == (manifest.latency.p50_ms if precision == "fp32" else None)
    assert manifest.golden.tolerance.score >= carried.tolerance.score
    assert manifest.ladder is None
    assert list(manifest.build.argv) == [
        *("dgiqa-edge", "build", "--from", "brought", "--out", "out", "--rungs", precision)
    ]
    assert manifest.notes[: len(before.device_build.notes)] == before.device_build.notes
    assert not any("no engine" in note for note in manifest.notes)
    assert "building" in bundle.file("tensorrt_build.log").read_text()
    report = json.loads(bundle.file("report.json").read_text())
    assert set(report["tensorrt"]) == set(bundle.roles)
    assert report["photos"]["checked"]
    (row,) = json.loads(result.read_text())["rows"]
    assert row["precision"] == f"{title} TensorRT"
    assert f"{title} TensorRT" in finished.stdout
    assert f"bundle: {'out'}" in finished.stdout
    with Scorer(out, backend="onnxruntime", verify="always"):  # the portable graph is that of the precision
        pass


@pytest.mark.parametrize("version", ["8.5.3.1", "10.13.3.9"])
def test_an_open_batch_becomes_an_engine_with_a_profile_whose_rows_were_checked(
    from_desktop, on_device, tmp_path, version
):
    source = from_desktop("batch")
    finished = on_device("build", "--from", "brought", "--out", "out", "--fp16", version=version)
    assert finished.returncode == 0, finished.stderr
    bundle = load_bundle(tmp_path / "out")
    assert str(bundle.manifest.batch) == str(load_bundle(source).manifest.batch) == "1..3"
    for role in bundle.roles:
        _, record = fake_tensorrt.onnx_of(bundle.file(bundle.engines(role)[0].file).read_bytes())
        for least, opt, most in record["profile"].values():
            assert (least[0], opt[0], most[0]) == (1, 3, 3)


def test_an_engine_that_reads_faults_is_held_to_fp32s(from_desktop, on_device, tmp_path):
    carried = load_bundle(from_desktop("faults")).manifest.device_build.carried[0]
    finished = on_device("build", "--from", "brought", "--out", "out", "--int8")
    assert finished.returncode == 0, finished.stderr
    manifest = load_bundle(tmp_path / "out").manifest
    assert manifest.faults is not None
    assert manifest.fidelity.faults_mae == pytest.approx(carried.fidelity.faults_mae, abs=0.01)
    assert manifest.golden.tolerance.faults >= carried.tolerance.faults
    assert "faults MAE" in finished.stdout
    photo = tmp_path / "photo.ppm"
    photo.write_bytes(b"P6 192 160 255 " + bytes(192 * 160 * 3))
    scored = on_device(*("score", "--bundle", "out", "--backend", "tensorrt", "--json", photo), DGIQA_DEVICE_HAS="cv2")
    assert list(json.loads(scored.stdout)["faults"]) == list(manifest.faults.names)


def test_what_the_desktop_has_is_missing_there(on_device):
    finished = on_device("build", "--out", "out", DGIQA_DEVICE_HAS="cv2")
    assert finished.returncode == 4
    assert "the package 'torch' is not installed" in finished.stderr


def test_a_built_bundle_is_built_again_from_itself_in_its_place(from_desktop, on_device, tmp_path):
    source = from_desktop("split")
    first = on_device("build", "--from", source, "--fp16", version="8.6.0")
    assert first.returncode == 0, first.stderr
    assert load_bundle(source).manifest.precision.name == "fp16"
    again = on_device("build", "--from", source, "--int8")  # of a newer TensorRT
    assert again.returncode == 0, again.stderr
    bundle = load_bundle(source)
    assert bundle.manifest.precision.name == "int8"
    assert {engine.requires.backend_version for engine in bundle.manifest.engines if engine.backend == "tensorrt"} == {
        "==10.13.3.9"
    }
    assert not [name for name in bundle.manifest.files if name.startswith("fp16.") and name.endswith(".plan")]
    assert sorted(path.name for path in tmp_path.glob("brought*")) == ["brought"]
    assert not list(tmp_path.glob(".partial-*"))


def test_the_fastest_precision_within_the_budget_is_taken(from_desktop, on_device, tmp_path):
    from_desktop()
    finished = on_device("build", "--from", "brought", "--out", "out", "--accuracy-budget", "score_mae=0.0005")
    assert finished.returncode == 0, finished.stderr
    ladder = load_bundle(tmp_path / "out").manifest.ladder
    status = {rung.name: rung.status for rung in ladder.rungs}
    assert list(status) == list(RUNGS)
    assert status["int8"] == "over_budget"
    assert sorted((status["fp16"], status["fp32"])) == ["accepted", "slower"]
    assert ladder.device == "TensorRT 10.13.3.9 on Fake GPU 0 (SM 87)"
    manifest = load_bundle(tmp_path / "out").manifest
    assert status[manifest.precision.name] == "accepted"
    assert manifest.latency.fp32_p50_ms == next(rung.p50_ms for rung in ladder.rungs if rung.name == "fp32")
    assert "over budget: score_mae" in finished.stdout


def test_a_wrong_engine_spoils_its_own_precision_only(from_desktop, on_device, tmp_path):
    from_desktop()
    finished = on_device("build", "--from", "brought", "--out", "out", DGIQA_FAKE_SPOIL="wrong_int8")
    assert finished.returncode == 0, finished.stderr
    rungs = {rung.name: rung for rung in load_bundle(tmp_path / "out").manifest.ladder.rungs}
    assert rungs["int8"].status == "failed"
    assert "is wrong: its" in rungs["int8"].reason
    assert {rungs["fp16"].status, rungs["fp32"].status} == {"accepted", "slower"}


def test_an_engine_that_the_memory_is_too_small_for_leaves_the_smaller_ones(from_desktop, on_device, tmp_path):
    from_desktop()
    finished = on_device("build", "--from", "brought", "--out", "out", DGIQA_FAKE_SPOIL="no_room_for_fp32")
    assert finished.returncode == 0, finished.stderr
    rungs = {rung.name: rung for rung in load_bundle(tmp_path / "out").manifest.ladder.rungs}
    assert rungs["fp32"].status == "failed"
    assert "the GPU has too little free memory" in rungs["fp32"].reason
    assert {rungs["int8"].status, rungs["fp16"].status} == {"accepted", "slower"}
    alone = on_device("build", "--from", "brought", "--out", "one", "--fp32", DGIQA_FAKE_SPOIL="no_room_for_fp32")
    assert alone.returncode == 4
    assert "the GPU has too little free memory" in alone.stderr


def test_a_target_that_none_keeps_tells_the_table_and_builds_nothing(from_desktop, on_device, tmp_path):
    from_desktop()
    result = tmp_path / "result.json"
    options = ["--latency-target", "1us", "--json", result]
    finished = on_device("build", "--from", "brought", "--out", "out", *options)
    assert finished.returncode == 3
    assert "no rung keeps the accuracy budget" in finished.stderr
    assert [rung["status"] for rung in json.loads(result.read_text())["ladder"]["rungs"]] == ["too_slow"] * 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("killed_after", [1, *(pytest.param(stage, marks=pytest.mark.slow) for stage in (2, 3, 6)), 7])
def test_a_killed_build_resumes_where_it_stopped(from_desktop, start, on_device, tmp_path, killed_after):
    from_desktop("split")
    arguments = ["build", "--from", "brought", "--out", "out", "--work", "work"]
    process = start(*arguments)
    for line in process.stderr:
        if line.startswith(f"[{killed_after}/8]"):
            process.kill()
            break
    assert process.wait(timeout=60) == -9
    assert not (tmp_path / "out").exists()
    finished = on_device(*arguments)
    assert finished.returncode == 0, finished.stderr
    lines = re.findall(r"^\[(\d)/8\] (.*)$", finished.stderr, re.M)
    assert [int(number) for number, _ in lines] == list(range(1, 9))
    for number, text in lines[:6]:
        if int(number) <= killed_after:
            assert "; reused (" in text
        elif int(number) > killed_after + 1:  # the kill may have come a moment too late for the next
            assert "; reused (" not in text
    assert load_bundle(tmp_path / "out").manifest.ladder is not None


def test_a_build_killed_while_tensorrt_builds_leaves_the_old_bundle(from_desktop, start, on_device, tmp_path):
    source = from_desktop()
    before = (source / "bundle.json").read_bytes()
    process = start("build", "--from", "brought", "--work", "work", DGIQA_FAKE_PACE="0.2")
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("work/.partial-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    assert process.wait(timeout=60) == -9
    assert (source / "bundle.json").read_bytes() == before
    assert not list(tmp_path.glob("work/engine-*"))
    load_bundle(source)
    assert on_device("build", "--from", "brought", "--work", "work").returncode == 0


def test_an_engine_for_another_tensorrt_is_refused_with_the_command_that_mends_it(from_desktop, on_device, tmp_path):
    from_desktop()
    options = ["--work", "work", "--int8", "--opt-level", "2"]
    assert on_device("build", "--from", "brought", "--out", "out", *options, version="10.3.0.26").returncode == 0
    photo = tmp_path / "photo.ppm"
    photo.write_bytes(b"P6 128 96 255 " + bytes(96 * 128 * 3))
    refused = on_device("score", "--bundle", "out", "--backend", "tensorrt", photo, DGIQA_DEVICE_HAS="cv2")
    assert refused.returncode == 4
    assert "it was built with TensorRT 10.3.0.26 (here 10.13.3.9)" in refused.stderr
    shutil.rmtree(tmp_path / "brought")
    (command,) = re.findall(r"rebuild it here with: dgiqa-edge (build --from out --out out [^;\n]*)", refused.stderr)
    mended = on_device(*shlex.split(command, comments=True))
    assert mended.returncode == 0, mended.stderr
    assert "; reused (" not in told(mended, "TensorRT engine, int8")
    assert on_device("score", "--bundle", "out", "--backend", "tensorrt", photo, DGIQA_DEVICE_HAS="cv2").returncode == 0
