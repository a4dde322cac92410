"""The --fail-on option."""

import pytest

from dgiqa_edge.benchmarks.compare.limits import Limit, parse_limits
from dgiqa_edge.runtime.errors import ConfigurationError


def test_shares_and_amounts_in_the_bad_direction():
    assert parse_limits("p99=+5%, score_mae=+0.002,srcc=-0.01,mean=7.5%") == {
        "p99": Limit(0.05, True),
        "score_mae": Limit(0.002, False),
        "srcc": Limit(0.01, False),
        "mean": Limit(0.075, True),
    }
    assert [str(limit) for limit in parse_limits("p50=+5%,score_mae=+0.002").values()] == ["5 %", "0.002"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no limit"),
        ("p99=+5%,", "is no limit"),
        (" , p99=+5%", "is no limit"),
        ("p99", "is no limit"),
        ("p99=fast", "is no limit"),
        ("p98=+5%", "knows no 'p98'"),
        ("p99=-5%", "gets worse when it goes the other way"),
        ("srcc=+0.1", "gets worse when it goes the other way"),
        ("p99=+5", "in percent"),
        ("p99=+5%,p50=+3%,p99=+500%", "holds p99 twice"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(text, words):
    with pytest.raises(ConfigurationError, match=words):
        parse_limits(text)
