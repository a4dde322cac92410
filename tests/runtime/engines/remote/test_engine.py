"""The remote engine and the bundle behind it, over a wire of the test's own; the real ones are asked in test_served."""

import numpy as np
import pytest
from stand_ins.kserve import ADDRESS, Server

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.engines.remote import engine
from dgiqa_edge.runtime.engines.remote.model import HASH, MANIFEST, RemoteBundle, open_bundle
from dgiqa_edge.runtime.errors import BundleError, ConfigurationError, EngineCompatibilityError, RemoteError
from dgiqa_edge.runtime.scoring.scorer import Scorer


@pytest.fixture
def server(make_bundle, monkeypatch):
    one = Server(make_bundle(faults=True))
    one.take_over(monkeypatch)
    return one


def test_a_scorer_of_an_address_scores_as_one_of_the_bundle(server, make_photo):
    with Scorer(ADDRESS) as there:
        for photo in (make_photo(1), make_photo(2, 90, 70)):
            found, expected = there.score(photo), server.scorer.score(photo)
            assert {**found.to_dict(), "latency_ms": 0} == {**expected.to_dict(), "latency_ms": 0}
            assert np.array_equal(found.depth, expected.depth)
        assert [quality.score for quality in there.score_many([make_photo(1)] * 9)] == [
            server.scorer.score(make_photo(1)).score
        ] * 9
        assert str(there.bundle.path) == "triton://server:8001/nano"
        assert there.bundle.sha256 == server.bundle.sha256


def test_a_frame_is_asked_for_again_under_the_same_name_until_it_is_answered(server, make_photo):
    with Scorer(ADDRESS) as there:
        there.score(make_photo(0))
        server.asked.clear()
        server.away = 3
        assert there.score(make_photo(1)).score == server.scorer.score(make_photo(1)).score
        first, *others = server.asked  # after a failure it asks first whose bundle there is
        assert others == ["parameters", "parameters", "parameters", first]
        assert there.describe()[0]["answers"]


def test_a_server_that_stays_away_costs_the_patience_once_and_then_nothing(server, make_photo):
    with Scorer(f"{ADDRESS}?patience=300ms") as there:
        server.away = 10**6
        for _ in range(6):
            with pytest.raises(RemoteError, match="server is away"):
                there.score(make_photo(1))
        assert not there.describe()[0]["answers"]
        assert len(server.asked) < 1 + 6  # the pauses outgrow the patience


def test_a_server_that_comes_back_with_another_bundle_is_refused(server, make_bundle, make_photo):
    with Scorer(ADDRESS) as there:
        there.score(make_photo(1))
        server.bundle = load_bundle(make_bundle())
        for _ in range(2):
            with pytest.raises(EngineCompatibilityError, match="another bundle"):
                there.score(make_photo(1))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda outputs: {name: array for name, array in outputs.items() if name != "depth"},
        lambda outputs: {**outputs, "score": outputs["score"].astype(np.float64)},
        lambda outputs: {**outputs, "faults": outputs["faults"][:, :1]},
    ],
)
def test_outputs_that_the_manifest_does_not_promise_are_refused(server, make_photo, spoil):
    server.spoil = spoil
    with Scorer(ADDRESS) as there, pytest.raises(EngineCompatibilityError, match="the manifest promises"):
        there.score(make_photo(1))


def test_a_manifest_that_was_changed_or_is_absent_is_refused(server, monkeypatch):
    whole = server.parameters()
    for parameters, kind in (
        ({}, EngineCompatibilityError),
        ({**whole, MANIFEST: whole[MANIFEST] + " "}, BundleError),
        ({HASH: whole[HASH]}, BundleError),
    ):
        monkeypatch.setattr(server, "parameters", lambda parameters=parameters: parameters)
        with pytest.raises(kind):
            open_bundle(ADDRESS)


def test_a_remote_bundle_has_no_files_and_no_backend_to_choose(server):
    bundle = open_bundle(ADDRESS)
    assert isinstance(bundle, RemoteBundle)
    with pytest.raises(BundleError, match="is on a server"):
        bundle.file("golden.safetensors")
    with pytest.raises(ConfigurationError, match="the server decides"):
        Scorer(bundle, backend="onnxruntime")


def test_a_closed_engine_says_so(server, make_photo):
    one = engine.RemoteEngine(open_bundle(ADDRESS))
    one.close()
    one.close()
    with pytest.raises(ConfigurationError, match="closed"):
        one.run({"frame": make_photo(1)[np.newaxis]})
