"""The result file of ``make gpu-check``: its figures, its schema, and the whole rig run on stand-ins for a GPU."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from places import ROOT
from stand_ins import environment, nvidia

from dgiqa_edge.benchmarks.report import gpu_results
from dgiqa_edge.calibration.images.calibration_set import open_calibration_set
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.export.build import parser_graphs
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest
from dgiqa_edge.runtime.bundle.golden import CHECK_NAME, Golden, save_golden
from dgiqa_edge.runtime.bundle.manifest import BudgetRecord
from dgiqa_edge.runtime.errors import ConfigurationError

RESULTS = ROOT / "benchmarks" / "results"
SCHEMA = json.loads((RESULTS / "gpu-results.schema.json").read_text())


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([5.0], (1, 5.0, 5.0, 5.0, None)),
        ([4.0, 1.0, 3.0, 2.0], (4, 1.0, 2.0, 4.0, None)),
        ([float(n) for n in range(1, 101)], (100, 1.0, 50.0, 90.0, None)),
        ([float(n) for n in range(1, 1001)], (1000, 1.0, 500.0, 900.0, 990.0)),
    ],
)
def test_percentiles_are_samples_and_p99_needs_enough(samples: list[float], expected: tuple[Any, ...]) -> None:
    found = gpu_results.latency_of(samples)
    assert (found.runs, found.minimum_ms, found.p50_ms, found.p90_ms, found.p99_ms) == expected


def test_no_samples_no_latency() -> None:
    with pytest.raises(ConfigurationError, match="no latency samples"):
        gpu_results.latency_of([])


def test_measuring_counts_its_runs_and_stops_at_the_limit() -> None:
    calls: list[int] = []
    assert gpu_results.measure(lambda: calls.append(1), runs=7, warm_up=2).runs == 7
    assert len(calls) == 9
    assert gpu_results.measure(lambda: None, runs=10**9, limit_s=0.0).runs == 3


@pytest.mark.parametrize(
    ("gpu", "name"),
    [("NVIDIA H100 80GB HBM3", "nvidia-h100-80gb-hbm3-8.6.0.json"), ("Orin", "orin-8.6.0.json")],
)
def test_the_file_is_named_after_gpu_and_tensorrt(gpu: str, name: str) -> None:
    assert gpu_results.file_name(gpu, "8.6.0") == name


def test_the_schema_is_valid_and_committed_results_keep_it() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    for file in RESULTS.glob("*.json"):
        document = json.loads(file.read_text())
        if isinstance(document, dict) and "sm" in document.get("device", {}):
            jsonschema.validate(document, SCHEMA)
            assert file.name == gpu_results.file_name(
                document["device"]["device"], document["device"]["backend_version"]
            )


FIDELITY = {
    "images": 5,
    "score_mae": 0.0,
    "score_max": 0.0,
    "score_srcc": 1.0,
    "depth_mae_levels": 0.0,
    "depth_max_levels": 0.0,
    "depth_correlation": 1.0,
    "held_out": True,
}


@pytest.fixture
def rig_inputs(tmp_path: Path, make_bundle: Callable[..., Path], reference_outputs: Callable[..., Any]) -> Path:
    """What ``make gpu-inputs`` leaves, with tiny graphs in the place of the networks."""
    photos = open_calibration_set(str(SHIPPED_PHOTOS), height=48, width=64, count=24)
    frames = list(photos)[:: 24 // 5 + 1]
    for preset, layout in (("nano", "fused"), ("reference", "fused"), ("reference", "split")):
        source = make_bundle(layout=layout)
        answers = [reference_outputs(frame, layout) for frame in frames]
        arrays = (np.concatenate([one[name] for one in answers]) for name in ("score", "crop_scores", "depth"))
        save_golden(source / CHECK_NAME, Golden(np.concatenate(frames), *arrays))
        document = json.loads((source / "bundle.json").read_text())
        roles = [(graph["role"], graph["file"]) for graph in document["graphs"]]
        document["parser_graphs"] = parser_graphs.write(source, roles, "tensorrt")
        document["build"]["argv"] = ["dgiqa-edge", "build", "--out", "here"]
        carried = {name: document[name] for name in ("precision", "calibration", "graphs")}
        document["device_build"] = {
            "check": CHECK_NAME,
            "budget": asdict(BudgetRecord()),
            "latency_target_ms": None,
            "argv": document["build"]["argv"],
            "notes": [],
            "carried": [{**carried, "fidelity": FIDELITY, "tolerance": document["golden"]["tolerance"]}],
        }
        write_manifest(source, {**document, "files": build_manifest_files(source)})
        for precision in ("fp32", "fp16", "int8"):
            shutil.copytree(source, tmp_path / "gpu" / preset / precision / layout / "bundle")
    return tmp_path / "gpu"


@pytest.mark.slow
def test_the_rig_runs_from_graphs_to_result_file(rig_inputs: Path, driver_folder: Path, tmp_path: Path) -> None:
    """Everything but NVIDIA's part is real. The tiny split graphs compute another score than the fused one, so what
    compares the two is left out here; so is a real libcudart, if one is installed: it reaches no stand-in's GPU."""
    selection = "not both_layouts and not cudart"
    options = ["-q", "-rA", "--confcutdir=tests/gpu", "-m", "gpu", "-k", selection]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/gpu"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(
            nvidia.PACKAGES,
            LD_LIBRARY_PATH=str(driver_folder),
            DGIQA_FAKE_TENSORRT="8.6.0",
            DGIQA_REQUIRE_GPU="1",
            DGIQA_GPU_INPUTS=str(rig_inputs),
            DGIQA_GPU_RESULTS=str(tmp_path / "results"),
            DGIQA_GPU_RUNS="4",
        ),
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-1000:]
    assert "skipped" not in finished.stdout.splitlines()[-1], finished.stdout[-1500:]
    (file,) = (tmp_path / "results").glob("*.json")
    assert file.name == "fake-gpu-0-8.6.0.json"
    document = json.loads(file.read_text())
    jsonschema.validate(document, SCHEMA)
    rows = [(row["preset"], row["layout"], row["precision"]) for row in document["results"]]
    assert sorted(rows) == sorted(
        (preset, layout, precision)
        for preset, layout in (("nano", "fused"), ("reference", "fused"), ("reference", "split"))
        for precision in ("fp32", "fp16", "int8")
    )
    first = document["results"][0]
    assert first["cuda_graph"] == "captured"
    assert first["latency"]["runs"] == first["latency_without_graph"]["runs"] == 4
    assert first["fidelity"]["images"] == 5
    assert first["fidelity"]["score_mae"] < 1e-6
    assert document["inputs"]["tensorrt"] == "8.6.0"
