"""Several scorers of one bundle: how many there are, who has which, and what they compute."""

import threading
from dataclasses import replace

import pytest
from stand_ins import dummy_backend

from dgiqa_edge.runtime.bundle.golden import Deviation
from dgiqa_edge.runtime.engines import registry
from dgiqa_edge.runtime.engines.registry import BACKENDS
from dgiqa_edge.runtime.errors import BundleError, ConfigurationError
from dgiqa_edge.runtime.ground.ahead import ahead
from dgiqa_edge.runtime.scoring import scorer, scorer_pool
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.scoring.scorer_pool import ScorerPool, open_pool


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(scorer_pool, "usable_cores", lambda: 4)


def threads_of(pool):
    with pool.scorer() as scorer:
        return scorer.describe()[0]["threads"]


@pytest.mark.parametrize(
    ("frames", "options", "most", "threads"),
    [(100, {}, 4, 1), (3, {}, 3, 1), (1, {}, 1, None), (0, {}, 1, None), (100, {"threads": 2}, 1, 2)],
)
def test_a_small_graph_gets_a_scorer_per_core_unless_threads_are_asked_for(bundle_dir, frames, options, most, threads):
    with open_pool(bundle_dir, frames, **options) as pool:
        assert pool.most == most
        assert threads_of(pool) == threads


def test_a_large_graph_gets_one(bundle_dir, monkeypatch):
    monkeypatch.setattr(scorer_pool, "_MOST_BYTES", 10)
    with open_pool(bundle_dir, 100) as pool:
        assert (pool.most, threads_of(pool)) == (1, None)


def test_a_backend_that_compiles_each_graph_anew_gets_one(bundle_dir, monkeypatch):
    monkeypatch.setattr(registry, "BACKENDS", (*registry.BACKENDS, dummy_backend.BACKEND))
    with open_pool(bundle_dir, 100, backend="dummy") as pool:
        assert (pool.most, threads_of(pool)) == (1, None)
    quick = replace(dummy_backend.BACKEND, opens_cheaply=True)
    monkeypatch.setattr(registry, "BACKENDS", (*registry.BACKENDS[:-1], quick))
    with open_pool(bundle_dir, 100, backend="dummy") as pool:
        assert pool.most == 4
    assert [backend.name for backend in BACKENDS if backend.opens_cheaply] == ["onnxruntime"]


def test_scorers_are_created_when_needed_and_never_lent_twice(bundle_dir):
    created = []

    def create():
        created.append(Scorer(bundle_dir, threads=1))
        return created[-1]

    with ScorerPool(create(), create, 3) as pool:
        for _ in range(3):
            with pool.scorer() as scorer:
                assert scorer is created[0]
        assert len(created) == 1
        together = threading.Barrier(3, timeout=30)

        def lent(item):
            with pool.scorer() as scorer:
                together.wait()
                return id(scorer)

        assert set(ahead(lent, range(3), 3)) == {id(scorer) for scorer in created}
        assert len(created) == 3
    for scorer in created:
        assert scorer.engines == ()


def test_the_scores_are_those_of_one_scorer(bundle_dir, make_photo):
    photos = [make_photo(seed=seed) for seed in range(12)]
    with Scorer(bundle_dir, threads=1) as scorer:
        expected = [scorer.score(photo).score for photo in photos]

    with open_pool(bundle_dir, len(photos)) as pool:

        def score(photo):
            with pool.scorer() as scorer:
                return scorer.score(photo).score

        assert list(ahead(score, photos, 4)) == expected


def test_a_scorer_that_cannot_be_created_later_fails_in_that_thread_and_blocks_nobody(bundle_dir):
    def create():
        raise BundleError("changed meanwhile")

    with ScorerPool(Scorer(bundle_dir, threads=1), create, 2) as pool, pool.scorer():
        for _ in range(3):
            with pytest.raises(BundleError, match="meanwhile"), pool.scorer():
                pass


def test_errors_of_the_first_come_at_once(bundle_dir, tmp_path):
    with pytest.raises(BundleError):
        open_pool(tmp_path, 2)
    with pytest.raises(ConfigurationError, match="no backend"):
        open_pool(bundle_dir, 2, backend="nonsense")


def test_options_reach_every_scorer(bundle_dir, monkeypatch):
    given, real = [], scorer_pool.Scorer

    def recorded(bundle, **options):
        given.append(options)
        return real(bundle, **options)

    monkeypatch.setattr(scorer_pool, "Scorer", recorded)
    with open_pool(bundle_dir, 2, allow_spinning=False, strict_size=True) as pool, pool.scorer(), pool.scorer():
        pass
    options = {"threads": 1, "backend": "auto", "allow_spinning": False, "strict_size": True}
    assert given == [options, {**options, "verify": False}]


@pytest.mark.usefixtures("no_home")
@pytest.mark.parametrize(("verify", "replays"), [(True, 1), ("always", 1), (False, 0)])
def test_the_golden_frame_is_replayed_once_where_no_stamp_can_be_kept(bundle_dir, monkeypatch, verify, replays):
    replayed = []
    monkeypatch.setattr(scorer, "compare", lambda *given: replayed.append(given) or Deviation(0.0, 0.0, 0.0, 0))
    with open_pool(bundle_dir, 3, verify=verify) as pool, pool.scorer(), pool.scorer(), pool.scorer():
        assert len(replayed) == replays
