import json
from dataclasses import replace

import pytest

from dgiqa_edge.calibration.int8.equalize import Equalized
from dgiqa_edge.calibration.int8.ranges import TensorRange
from dgiqa_edge.calibration.int8.result import CalibrationResult, cache_key, load_or_observe, load_result
from dgiqa_edge.runtime.errors import CalibrationError

RESULT = CalibrationResult(
    ranges={"/depth_net/a": TensorRange(-0.5, 2.25, -0.75, 3.0), "_v_1": TensorRange(0.0, 1e-7, 0.0, 1e-7)},
    method="percentile",
    options={"percentile": 99.99, "bins": 8192},
    graph_sha256="aa",
    image_set_sha256="bb",
    preprocessing_sha256="cc",
    images=64,
    skipped=("notes.txt (not an image)",),
    equalized=(Equalized(("gelu",), ("half",), (("fc2", True),), 2, ("gelu",), (1, -1)),),
)


class Observation:
    """Counts how often the observation ran."""

    def __init__(self, result: CalibrationResult = RESULT) -> None:
        self.result, self.runs = result, 0

    def __call__(self) -> CalibrationResult:
        self.runs += 1
        return self.result


def test_a_saved_result_comes_back_equal(tmp_path):
    RESULT.save(tmp_path / "calibration.json")
    assert load_result(tmp_path / "calibration.json") == RESULT
    assert [path.name for path in tmp_path.iterdir()] == ["calibration.json"]


def test_a_second_call_observes_nothing(tmp_path):
    observe = Observation()
    path = tmp_path / "cache" / "calibration.json"
    first, first_note = load_or_observe(path, RESULT.key, observe)
    second, second_note = load_or_observe(path, RESULT.key, observe)
    assert (first, second, observe.runs) == (RESULT, RESULT, 1)
    assert first_note == "calibrated" and "reused" in second_note


@pytest.mark.parametrize(
    "change",
    [
        {"graph_sha256": "other"},
        {"image_set_sha256": "other"},
        {"preprocessing_sha256": "other"},
        {"method": "entropy"},
        {"options": {"percentile": 99.9, "bins": 8192}},
    ],
)
def test_a_stale_result_is_never_used(tmp_path, change):
    path = tmp_path / "calibration.json"
    RESULT.save(path)
    fresh = replace(RESULT, **change)
    observe = Observation(fresh)
    result, note = load_or_observe(path, fresh.key, observe)
    assert (result, observe.runs) == (fresh, 1)
    assert "belongs to another graph, image set, preprocessing or method" in note
    assert load_result(path) == fresh


def test_a_result_of_a_narrower_placement_is_observed_again(tmp_path):
    path = tmp_path / "calibration.json"
    RESULT.save(path)
    wider = replace(RESULT, ranges={**RESULT.ranges, "new": TensorRange(0.0, 1.0, 0.0, 1.0)})
    observe = Observation(wider)
    result, note = load_or_observe(path, RESULT.key, observe, tensors=list(wider.ranges))
    assert (result, observe.runs) == (wider, 1)
    assert "lacks 1 of the tensors" in note
    assert load_or_observe(path, RESULT.key, observe, tensors=["_v_1"])[0] == wider
    assert observe.runs == 1


def damage_truncate(text: str) -> str:
    return text[: len(text) // 2]


def damage_range(text: str) -> str:
    content = json.loads(text)
    content["ranges"]["/depth_net/a"]["low"] = 99.0
    return json.dumps(content)


def damage_digit(text: str) -> str:
    return text.replace("2.25", "2.26")


def damage_infinity(text: str) -> str:
    return text.replace("2.25", "Infinity")


def damage_field(text: str) -> str:
    content = json.loads(text)
    del content["images"]
    return json.dumps(content)


def damage_key(text: str) -> str:
    return text.replace('"graph_sha256": "aa"', '"graph_sha256": "ab"')


def damage_version(text: str) -> str:
    return text.replace('"schema_version": 1', '"schema_version": 2')


@pytest.mark.parametrize(
    "damage",
    [
        damage_truncate,
        damage_range,
        damage_digit,
        damage_infinity,
        damage_field,
        damage_key,
        damage_version,
        lambda _: "[]",
    ],
)
def test_a_damaged_result_is_never_used(tmp_path, damage):
    path = tmp_path / "calibration.json"
    RESULT.save(path)
    text = path.read_text()
    path.write_text(damage(text))
    assert path.read_text() != text
    with pytest.raises(CalibrationError):
        load_result(path)
    observe = Observation()
    result, note = load_or_observe(path, RESULT.key, observe)
    assert (result, observe.runs) == (RESULT, 1)
    assert note.startswith("calibrated again: ")
    assert load_result(path) == RESULT


def test_an_observation_under_another_key_is_refused_and_not_stored(tmp_path):
    path = tmp_path / "calibration.json"
    with pytest.raises(CalibrationError, match="its key differs"):
        load_or_observe(path, cache_key("x", "y", "z", "minmax", {}), Observation())
    assert not path.exists()
