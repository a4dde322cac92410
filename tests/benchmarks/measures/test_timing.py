"""Times of measures taking turns: counted, not asserted to be fast."""

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.measures.measures import Measure
from dgiqa_edge.benchmarks.measures.timing import ROUNDS, time_measures

FRAMES = [np.full((24, 32, 3), level, np.uint8) for level in (1, 2, 3)]


def test_measures_take_turns_on_the_same_frames():
    calls = []
    measures = [
        Measure(name, "", name, lambda frame, name=name: calls.append((name, int(frame[0, 0, 0]))) or 0.0)
        for name in ("bundle", "other")
    ]
    ticks = []
    before = cv2.getNumThreads()
    report = time_measures(measures, FRAMES, 1, lambda: ticks.append(1))
    assert len(ticks) == report.rounds == ROUNDS
    assert (report.width, report.height, report.engine_threads, report.opencv_threads) == (32, 24, 1, 1)
    assert cv2.getNumThreads() == before
    timed = calls[2 * len(FRAMES) :]
    assert len(timed) == 2 * ROUNDS
    for turn in range(ROUNDS):
        (first, frame), (second, same) = timed[2 * turn : 2 * turn + 2]
        assert {first, second} == {"bundle", "other"}
        assert frame == same == 1 + turn % 3
    assert {timed[0][0], timed[2][0]} == {"bundle", "other"}  # nobody is always first
    bundle, other = report.measures
    assert bundle.times_bundle == 1.0
    assert other.times_bundle == pytest.approx(other.p50_ms / bundle.p50_ms, rel=0.5, abs=0.5)
    assert 0.0 <= bundle.min_ms <= bundle.p50_ms


def test_a_measure_that_is_not_defined_on_the_frames_is_named():
    def refuse(frame):
        raise ValueError("too small")

    measures = [Measure("bundle", "", "b", lambda frame: 0.0), Measure("NIQE", "", "n", refuse)]
    report = time_measures(measures, FRAMES, None, lambda: None)
    assert [one.name for one in report.measures] == ["bundle"]
    assert report.not_timed == {"NIQE": "too small"}
