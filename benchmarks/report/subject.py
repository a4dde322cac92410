"""What was measured: the bundle's identity and the evidence it carries about its own fidelity."""

from typing import Any

from dgiqa_edge.runtime.bundle.bundle import Bundle
from dgiqa_edge.runtime.bundle.records import plain
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.scoring.scorer import Scorer

BUILD_REPORT = "report.json"


def subject_section(scorer: Scorer) -> dict[str, Any]:
    """Identity of bundle and engines: enough to tell whether two reports measured the same thing."""
    bundle, manifest = scorer.bundle, scorer.bundle.manifest
    engines = {record.file: manifest.files[record.file] for record in manifest.engines}
    return {
        "bundle": bundle.path.name,
        "manifest_sha256": bundle.sha256,
        "created": manifest.created,
        "preset": manifest.preset,
        "precision": manifest.precision.name,
        "target": manifest.precision.target,
        "layout": manifest.layout,
        "frame": {"width": manifest.frame.width, "height": manifest.frame.height},
        "views": manifest.geometry.view_count,
        "networks": [
            {"role": net.role, "name": net.name, "seeded": net.seeded, "checkpoint_sha256": net.checkpoint_sha256}
            for net in manifest.networks
        ],
        "engines": [dict(engine) for engine in scorer.describe()],
        "engine_bytes": sum(record.size_bytes for record in engines.values()),
        "build_argv": list(manifest.build.argv),
        "notes": list(manifest.notes),
    }


def fidelity_section(bundle: Bundle) -> dict[str, Any] | None:
    """Agreement with FP32 that the build measured, per image where the bundle kept it; ``None`` where it did not."""
    record = bundle.manifest.fidelity
    if record is None:
        return None
    first = {"images": record.images, "held_out": record.held_out}
    return {**first, **plain(record), **_per_image(bundle)}


def _per_image(bundle: Bundle) -> dict[str, Any]:
    """``photos`` (content hashes) and ``per_image`` scores of the build's report, where it has them."""
    if BUILD_REPORT not in bundle.manifest.files:
        return {"photos": None, "per_image": None}
    try:
        document = parse_json(bundle.file(BUILD_REPORT).read_text(encoding="utf-8"))
        pairs = document["fidelity"]["per_image"]
        photos = [photo["pixels_sha256"] for photo in document["photos"]["checked"]]
        rows = [{"reference": pair["reference_score"], "candidate": pair["candidate_score"]} for pair in pairs]
    except (ValueError, KeyError, TypeError):
        return {"photos": None, "per_image": None}
    return {"photos": photos if len(photos) == len(rows) else None, "per_image": rows}
