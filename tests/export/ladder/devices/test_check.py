"""What an engine may deviate, and how a wrong one is refused."""

import numpy as np
import pytest

from dgiqa_edge.calibration.fidelity import compare_engines
from dgiqa_edge.export.ladder.devices.check import (
    BundleEngines,
    check_engine,
    depth_bound,
    score_bound,
    tolerance,
)
from dgiqa_edge.runtime.errors import BundleError, FidelityError

FRAMES = [np.full((1, 4, 4, 3), level, np.uint8) for level in (10, 90, 200)]


def engine(score_shift=0.0, depth_shift=0, faults_shift=None, cells_shift=0.0):
    def run(frame):
        depth = np.arange(16, dtype=np.uint8).reshape(1, 4, 4) + frame[0, 0, 0, 0] // 2
        outputs = {
            "score": np.array([frame.mean() / 255 + score_shift], np.float32),
            "depth": (depth + depth_shift).astype(np.uint8),
        }
        if faults_shift is not None:
            outputs["faults"] = np.array([[0.25 + faults_shift, 0.75]], np.float32)
            outputs["coverage"] = np.full((1, 2, 2, 2), 0.5 + cells_shift, np.float32)
        return outputs

    return run


def check(candidate, precision="int8", portable=None, reference=None, **options):
    reference = reference or engine()
    fidelity = compare_engines(reference, portable or reference, FRAMES)
    return check_engine(
        reference, candidate, FRAMES, portable=fidelity, precision=precision, what="the engine", **options
    )


@pytest.mark.parametrize(
    ("candidate", "precision", "words"),
    [
        (engine(0.009), "int8", None),
        (engine(0.011), "int8", "score distance"),
        (engine(0.004), "fp16", None),
        (engine(0.006), "fp16", "score distance"),
        (engine(0.0, 1), "fp16", None),
        (engine(0.0, 2), "fp16", "depth distance"),
        (engine(0.0004), "fp32", None),
        (engine(0.0006), "fp32", "score distance"),
        (engine(float("nan")), "int8", "not finite"),
    ],
)
def test_an_engine_is_accepted_by_its_outputs(candidate, precision, words):
    if words is None:
        assert check(candidate, precision).images == 3
    else:
        with pytest.raises(FidelityError, match=f"the engine is wrong.*{words}"):
            check(candidate, precision)


def test_a_graph_that_is_itself_far_from_fp32_allows_its_engine_twice_that():
    assert check(engine(0.09), portable=engine(0.05)).score_mae == pytest.approx(0.09, abs=1e-6)
    with pytest.raises(FidelityError, match=r"0\.11.*at most 0\.1 "):
        check(engine(0.11), portable=engine(0.05))


def test_one_bad_photo_among_good_ones_is_enough():
    def sometimes(frame):
        return engine(0.025 if frame[0, 0, 0, 0] == 90 else 0.0)(frame)

    with pytest.raises(FidelityError, match="largest score distance"):
        check(sometimes)


def test_the_message_carries_what_is_on_record_and_the_way_out():
    with pytest.raises(FidelityError, match=r"--fp16, --fp32.*; on record: issue 7"):
        check(engine(1.0), remarks=["on record: issue 7"])
    with pytest.raises(FidelityError, match=r"another --opt-level; see there$"):
        check(engine(1.0), hint="; see there")


def test_progress_is_told():
    seen = []
    check(engine(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_a_bundles_engines_run_as_the_runtime_runs_them(make_bundle, make_photo, reference_outputs, layout):
    frame = make_photo(seed=4)[np.newaxis]
    with BundleEngines(make_bundle(layout=layout), "onnxruntime") as engines:
        outputs = engines(frame)
    expected = reference_outputs(frame, layout)
    np.testing.assert_array_equal(outputs["depth"], expected["depth"])
    np.testing.assert_allclose(outputs["score"], expected["score"], atol=1e-5)


def test_a_missing_bundle_is_said(tmp_path):
    with pytest.raises(BundleError):
        BundleEngines(tmp_path / "none", "onnxruntime")


def test_bounds_double_what_was_seen_and_never_fall_below_the_floor():
    assert score_bound(0.0, "int8") == 0.01
    assert score_bound(0.2, "int8") == 0.4
    assert depth_bound(0.1, "fp32") == 0.5


@pytest.mark.parametrize(("precision", "shift", "accepted"), [("int8", 0.019, True), ("int8", 0.021, False)])
def test_an_engine_that_reads_other_faults_is_refused(precision, shift, accepted):
    exact = engine(faults_shift=0.0)
    if accepted:
        assert check(engine(faults_shift=shift), precision, reference=exact).faults_mae == pytest.approx(shift / 2)
    else:
        with pytest.raises(FidelityError, match=r"its mean fault distance from FP32 is 0\.0105 .*at most 0\.01 "):
            check(engine(faults_shift=shift), precision, reference=exact)


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [((0.0, 0.0), 0.01), ((0.1, 0.0), 0.2), ((0.0, 0.1), 0.2), ((0.05, 0.1), 0.2), (None, None)],
)
def test_the_replay_may_deviate_in_faults_by_twice_what_was_seen_of_the_frame_and_its_cells(shifts, expected):
    exact, shifted = (engine(), engine(0.02)) if shifts is None else (engine(0, 0, 0.0), engine(0, 0, *shifts))
    found = tolerance([compare_engines(exact, shifted, FRAMES)], "int8")
    assert found.get("faults") == (None if expected is None else pytest.approx(expected, abs=1e-6))
    assert ("faults" in found) == (expected is not None)
