"""Accuracy through a real bundle whose score is the frame's brightness, so that the right figures are known."""

import json

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.accuracy import measure_accuracy
from dgiqa_edge.benchmarks.baselines import baselines, laplacian_variance
from dgiqa_edge.benchmarks.opinion_set import read_opinions, read_pairs
from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.errors import ConfigurationError, SourceError

LEVELS = np.linspace(20, 230, 12).astype(int)


@pytest.fixture
def rated(tmp_path):
    """Twelve photos whose opinion score rises with their brightness, and the table that says so."""
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["file,mos,split"]
    for index, level in enumerate(LEVELS):
        texture = np.random.default_rng(index).integers(-15, 16, (48, 64, 3))
        cv2.imwrite(str(folder / f"{index}.png"), np.clip(level + texture, 0, 255).astype(np.uint8))
        lines.append(f"{index}.png,{level / 255:.3f},{'test' if index < 10 else 'train'}")
    table = folder / "mos.csv"
    table.write_text("\n".join(lines) + "\n")
    return folder, table


def test_a_bundle_that_agrees_with_people_has_the_full_figures(rated, bundle_dir):
    folder, table = rated
    with Scorer(bundle_dir) as scorer:
        report = measure_accuracy(scorer, read_opinions(table, folder), baselines(None, None))
    bundle = report.measured[0]
    assert bundle.name == "bundle"
    assert bundle.agreement.srcc.value == pytest.approx(1.0)
    assert bundle.agreement.krcc.value == pytest.approx(1.0)
    assert bundle.agreement.plcc.value > 0.99
    assert bundle.agreement.srcc.low <= bundle.agreement.srcc.value <= bundle.agreement.srcc.high + 1e-12
    assert [row.name for row in report.measured] == ["bundle", "Laplacian variance"]
    assert "BRISQUE (OpenCV)" in report.not_measured


def test_people_who_disagree_turn_the_sign(rated, bundle_dir):
    folder, table = rated
    photos = read_opinions(table, folder)
    reversed_photos = [type(photo)(photo.path, 1.0 - photo.mos) for photo in photos]
    with Scorer(bundle_dir) as scorer:
        report = measure_accuracy(scorer, reversed_photos, {})
    assert report.measured[0].agreement.srcc.value == pytest.approx(-1.0)


def test_a_photo_that_cannot_be_read_is_named(rated, bundle_dir):
    folder, table = rated
    (folder / "3.png").write_bytes(b"not a picture")
    with Scorer(bundle_dir) as scorer:
        report = measure_accuracy(scorer, read_opinions(table, folder), {})
    assert len(report.human) == len(LEVELS) - 1
    assert len(report.skipped) == 1
    assert "3.png" in report.skipped[0]


def test_pairs_are_put_in_order_by_strength(rated, bundle_dir):
    folder, _ = rated
    table = folder / "pairs.csv"
    table.write_text("scene,file,strength\na,11.png,0\na,5.png,1\na,8.png,2\nb,3.png,0\nb,4.png,0\nb,0.png,9\n")
    pairs = read_pairs(table, folder)
    assert [(pair.better.name, pair.worse.name) for pair in pairs] == [
        ("11.png", "5.png"),
        ("5.png", "8.png"),
        ("4.png", "0.png"),
    ]
    with Scorer(bundle_dir) as scorer:
        report = measure_accuracy(scorer, read_opinions(folder / "mos.csv", folder), {}, pairs)
    assert (report.order, report.pairs) == (pytest.approx(2 / 3), 3)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("name,mos\n1.png,0.5\n", ConfigurationError, "lacks the column file"),
        ("file,mos\n1.png,good\n", ConfigurationError, "line 2: the score 'good'"),
        ("file,mos\nnone.png,0.5\n", SourceError, "none.png is missing"),
        ("file,mos\n", ConfigurationError, "has no photo"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(rated, text, error, words):
    folder, table = rated
    table.write_text(text)
    with pytest.raises(error, match=words):
        read_opinions(table, folder)


def test_the_split_is_respected(rated):
    folder, table = rated
    assert len(read_opinions(table, folder, split="test")) == 10
    with pytest.raises(ConfigurationError, match="split 'none'"):
        read_opinions(table, folder, split="none")


def test_laplacian_variance_falls_with_blur(rated):
    folder, _ = rated
    frame = cv2.imread(str(folder / "5.png"))
    assert laplacian_variance(cv2.GaussianBlur(frame, (0, 0), 2)) < laplacian_variance(frame)


def test_the_command_prints_and_stores_the_report(rated, bundle_dir, command_line, tmp_path):
    folder, table = rated
    out = tmp_path / "report.json"
    finished = command_line(
        "bench", "accuracy", "--bundle", bundle_dir, "--photos", folder, "--mos", table, "--json", out
    )
    assert finished.returncode == 0, finished.stderr
    assert "SRCC" in finished.stdout
    assert "not measured" in finished.stdout
    assert json.loads(out.read_text())["measured"][0]["agreement"]["photos"] == len(LEVELS)
