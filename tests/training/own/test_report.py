"""What is told of a training: the figures, the verdict in words, and every warning."""

import json
from pathlib import Path

import numpy as np
import pytest

from dgiqa_edge.calibration.agreement import Figure
from dgiqa_edge.training.own.held_out import Gain, HeldOut
from dgiqa_edge.training.own.opinions import Opinions
from dgiqa_edge.training.own.plot import draw
from dgiqa_edge.training.own.report import Report

PHOTOS = 20


def report(low=-0.1, high=0.1, **changes):
    scores = np.linspace(1.0, 5.0, PHOTOS)
    parts = np.arange(PHOTOS) % 5
    half = scores / 10.0
    own = Figure(0.8, 0.7, 0.9)
    values = {
        "base": "nano",
        "weights": {"nano.safetensors": "0" * 64},
        "frame": "640x480",
        "fit": "pad",
        "table": "mine.csv",
        "seed": 0,
        "opinions": Opinions(
            tuple(Path(f"{number}.png") for number in range(PHOTOS)),
            tuple(f"{number:064d}" for number in range(PHOTOS)),
            np.arange(PHOTOS),
            scores,
            notes=("one is missing",),
        ),
        "held_out": HeldOut(half, half, half, parts, ("nothing changed",) * 4 + (0.01,)),
        "gains": [Gain("SRCC", own, own, Figure((low + high) / 2, low, high))],
        "final": 0.01,
        "own": half,
        "warnings": ["few photos"],
        "seconds": 12.0,
    }
    return Report(**{**values, **changes})


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.1, "better: own scores order held-out photos better than nano (SRCC +0.055 [+0.010, +0.100])"),
        (-0.1, 0.1, "within noise: on held-out photos no gain over nano can be told from chance"),
        (-0.1, -0.01, "worse: own scores order held-out photos less well than nano"),
    ],
)
def test_the_verdict_is_a_plain_sentence_and_comes_last(low, high, said):
    lines = report(low, high).lines()
    assert lines[-1].startswith(said)
    assert "warning: few photos" in lines
    assert any("each scored by a fit that did not see it (5 parts)" in line for line in lines)


@pytest.mark.parametrize(("known", "shown"), [(0, True), (9, True), (10, False), (20, False)])
def test_better_on_photos_that_the_base_learned_from_is_not_shown(known, shown):
    one = report(0.01, 0.1, known=known)
    assert one.is_shown == shown
    assert one.sentence().endswith("the base was trained on most of them: not shown") != shown
    assert not report(-0.1, 0.1).is_shown


def test_the_page_has_the_table_the_warnings_and_what_was_left_out():
    page = report().markdown()
    assert "| SRCC | 0.800 [0.700, 0.900] | 0.800 [0.700, 0.900] | +0.000 [-0.100, +0.100] | within noise |" in page
    assert "- **Warning:** few photos\n- one is missing\n" in page
    assert "which was written: strength 0.01" in page


def test_programs_get_every_photo():
    told = json.loads(json.dumps(report().to_json()))
    assert len(told["photos"]) == PHOTOS
    assert told["photos"][1] == {
        "image": "1.png",
        "sha256": f"{1:064d}",
        "score": pytest.approx(1.0 + 4.0 / 19.0),
        "fold": 1,
        "base": pytest.approx(0.1 + 0.4 / 19.0),
        "own_held_out": pytest.approx(0.1 + 0.4 / 19.0),
        "own": pytest.approx(0.1 + 0.4 / 19.0),
    }
    assert told["fits"] == {"held_out": ["nothing changed"] * 4 + ["strength 0.01"], "all_photos": "strength 0.01"}


def test_of_pairs_the_report_counts_those_that_were_judged_and_draws_nothing(tmp_path):
    scored = report()
    pairs = np.array([(0, 5), (1, 6), (0, 1)])
    opinions = Opinions(scored.opinions.photos, scored.opinions.keys, scored.opinions.groups, pairs=pairs)
    told = report(opinions=opinions)
    assert any(line.startswith("2 of 3 pairs (both photos in one part) of 20 photos") for line in told.lines())
    assert not draw(told, tmp_path / "scatter.png")


def test_the_picture_is_a_png(tmp_path):
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib")
    assert draw(report(), tmp_path / "scatter.png")
    assert (tmp_path / "scatter.png").read_bytes().startswith(b"\x89PNG")
