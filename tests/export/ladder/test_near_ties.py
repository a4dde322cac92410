"""Two timed in turn: when the other counts as no slower than the fastest."""

import numpy as np
import pytest

from dgiqa_edge.export.ladder.near_ties import Difference, difference


def in_turn(factor, *, runs=30, spread=0.01, mood=0.3, seed=0):
    """Milliseconds of both on a machine whose mood changes from run to run and hits both."""
    random = np.random.default_rng(seed)
    moods = 20.0 * random.lognormal(0.0, mood, runs)
    own, other = (tuple(moods * factor * random.lognormal(0.0, spread, runs)) for factor in (1.0, factor))
    return own, other


@pytest.mark.parametrize(
    ("factor", "how", "tied"),
    [
        (1.0, {}, True),
        (1.03, {"spread": 0.0001}, True),  # certain, and too small to matter
        (0.9, {}, True),  # the other is the faster one
        (1.2, {"mood": 0.01}, False),
        (2.0, {}, False),
        (1.3, {"spread": 0.6, "mood": 0.0, "seed": 1}, False),  # no difference shown, and too large to pass over
        (1.0, {"spread": 0.6, "mood": 0.0, "seed": 2}, True),
        (1.02, {"runs": 3, "mood": 0.01}, True),  # too few for an interval
        (1.2, {"runs": 3, "mood": 0.01}, False),
    ],
)
def test_the_table(factor, how, tied):
    assert difference(*in_turn(factor, **how)).is_near_tie == tied


@pytest.mark.parametrize(
    ("found", "tied", "said"),
    [
        (Difference(0.049, 0.04, 0.06), True, "+4.9% [+4.0%, +6.0%]"),
        (Difference(0.051, 0.04, 0.06), False, "+5.1% [+4.0%, +6.0%]"),
        (Difference(0.149, 0.0, 0.9), True, "+14.9% [+0.0%, +90.0%]"),
        (Difference(0.15, 0.0, 0.9), False, "+15.0% [+0.0%, +90.0%]"),
        (Difference(0.149, 0.01, 0.9), False, "+14.9% [+1.0%, +90.0%]"),
        (Difference(0.05), False, "+5.0%"),
    ],
)
def test_the_limits(found, tied, said):
    assert (found.is_near_tie, str(found)) == (tied, said)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Difference(0.04, 0.038, 0.041), "less than 5 % slower than b (+4.0% [+3.8%, +4.1%])"),
        (Difference(0.02), "less than 5 % slower than b (+2.0%)"),
        (Difference(0.1, -0.1, 0.3), "not shown to be slower than b (+10.0% [-10.0%, +30.0%])"),
    ],
)
def test_its_words_say_no_more_than_is_shown(found, words):
    assert found.near("b") == words
