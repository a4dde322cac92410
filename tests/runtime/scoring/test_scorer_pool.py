"""Several scorers of one bundle: how many there are, and who has which."""

import threading
from dataclasses import replace

import pytest
from stand_ins import dummy_backend

from dgiqa_edge.runtime import load_bundle
from dgiqa_edge.runtime.engines import registry
from dgiqa_edge.runtime.engines.registry import BACKENDS
from dgiqa_edge.runtime.errors import BundleError, ConfigurationError
from dgiqa_edge.runtime.ground.ahead import ahead
from dgiqa_edge.runtime.scoring import scorer_pool
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.scoring.scorer_pool import ScorerPool, frames_at_once


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(scorer_pool, "usable_cores", lambda: 4)


@pytest.mark.parametrize(("frames", "most"), [(100, 4), (3, 3), (1, 1), (0, 1)])
def test_a_small_graph_gets_a_scorer_per_core(bundle_dir, frames, most):
    assert frames_at_once(load_bundle(bundle_dir), "auto", frames) == most


def test_a_large_graph_gets_one(bundle_dir, monkeypatch):
    monkeypatch.setattr(scorer_pool, "_MOST_BYTES", 10)
    assert frames_at_once(load_bundle(bundle_dir), "auto", 100) == 1


def test_a_backend_that_compiles_each_graph_anew_gets_one(bundle_dir, monkeypatch):
    bundle = load_bundle(bundle_dir)
    monkeypatch.setattr(registry, "BACKENDS", (*registry.BACKENDS, dummy_backend.BACKEND))
    assert frames_at_once(bundle, "dummy", 100) == 1
    quick = replace(dummy_backend.BACKEND, opens_cheaply=True)
    monkeypatch.setattr(registry, "BACKENDS", (*registry.BACKENDS[:-1], quick))
    assert frames_at_once(bundle, "dummy", 100) == 4
    assert [backend.name for backend in BACKENDS if backend.opens_cheaply] == ["onnxruntime"]


def test_an_unknown_backend_is_refused(bundle_dir):
    with pytest.raises(ConfigurationError, match="no backend"):
        frames_at_once(load_bundle(bundle_dir), "nonsense", 2)


def test_scorers_are_created_when_needed_and_never_lent_twice(bundle_dir):
    created = []

    def create():
        created.append(Scorer(bundle_dir, threads=1))
        return created[-1]

    with ScorerPool(create, 3) as pool:
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


def test_a_scorer_that_cannot_be_created_fails_in_that_thread_and_blocks_nobody():
    def create():
        raise BundleError("changed meanwhile")

    with ScorerPool(create, 1) as pool:
        for _ in range(3):
            with pytest.raises(BundleError, match="meanwhile"), pool.scorer():
                pass
