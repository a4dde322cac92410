"""Whether a parsed ``bundle.json`` is acceptable: its version, its schema, fields that fit each other.

It looks at the document alone; the files beside it are ``bundle.py``'s business.
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import BundleError
from ..ground.extra_packages import update_command
from ..ground.json_schema import JsonSchema
from ..ground.limits import pixels_flaw
from ..ground.strict_text import parse_json
from ..version import VERSION
from .manifest import Document

MANIFEST_NAME = "bundle.json"
SIGNATURE_NAME = "bundle.json.sig"
"""Beside the manifest where the bundle is signed (``update/signature.py``); no manifest lists it."""
SCHEMA_VERSION = 2
"""What is written; 1 is still read (its golden frame is a ``.npz``), and ``upgrade.py`` converts it."""
SCHEMA_FILE = Path(__file__).parents[1] / "schemas" / "bundle.schema.json"
ROLES_OF_LAYOUT = {"fused": ("fused",), "split": ("depth", "quality")}


def check_document(document: Any, where: Path) -> None:
    """Refuse a manifest that this version cannot honour.

    Args:
        document: the parsed JSON value.
        where: the manifest's path, for the message.

    Raises:
        BundleError: it is of a newer schema, breaks the schema (the field is named), or contradicts itself.
    """
    _check_schema_version(document, where)
    _check_schema(document, where)
    for problem in _contradictions(document):
        raise BundleError(f"{where}: {problem}: the bundle is damaged or was edited; build it again")


def is_inside(name: str) -> bool:
    """Whether ``name`` is a plain relative path with forward slashes that cannot leave the bundle."""
    return (
        not re.search(r'[\x00-\x1f\\:*?"<>|]', name)
        and not name.startswith("/")
        and all(part not in ("", ".", "..") for part in name.split("/"))
    )


def _check_schema_version(document: Any, where: Path) -> None:
    found = document.get("schema_version") if isinstance(document, dict) else None
    if type(found) is int and found > SCHEMA_VERSION:
        raise BundleError(
            f"{where}: schema version {found} is newer than dgiqa-edge {VERSION} reads ({SCHEMA_VERSION}): "
            f"update dgiqa-edge ({update_command()}), or rebuild the bundle with this version"
        )


def _check_schema(document: Any, where: Path) -> None:
    if (broken := _schema().broken_rule(document)) is not None:
        raise BundleError(
            f"{where}: {broken}: the file is damaged or was not written by this tool; build the bundle again"
        )


@functools.cache
def _schema() -> JsonSchema:
    return JsonSchema(parse_json(SCHEMA_FILE.read_text(encoding="utf-8")), "the manifest")


def _contradictions(document: Document) -> Iterator[str]:
    yield from _bad_file_names(document)
    yield from _bad_roles(document)
    yield from _bad_geometry(document)
    yield from _bad_faults(document)
    if "batch" in document and document["batch"]["least"] not in (1, document["batch"]["most"]):
        yield "field 'batch.least' must be 1, or as 'most'"
    if document["precision"]["name"] == "int8" and document["calibration"] is None:
        yield "precision is int8 but 'calibration' is null"


def _bad_file_names(document: Document) -> Iterator[str]:
    listed = document["files"]
    for name in listed:
        if not is_inside(name) or PurePosixPath(name) == PurePosixPath(MANIFEST_NAME):
            yield f"field 'files' has the unsafe file name {name!r}"
    for field, name in _references(document):
        if name not in listed:
            yield f"field '{field}' names {name!r}, which 'files' does not list"


def _references(document: Document) -> Iterator[tuple[str, str]]:
    for kind in ("graphs", "engines"):
        for index, entry in enumerate(document[kind]):
            yield f"{kind}[{index}].file", entry["file"]
    for index, graph in enumerate(document.get("parser_graphs", [])):
        for field in ("file", "facts"):
            yield f"parser_graphs[{index}].{field}", graph[field]
    if (device := document.get("device_build")) is not None:
        yield "device_build.check", device["check"]
        for place, entry in enumerate(device["carried"]):
            for index, graph in enumerate(entry["graphs"]):
                yield f"device_build.carried[{place}].graphs[{index}].file", graph["file"]
    yield "golden.file", document["golden"]["file"]
    if document["calibration"] is not None:
        yield "calibration.file", document["calibration"]["file"]


def _bad_roles(document: Document) -> Iterator[str]:
    layout = document["layout"]
    needed = set(ROLES_OF_LAYOUT[layout])
    kinds = {kind: document[kind] for kind in ("graphs", "engines")}
    for place, entry in enumerate(document.get("device_build", {}).get("carried", ())):
        kinds[f"device_build.carried[{place}].graphs"] = entry["graphs"]
    for kind, entries in kinds.items():
        found = {entry["role"] for entry in entries}
        if found != needed:
            yield f"layout '{layout}' needs the roles {sorted(needed)}, but '{kind}' has {sorted(found)}"
    seen = set()
    for index, engine in enumerate(document["engines"]):
        key = engine["role"], engine["backend"]
        if key in seen:
            yield f"field 'engines[{index}]' repeats role '{key[0]}' for backend '{key[1]}'"
        seen.add(key)


def _bad_geometry(document: Document) -> Iterator[str]:
    geometry = document["geometry"]
    frame = document["frame"]
    for field, (height, width) in {
        "frame": (frame["height"], frame["width"]),
        "geometry.depth_output": geometry["depth_output"],
    }.items():
        if flaw := pixels_flaw(width, height):
            yield f"field '{field}' {flaw}"
    height, width = geometry["quality_image"]
    crop = geometry["crop"]
    for index, (x, y) in enumerate(geometry["crop_boxes"]):
        if x + crop > width or y + crop > height:
            yield (
                f"field 'geometry.crop_boxes[{index}]' puts a crop of {crop} at ({x}, {y}), "
                f"outside the {width}x{height} quality image"
            )


def _bad_faults(document: Document) -> Iterator[str]:
    names = document["faults"]["names"] if "faults" in document else []
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"field 'faults.names[{index}]' repeats '{name}'"
    tolerances = {"golden": document["golden"]["tolerance"]}
    for place, entry in enumerate(document.get("device_build", {}).get("carried", ())):
        tolerances[f"device_build.carried[{place}]"] = entry["tolerance"]
    for field, tolerance in tolerances.items():
        if ("faults" in tolerance) != ("faults" in document):
            yield f"field '{field}.tolerance.faults' must be there exactly where 'faults' is"
