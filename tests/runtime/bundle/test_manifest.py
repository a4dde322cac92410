"""The published schema is itself valid, strict, and agrees with the typed manifest."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime import load_bundle
from dgiqa_edge.runtime.bundle import manifest
from dgiqa_edge.runtime.bundle.bundle import build_here_command
from dgiqa_edge.runtime.bundle.checks import SCHEMA_FILE, is_inside
from dgiqa_edge.runtime.bundle.golden import GOLDEN_NAME
from dgiqa_edge.runtime.bundle.records import plain
from dgiqa_edge.runtime.errors import BundleError
from dgiqa_edge.runtime.ground.framing import FITS

SCHEMA = json.loads(SCHEMA_FILE.read_text())


def objects_in(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        if "properties" in schema and "type" in schema:
            yield path, schema
        for key, value in schema.items():
            yield from objects_in(value, f"{path}/{key}")


def test_the_schema_is_valid_draft_7() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


# Fields that came after schema version 1 was first published: bundles without them stay readable.
LATER_FIELDS = {
    "requires": {"cuda", "driver_min", "device", "compatibility", "version_compatible", "targets"},
    "rungs/items": {"backend", "faults_mae"},
    "fidelity": {"faults_mae"},
    "tolerance": {"faults"},
    "": {"ladder", "parser_graphs", "device_build", "preferred_backend", "faults", "fit", "batch"},
}


def test_every_object_is_closed_and_all_fields_are_required() -> None:
    found = dict(objects_in(SCHEMA))
    assert len(found) >= 10
    for path, schema in found.items():
        parent, _, name = path.rpartition("/")
        nested = LATER_FIELDS.get(f"{parent.rpartition('/')[2]}/{name}", set())
        later = nested | LATER_FIELDS.get(name, set())
        assert schema["additionalProperties"] is False, path
        assert sorted(schema["required"]) == sorted(set(schema["properties"]) - later), path


def test_requirements_are_typed_with_or_without_the_later_fields(make_bundle: Callable[..., Path]) -> None:
    requires = SCHEMA["properties"]["engines"]["items"]["properties"]["requires"]["properties"]
    assert {field.name for field in dataclasses.fields(manifest.Requirements)} == set(requires)
    old = load_bundle(make_bundle()).manifest.engines[0].requires
    assert (old.cuda, old.compatibility, old.version_compatible) == (None, None, False)
    assert old.targets == ()
    given = {
        "cuda": "12.6",
        "driver_min": "540.3",
        "device": "Orin",
        "compatibility": "exact",
        "targets": ["86", "120"],
    }
    edited = make_bundle(edit=lambda document: document["engines"][0]["requires"].update(given))
    new = load_bundle(edited).manifest.engines[0].requires
    assert (new.cuda, new.driver_min, new.device, new.compatibility) == tuple(given.values())[:4]
    assert new.targets == ("86", "120")


@pytest.mark.parametrize("wrong", [{"cuda": "12"}, {"driver_min": "r535"}, {"compatibility": "any"}, {"gpu": "x"}])
def test_malformed_requirements_are_refused(make_bundle: Callable[..., Path], wrong: dict[str, str]) -> None:
    with pytest.raises(BundleError, match=r"requires"):
        make_bundle(edit=lambda document: document["engines"][0]["requires"].update(wrong))


def test_faults_are_typed_and_absent_in_other_bundles(make_bundle: Callable[..., Path]) -> None:
    read = load_bundle(make_bundle(faults=True)).manifest
    assert read.faults == manifest.FaultsRecord(("dark", "over-exposed"), (2, 4))
    assert read.golden.tolerance.faults == 1e-5
    without = load_bundle(make_bundle())
    assert without.manifest.faults is None
    assert without.manifest.golden.tolerance.faults is None
    assert plain(without.manifest.golden.tolerance) == without.document["golden"]["tolerance"]


CARRIED = {
    "precision": {"name": "fp32", "target": "tensorrt", "nodes": {}},
    "calibration": None,
    "graphs": [{"role": "fused", "file": "frame_graph.onnx"}],
    "fidelity": None,
    "tolerance": {"score": 0.01, "depth_levels": 1.0},
}
DEVICE_BUILD = {
    "check": GOLDEN_NAME,
    "budget": dict.fromkeys(("score_mae", "score_max", "srcc", "depth_corr", "depth_mae")),
    "latency_target_ms": None,
    "argv": ["build"],
    "notes": [],
    "carried": [CARRIED],
}


@pytest.mark.parametrize(
    ("faults", "change", "words"),
    [
        (True, {"faults": {"names": ["dark", "dark"], "grid": [2, 4]}}, r"'faults.names\[1\]' repeats 'dark'"),
        (True, {"faults": {"names": [], "grid": [2, 4]}}, "'faults.names' must contain at least 1"),
        (True, {"faults": {"names": ["\x1b[2J"], "grid": [2, 4]}}, r"'faults.names\[0\]' must match pattern"),
        (True, {"faults": {"names": ["dark"], "grid": [2]}}, "'faults.grid' must contain at least 2"),
        (True, {"faults": {"names": ["dark"], "grid": [2, 0]}}, r"'faults.grid\[1\]' must be bigger"),
        (True, {"faults": None}, "'faults' must be object"),
        (
            False,
            {"faults": {"names": ["dark"], "grid": [2, 4]}},
            "'golden.tolerance.faults' must be there exactly where",
        ),
        (True, {"device_build": DEVICE_BUILD}, r"'device_build.carried\[0\].tolerance.faults' must be there exactly"),
    ],
)
def test_faults_that_contradict_the_rest_are_refused(
    make_bundle: Callable[..., Path], faults: bool, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(BundleError, match=words):
        make_bundle(faults=faults, edit=lambda document: document.update(change))


CALIBRATION = {
    "image_set_sha256": "a" * 64,
    "images": 32,
    "skipped": 0,
    "method": "minmax",
    "preprocessing_sha256": "b" * 64,
    "graph_sha256": "c" * 64,
    "file": "calibration.json",
}


def carrying(**changes: Any) -> dict[str, Any]:
    return {"device_build": {**DEVICE_BUILD, "carried": [CARRIED, {**CARRIED, **changes}]}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"calibration": CALIBRATION}, "'calibration.file' names 'calibration.json', which 'files' does not list"),
        ({"device_build": {**DEVICE_BUILD, "check": "x"}}, "'device_build.check' names 'x', which"),
        (
            carrying(graphs=[{"role": "fused", "file": "x"}]),
            r"'device_build.carried\[1\].graphs\[0\].file' names 'x', which",
        ),
        (
            carrying(graphs=[{"role": "depth", "file": "frame_graph.onnx"}]),
            r"layout 'fused' needs the roles \['fused'\], but 'device_build.carried\[1\].graphs' has \['depth'\]",
        ),
    ],
)
def test_what_a_bundle_carries_for_a_device_is_checked_too(
    make_bundle: Callable[..., Path], change: dict[str, Any], words: str
) -> None:
    assert load_bundle(make_bundle(edit=lambda document: document.update(carrying()))).manifest.device_build
    with pytest.raises(BundleError, match=words):
        make_bundle(edit=lambda document: document.update(change))


PARSER_GRAPH = {
    "role": "fused",
    "precision": "fp32",
    "file": "frame_graph.onnx",
    "backend": "tensorrt",
    "backend_version": ">=8.5,<8.6",
    "facts": "build.log",
    "rewritten": [],
}


def test_what_a_bundle_carries_is_built_here_by_a_command(make_bundle: Callable[..., Path]) -> None:
    carried = {"parser_graphs": [PARSER_GRAPH]}
    bundle = load_bundle(make_bundle(edit=lambda document: document.update(carried | carrying())))
    assert build_here_command(bundle, "tensorrt") == f"dgiqa-edge build --from {bundle.path}"
    assert build_here_command(bundle, "openvino") == ""
    bundle = load_bundle(make_bundle(edit=lambda document: document.update(carried)))
    assert build_here_command(bundle, "tensorrt") == ""


def test_a_tolerance_of_faults_that_are_not_read_is_refused(make_bundle: Callable[..., Path]) -> None:
    with pytest.raises(BundleError, match=r"'golden.tolerance.faults' must be there"):
        make_bundle(faults=True, edit=lambda document: document.pop("faults"))


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        (manifest.Manifest, []),
        (manifest.Geometry, ["geometry"]),
        (manifest.CalibrationRecord, ["calibration"]),
        (manifest.FidelityRecord, ["fidelity"]),
        (manifest.LatencyRecord, ["latency"]),
        (manifest.BuildRecord, ["build"]),
        (manifest.LadderRecord, ["ladder"]),
        (manifest.BudgetRecord, ["ladder", "budget"]),
        (manifest.SensitivityRecord, ["ladder", "sensitivity"]),
        (manifest.ParserGraphRecord, ["parser_graphs", "items"]),
        (manifest.DeviceBuildRecord, ["device_build"]),
        (manifest.CarriedRecord, ["device_build", "carried", "items"]),
        (manifest.Tolerance, ["golden", "tolerance"]),
        (manifest.FaultsRecord, ["faults"]),
    ],
)
def test_dataclasses_and_schema_name_the_same_fields(typed: type, path: list[str]) -> None:
    schema = SCHEMA
    for key in path:
        schema = schema[key] if key == "items" else schema["properties"][key]
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    assert {field.name for field in dataclasses.fields(typed)} == set(schema["properties"])


def test_a_second_validator_agrees_on_a_good_manifest(bundle_dir: Path) -> None:
    jsonschema.validate(json.loads((bundle_dir / "bundle.json").read_text()), SCHEMA)


@given(st.lists(st.sampled_from(["a", "b.onnx", "..", ".", "", "c d"]), min_size=1, max_size=5))
def test_names_inside_never_climb(parts: list[str]) -> None:
    name = "/".join(parts)
    root = Path("/bundle")
    safe = is_inside(name)
    assert safe == all(part not in ("", ".", "..") for part in parts)
    if safe:
        assert (root / name).resolve().is_relative_to(root)


@pytest.mark.parametrize("fit", [None, *FITS])
def test_the_fit_of_an_older_bundle_is_stretch(make_bundle: Callable[..., Path], fit: str | None) -> None:
    bundle = make_bundle(edit=lambda document: document.update({} if fit is None else {"fit": fit}))
    manifest = load_bundle(bundle).manifest
    assert manifest.fit == (fit or "stretch")
    assert (manifest.build.argv[-2:] == ("--fit", "stretch")) == (fit is None)  # built again it is the same


def test_another_fit_is_refused(make_bundle: Callable[..., Path]) -> None:
    with pytest.raises(BundleError, match=r"field 'fit' must be one of \[\"stretch\", \"pad\", \"crop\"\]"):
        make_bundle(edit=lambda document: document.update(fit="letterbox"))


@pytest.mark.parametrize(("whole", "views"), [(None, 2), ([24, 32], 3)])
def test_a_whole_view_gives_a_score_besides_the_crops(
    make_bundle: Callable[..., Path], whole: list[int] | None, views: int
) -> None:
    bundle = make_bundle(edit=lambda document: document["geometry"].update(whole_view=whole))
    assert load_bundle(bundle).manifest.geometry.view_count == views


@pytest.mark.parametrize(
    ("name", "nodes", "title"),
    [
        ("int8", {"Conv": {"int8": 3}, "Add": {"fp32": 1}}, "int8"),
        ("int8", {"Conv": {"int8": 3}, "Add": {"fp16": 1}}, "int8 + fp16"),
        ("fp16", {"Conv": {"fp16": 3}, "Add": {"fp32": 1}}, "fp16"),
        ("fp32", {}, "fp32"),
    ],
)
def test_a_precision_says_what_its_other_nodes_are_in(name: str, nodes: dict[str, dict[str, int]], title: str) -> None:
    assert manifest.Precision(name, "onnxruntime", nodes).title == title
