"""Makes what the GPU tests need and a GPU machine may not be able to make: graphs, and what FP32 answers to photos.

    python tests/gpu/prepare.py --inputs build/gpu [--tensorrt 8.6.0]

It goes through the bundles that ``make gpu-inputs`` built with ``--no-engine`` (inputs/PRESET/PRECISION/LAYOUT/bundle),
writes each graph as the parser of that TensorRT takes it, and runs the FP32 graph on the photos that ship. The GPU
machine then needs neither torch nor onnx nor onnxruntime.
"""

import argparse
import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np

from dgiqa_edge.calibration.images.calibration_set import open_calibration_set
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.export.frame_graph.graph_session import open_graph
from dgiqa_edge.export.tensorrt import graph as tensorrt_graph
from dgiqa_edge.runtime.bundle.bundle import Bundle, load_bundle
from dgiqa_edge.runtime.engines.tensorrt.versions import support_of
from dgiqa_edge.runtime.errors import BundleError, DgiqaEdgeError
from dgiqa_edge.runtime.ground.atomic import atomic_file, write_bytes, write_text
from dgiqa_edge.runtime.hashing import sha256_file
from dgiqa_edge.runtime.version import VERSION

TENSORRT_WITHOUT_ONE = "8.6.0"  # the version whose package is complete, so that it can be brought anywhere
ALL = 10_000  # photos: more than a folder for this has


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=Path, required=True, help="folder of the bundles; results go there too")
    parser.add_argument("--tensorrt", help="version on the GPU machine (default: the one here, or 8.6.0)")
    parser.add_argument("--photos", default=str(SHIPPED_PHOTOS), help="photos to compare on (default: those that ship)")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args(argv)
    try:
        prepare(arguments.inputs, arguments.tensorrt or installed(), arguments.photos, arguments.threads)
    except DgiqaEdgeError as error:
        print(f"prepare.py: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    return 0


def installed() -> str:
    try:
        return importlib.metadata.version("tensorrt")
    except importlib.metadata.PackageNotFoundError:
        return TENSORRT_WITHOUT_ONE


def prepare(inputs: Path, tensorrt: str, photos: str, threads: int) -> None:
    """Write ``prepared/ROLE.{onnx,json}`` beside every bundle, ``frames.npz`` per preset, and ``inputs.json``."""
    bundles = sorted(inputs.glob("*/*/*/bundle"))
    if not bundles:
        raise BundleError(f"{inputs} holds no PRESET/PRECISION/LAYOUT/bundle: run make gpu-inputs")
    hashes = {}
    for directory in bundles:
        bundle = load_bundle(directory)
        for graph in bundle.manifest.graphs:
            hashes[f"{directory.parent.relative_to(inputs)}/{graph.role}"] = sha256_file(directory / graph.file)
            write_prepared(bundle, graph.file, directory.parent / "prepared" / graph.role, tensorrt)
        preset = directory.parents[2]
        if not (preset / "frames.npz").is_file():
            write_frames(load_bundle(preset / "fp32" / "fused" / "bundle"), preset / "frames.npz", photos, threads)
    record = {"tensorrt": tensorrt, "tool_version": VERSION, "graphs_sha256": hashes}
    write_text(inputs / "inputs.json", json.dumps(record, indent=1) + "\n")


def write_prepared(bundle: Bundle, file: str, target: Path, tensorrt: str) -> None:
    import onnx

    graph, notes = tensorrt_graph.prepare(onnx.load(str(bundle.path / file)), support_of(tensorrt))
    write_bytes(target.with_suffix(".onnx"), graph.SerializeToString())
    content = {"facts": tensorrt_graph.facts_of(graph).to_json(), "notes": list(notes)}
    write_text(target.with_suffix(".json"), json.dumps(content) + "\n")


def write_frames(fp32: Bundle, target: Path, photos: str, threads: int) -> None:
    """``frames`` uint8 [n, H, W, 3], and FP32's ``score`` [n], ``crop_scores`` [n, N], ``depth`` [n, h, w] for them.

    The photos are those that the build held out of its calibration and checked the portable graph on.
    """
    size = fp32.manifest.frame
    checked = {
        photo["pixels_sha256"] for photo in json.loads(fp32.file("report.json").read_text())["photos"]["checked"]
    }
    chosen = open_calibration_set(photos, height=size.height, width=size.width, count=ALL)
    frames = [frame for image, frame in zip(chosen.images, chosen, strict=True) if image.pixels_sha256 in checked]
    if len(frames) != len(checked):
        raise BundleError(f"{fp32.path} was checked on photos that are not in {photos}: give the same --photos")
    run = open_graph(fp32.path / fp32.manifest.graphs[0].file, threads)
    answers = [run(frame) for frame in frames]
    arrays = {name: np.concatenate([answer[name] for answer in answers]) for name in ("score", "crop_scores", "depth")}
    with atomic_file(target) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, frames=np.concatenate(frames), **arrays)


if __name__ == "__main__":
    sys.exit(main())
