"""What surrounds an engine on a real GPU: the CUDA bindings, refusals before deserialisation, the replay, doctor."""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.export.commands import build as build_command
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, load_bundle, write_manifest
from dgiqa_edge.runtime.engines import load_engine
from dgiqa_edge.runtime.engines.cuda.binding import BINDINGS, CudaError, candidates, connect, size_bytes
from dgiqa_edge.runtime.engines.registry import capabilities, survey
from dgiqa_edge.runtime.errors import BundleError, EngineCompatibilityError

Build = Callable[[str, str, str], Any]


@pytest.fixture
def nano(built: Build, tmp_path: Path) -> Path:
    """A copy of nano's FP32 bundle, to be spoiled."""
    return Path(shutil.copytree(built("nano", "fp32", "fused").bundle.path, tmp_path / "bundle"))


def edit(bundle: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads((bundle / "bundle.json").read_text())
    change(document)
    document["files"] = build_manifest_files(bundle)
    write_manifest(bundle, document)


@pytest.mark.parametrize("binding", BINDINGS)
def test_a_binding_moves_bytes_and_measures(machine: Any, binding: str) -> None:
    if not candidates(None, binding):
        pytest.skip(f"{binding} is not here: it is a choice")
    cuda = connect(binding)
    shape = (257, 1031)
    with cuda.current():
        stream, start, end = cuda.create_stream(), cuda.create_event(), cuda.create_event()
        address = cuda.allocate(size_bytes(shape, np.float32))
        source, target = cuda.pinned(shape, np.float32), cuda.pinned(shape, np.float32)
        source[:] = np.random.default_rng(0).random(shape, np.float32)
        target[:] = 0
        cuda.record(start, stream)
        cuda.upload(address, source, stream)
        cuda.download(target, address, stream)
        cuda.record(end, stream)
        cuda.synchronize(stream)
        np.testing.assert_array_equal(source, target)
        assert cuda.elapsed_ms(start, end) > 0
        cuda.free(address)
        with pytest.raises(CudaError):
            cuda.allocate(1 << 60)
        assert cuda.sticky_error() == ""
        cuda.free_pinned(source)
        cuda.free_pinned(target)
        cuda.destroy_event(start)
        cuda.destroy_event(end)
        cuda.destroy_stream(stream)


@pytest.mark.parametrize("binding", BINDINGS)
def test_an_engine_runs_on_any_binding(built: Build, chain: Any, binding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not candidates(None, binding):
        pytest.skip(f"{binding} is not here: it is a choice")
    monkeypatch.setenv("DGIQA_EDGE_CUDA", binding)
    made = built("nano", "fp32", "fused")
    with chain(made.bundle) as engines:
        assert engines.engines[0].describe()["cuda_binding"].startswith(binding)
        score = float(engines(made.frames[:1])["score"][0])
    assert score == pytest.approx(float(made.fp32["score"][0]), abs=5e-3)


@pytest.mark.parametrize(
    ("requires", "words"),
    [
        ({"backend_version": "==7.2.3"}, "built with TensorRT 7.2.3"),
        ({"sm": "30"}, "built for SM 30"),
        ({"cuda": "99.0"}, "needs a driver for CUDA 99.0"),
    ],
)
def test_a_foreign_engine_is_refused_with_the_rebuild_command(
    machine: Any, nano: Path, requires: dict[str, str], words: str
) -> None:
    edit(nano, lambda document: document["engines"][0]["requires"].update(requires))
    with pytest.raises(EngineCompatibilityError, match=f"{words}.*rebuild it here with: dgiqa-edge build"):
        load_engine(load_bundle(nano), "fused")


def test_a_flipped_bit_is_refused_by_its_hash(machine: Any, nano: Path) -> None:
    content = bytearray((nano / "frame_graph.plan").read_bytes())
    content[len(content) // 2] ^= 1
    (nano / "frame_graph.plan").write_bytes(content)
    with pytest.raises(BundleError, match="has other content"):
        load_bundle(nano)


def test_a_truncated_plan_with_a_right_hash_is_an_error_of_ours(machine: Any, nano: Path) -> None:
    """In a process of its own: what TensorRT does with such a file is up to its version."""
    content = (nano / "frame_graph.plan").read_bytes()
    (nano / "frame_graph.plan").write_bytes(content[: len(content) // 2])
    edit(nano, lambda document: None)
    code = (
        "import sys\n"
        "from dgiqa_edge.runtime.bundle.bundle import load_bundle\n"
        "from dgiqa_edge.runtime.engines import load_engine\n"
        "from dgiqa_edge.runtime.errors import EngineCompatibilityError\n"
        "try:\n    load_engine(load_bundle(sys.argv[1]), 'fused')\n"
        "except EngineCompatibilityError as error:\n    print(error)\n"
    )
    finished = subprocess.run([sys.executable, "-c", code, str(nano)], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert "cannot read" in finished.stdout


def test_the_scorer_replays_and_remembers(built: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2", reason="the scorer resizes frames with OpenCV, which is not installed")
    from dgiqa_edge.runtime.scoring.scorer import Scorer

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = built("nano", "fp32", "fused")
    with Scorer(made.bundle) as scorer:
        assert scorer.deviation is not None
        assert scorer.score(made.frames[0]).score == pytest.approx(float(made.fp32["score"][0]), abs=5e-3)
    assert list((tmp_path / "dgiqa-edge" / "verified").glob("*.json"))
    with Scorer(made.bundle) as scorer:
        assert scorer.deviation is None, "the stamp spares the second replay"


def test_doctor_sees_this_gpu(machine: Any) -> None:
    found = survey()
    assert found.facts["sm"].value == machine.device.sm
    assert found.facts["tensorrt"].value == machine.version
    assert found.facts["driver_cuda"].value
    (tensorrt,) = [entry for entry in capabilities(found) if entry.backend == "tensorrt"]
    assert tensorrt.runs, tensorrt.reason


def test_the_command_builds_checks_and_packs_on_this_gpu(inputs: Path, tmp_path: Path) -> None:
    source = inputs / "nano" / "fp32" / "fused" / "bundle"
    arguments = ["--from", str(source), "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    parser = argparse.ArgumentParser()
    build_command.configure(parser)
    assert build_command.run(parser.parse_args([*arguments, "--timing-cache", str(tmp_path / "timing.cache")])) == 0
    bundle = load_bundle(tmp_path / "out")
    assert bundle.engines("fused")[0].backend == "tensorrt"
    assert bundle.manifest.latency is not None
    assert list(bundle.manifest.build.argv[:3]) == ["dgiqa-edge", "build", "--from"]
