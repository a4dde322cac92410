"""The bundle with the engines that were built on this device, made of the one that they were built from.

Files that both have are linked where the file system allows it: a device's disk is small, and no file of a bundle is
ever changed in place.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dgiqa_edge.calibration.fidelity import Fidelity
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest
from dgiqa_edge.runtime.bundle.manifest import LadderRecord, LatencyRecord
from dgiqa_edge.runtime.bundle.records import plain
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.version import VERSION

from ..ladder.devices.check import tolerance
from ..stages.provenance import host_facts, peak_memory_mib
from ..tensorrt.engines import BUILD_LOG, EngineFiles
from .carried import Carried, Source, content, kept_files

REPORT = "report.json"


@dataclass(frozen=True)
class Built:
    """Engines of one precision, and what was found of them."""

    carried: Carried
    backend: str
    engines: EngineFiles
    fidelity: Fidelity
    latency: LatencyRecord
    ladder: LadderRecord | None
    argv: list[str]
    seconds: float


def write_aside(source: Source, carried: Carried, backend: str, engines: EngineFiles, directory: Path) -> None:
    """Write what running the engines takes, for their check: nothing that the frames do not pass through."""
    _link_all(source, {source.bundle.manifest.golden.file, *carried.files}, directory)
    entries = _engines(source, carried, backend, engines, directory)
    document = {**_document(source, carried, entries), "fidelity": None, "latency": None}
    for name in ("parser_graphs", "device_build"):
        document.pop(name)
    write_manifest(directory, {**document, "files": build_manifest_files(directory)})


def write(source: Source, built: Built, directory: Path) -> None:
    """Write the whole bundle, from which it can be built again on this device."""
    kept = set(kept_files(source))
    _link_all(source, kept, directory)
    entries = _engines(source, built.carried, built.backend, built.engines, directory)
    shutil.copyfile(built.engines.log, directory / BUILD_LOG)
    report = _report(source, built)
    (directory / REPORT).write_text(json_text(report, indent=1) + "\n", encoding="utf-8")
    held_out = built.carried.fidelity.held_out
    own = tolerance([built.fidelity], built.carried.precision)
    document = {
        **_document(source, built.carried, entries),
        "tool": {"name": "dgiqa-edge", "version": VERSION},
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "fidelity": {**built.fidelity.to_json(), "held_out": held_out},
        "latency": asdict(built.latency),
        "build": {
            "argv": built.argv,
            "seconds": round(built.seconds, 1),
            "peak_memory_mib": round(peak_memory_mib(), 1),
            "host": host_facts(),
        },
        "notes": [*source.device_build.notes, *built.engines.notes],
        "ladder": None if built.ladder is None else plain(built.ladder),
    }
    stated = document["golden"]["tolerance"]
    document["golden"]["tolerance"] = {name: max(value, own[name]) for name, value in stated.items()}
    write_manifest(directory, {**document, "files": build_manifest_files(directory)})


def _document(source: Source, carried: Carried, engines: list[dict[str, Any]]) -> dict[str, Any]:
    """The source's manifest with the carried precision as its own."""
    own = dict(carried.document)
    golden = {**source.bundle.document["golden"], "tolerance": own.pop("tolerance")}
    del own["fidelity"]  # of the portable graph
    return {**source.bundle.document, **own, "engines": engines, "golden": golden}


def _engines(
    source: Source, carried: Carried, backend: str, engines: EngineFiles, directory: Path
) -> list[dict[str, Any]]:
    """Write the plans; returns the manifest's entries of these and of what runs the portable graphs."""
    graphs = {graph["role"]: graph["file"] for graph in carried.document["graphs"]}
    portable = {graph.file for graph in source.bundle.manifest.graphs}
    entries = []
    for role, plan in engines.plans.items():
        file = f"{Path(graphs[role]).stem}.plan"
        _link(plan, directory / file)
        entries.append({"role": role, "file": file, "backend": backend, "requires": dict(engines.requires)})
    others = (entry for entry in source.bundle.document["engines"] if entry["file"] in portable)
    return [*entries, *({**entry, "file": graphs[entry["role"]]} for entry in others)]


def _report(source: Source, built: Built) -> Mapping[str, Any]:
    document: Mapping[str, Any] = {}
    if REPORT in source.bundle.manifest.files:
        document = parse_json(content(source.bundle, REPORT).decode())
    return {
        **document,
        "fidelity": built.fidelity.to_json(with_images=True),
        "latency": asdict(built.latency),
        "portable_fidelity": built.carried.document["fidelity"],
        built.backend: dict(built.engines.report),
    }


def _link_all(source: Source, names: set[str], directory: Path) -> None:
    for name in sorted(names):
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(source.bundle.file(name), target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
