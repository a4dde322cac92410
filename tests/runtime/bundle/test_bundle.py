"""Bundles: what is refused, in which words, and that nothing is deserialised before the checks are done."""

import ast
import copy
import errno
import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import house
import numpy as np
import pytest

from dgiqa_edge.runtime.bundle.bundle import (
    build_manifest_files,
    layer_hint,
    load_bundle,
    rebuild_command,
    write_manifest,
)
from dgiqa_edge.runtime.bundle.golden import GOLDEN_NAME
from dgiqa_edge.runtime.errors import BundleError

LISTED = ["frame_graph.onnx", GOLDEN_NAME, "build.log"]
PARSER_GRAPH = {
    "role": "fused",
    "precision": "fp32",
    "file": "old.onnx",
    "backend": "tensorrt",
    "backend_version": ">=8.5,<8.6",
    "facts": "old.json",
    "rewritten": [],
}
COMMAND = "python export/build_engine.py --fp32 --out 'a folder'"


def edit_manifest(bundle_dir: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change bundle.json behind the writer's back."""
    manifest_file = bundle_dir / "bundle.json"
    document = json.loads(manifest_file.read_text())
    change(document)
    manifest_file.write_text(json.dumps(document))


@pytest.mark.parametrize(("layout", "roles"), [("fused", ("fused",)), ("split", ("depth", "quality"))])
def test_a_bundle_is_read_back_as_it_was_written(
    make_bundle: Callable[..., Path], layout: str, roles: tuple[str, ...]
) -> None:
    bundle = load_bundle(make_bundle(layout=layout))
    manifest = bundle.manifest
    assert bundle.roles == roles
    assert [engine.role for role in roles for engine in bundle.engines(role)] == list(roles)
    assert (manifest.frame.height, manifest.frame.width) == (48, 64)
    assert manifest.geometry.crop_boxes == ((0, 0), (16, 8))
    assert manifest.geometry.quality_image == (24, 32)
    assert manifest.precision.nodes["ReduceMean"]["fp32"] == 4
    assert manifest.golden.tolerance.score == 1e-5
    assert manifest.engines[0].requires.backend_version == ">=1.17"
    assert manifest.calibration is None
    assert manifest.notes == ("quality weights are seeded: scores carry no meaning",)
    assert set(manifest.files) == {file.name for file in bundle.path.iterdir()} - {"bundle.json"}
    assert rebuild_command(bundle) == f"{COMMAND} --fit stretch"
    assert shlex.split(rebuild_command(bundle)) == list(manifest.build.argv)


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        ("build --from gone --out elsewhere --rungs int8", "build --from 'a folder' --out 'a folder' --rungs int8"),
        ("build --fp32 --out there", "build --fp32 --out there --fit stretch"),
        ("build --from", "build --from"),
    ],
)
def test_what_was_built_on_a_device_is_built_again_of_itself(bundle_dir: Path, argv: str, command: str) -> None:
    edit_manifest(bundle_dir, lambda document: document["build"].update(argv=argv.split()))
    bundle = replace(load_bundle(bundle_dir), path=Path("a folder"))
    assert rebuild_command(bundle) == command


def test_only_a_file_that_the_manifest_lists_is_given(bundle_dir: Path) -> None:
    bundle = load_bundle(bundle_dir)
    assert bundle.file("build.log") == bundle_dir / "build.log"
    (bundle_dir / "more.log").touch()
    with pytest.raises(BundleError, match=r"lists no file 'more\.log'"):
        bundle.file("more.log")
    assert "document" not in repr(bundle)
    assert bundle == replace(bundle, document={})


def test_an_old_note_on_the_builders_machine_is_not_repeated(bundle_dir: Path) -> None:
    note = (
        "int8 is slower than fp32 on the machine that built it: --accuracy-budget or --latency-target takes the faster"
    )
    edit_manifest(bundle_dir, lambda document: document["notes"].append(note))
    assert load_bundle(bundle_dir).manifest.notes == ("quality weights are seeded: scores carry no meaning",)


def test_the_loaded_manifest_cannot_be_changed(bundle_dir: Path) -> None:
    manifest = load_bundle(bundle_dir).manifest
    with pytest.raises(AttributeError):
        manifest.preset = "nano"  # type: ignore[misc]
    with pytest.raises(TypeError):
        manifest.precision.nodes["Conv"] = {}  # type: ignore[index]


def test_int8_records_are_typed(make_bundle: Callable[..., Path]) -> None:
    bundle_dir = make_bundle()
    (bundle_dir / "calibration.json").write_text("{}")

    def make_int8(document: dict[str, Any]) -> None:
        document["precision"]["name"] = "int8"
        document["calibration"] = {
            "image_set_sha256": "a" * 64,
            "images": 32,
            "skipped": 1,
            "method": "minmax",
            "preprocessing_sha256": "b" * 64,
            "graph_sha256": "c" * 64,
            "file": "calibration.json",
        }
        document["fidelity"] = {
            "images": 8,
            "score_mae": 0.001,
            "score_max": 0.004,
            "score_srcc": None,
            "depth_mae_levels": 1,
            "depth_max_levels": 30,
            "depth_correlation": 0.99,
            "held_out": True,
        }
        document["latency"] = {"fp32_p50_ms": 12.5, "p50_ms": 8, "runs": 20, "threads": 2}
        document["files"] = build_manifest_files(bundle_dir)

    edit_manifest(bundle_dir, make_int8)
    manifest = load_bundle(bundle_dir).manifest
    assert manifest.calibration is not None
    assert manifest.calibration.images == 32
    assert manifest.fidelity is not None
    assert manifest.fidelity.score_srcc is None
    assert manifest.latency is not None
    assert manifest.latency.p50_ms == 8


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_one_flipped_byte_in_any_listed_file_is_refused(bundle_dir: Path, name: str, place: float) -> None:
    file = bundle_dir / name
    content = bytearray(file.read_bytes())
    content[round(place * (len(content) - 1))] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match="other content") as caught:
        load_bundle(bundle_dir)
    assert str(file) in str(caught.value)
    assert COMMAND in str(caught.value)


def test_the_list_above_is_complete(bundle_dir: Path) -> None:
    assert set(load_bundle(bundle_dir).manifest.files) == set(LISTED)


@pytest.mark.parametrize("name", LISTED)
def test_a_missing_file_is_named(bundle_dir: Path, name: str) -> None:
    (bundle_dir / name).unlink()
    with pytest.raises(BundleError, match="is missing") as caught:
        load_bundle(bundle_dir)
    assert str(bundle_dir / name) in str(caught.value)


@pytest.mark.parametrize("name", LISTED)
def test_a_file_cut_short_is_named_with_both_sizes(bundle_dir: Path, name: str) -> None:
    file = bundle_dir / name
    size_bytes = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BundleError, match=f"has {size_bytes - 1} bytes, expected {size_bytes}") as caught:
        load_bundle(bundle_dir)
    assert name in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Mock(side_effect=OSError(errno.EIO, "Input/output error"))
    monkeypatch.setattr("dgiqa_edge.runtime.bundle.bundle.sha256_file", broken)
    with pytest.raises(BundleError, match=r"cannot be read \(Input/output error\): copy the bundle again, or"):
        load_bundle(bundle_dir)


def test_nothing_is_deserialised_before_a_bad_hash_is_found(bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is hashed last of all; a loader that opened the golden frame or the graph first would show."""
    import onnxruntime

    (bundle_dir / "build.log").write_text("BUILT\n")
    opened: list[str] = []
    monkeypatch.setattr(np, "load", lambda *_, **__: opened.append("golden"))
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: opened.append("engine"))
    from dgiqa_edge.runtime import Scorer

    with pytest.raises(BundleError, match=r"build\.log"):
        Scorer(bundle_dir)
    assert opened == []


@pytest.mark.parametrize("keep", [0, 1, 100, -3])
def test_a_truncated_manifest_says_so(bundle_dir: Path, keep: int) -> None:
    manifest_file = bundle_dir / "bundle.json"
    manifest_file.write_text(manifest_file.read_text()[:keep])
    with pytest.raises(BundleError, match="not valid JSON, perhaps truncated"):
        load_bundle(bundle_dir)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "cannot be read"),
        (b"[]", "the manifest must be object"),
        (b"null", "the manifest must be object"),
        (b'{"schema_version": 1}', "lacks 'tool', 'created'"),
        (b'{"schema_version": NaN}', "the number NaN is not JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"preset": "nano", "preset": "edge"}', "bundle.json, .*preset.*; or copy the bundle again, or rebuild it"),
    ],
)
def test_a_manifest_of_another_kind(bundle_dir: Path, content: bytes, words: str) -> None:
    (bundle_dir / "bundle.json").write_bytes(content)
    with pytest.raises(BundleError, match=words):
        load_bundle(bundle_dir)


@pytest.mark.parametrize("newer", [3, 17])
def test_a_newer_schema_is_refused_before_its_fields_are_judged(bundle_dir: Path, newer: int) -> None:
    (bundle_dir / "bundle.json").write_text(json.dumps({"schema_version": newer, "something": "else"}))
    with pytest.raises(BundleError, match=rf"schema version {newer} is newer .*: update dgiqa-edge \("):
        load_bundle(bundle_dir)


def test_paths_that_are_no_bundle(tmp_path: Path) -> None:
    file = tmp_path / "engine.onnx"
    file.touch()
    for path, words in [
        (tmp_path / "absent", "does not exist"),
        (file, "is a file, not a bundle directory"),
        (tmp_path, r"is not a bundle \(no bundle.json\)"),
    ]:
        with pytest.raises(BundleError, match=words):
            load_bundle(path)


def set_at(document: Any, path: list[Any], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["frame", "height"], "48", "field 'frame.height' must be integer"),
        (["frame", "height"], 0, "field 'frame.height' must be bigger than or equal to 1"),
        (["schema_version"], "1", "field 'schema_version'"),
        (["schema_version"], 0, "field 'schema_version'"),
        (["surprise"], 1, "the manifest has the unknown 'surprise'"),
        (["geometry", "surprise"], 1, "field 'geometry' has the unknown 'surprise'"),
        (["frame"], {"height": 48}, "field 'frame' lacks 'width'"),
        (["layout"], "both", "field 'layout' must be one of"),
        (["engines"], [], "field 'engines'"),
        (["networks", 1, "seeded"], "no", r"field 'networks\[1\].seeded' must be boolean"),
        (["golden", "tolerance", "score"], -1, "field 'golden.tolerance.score'"),
        (["golden", "tolerance", "score"], None, "field 'golden.tolerance.score' must be number"),
        (["created"], "yesterday", "field 'created'"),
        (["files", GOLDEN_NAME, "sha256"], "A" * 64, "sha256"),
        (["build", "argv"], [], "field 'build.argv'"),
        (["engines", 0, "requires", "backend_version"], "newest", "backend_version"),
        (["engines", 0, "file"], "other.onnx", r"'engines\[0\].file' names 'other.onnx'"),
        (["graphs", 0, "file"], "other.onnx", r"'graphs\[0\].file' names 'other.onnx'"),
        (["parser_graphs"], [PARSER_GRAPH], r"'parser_graphs\[0\].file' names 'old.onnx'"),
        (["parser_graphs"], [{**PARSER_GRAPH, "file": LISTED[0]}], r"'parser_graphs\[0\].facts' names 'old.json'"),
        (["parser_graphs"], [{**PARSER_GRAPH, "backend_version": "newest"}], "backend_version"),
        (["golden", "file"], "bundle.json", "'golden.file' names 'bundle.json'"),
        (["engines", 0, "role"], "depth", r"layout 'fused' needs the roles \['fused'\]"),
        (["layout"], "split", "layout 'split' needs the roles"),
        (["frame"], {"height": 32768, "width": 32768}, "field 'frame' claims 32768x32768 pixels, more than"),
        (["geometry", "crop_boxes"], [[17, 0]], r"crop of 16 at \(17, 0\), outside the 32x24"),
        (["precision", "name"], "int8", "int8 but 'calibration' is null"),
    ],
)
def test_a_broken_field_is_named(bundle_dir: Path, path: list[Any], value: Any, words: str) -> None:
    edit_manifest(bundle_dir, lambda document: set_at(document, path, value))
    with pytest.raises(BundleError, match=words) as caught:
        load_bundle(bundle_dir)
    assert "bundle.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_build_host_is_free_form(bundle_dir: Path) -> None:
    edit_manifest(bundle_dir, lambda document: set_at(document, ["build", "host"], {"cores": 2, "gpu": {"sm": "8.7"}}))
    assert load_bundle(bundle_dir).manifest.build.host["gpu"]["sm"] == "8.7"


@pytest.mark.parametrize(
    "name", ["../outside.bin", "/etc/hostname", "a/../../outside.bin", "a//b", "./x", "..\\outside.bin", "C:x", "", "."]
)
def test_a_file_name_that_leaves_the_directory_is_refused(bundle_dir: Path, name: str) -> None:
    (bundle_dir.parent / "outside.bin").write_bytes(b"secret")
    entry = {"sha256": "0" * 64, "bytes": 6}
    edit_manifest(bundle_dir, lambda document: document["files"].update({name: entry}))
    with pytest.raises(BundleError, match="unsafe file name"):
        load_bundle(bundle_dir)


def test_a_link_that_leaves_the_directory_is_refused(bundle_dir: Path) -> None:
    """Its content agrees with the manifest: only the place is wrong."""
    outside = bundle_dir.parent / "outside.log"
    (bundle_dir / "build.log").rename(outside)
    (bundle_dir / "build.log").symlink_to(outside)
    with pytest.raises(BundleError, match="link that leaves"):
        load_bundle(bundle_dir)


def test_a_link_to_itself_is_a_file_that_is_missing(bundle_dir: Path) -> None:
    (bundle_dir / "build.log").unlink()
    (bundle_dir / "build.log").symlink_to("build.log")
    with pytest.raises(BundleError, match="is missing"):
        load_bundle(bundle_dir)


def test_a_bundle_reached_through_a_link_is_fine(bundle_dir: Path) -> None:
    link = bundle_dir.parent / "current"
    link.symlink_to(bundle_dir)
    assert load_bundle(link).manifest.preset == "reference"


def test_two_engines_of_one_role_and_backend_are_refused(bundle_dir: Path) -> None:
    edit_manifest(bundle_dir, lambda document: document["engines"].append(copy.deepcopy(document["engines"][0])))
    with pytest.raises(BundleError, match="repeats role 'fused' for backend 'onnxruntime'"):
        load_bundle(bundle_dir)


def test_files_are_hashed_with_their_path_inside_the_bundle(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "ops.txt").write_bytes(b"abc")
    (tmp_path / "bundle.json").write_text("{}")
    assert build_manifest_files(tmp_path) == {
        "reports/ops.txt": {
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "bytes": 3,
        }
    }


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder, document: document.pop("preset"), "lacks 'preset'"),
        (lambda folder, document: document["build"].update(seconds=float("nan")), "cannot be written as JSON"),
        (lambda folder, document: document["notes"].append(Path("x")), "cannot be written as JSON"),
        (lambda folder, document: (folder / "late.txt").write_text("x"), "late.txt is not listed"),
        (lambda folder, document: (folder / "build.log").unlink(), "absent or has changed"),
        (lambda folder, document: (folder / "build.log").write_text("longer than before"), "has changed"),
    ],
)
def test_the_writer_refuses_what_the_reader_would(
    bundle_dir: Path, spoil: Callable[[Path, dict[str, Any]], Any], words: str
) -> None:
    manifest_file = bundle_dir / "bundle.json"
    document = json.loads(manifest_file.read_text())
    manifest_file.unlink()
    spoil(bundle_dir, document)
    with pytest.raises(BundleError, match=words):
        write_manifest(bundle_dir, document)
    assert not manifest_file.exists()


def test_the_writer_accepts_tuples_and_the_reader_gets_the_same(bundle_dir: Path) -> None:
    document = json.loads((bundle_dir / "bundle.json").read_text())
    document["geometry"]["crop_boxes"] = tuple(map(tuple, document["geometry"]["crop_boxes"]))
    assert write_manifest(bundle_dir, document) == bundle_dir / "bundle.json"
    assert load_bundle(bundle_dir).manifest.geometry.crop_boxes == ((0, 0), (16, 8))
    assert (bundle_dir / "bundle.json").read_text().startswith('{\n  "')  # for people


# Raised where no bundle is left to look at, or caught and said again with the words of one that is.
NO_BUNDLE_TO_DEBUG = {
    "compare_outputs": "its callers say whose outputs they were",
    "_check_finite": "while the graph is lowered",
    "_replay_on": "a file damaged since it was checked",
}


def test_every_error_about_wrong_outputs_ends_with_the_command_that_finds_the_layer():
    raising = {
        node.name: ast.unparse(node)
        for path in house.python_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and "raise FidelityError(" in ast.unparse(node)
    }
    assert len(raising) > len(NO_BUNDLE_TO_DEBUG)
    assert {name for name, source in raising.items() if "layer_hint(" not in source} == NO_BUNDLE_TO_DEBUG.keys()
    assert layer_hint("a folder").endswith(": dgiqa-edge debug 'a folder'")
