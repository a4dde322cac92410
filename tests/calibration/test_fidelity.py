import json

import numpy as np
import pytest

from dgiqa_edge.calibration.fidelity import Fidelity, ImageFidelity, compare_engines, compare_outputs, summarize
from dgiqa_edge.runtime.errors import CalibrationError, FidelityError


class Recorded:
    """An engine that answers frame ``n`` (its first pixel) with prepared outputs."""

    def __init__(self, scores: list[float], depths: list[np.ndarray]) -> None:
        self.outputs = [
            {"score": np.array([score], np.float32), "depth": depth[np.newaxis]}
            for score, depth in zip(scores, depths, strict=True)
        ]

    def __call__(self, frame: np.ndarray) -> dict[str, np.ndarray]:
        return self.outputs[int(frame[0, 0, 0, 0])]


def numbered(count: int) -> list[np.ndarray]:
    return [np.full((1, 2, 2, 3), index, np.uint8) for index in range(count)]


def test_two_images_have_no_rank_correlation():
    first, second = ImageFidelity(0.1, 0.2, 0.0, 0.0, 1.0), ImageFidelity(0.3, 0.4, 0.0, 0.0, 1.0)
    assert summarize([first, second]).score_srcc is None
    assert summarize([first, second, second]).score_srcc == 1.0


def test_figures_over_three_images():
    ramp = np.arange(12, dtype=np.uint8).reshape(3, 4)
    shifted = ramp + np.uint8(2)
    spiked = ramp.copy()
    spiked[0, 0] = 240
    flat = np.full_like(ramp, 7)
    told = []
    fidelity = compare_engines(
        Recorded([0.1, 0.5, 0.9], [ramp, ramp, flat]),
        Recorded([0.2, 0.5, 0.6], [shifted, spiked, flat]),
        numbered(3),
        progress=lambda done, total: told.append((done, total)),
    )
    assert fidelity.images == 3
    assert fidelity.score_mae == pytest.approx(0.4 / 3)
    assert fidelity.score_max == pytest.approx(0.3)
    assert fidelity.score_srcc == pytest.approx(1.0)
    assert fidelity.depth_mae_levels == pytest.approx((2 + 240 / 12 + 0) / 3)
    assert fidelity.depth_max_levels == 240  # uint8 arithmetic would have wrapped
    spiked_correlation = np.corrcoef(ramp.ravel().astype(float), spiked.ravel())[0, 1]
    assert fidelity.depth_correlation == pytest.approx((1 + spiked_correlation) / 2)
    assert [image.depth_correlation is None for image in fidelity.per_image] == [False, False, True]
    assert told == [(1, 3), (2, 3), (3, 3)]


def reading(*probabilities: float, cells: float = 0.5):
    outputs = Recorded([0.5], [np.zeros((2, 2), np.uint8)]).outputs[0]
    faults = np.array([probabilities], np.float32)
    return {**outputs, "faults": faults, "coverage": np.full((1, 2, 2, len(probabilities)), cells, np.float32)}


def test_figures_of_faults_are_those_of_their_probabilities():
    pairs = [(reading(0.1, 0.9), reading(0.3, 0.8, cells=0.4)), (reading(0.1, 0.9), reading(0.1, 0.9))]
    fidelity = summarize(compare_outputs(*pair) for pair in pairs)
    first = fidelity.per_image[0]
    assert (first.faults_mae, first.faults_max) == (pytest.approx(0.15), pytest.approx(0.2))
    assert first.coverage_mean == pytest.approx(0.1)
    assert fidelity.faults_mae == pytest.approx(0.075)
    content = json.loads(json.dumps(fidelity.to_json(with_images=True)))
    assert content["faults_mae"] == fidelity.faults_mae
    assert Fidelity.from_json(content) == fidelity
    for spoiled in (reading(float("nan"), 0.9), reading(0.1, 0.9, cells=float("inf"))):
        with pytest.raises(FidelityError, match="a probability of a fault is not finite"):
            compare_outputs(reading(0.1, 0.9), spoiled)


def test_json_has_the_manifest_s_figures_and_images_on_demand():
    ramp = np.arange(4, dtype=np.uint8).reshape(2, 2)
    engine = Recorded([0.5, 0.5], [ramp, ramp])
    fidelity = compare_engines(engine, engine, numbered(2))
    content = json.loads(json.dumps(fidelity.to_json()))
    assert content == {
        "images": 2,
        "score_mae": 0.0,
        "score_max": 0.0,
        "score_srcc": None,
        "depth_mae_levels": 0.0,
        "depth_max_levels": 0.0,
        "depth_correlation": 1.0,
    }
    images = json.loads(json.dumps(fidelity.to_json(with_images=True)))["per_image"]
    assert [image["reference_score"] for image in images] == [0.5, 0.5]
    assert not images[0].keys() & {"faults_mae", "faults_max", "coverage_mean"}
    assert Fidelity.from_json(json.loads(json.dumps(fidelity.to_json(with_images=True)))) == fidelity


@pytest.mark.parametrize(
    ("scores", "depths", "error", "message"),
    [
        ([float("nan")], [np.zeros((2, 2), np.uint8)], FidelityError, "score is not finite"),
        ([0.5], [np.zeros((2, 3), np.uint8)], FidelityError, "depth maps differ in size"),
        ([], [], CalibrationError, "no image to compare"),
    ],
)
def test_what_cannot_be_compared(scores, depths, error, message):
    reference = Recorded([0.5] * len(scores), [np.zeros((2, 2), np.uint8)] * len(scores))
    with pytest.raises(error, match=message):
        compare_engines(reference, Recorded(scores, depths), numbered(len(scores)))
