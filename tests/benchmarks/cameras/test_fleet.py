"""The model of many cameras: what a queue must do whatever the times, and that a real watch is asked the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.benchmarks.cameras import fleet
from dgiqa_edge.benchmarks.cameras.fleet import CAMERAS, LOST, main, most_cameras, simulate


def test_what_can_be_scored_is():
    load = simulate(4, 1.0, [0.02], 200)
    assert load.skipped == 0
    assert load.busy == pytest.approx(4 * 0.02, rel=0.02)
    assert 20 <= load.age_p50_ms <= load.age_p99_ms < 80


@pytest.mark.parametrize(("cameras", "fps"), [(1, 50.0), (8, 10.0), (16, 5.0)])
def test_above_that_the_scorer_is_busy_and_the_rest_is_dropped(cameras, fps):
    load = simulate(cameras, fps, [0.05], 100)
    assert load.busy > 0.98
    assert load.skipped == pytest.approx(1 - (1 / 0.05) / (cameras * fps), abs=0.02)


@given(
    st.integers(1, 12), st.floats(0.5, 30), st.lists(st.floats(0.001, 0.2), min_size=1, max_size=5), st.integers(0, 9)
)
def test_a_frame_is_no_younger_than_its_work_and_waits_one_round_at_most(cameras, fps, service_s, seed):
    load = simulate(cameras, fps, service_s, 10, seed)
    assert 0 <= load.skipped < 1
    assert 0 < load.busy <= 1
    assert min(service_s) * 1e3 <= load.age_p50_ms + 1e-6
    assert load.age_p99_ms <= (cameras + 1) * max(service_s) * 1e3 + 1e-6


def test_the_most_cameras_are_the_most():
    most = most_cameras(5.0, [0.02], 60)
    assert 1 <= most < CAMERAS[-1]
    assert simulate(most, 5.0, [0.02], 60).skipped <= LOST < simulate(most + 1, 5.0, [0.02], 60).skipped
    assert most_cameras(5.0, [0.5], 60) == 0


def test_the_command_measures_simulates_and_asks_a_watch(bundle_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fleet, "CAMERAS", (1, 4))
    real = fleet.watched
    monkeypatch.setattr(fleet, "watched", lambda bundle, cameras, fps, seconds: real(bundle, 2, 5.0, 2.0))
    assert main(["--bundle", str(bundle_dir), "--seconds", "5", "--json", str(tmp_path / "fleet.json")]) == 0
    found = json.loads((tmp_path / "fleet.json").read_text())
    assert len(found["loads"]) == 2 * len(fleet.RATES)
    assert found["check"]["watch"]["captured"] > 5
    assert "watch skipped" in capsys.readouterr().out
