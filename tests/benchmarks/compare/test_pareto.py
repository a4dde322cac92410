"""Who beats whom among reports, and who does not compete."""

import numpy as np
import pytest

from dgiqa_edge.benchmarks.compare.pareto import Candidate, candidate, rows, with_fronts


def one(preset="nano", precision="int8", p50=10.0, srcc=0.8, mae=0.01, joule=None, device="board", seeded=False):
    return Candidate(
        preset=preset,
        precision=precision,
        backend="onnxruntime",
        frame="640x480",
        device=device,
        seeded=seeded,
        p50_ms=p50,
        p90_ms=p50,
        p99_ms=None,
        frames_per_s=100.0,
        j_per_frame=joule,
        score_mae=mae,
        srcc=srcc,
        megabytes=3.0,
        warned=False,
    )


def front(candidates):
    return {(c.preset, c.precision, c.device) for c in with_fronts(candidates) if c.front}


def test_slower_and_less_exact_is_beaten_and_a_trade_is_not():
    fast, exact, beaten = one(p50=5, srcc=0.7), one("edge", p50=20, srcc=0.9), one("lite", p50=25, srcc=0.85)
    assert front([fast, exact, beaten]) == {("nano", "int8", "board"), ("edge", "int8", "board")}


def test_devices_do_not_compete():
    assert len(front([one(p50=5), one(p50=500, device="other board")])) == 2


def test_energy_counts_where_both_have_it():
    hungry, frugal = one(p50=5, joule=2.0), one("edge", p50=6, joule=0.5)
    assert len(front([hungry, frugal])) == 2
    assert front([one(p50=5, joule=1.0), one("edge", p50=6, joule=2.0)]) == {("nano", "int8", "board")}


def test_without_people_only_one_presets_precisions_are_compared_by_their_error():
    fp32 = one(precision="fp32", p50=20, srcc=None, mae=0.0)
    int8 = one(p50=10, srcc=None, mae=0.01)
    slower_int8 = one(precision="fp16", p50=15, srcc=None, mae=0.02)
    assert front([fp32, int8, slower_int8]) == {("nano", "fp32", "board"), ("nano", "int8", "board")}
    assert len(front([one(p50=10, srcc=None), one("edge", p50=20, srcc=None, mae=0.5)])) == 2


def test_seeded_weights_win_nothing_by_their_scores():
    assert front([one(p50=10, srcc=0.1), one("reference", p50=50, srcc=0.99, seeded=True)]) == {
        ("nano", "int8", "board")
    }


def test_a_report_becomes_a_row_and_gaps_say_so(make_report):
    report = make_report(np.full(100, 20.0) + np.arange(100) * 0.01, per_image=[(0.5, 0.52)])
    found = candidate(report)
    assert found.p50_ms == pytest.approx(20.49)
    assert found.p99_ms is None
    assert found.score_mae == pytest.approx(0.02)
    columns, cells = rows(with_fronts([found]))
    row = dict(zip(columns, cells[0], strict=True))
    assert row["p99 ms"] == "not measured"
    assert row["J/frame"] == "not measured"
    assert row["score MAE"] == "0.0200"
    assert cells[0][0] == "*"
