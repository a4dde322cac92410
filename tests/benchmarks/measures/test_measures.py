"""A panel accounts for every picture and scores none twice."""

import numpy as np
import pytest

from dgiqa_edge.benchmarks.measures.measures import Measure, Panel, bundle_measure
from dgiqa_edge.benchmarks.measures.score_store import ScoreStore
from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.errors import FidelityError

FRAMES = {name: np.full((8, 8, 3), level, np.uint8) for name, level in (("dark", 10), ("mid", 120), ("bright", 250))}


def brightness(key="v1", seen=None, trouble=None):
    def run(frame):
        if seen is not None:
            seen.append(int(frame[0, 0, 0]))
        if trouble is not None and frame[0, 0, 0] > 200:
            raise trouble
        return float(frame.mean())

    return Measure("brightness", "mean", key, run)


def judged(measures, store):
    panel = Panel(measures, store)
    for name, frame in FRAMES.items():
        panel.judge(name, frame)
    return panel


@pytest.mark.parametrize("trouble", [ValueError("not defined"), FidelityError("no number")])
def test_a_picture_has_a_score_or_a_reason(trouble):
    tally = judged([brightness(trouble=trouble)], ScoreStore()).tallies["brightness"]
    assert tally.scores == {"dark": 10.0, "mid": 120.0}
    assert tally.failed == {"bright": str(trouble)}


def test_a_score_that_is_no_number_is_a_failure():
    measure = Measure("broken", "", "k", lambda frame: float("nan"))
    tally = judged([measure], ScoreStore()).tallies["broken"]
    assert tally.scores == {}
    assert set(tally.failed) == set(FRAMES)


def test_a_bug_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        judged([brightness(trouble=ZeroDivisionError())], ScoreStore())


def test_a_failure_to_read_counts_for_every_measure():
    other = Measure("other", "", "k", lambda frame: 1.0)
    panel = Panel([brightness(), other], ScoreStore())
    panel.fail("gone", "does not exist")
    assert all(tally.failed == {"gone": "does not exist"} for tally in panel.tallies.values())


def test_known_scores_are_reused_unless_the_measure_or_the_pixels_changed():
    store = ScoreStore()
    judged([brightness()], store)
    seen = []
    again = judged([brightness(seen=seen)], store).tallies["brightness"]
    assert seen == []
    assert again.scores == {"dark": 10.0, "mid": 120.0, "bright": 250.0}
    assert (again.reused, again.p50_ms) == (3, None)
    panel = Panel([brightness(seen=seen)], store)
    panel.judge("dark", FRAMES["dark"] + 1)
    assert seen == [11]
    judged([brightness("v2", seen)], store)
    assert seen == [11, 10, 120, 250]


def test_the_key_of_a_bundle_changes_with_the_bundle(make_bundle):
    keys = []
    for edit in (None, None, lambda document: document.update(created="2026-02-01T12:00:00Z")):
        with Scorer(make_bundle(edit=edit)) as scorer:
            measure = bundle_measure(scorer)
            keys.append(measure.key)
            assert measure.run(np.full((48, 64, 3), 51, np.uint8)) == pytest.approx(0.2, abs=1e-5)
    assert keys[0] == keys[1] != keys[2]
    assert "fp32, 64x48, onnxruntime" in measure.source
