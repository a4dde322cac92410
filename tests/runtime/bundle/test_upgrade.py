"""Bundles of schema version 1 load, say how to convert them, and compute the same before and after."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files
from dgiqa_edge.runtime.bundle.golden import GOLDEN_NAME, load_golden
from dgiqa_edge.runtime.bundle.upgrade import upgrade
from dgiqa_edge.runtime.errors import BundleError

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def old_bundle(bundle_dir: Path) -> Path:
    """The bundle as version 1 of the schema had it."""
    golden = load_golden(bundle_dir / GOLDEN_NAME)
    np.savez_compressed(bundle_dir / "golden.npz", **golden.arrays)
    (bundle_dir / GOLDEN_NAME).unlink()
    document = json.loads((bundle_dir / "bundle.json").read_text())
    document |= {"schema_version": 1, "files": build_manifest_files(bundle_dir)}
    document["golden"]["file"] = "golden.npz"
    (bundle_dir / "bundle.json").write_text(json.dumps(document))
    return bundle_dir


def scored(bundle: Path, frame: np.ndarray) -> tuple[float, bytes]:
    with Scorer(bundle, threads=1, verify=True) as scorer:
        quality = scorer.score(frame)
    return quality.score, quality.depth.tobytes()


def test_an_upgraded_bundle_is_the_new_one_and_scores_the_same(old_bundle: Path, make_photo: Any) -> None:
    before, golden = scored(old_bundle, make_photo(1)), load_golden(old_bundle / "golden.npz")
    (old_bundle / "bundle.json.sig").write_text("of the old manifest")
    bundle = upgrade(load_bundle(old_bundle))
    assert (bundle.manifest.schema_version, bundle.manifest.golden.file) == (2, GOLDEN_NAME)
    assert sorted(bundle.manifest.files) == sorted(build_manifest_files(old_bundle))
    assert scored(old_bundle, make_photo(1)) == before
    for name, array in vars(load_golden(old_bundle / GOLDEN_NAME)).items():
        np.testing.assert_array_equal(array, getattr(golden, name))
    assert not (old_bundle / "bundle.json.sig").exists()
    assert upgrade(bundle) is bundle


def test_inspect_says_how_and_does_it(old_bundle: Path, command_line: Run) -> None:
    command = f"dgiqa-edge inspect --bundle {old_bundle} --upgrade"
    told = command_line("inspect", "--bundle", old_bundle)
    assert f"version 1, which the native runtime refuses: convert it with: {command}" in told.stdout
    assert "version 2\n" in command_line(*command.split()[1:]).stdout
    assert not (old_bundle / "golden.npz").exists()


def test_a_damaged_golden_frame_leaves_the_bundle_as_it_was(old_bundle: Path) -> None:
    (old_bundle / "golden.npz").write_bytes(b"text")
    document = json.loads((old_bundle / "bundle.json").read_text()) | {"files": build_manifest_files(old_bundle)}
    (old_bundle / "bundle.json").write_text(json.dumps(document))
    with pytest.raises(BundleError, match="not a golden frame"):
        upgrade(load_bundle(old_bundle))
    assert json.loads((old_bundle / "bundle.json").read_text()) == document
    assert not (old_bundle / GOLDEN_NAME).exists()
