"""The bench subcommands, from a bundle to pages, comparisons and tables."""

import json

import numpy as np
import pytest

from dgiqa_edge.benchmarks.report.document import read_report, write_report

SHORT = ("--duration", "1", "--min-queries", "64", "--threads", "1")


@pytest.fixture
def bench(command_line):
    def run(*arguments, code=0):
        finished = command_line("bench", *arguments)
        assert finished.returncode == code, finished.stderr + finished.stdout
        return finished

    return run


def test_latency_to_report_to_pages(bench, bundle_dir, photo_folder, tmp_path):
    report, page, text = tmp_path / "r.json", tmp_path / "r.html", tmp_path / "r.md"
    done = bench("latency", "--bundle", bundle_dir, "--json", report, "--photos", photo_folder, *SHORT)
    assert "p90 latency" in done.stdout
    assert "not measured" in done.stdout
    document = read_report(report)
    assert document["latency"]["queries"] >= 64
    assert document["subject"]["engines"][0]["sha256"]
    assert document["argv"][:3] == ["dgiqa-edge", "bench", "latency"]
    assert {adapter["name"] for adapter in document["telemetry"]["adapters"]} <= {"cpu", "nvml", "jetson sysfs"}
    assert "latency.stages.capture" in document["not_measured"]
    assert document["latency"]["stages"][-1]["name"] == "cues and gate"
    bench("report", report, "--html", page, "--markdown", text)
    assert page.read_text().startswith("<!doctype html>")
    assert text.read_text().startswith("# reference FP32")


def test_alternating_bundles_to_comparison(bench, bundle_dir, make_bundle, tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    other = make_bundle(layout="split")
    bench(
        "latency", "--bundle", bundle_dir, "--against", other, "--json", first, "--against-json", second,
        *SHORT,
    )  # fmt: skip
    one, two = read_report(first), read_report(second)
    assert one["session"]["id"] == two["session"]["id"]
    assert (one["subject"]["layout"], two["subject"]["layout"]) == ("fused", "split")
    assert "cannot be told apart" in one["not_measured"]["telemetry"]
    assert "alternating blocks" in bench("compare", first, second).stdout
    table = bench("table", first, second, "--markdown", tmp_path / "t.md")
    assert "reference" in table.stdout
    assert (tmp_path / "t.md").read_text().count("| reference |") == 2
    bench("table", first, second, "--html", tmp_path / "t.html")
    assert (tmp_path / "t.html").read_text(encoding="utf-8").count(">reference</td>") == 2


def test_a_broken_limit_fails_and_an_undecided_one_only_if_strict(bench, make_report, tmp_path):
    random = np.random.default_rng(0)
    files = {}
    for name, factor in (("old", 1.0), ("same", 1.0), ("slow", 1.2)):
        files[name] = tmp_path / f"{name}.json"
        write_report(files[name], make_report(random.normal(20.0, 0.3, 700) * factor))
    page, broken = tmp_path / "c.html", ("--fail-on", "p50=+5%", "--fail-on", "mean=+90%")
    worse = bench("compare", files["old"], files["slow"], *broken, "--html", page, code=5)
    assert "worse, breaks the limit of 5 %" in worse.stdout
    assert "limit broken</b>: median latency" in page.read_text(encoding="utf-8")
    bench("compare", files["old"], files["slow"])  # without a limit it only says so
    undecided = ("compare", files["old"], files["same"], "--fail-on", "p50=+5%,power=+5%")
    assert "same" in bench(*undecided).stdout
    strict = bench(*undecided, "--strict", code=5)
    assert "power could not be decided" in strict.stdout


def test_soak_says_what_it_searched(bench, bundle_dir, tmp_path):
    report = tmp_path / "soak.json"
    page = tmp_path / "soak.html"
    done = bench("soak", "--bundle", bundle_dir, "--minutes", "0.02", "--json", report, "--html", page)
    assert "latency over the yardstick" in done.stdout or "too short" in done.stdout
    assert read_report(report)["soak"]["minutes"] == 0.02
    assert "Soak" in page.read_text()


@pytest.mark.slow
def test_selfcheck_runs_and_counts(command_line, bundle_dir, tmp_path):
    out = tmp_path / "check.json"
    finished = command_line(
        "bench",
        "selfcheck",
        "--bundle",
        bundle_dir,
        "--runs",
        "2",
        "--duration",
        "8",
        "--slowdown",
        "100",
        "--json",
        out,
    )
    assert finished.returncode in (0, 5), finished.stderr
    document = json.loads(out.read_text())
    assert document["equal_pairs"] == 3
    assert len(document["trials"]) == 4
    assert document["trials"][-1]["verdicts"]["p50"] == "worse"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["latency", "--bundle", "nowhere"], 3, "does not exist"),
        (["latency", "--bundle", "B", "--scenario", "server", "--against", "B"], 2, "--against alternates"),
        (["latency", "--bundle", "B", "--against-json", "x.json"], 2, "nothing to write"),
        (["compare", "no.json", "no.json"], 3, "cannot be read"),
        (["compare", "no.json", "no.json", "--fail-on", "p99=slow"], 2, "is no limit"),
        (["selfcheck", "--bundle", "B", "--duration", "4"], 2, "give at least 5"),
    ],
)
def test_bad_input_gets_one_line(command_line, bundle_dir, arguments, code, words):
    finished = command_line("bench", *[bundle_dir if argument == "B" else argument for argument in arguments])
    assert finished.returncode == code
    assert words in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1


def test_another_bundles_accuracy_is_refused(command_line, bundle_dir, tmp_path):
    document = tmp_path / "accuracy.json"
    engines = [{"sha256": "f" * 64}]
    document.write_text(
        json.dumps(
            {"measured": [], "photos": [], "bundle": {"preset": "edge", "precision": "fp32", "engines": engines}}
        )
    )
    finished = command_line("bench", "latency", "--bundle", bundle_dir, "--accuracy", document, *SHORT)
    assert finished.returncode == 3
    assert "measured on another bundle (edge fp32" in finished.stderr
