"""``dgiqa-edge bench accuracy`` as a user runs it, with a bundle whose score is the frame's brightness."""

import json
import shutil

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.hashing import sha256_file

FEW = ("--degradations", "low_light,noise", "--strengths", "0.5,1", "--degraded-photos", 2)


@pytest.fixture
def bench(command_line, bundle_dir, rated):
    folder, table = rated

    def run(*options, bundle=bundle_dir, rated=("--photos", folder, "--mos", table)):
        return command_line("bench", "accuracy", "--bundle", bundle, *rated, *options)

    return run


def table_after(stdout, words):
    """First cell -> the other cells, of the Markdown table that follows the words."""
    lines = stdout[stdout.index(words) :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        first, *others = (cell.strip() for cell in line.strip("|").split("|"))
        rows[first] = others
    return rows


def test_the_report_is_printed_and_stored(bench, bundle_dir, rated, tmp_path):
    folder, _ = rated
    out = tmp_path / "out" / "report.json"
    pairs = folder / "pairs.csv"
    pairs.write_text("scene,file,strength\na,11.png,0\na,5.png,1\na,8.png,2\n")
    finished = bench(*FEW, "--pairs", pairs, "--json", out, "--time-baselines", "--threads", 1)
    assert finished.returncode == 0, finished.stderr
    document = json.loads(out.read_text())
    assert document["argv"][:3] == ["dgiqa-edge", "bench", "accuracy"]
    assert str(out) in document["argv"]
    assert document["bundle"]["sha256"] == sha256_file(bundle_dir / "bundle.json")
    assert document["versions"]["numpy"] == np.__version__
    assert document["counts"] == {
        "photos": 12,
        "scored": 12,
        "failed": 0,
        "degraded_frames": 2 * (1 + 2 * 2),
        "pair_pictures": 3,
        "failed_in_all": 0,
    }
    agreement = document["measured"][0]["agreement"]
    assert (document["measured"][0]["name"], agreement["photos"]) == ("bundle", 12)
    assert agreement["srcc"]["value"] == pytest.approx(1.0)
    assert [photo["mos"] for photo in document["photos"]] == sorted(photo["mos"] for photo in document["photos"])
    mean = cv2.imread(str(folder / "4.png")).mean() / 255
    assert document["photos"][4]["scores"]["bundle"] == pytest.approx(mean, abs=1e-5)
    assert document["degradations"]["orders"]["bundle"]["low_light"]["clean"]["value"] == 1.0
    assert document["pairs"][0]["orders"]["bundle"]["steps"]["in_order"] == 1
    timed = {one["name"] for one in document["timing"]["measures"]}
    assert {"bundle", "Laplacian variance"} <= timed
    assert "too small for NIQE" in document["not_measured"].get("NIQE", "too small for NIQE")
    rows = table_after(finished.stdout, "Bundle: ")
    assert rows["bundle"][0] == "1.000 [1.000, 1.000]"
    assert rows["BRISQUE (OpenCV)"][0] == "not measured"
    rows = table_after(finished.stdout, "Degraded copies")
    assert rows["low light"][0] == "100.0% [34.2%, 100.0%]"
    assert table_after(finished.stdout, "Real pairs")["bundle"][1].startswith("1/2, 50.0%")
    assert "12 photos: 12 scored, 0 failed" in finished.stdout
    assert sorted(path.name for path in out.parent.iterdir()) == ["report.json", "report.scores.jsonl"]


def test_tables_of_real_pairs_alone_are_measured(bench, rated, tmp_path):
    folder, _ = rated
    out = tmp_path / "report.json"
    tables = []
    for name, text in (("noise", "11.png,better,a\n5.png,worse,a"), ("blur", "3.png,better,a\n8.png,worse,a")):
        shutil.copytree(folder, tmp_path / name)
        tables += ["--pairs", tmp_path / name / "labels.csv"]
        tables[-1].write_text(f"file,role,pair\n{text}\n")
    finished = bench(*tables, "--json", out, rated=())
    assert finished.returncode == 0, finished.stderr
    document = json.loads(out.read_text())
    assert [(one["name"], one["orders"]["bundle"]["clean"]["in_order"]) for one in document["pairs"]] == [
        ("noise", 1),
        ("blur", 0),
    ]
    assert document["counts"]["photos"] == document["counts"]["scored"] == 0
    assert table_after(finished.stdout, "Real pairs of noise")["bundle"][0].startswith("1/1, 100.0%")
    assert table_after(finished.stdout, "Scores of dead")["bundle"][0] == "0.000"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "nothing to measure"),
        (("--pairs", "x/a.csv", "--split", "test"), "--split goes with photos that people rated"),
        (("--pairs", "x/a.csv", "--pairs", "x/b.csv"), "two tables of pairs are called 'x'"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(bench, options, words):
    finished = bench(*options, rated=())
    assert finished.returncode == 2
    assert words in finished.stderr


def test_a_run_that_was_killed_goes_on_where_it_stopped(bench, tmp_path):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    kept = tmp_path / "scores.jsonl"
    assert bench(*FEW, "--json", first, "--scores", kept).returncode == 0
    lines = kept.read_bytes().splitlines(keepends=True)
    kept.write_bytes(b"".join(lines[:10]) + lines[10][:-9])  # as a kill in the middle of a line leaves it
    finished = bench(*FEW, "--json", second, "--scores", kept)
    assert finished.returncode == 0, finished.stderr
    assert "10 scores found" in finished.stderr
    documents = [json.loads(file.read_text()) for file in (first, second)]
    assert sum(row["reused"] for row in documents[1]["measured"]) == 10
    assert [row["reused"] for row in documents[0]["measured"]] == [0] * len(documents[0]["measured"])
    for part in ("photos", "degradations", "counts"):
        assert documents[0][part] == documents[1][part]
    assert sorted(kept.read_bytes().splitlines(keepends=True)) == sorted(lines)


def test_scores_of_another_bundle_are_not_taken_for_this_ones(bench, make_bundle, tmp_path):
    kept = tmp_path / "scores.jsonl"
    options = ("--degradations", "none", "--no-baselines", "--scores", kept, "--json", tmp_path / "a.json")
    other = make_bundle(edit=lambda document: document.update(created="2026-02-02T00:00:00Z"))
    assert bench(*options, bundle=other).returncode == 0
    assert bench(*options).returncode == 0
    assert json.loads((tmp_path / "a.json").read_text())["measured"][0]["reused"] == 0
    assert len(kept.read_text().splitlines()) == 2 * (12 + 4)  # photos and frames of dead cameras


def test_the_plot_is_a_picture(bench, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib comes with the extra bench")
    plot = tmp_path / "plot.png"
    finished = bench(*FEW, "--no-baselines", "--plot", plot)
    assert finished.returncode == 0, finished.stderr
    assert cv2.imread(str(plot)).shape[1] > 1000
    assert f"plot: {plot}" in finished.stderr


def test_a_photo_that_cannot_be_read_is_counted_and_ends_in_three(bench, rated, tmp_path):
    folder, _ = rated
    (folder / "3.png").write_bytes(b"not a picture")
    out = tmp_path / "report.json"
    finished = bench("--degradations", "none", "--no-baselines", "--json", out)
    assert finished.returncode == 3
    assert "12 photos: 11 scored, 1 failed" in finished.stdout
    assert "3.png" in finished.stdout
    counts = json.loads(out.read_text())["counts"]
    assert (counts["photos"], counts["scored"], counts["failed"]) == (12, 11, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--degradations", "hail"), "unknown degradation 'hail'"),
        (("--strengths", "light"), "--strengths light"),
        (("--niqe-model", "mos.csv"), "--niqe-model"),
    ],
)
def test_options_that_make_no_sense_are_refused(bench, tmp_path, options, words):
    finished = bench(*options, "--json", tmp_path / "report.json")
    assert finished.returncode in (2, 3)
    assert words in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob("report*"))


@pytest.mark.parametrize("option", ["--json", "--scores"])
def test_no_input_is_overwritten(bench, rated, option):
    folder, _ = rated
    content = (folder / "mos.csv").read_bytes()
    finished = bench(f"{option}={folder / 'mos.csv'}")
    assert finished.returncode == 2
    assert "would overwrite" in finished.stderr
    assert (folder / "mos.csv").read_bytes() == content
