"""Two scorers behind the face of one, over a wire of the test's own."""

import pytest
from stand_ins.kserve import ADDRESS, Server

from dgiqa_edge.runtime.errors import EngineCompatibilityError
from dgiqa_edge.runtime.scoring.fallback import FallbackScorer
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.settings.remote_address import parse_address


@pytest.fixture
def server(make_bundle, monkeypatch):
    one = Server(make_bundle(faults=True))
    one.take_over(monkeypatch)
    return one


@pytest.fixture
def fallback(server):
    def make(bundle=None, **options):
        return FallbackScorer(parse_address(ADDRESS), Scorer(bundle or server.bundle), **options)

    return make


def test_frames_are_scored_here_while_the_server_is_away(server, fallback, make_photo):
    with fallback() as scorer:
        expected = server.scorer.score(make_photo(1)).score
        assert scorer.score(make_photo(1)).score == expected
        assert scorer.scored_here == 0
        server.away = 10**6
        assert [scorer.score(make_photo(1)).score for _ in range(3)] == [expected] * 3
        assert scorer.scored_here == 3
        there, here = scorer.describe()
        assert (there["answers"], here["scored_here"]) == (False, 3)
        assert not scorer.takes_depth


def test_a_fallback_has_the_servers_bundle_unless_told_otherwise(server, fallback, make_bundle, make_photo):
    other = make_bundle(layout="split")
    with pytest.raises(EngineCompatibilityError, match="another bundle"):
        fallback(other)
    with fallback(other, differs=True) as scorer:
        assert scorer.score(make_photo(1)).score == server.scorer.score(make_photo(1)).score
        server.away = 10**6
        with Scorer(other) as own:
            assert scorer.score(make_photo(1)).score == own.score(make_photo(1)).score


def test_a_fallback_works_from_the_start(server, fallback, make_photo):
    server.away = 10**6
    with fallback() as scorer:
        assert scorer.score(make_photo(1)).score == server.scorer.score(make_photo(1)).score
        assert scorer.scored_here == 1
