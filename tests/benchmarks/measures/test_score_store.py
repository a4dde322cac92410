"""Scores on disk: what was put is found again, whatever killed the run that put it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.benchmarks.measures.score_store import ScoreStore
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError


@pytest.fixture
def file(tmp_path):
    return tmp_path / "deep" / "scores.jsonl"


def test_scores_are_found_again_to_the_last_bit(file):
    with ScoreStore(file) as store:
        store.put("a", "1", 0.1 + 0.2)
        store.put("a", "2", -1e300)
        store.put("b", "1", 0.0)
    with ScoreStore(file) as again:
        assert again.found == 3
        assert (again.get("a", "1"), again.get("a", "2"), again.get("b", "1")) == (0.1 + 0.2, -1e300, 0.0)
        assert again.get("b", "2") is None


def test_a_score_is_in_the_file_as_soon_as_it_is_put(file):
    with ScoreStore(file) as store:
        store.put("a", "1", 0.5)
        assert json.loads(file.read_text()) == {"measure": "a", "pixels_sha256": "1", "score": 0.5}


@given(st.integers(1, 400))
def test_a_file_cut_off_anywhere_loses_at_most_its_last_line(tmp_path_factory, cut):
    file = tmp_path_factory.mktemp("cut") / "scores.jsonl"
    with ScoreStore(file) as store:
        for number in range(8):
            store.put("m", str(number), number / 8)
    whole = file.read_bytes()
    kept = whole[: len(whole) - cut]
    if b"\n" not in kept:
        return
    file.write_bytes(kept)
    with ScoreStore(file) as store:
        assert store.found == kept.count(b"\n")
        for number in range(8):
            if store.get("m", str(number)) is None:
                store.put("m", str(number), number / 8)
    assert file.read_bytes() == whole


def test_without_a_file_scores_live_in_memory():
    with ScoreStore() as store:
        store.put("a", "1", 0.25)
        assert store.get("a", "1") == 0.25
        assert store.file is None


def test_nothing_is_created_before_the_first_score(file):
    with ScoreStore(file):
        pass
    assert not file.exists()


@pytest.mark.parametrize("content", ["file,mos\n1.png,0.5\n", "{}\n", "[1]\n", '{"measure": "a"}\n', "no end of line"])
def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path, content):
    file = tmp_path / "other"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match="no score of bench accuracy"):
        ScoreStore(file)
    assert file.read_text() == content


def test_a_folder_in_its_place_is_an_error(tmp_path):
    with pytest.raises(MachineError, match="give another --scores file"):
        ScoreStore(tmp_path)
