"""The scorer on tiny real bundles: values, sizes, the golden replay and its stamp."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.bundle import replay_stamps as stamps
from dgiqa_edge.runtime.bundle.golden import GOLDEN_NAME, Golden, save_golden
from dgiqa_edge.runtime.engines.portable_graph import PortableEngine
from dgiqa_edge.runtime.errors import BundleError, ConfigurationError, FidelityError


@pytest.fixture
def engine_runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Role of each engine run, in order."""
    runs: list[str] = []
    real = PortableEngine.run

    def counted(self: PortableEngine, inputs: Any) -> Any:
        runs.append(self.record.role)
        return real(self, inputs)

    monkeypatch.setattr(PortableEngine, "run", counted)
    return runs


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_scores_are_those_of_the_graph(
    make_bundle: Callable[..., Path], make_photo: Any, reference_outputs: Any, layout: str
) -> None:
    frame = make_photo(seed=7)
    expected = reference_outputs(frame[np.newaxis], layout)
    with Scorer(make_bundle(layout=layout), threads=1, verify="always") as scorer:
        quality = scorer.score(frame)
    assert quality.score == pytest.approx(float(expected["score"][0]), abs=1e-6)
    assert quality.crop_scores.shape == (2,)
    assert quality.crop_scores.dtype == np.float32
    np.testing.assert_allclose(quality.crop_scores, expected["crop_scores"][0], atol=1e-6)
    np.testing.assert_array_equal(quality.depth, expected["depth"][0])
    timings = quality.timings
    assert 0 <= timings.resize_ms <= timings.total_ms
    assert 0 < timings.engine_ms <= timings.total_ms
    assert timings.resize_ms + timings.engine_ms <= timings.total_ms


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("layout", ["fused", "split"])
def test_faults_are_named_for_the_frame_and_each_cell(
    make_bundle: Callable[..., Path], make_photo: Any, reference_outputs: Any, layout: str, backend: str
) -> None:
    pytest.importorskip(backend)
    frame = make_photo(seed=7)
    expected = reference_outputs(frame[np.newaxis], layout, faults=True)
    with Scorer(make_bundle(layout=layout, faults=True), threads=1, backend=backend, verify="always") as scorer:
        quality = scorer.score(frame)
        assert scorer.deviation is not None
        assert max(scorer.deviation.faults_max or 0, scorer.deviation.coverage_mean or 0) < 1e-5
    assert list(quality.faults) == ["dark", "over-exposed"]
    np.testing.assert_allclose(list(quality.faults.values()), expected["faults"][0], atol=1e-5)
    assert quality.coverage is not None
    assert quality.coverage.shape == (2, 4, 2)
    assert quality.coverage.dtype == np.float32
    np.testing.assert_allclose(quality.coverage, expected["coverage"][0], atol=1e-5)
    assert quality.probable_faults == ("dark" if expected["faults"][0, 0] >= 0.5 else "over-exposed",)
    assert not quality.coverage.flags.writeable
    with pytest.raises(TypeError):
        quality.faults["dark"] = 0.0  # type: ignore[index]


def test_a_bundle_that_reads_no_faults_has_none(bundle_dir: Path, make_photo: Any) -> None:
    with Scorer(bundle_dir) as scorer:
        quality = scorer.score(make_photo(seed=7))
    assert quality.faults == {}
    assert quality.coverage is None
    assert quality.probable_faults == ()


@pytest.mark.parametrize("output", ["faults", "coverage"])
def test_golden_faults_that_no_longer_agree_are_refused(make_bundle: Callable[..., Path], output: str) -> None:
    words = r"its faults (0\.002|\S+e-\d+) and their cells on average (0\.002|\S+e-\d+) \(allowed 1e-05\): rebuild"
    with pytest.raises(FidelityError, match=words):
        Scorer(make_bundle(faults=True, golden_shift=0.002, shifted=output))


def test_a_golden_frame_without_the_faults_that_the_bundle_reads_is_refused(
    make_bundle: Callable[..., Path], make_photo: Any, reference_outputs: Any
) -> None:
    bundle_dir = make_bundle(faults=True)
    frame = make_photo(seed=0)[np.newaxis]
    save_golden(bundle_dir / GOLDEN_NAME, Golden(frame, **reference_outputs(frame, "fused")))
    rehash(bundle_dir)
    with pytest.raises(BundleError, match=r"output 'faults' is \[1, 2\], the golden one missing"):
        Scorer(bundle_dir)


def test_split_engines_run_in_order(make_bundle: Callable[..., Path], make_photo: Any, engine_runs: list[str]) -> None:
    with Scorer(make_bundle(layout="split"), verify=False) as scorer:
        scorer.score(make_photo(seed=1))
    assert engine_runs == ["depth", "quality"]


def test_the_score_is_a_pure_function_of_the_frame(bundle_dir: Path, make_photo: Any) -> None:
    first, second = make_photo(seed=1), make_photo(seed=2)
    kept = first.copy()
    with Scorer(bundle_dir) as scorer:
        before = scorer.score(first)
        scorer.score(second)
        after = scorer.score(first)
    assert before.score == after.score
    np.testing.assert_array_equal(before.depth, after.depth)
    np.testing.assert_array_equal(first, kept)


def test_a_closed_scorer_refuses(bundle_dir: Path, make_photo: Any) -> None:
    scorer = Scorer(bundle_dir)
    scorer.close()
    scorer.close()
    with pytest.raises(ConfigurationError, match="closed"):
        scorer.score(make_photo(seed=1))


def test_a_loaded_bundle_can_be_given(bundle_dir: Path, make_photo: Any) -> None:
    bundle = load_bundle(bundle_dir)
    with Scorer(bundle) as scorer:
        assert scorer.bundle is bundle
        assert [facts["role"] for facts in scorer.describe()] == ["fused"]


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_a_golden_frame_that_no_longer_agrees_is_refused(
    make_bundle: Callable[..., Path], cache_home: Path, layout: str
) -> None:
    bundle_dir = make_bundle(layout=layout, golden_shift=0.002)
    with pytest.raises(FidelityError, match=r"score is 0\.002 off FP32 \(allowed 1e-05\).* with: python.*debug \S+$"):
        Scorer(bundle_dir)
    assert not (cache_home / "dgiqa-edge" / "verified").exists()
    Scorer(bundle_dir, verify=False).close()


def test_the_tolerance_of_the_manifest_decides(make_bundle: Callable[..., Path]) -> None:
    def allow(document: dict[str, Any]) -> None:
        document["golden"]["tolerance"]["score"] = 0.003

    with Scorer(make_bundle(golden_shift=0.002, edit=allow)) as scorer:
        assert scorer.deviation is not None
        assert scorer.deviation.score == pytest.approx(0.002, abs=1e-5)


def test_a_depth_map_that_no_longer_agrees_is_refused(
    make_bundle: Callable[..., Path], make_photo: Any, reference_outputs: Any
) -> None:
    def darken(document: dict[str, Any]) -> None:
        document["golden"]["tolerance"]["depth_levels"] = 0.0

    bundle_dir = make_bundle(edit=darken)
    frame = make_photo(seed=0)[np.newaxis]
    outputs = reference_outputs(frame, "fused")
    depth = outputs["depth"].copy()
    depth[0, 0, 0] ^= 8
    save_golden(bundle_dir / GOLDEN_NAME, Golden(frame, outputs["score"], outputs["crop_scores"], depth))
    rehash(bundle_dir)
    with pytest.raises(FidelityError, match=r"depth 0\.0104 grey levels \(allowed 0\)"):
        Scorer(bundle_dir)


def rehash(bundle_dir: Path) -> None:
    """Let the manifest agree with files that a test has changed."""
    from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest

    document = json.loads((bundle_dir / "bundle.json").read_text())
    document["files"] = build_manifest_files(bundle_dir)
    write_manifest(bundle_dir, document)


def test_a_golden_frame_of_another_size_is_refused(bundle_dir: Path, make_photo: Any) -> None:
    frame = make_photo(seed=0, height=24, width=32)[np.newaxis]
    zeros = {"score": np.zeros(1, np.float32), "crop_scores": np.zeros((1, 2), np.float32)}
    save_golden(bundle_dir / GOLDEN_NAME, Golden(frame, **zeros, depth=np.zeros((1, 24, 32), np.uint8)))
    rehash(bundle_dir)
    with pytest.raises(BundleError, match=r"golden frame is \[1, 24, 32, 3\], the bundle takes \[1, 48, 64, 3\]"):
        Scorer(bundle_dir)


def test_the_replay_is_done_once_per_machine(bundle_dir: Path, cache_home: Path, engine_runs: list[str]) -> None:
    Scorer(bundle_dir).close()
    assert len(engine_runs) == 1
    (stamp,) = (cache_home / "dgiqa-edge" / "verified").glob("*.json")
    Scorer(bundle_dir).close()
    assert len(engine_runs) == 1
    Scorer(bundle_dir, verify="always").close()
    assert len(engine_runs) == 2
    Scorer(bundle_dir, threads=1).close()
    assert len(engine_runs) == 3, "another number of threads sums in another order"
    stamp.write_text("{")
    Scorer(bundle_dir).close()
    assert len(engine_runs) == 4, "a damaged stamp proves nothing"
    Scorer(bundle_dir, verify=False).close()
    assert len(engine_runs) == 4


@pytest.mark.usefixtures("no_home")
def test_a_user_without_a_home_folder_scores_and_replays_at_each_start(
    bundle_dir: Path, engine_runs: list[str], make_photo: Any
) -> None:
    for starts in (1, 2):
        with Scorer(bundle_dir) as scorer:
            assert len(engine_runs) == 2 * starts - 1
            scorer.score(make_photo(seed=1))


def test_a_changed_golden_frame_is_replayed_despite_an_old_stamp(
    make_bundle: Callable[..., Path], make_photo: Any, reference_outputs: Any
) -> None:
    bundle_dir = make_bundle()
    Scorer(bundle_dir).close()
    frame = make_photo(seed=0)[np.newaxis]
    outputs = reference_outputs(frame, "fused")
    wrong = Golden(frame, outputs["score"] + np.float32(0.1), outputs["crop_scores"], outputs["depth"])
    save_golden(bundle_dir / GOLDEN_NAME, wrong)
    rehash(bundle_dir)
    with pytest.raises(FidelityError):
        Scorer(bundle_dir)


def test_a_tightened_tolerance_is_judged_despite_an_old_stamp(make_bundle: Callable[..., Path]) -> None:
    def allow(document: dict[str, Any]) -> None:
        document["golden"]["tolerance"]["score"] = 0.003

    bundle_dir = make_bundle(golden_shift=0.002, edit=allow)
    Scorer(bundle_dir).close()
    manifest_file = bundle_dir / "bundle.json"
    manifest_file.write_text(manifest_file.read_text().replace("0.003", "0.001"))
    with pytest.raises(FidelityError, match=r"allowed 0\.001"):
        Scorer(bundle_dir)


def test_another_tool_version_replays(
    bundle_dir: Path, engine_runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Scorer(bundle_dir).close()
    monkeypatch.setattr(stamps, "VERSION", "9.9.9")
    Scorer(bundle_dir).close()
    assert len(engine_runs) == 2


def test_a_cache_that_cannot_be_written_costs_only_a_replay(
    bundle_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine_runs: list[str], make_photo: Any
) -> None:
    blocked = tmp_path / "a-file"
    blocked.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    for _ in range(2):
        with Scorer(bundle_dir) as scorer:
            assert 0 <= scorer.score(make_photo(seed=1)).score <= 1
    assert len(engine_runs) == 4


def test_a_relative_cache_home_counts_as_unset(
    bundle_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Scorer(bundle_dir).close()
    assert not (tmp_path / "relative").exists()
    assert list((tmp_path / "home" / ".cache" / "dgiqa-edge" / "verified").glob("*.json"))


@pytest.mark.parametrize("verify", ["never", None, 2])
def test_an_unknown_verify_is_refused(bundle_dir: Path, verify: Any) -> None:
    with pytest.raises(ConfigurationError, match="verify is"):
        Scorer(bundle_dir, verify=verify)


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("score", "a score"),
        ("crop_scores", "a score"),
        ("faults", "a probability of a fault"),
        ("coverage", "a probability of a fault"),
    ],
)
def test_what_is_not_a_number_is_an_error(
    make_bundle: Callable[..., Path], make_photo: Any, output: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle_dir = make_bundle(faults=True)
    real = PortableEngine.run

    def broken(self: PortableEngine, inputs: Any) -> Any:
        outputs = real(self, inputs)
        return {**outputs, output: np.full_like(outputs[output], np.nan)}

    with Scorer(bundle_dir) as scorer:
        monkeypatch.setattr(PortableEngine, "run", broken)
        with pytest.raises(FidelityError, match=rf"gave {what} that is not a number.*dgiqa-edge debug \S+$"):
            scorer.score(make_photo(seed=1))


def test_engines_are_freed_when_a_later_step_fails(
    make_bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    real = PortableEngine.close

    def counted(self: PortableEngine) -> None:
        closed.append(self.record.role)
        real(self)

    monkeypatch.setattr(PortableEngine, "close", counted)
    with pytest.raises(FidelityError):
        Scorer(make_bundle(layout="split", golden_shift=0.5))
    assert sorted(closed) == ["depth", "quality"]


def test_depth_of_an_earlier_frame_spares_the_depth_engine(
    make_bundle: Callable[..., Path], make_photo: Any, engine_runs: list[str]
) -> None:
    frame = make_photo(seed=3)
    with Scorer(make_bundle(layout="split"), threads=1, verify=False) as scorer:
        assert scorer.takes_depth
        first = scorer.score(frame)
        again = scorer.score(frame, first.depth)
        halved = scorer.score(frame, first.depth // 2)
    assert engine_runs == ["depth", "quality", "quality", "quality"]
    assert again.score == first.score
    np.testing.assert_array_equal(again.depth, first.depth)
    assert halved.score < 0.6 * first.score, "the depth given is the depth used"


def test_depth_needs_the_split_layout_and_its_size(make_bundle: Callable[..., Path], make_photo: Any) -> None:
    with Scorer(make_bundle(), threads=1, verify=False) as scorer:
        assert not scorer.takes_depth
        with pytest.raises(ConfigurationError, match="--layout split"):
            scorer.score(make_photo(seed=1), np.zeros((24, 32), np.uint8))
    with (
        Scorer(make_bundle(layout="split"), threads=1, verify=False) as scorer,
        pytest.raises(ConfigurationError, match="input 'depth' must be"),
    ):
        scorer.score(make_photo(seed=1), np.zeros((3, 4), np.uint8))
