"""Scores of the native library against this package on the same backend, bundle and pictures.

The library is looked for in ``build/native`` and by ``DGIQA_EDGE_LIBRARY``; without it these tests skip.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from places import ROOT, SHARED

from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.bundle.golden import load_golden
from dgiqa_edge.runtime.bundle.upgrade import upgrade
from dgiqa_edge.runtime.errors import (
    BundleError,
    ConfigurationError,
    DgiqaEdgeError,
    EngineCompatibilityError,
    FidelityError,
    MachineError,
    SourceError,
)
from dgiqa_edge.runtime.ground.framing import FITS, Fit
from dgiqa_edge.runtime.scoring import native_library as binding
from dgiqa_edge.runtime.scoring.native_library import NativeScorer

BUILT = ROOT / "build" / "native" / "runtime" / "native" / "src" / "api" / "libdgiqa_edge.so"
PHOTOS = SHARED / "data" / "photos"
SHIPPED_PHOTOS = ROOT / "calibration" / "photos"
CLOSE = 1e-5


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    if not os.environ.get(binding.LIBRARY_VARIABLE):
        if not BUILT.exists():
            pytest.skip(f"no native library: build it, or name it in {binding.LIBRARY_VARIABLE}")
        monkeypatch.setenv(binding.LIBRARY_VARIABLE, str(BUILT))
    return binding.load_library()


@pytest.fixture
def cpu_backend(library: Any) -> str:
    """The CPU backend that the native library takes by itself; this package has it too."""
    library.dgiqa_build_info.restype = binding.ctypes.c_char_p
    built = [name for name in json.loads(library.dgiqa_build_info())["backends"] if name != "tensorrt"]
    if not built:
        pytest.skip("the native library was built without a CPU backend")
    pytest.importorskip(built[0], reason=f"{built[0]} is not installed")
    return str(built[0])


def photos() -> Iterator[Path]:
    for folder in (SHIPPED_PHOTOS, PHOTOS):
        yield from sorted(path for path in folder.glob("*") if path.suffix.lower() in (".jpg", ".png"))[:4]


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_small_bundles_score_alike(
    cpu_backend: str, make_bundle: Callable[..., Path], make_photo: Callable[..., np.ndarray], layout: str
) -> None:
    bundle = make_bundle(layout=layout)
    with NativeScorer(bundle, threads=1) as native, Scorer(bundle, backend=cpu_backend, threads=1) as python:
        for seed in range(4):
            ours, theirs = python.score(make_photo(seed)), native.score(make_photo(seed))
            assert theirs.score == pytest.approx(ours.score, abs=CLOSE)
            np.testing.assert_allclose(theirs.crop_scores, ours.crop_scores, atol=CLOSE)
            np.testing.assert_array_equal(theirs.depth, ours.depth)


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_faults_are_read_alike(
    cpu_backend: str, make_bundle: Callable[..., Path], make_photo: Callable[..., np.ndarray], layout: str
) -> None:
    bundle = make_bundle(layout=layout, faults=True)
    with NativeScorer(bundle, threads=1) as native, Scorer(bundle, backend=cpu_backend, threads=1) as python:
        ours, theirs = python.score(make_photo(3)), native.score(make_photo(3))
        native.score(make_photo(4))  # what the first call gave is its own
    assert theirs.faults == pytest.approx(dict(ours.faults), abs=CLOSE)
    assert list(theirs.faults) == list(ours.faults) == ["dark", "over-exposed"]
    assert theirs.coverage is not None and ours.coverage is not None
    np.testing.assert_allclose(theirs.coverage, ours.coverage, atol=CLOSE)
    assert not theirs.coverage.flags.writeable
    with NativeScorer(make_bundle(layout=layout), threads=1) as native:
        assert native.score(make_photo(3)).coverage is None


@pytest.fixture(scope="module")
def real_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a bundle that was built before, of whatever schema version: ``make demo`` leaves one."""
    for folder in (os.environ.get("DGIQA_NATIVE_BUNDLE"), ROOT / "build" / "demo" / "bundle"):
        if folder and (Path(folder) / "bundle.json").exists():
            copy = shutil.copytree(folder, tmp_path_factory.mktemp("real") / "bundle")
            return upgrade(load_bundle(copy)).path
    pytest.skip("no built bundle: run make demo, or name one in DGIQA_NATIVE_BUNDLE")


def test_real_photos_score_alike(cpu_backend: str, real_bundle: Path) -> None:
    with NativeScorer(real_bundle, threads=2) as native, Scorer(real_bundle, backend=cpu_backend, threads=2) as python:
        golden = load_golden(real_bundle / python.bundle.manifest.golden.file).frame[0]
        frames = [golden, *(cv2.imread(str(path)) for path in photos())]
        assert len(frames) > 1
        for frame in frames:
            ours, theirs = python.score(frame), native.score(frame)  # each resizes it itself
            assert theirs.score == pytest.approx(ours.score, abs=CLOSE)
            np.testing.assert_array_equal(theirs.depth, ours.depth)


def test_the_scorer_says_what_it_is_and_closes_once(cpu_backend: str, bundle_dir: Path) -> None:
    scorer = NativeScorer(bundle_dir)
    facts = json.loads(scorer.describe())
    assert facts["bundle"] == str(bundle_dir)
    assert facts["engines"][0]["backend"] == cpu_backend
    scorer.close()
    scorer.close()
    for use in (scorer.describe, lambda: scorer.score(np.zeros((48, 64, 3), np.uint8))):
        with pytest.raises(ConfigurationError, match="the scorer is closed"):
            use()


def test_grey_frames_and_results_that_stay(cpu_backend: str, bundle_dir: Path) -> None:
    with NativeScorer(bundle_dir, threads=1) as scorer:
        first = scorer.score(np.full((48, 64), 51, np.uint8))
        scorer.score(np.full((48, 64, 4), 204, np.uint8))
        assert first.score == pytest.approx(0.2, rel=1e-5)
        assert first.depth.max() == 51
        assert not first.depth.flags.writeable
        with pytest.raises(SourceError, match="must be uint8"):
            scorer.score(np.zeros((48, 64, 3), int))


@pytest.mark.parametrize(
    ("options", "expected", "message"),
    [
        ({"threads": 0}, ConfigurationError, "threads is 0"),
        ({"verify": "perhaps"}, ConfigurationError, "verify is 'perhaps'"),
        ({"fit": "letterbox"}, ConfigurationError, "fit is 'letterbox'"),
        ({"backend": "abacus"}, ConfigurationError, "there is no backend 'abacus'"),
        ({"bundle": "nowhere"}, BundleError, "nowhere does not exist"),
        (
            {"library": "/no/such/library.so"},
            MachineError,
            r"library\.so cannot be loaded .*install the native library",
        ),
        ({"library": "libc.so.6"}, MachineError, r"libc\.so\.6 cannot be loaded"),
    ],
)
def test_errors_have_the_classes_of_this_package(
    library: Any, bundle_dir: Path, options: dict[str, Any], expected: type[DgiqaEdgeError], message: str
) -> None:
    with pytest.raises(expected, match=message):
        NativeScorer(**{"bundle": bundle_dir, **options})


def test_engines_that_cannot_be_used(cpu_backend: str, make_bundle: Callable[..., Path]) -> None:
    with pytest.raises(FidelityError, match=r"the golden frame's score is 0\.25 off"):
        NativeScorer(make_bundle(golden_shift=0.25))

    def foreign(document: dict[str, Any]) -> None:
        document["engines"][0]["backend"] = "abacus"

    with pytest.raises(EngineCompatibilityError, match="cannot run its 'fused' engines"):
        NativeScorer(make_bundle(edit=foreign))


@pytest.mark.parametrize("given", [None, *FITS])
@pytest.mark.parametrize("own", FITS)
@pytest.mark.parametrize(("height", "width"), [(96, 54), (27, 96), (96, 128), (1, 200)])
def test_frames_of_other_shapes_score_alike(
    cpu_backend: str,
    make_bundle: Callable[..., Path],
    make_photo: Callable[..., np.ndarray],
    own: Fit,
    given: Fit | None,
    height: int,
    width: int,
) -> None:
    bundle = make_bundle(edit=lambda document: document.update(fit=own))
    frame = make_photo(5, height=height, width=width)
    with (
        NativeScorer(bundle, threads=1, fit=given) as native,
        Scorer(bundle, backend=cpu_backend, threads=1, fit=given) as python,
    ):
        ours, theirs = python.score(frame), native.score(frame)
        assert json.loads(native.describe())["fit"] == python.fit
    assert theirs.score == pytest.approx(ours.score, abs=CLOSE)
    np.testing.assert_array_equal(theirs.depth, ours.depth)
    assert (theirs.depth_box, theirs.frame_box) == (ours.depth_box, ours.frame_box)
    np.testing.assert_array_equal(theirs.picture_depth, ours.picture_depth)


def test_a_frame_of_another_size(cpu_backend: str, bundle_dir: Path) -> None:
    with NativeScorer(bundle_dir, strict_size=True) as scorer, pytest.raises(SourceError, match="the frame is 65x48"):
        scorer.score(np.zeros((48, 65, 3), np.uint8))


def test_another_version_is_refused(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "VERSION", "99.0.0")
    with pytest.raises(MachineError, match=r"is version .*, this package 99\.0\.0"):
        binding.load_library()
