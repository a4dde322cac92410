"""``dgiqa-edge inspect``: verifies a bundle's files and prints what it is and how it came about."""

import argparse
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any, cast

from ..errors import MachineError
from ..ground.extra_packages import install_command
from .json_output import add_json_option
from .progress import Progress
from .which_bundle import add_bundle_option, bundle_of

if TYPE_CHECKING:
    from ..bundle.bundle import Bundle
    from ..bundle.manifest import EngineRecord, Manifest, Network

SUMMARY = "verify a bundle and show its networks, precision, fidelity and build command"
EXTRA = "cpu"
INSPECTIONS = "dgiqa_edge.inspections"
"""The group of entry points by which rooms add what this one cannot know."""

_EPILOG = """\
example:
  dgiqa-edge inspect build/demo/bundle
  dgiqa-edge inspect build/orin --capability
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    add_bundle_option(parser)
    parser.add_argument(
        "--upgrade",
        action="store_true",
        help="first rewrite a bundle of an older schema version to the newest, in place; its scores stay the same",
    )
    parser.add_argument(
        "--capability",
        action="store_true",
        help="also ask TensorRT-RTX's parser which nodes it cannot take, and say what to do (no GPU needed; extras "
        "debug and tensorrt-rtx)",
    )
    add_json_option(parser, "the whole manifest")


def run(args: argparse.Namespace) -> int:
    """Print the bundle's description; every file's hash is checked on the way."""
    from ..bundle.bundle import load_bundle, rebuild_command
    from ..bundle.upgrade import upgrade

    bundle = load_bundle(bundle_of(args))
    if args.upgrade:
        bundle = upgrade(bundle)
    with Progress("inspecting"):
        asked, capability = _capability(bundle) if args.capability else ([], None)
    if args.json:
        description = {
            "bundle": str(bundle.path),
            "manifest": bundle.document,
            "rebuild_command": rebuild_command(bundle),
            **({"capability": capability} if args.capability else {}),
        }
        args.json.write(description)
    rows = [*_rows(bundle), *asked]
    width = max(len(label) for label, _ in rows)
    for label, text in rows:
        print(f"{label:<{width}}  {text}")
    return 0


def _capability(bundle: "Bundle") -> "tuple[list[tuple[str, str]], Mapping[str, Any]]":
    """Rows and facts of the inspection that a higher floor offers.

    Raises:
        MachineError: it is not installed.
    """
    offered = [entry for entry in metadata.entry_points(group=INSPECTIONS) if entry.name == "capability"]
    if not offered:
        raise MachineError(f"nothing that is installed offers --capability: {install_command('debug')}")
    try:
        return cast("tuple[list[tuple[str, str]], Mapping[str, Any]]", offered[0].load()(bundle))
    except ImportError as error:
        raise MachineError(f"--capability is not installed ({error}): {install_command('debug')}") from error


def _rows(bundle: "Bundle") -> Iterator[tuple[str, str]]:
    from ..bundle.bundle import rebuild_command
    from ..bundle.checks import SCHEMA_VERSION
    from ..bundle.ladder_table import ladder_lines
    from ..bundle.upgrade import upgrade_command
    from ..update.signature import signed_by

    manifest = bundle.manifest
    size_mib = sum(record.size_bytes for record in manifest.files.values()) / 2**20
    yield "bundle", f"{bundle.path} ({len(manifest.files)} files, {size_mib:.1f} MiB, all hashes right)"
    yield "sha256", f"{bundle.sha256}, of bundle.json: what slots, metrics and MQTT call it"
    if (key := signed_by(bundle.path)) is not None:
        yield "signed", f"by the key {key}, as it says itself (dgiqa-edge bundle verify checks it)"
    version = f"version {manifest.schema_version}"
    if manifest.schema_version != SCHEMA_VERSION:
        version += f", which the native runtime refuses: convert it with: {upgrade_command(bundle.path)}"
    yield "schema", version
    yield "preset", f"{manifest.preset}, layout {manifest.layout}"
    yield "frame", f"{manifest.frame.width}x{manifest.frame.height} BGR; of another shape: {manifest.fit}"
    if manifest.batch.most > 1:
        yield "batch", f"{manifest.batch} frames at once"
    yield "geometry", _geometry(manifest)
    if manifest.faults is not None:
        rows, columns = manifest.faults.grid
        yield "faults", f"{', '.join(manifest.faults.names)}; each in {rows}x{columns} cells"
    for network in manifest.networks:
        yield f"{network.role} network", _network(network)
    yield "precision", _precision(manifest)
    yield "calibration", _calibration(manifest)
    yield "fidelity", _fidelity(manifest)
    yield "latency", _latency(manifest)
    if manifest.ladder is not None:
        for index, line in enumerate(ladder_lines(manifest.ladder)):
            yield "" if index else "ladder", line
    if manifest.preferred_backend is not None:
        yield "backend", f"{manifest.preferred_backend} preferred, where it is installed"
    for engine in manifest.engines:
        yield f"{engine.role} engine", _engine(engine)
    for graph in manifest.parser_graphs:
        rewritten = "; ".join(graph.rewritten) or "the portable graph as it is"
        what = f"{graph.file} in {graph.precision} for {graph.backend} {graph.backend_version}"
        yield f"{graph.role} to build", f"{what}: {rewritten}"
    yield "built", _built(manifest)
    yield "build command", rebuild_command(bundle)
    for note in manifest.notes:
        yield "note", note


def _geometry(manifest: "Manifest") -> str:
    geometry = manifest.geometry
    (depth_h, depth_w), (image_h, image_w) = geometry.depth_input, geometry.quality_image
    return (
        f"depth at {depth_w}x{depth_h}, quality image {image_w}x{image_h}, "
        f"{len(geometry.crop_boxes)} crops of {geometry.crop}" + (" and the whole frame" if geometry.whole_view else "")
    )


def _network(network: "Network") -> str:
    weights = "seeded weights" if network.seeded else f"weights {(network.checkpoint_sha256 or 'unknown')[:12]}"
    return f"{network.name}, {weights} from {network.source}, licence {network.licence}"


def _precision(manifest: "Manifest") -> str:
    nodes = (
        f"{operator} {' + '.join(f'{count} {name}' for name, count in counts.items())}"
        for operator, counts in manifest.precision.nodes.items()
    )
    return "; ".join([f"{manifest.precision.title} for {manifest.precision.target}", *nodes])


def _calibration(manifest: "Manifest") -> str:
    record = manifest.calibration
    if record is None:
        return "none"
    images = f"{record.images} images ({record.skipped} skipped)"
    return f"{images}, {record.method}, image set {record.image_set_sha256[:12]}"


def _fidelity(manifest: "Manifest") -> str:
    record = manifest.fidelity
    if record is None:
        return "not measured"
    faults = "" if record.faults_mae is None else f"faults MAE {record.faults_mae:.2e}; "
    return (
        f"score MAE {record.score_mae:.2e}, max {record.score_max:.2e}, SRCC {_optional(record.score_srcc)}; "
        f"depth MAE {record.depth_mae_levels:.2f} levels, max {record.depth_max_levels:.0f}, "
        f"correlation {_optional(record.depth_correlation)}; {faults}{record.images} "
        f"{'held-out' if record.held_out else 'calibration'} photos against FP32"
    )


def _latency(manifest: "Manifest") -> str:
    record = manifest.latency
    if record is None:
        return "not measured"
    fp32 = "not timed" if record.fp32_p50_ms is None else f"{record.fp32_p50_ms:.1f} ms"
    return (
        f"p50 {record.p50_ms:.1f} ms, FP32 {fp32} "
        f"({record.runs} runs, {record.threads} threads, on the machine that built it)"
    )


def _engine(engine: "EngineRecord") -> str:
    needs = engine.requires
    wishes = (
        ("version", needs.backend_version),
        ("opset", needs.opset),
        ("SM", needs.sm or ", ".join(needs.targets) or None),
        ("platform", needs.platform),
        ("CUDA", needs.cuda),
        ("driver", needs.driver_min),
        ("built on", needs.device),
        ("compatibility", needs.compatibility),
    )
    stated = ", ".join(f"{name} {value}" for name, value in wishes if value is not None)
    return f"{engine.file} for {engine.backend}" + (f" (needs {stated})" if stated else "")


def _built(manifest: "Manifest") -> str:
    build = manifest.build
    host = ", ".join(f"{key} {value}" for key, value in build.host.items())
    tool = f"{manifest.tool.name} {manifest.tool.version}"
    cost = f"{build.seconds:.0f} s, {build.peak_memory_mib:.0f} MiB at peak"
    return f"{manifest.created} by {tool}, {cost}" + (f"; {host}" if host else "")


def _optional(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"
