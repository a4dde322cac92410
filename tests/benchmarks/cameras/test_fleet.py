"""The model of many cameras: what a queue must do whatever the times, and that a real watch is asked the same."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.benchmarks.cameras import fleet
from dgiqa_edge.benchmarks.cameras.fleet import CAMERAS, LOST, beside_decoding, main, most_cameras, simulate
from dgiqa_edge.runtime.errors import SourceError


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
    def load(cameras, fps):
        return simulate(cameras, fps, beside_decoding([0.02], cameras, fps, 0.001, 2), 60)

    most = most_cameras(load, 5.0)
    assert 1 <= most < CAMERAS[-1]
    assert load(most, 5.0).skipped <= LOST < load(most + 1, 5.0).skipped
    assert most_cameras(lambda cameras, fps: simulate(cameras, fps, [0.5], 60), 5.0) == 0


def test_decoding_takes_its_cores_from_scoring():
    assert beside_decoding([0.01], 4, 25.0, 0.01, 2) == [pytest.approx(0.02)]  # half of two cores decodes
    assert beside_decoding([0.01], 0, 25.0, 0.01, 2) == [0.01]
    assert beside_decoding([0.01], 64, 25.0, 0.01, 2)[0] > 0.4  # none is left


@pytest.mark.slow
def test_the_command_measures_simulates_and_asks_a_watch(bundle_dir, clip, tmp_path, monkeypatch, capsys):
    for name, value in (("CAMERAS", (1, 4)), ("FIT", (1, 10.0)), ("CHECK", (2, 10.0)), ("WATCH_S", 2.0)):
        monkeypatch.setattr(fleet, name, value)
    words = ["--bundle", str(bundle_dir), "--video", str(clip), "--seconds", "5"]
    assert main([*words, "--json", str(tmp_path / "fleet.json")]) == 0
    found = json.loads((tmp_path / "fleet.json").read_text())
    assert len(found["loads"]) == 2 * len(fleet.RATES)
    watch = found["check"]["watch"]
    assert watch["captured"] == watch["scored"] + watch["skipped"] > 10
    assert watch["cpu_s"] > 0
    assert "watch skipped" in capsys.readouterr().out


def test_a_watch_that_refuses_ends_it(bundle_dir, tmp_path):
    with pytest.raises(SourceError, match="watch ended on"):
        main(["--bundle", str(bundle_dir), "--video", str(tmp_path / "absent.mp4")])


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
    for level in range(20):
        writer.write(np.full((48, 64, 3), 80 + level, np.uint8))
    writer.release()
    return path
