"""``dgiqa-edge doctor`` and ``score``: this machine as it is, and one whose GPU packages are stand-ins."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stand_ins import environment, nvidia

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_this_machine_as_it_is(command_line: Run) -> None:
    finished = command_line("doctor", "--json")
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    facts, missing = report["facts"], report["not_found"]
    assert {"gpu", "sm", "driver", "driver_cuda", "tensorrt", "l4t", "jetpack", "power_mode"} <= facts.keys()
    assert {"onnxruntime", "onnxruntime_providers", "openvino", "opencv", "cpu", "cpu_features"} <= facts.keys()
    assert {name for name, value in facts.items() if value is None} == missing.keys()
    assert all(missing.values()), "no fact is missing without a reason"
    assert any(entry["backend"] == "onnxruntime (cpu)" and entry["runs"] for entry in report["can_run"])
    assert "bundle" not in report


def test_the_text_has_the_same_facts(command_line: Run, bundle_dir: Path) -> None:
    finished = command_line("doctor", "--bundle", bundle_dir)
    assert finished.returncode == 0, finished.stderr
    assert "can run     onnxruntime (cpu): fp32, fp16, int8" in finished.stdout
    assert f"bundle      {bundle_dir} runs here with onnxruntime: golden frame's score within" in finished.stdout


@pytest.mark.parametrize("faults", [True, False])
def test_faults_are_told_of_where_the_bundle_reads_some(command_line: Run, make_bundle: Any, faults: bool) -> None:
    bundle = make_bundle(faults=faults)
    assert (", faults within " in command_line("doctor", "--bundle", bundle).stdout) == faults
    (trial, *_) = json.loads(command_line("doctor", "--json", "--bundle", bundle).stdout)["bundle"]["backends"]
    assert ("faults_max" in trial["golden_deviation"]) == faults


def test_a_bundle_whose_golden_frame_disagrees(command_line: Run, make_bundle: Any) -> None:
    finished = command_line("doctor", "--json", "--bundle", make_bundle(golden_shift=0.5))
    assert finished.returncode == 3
    (trial,) = json.loads(finished.stdout)["bundle"]["backends"]
    assert trial["runs"] is False
    assert "golden frame" in trial["reason"]


def test_something_that_is_no_bundle(command_line: Run, tmp_path: Path) -> None:
    finished = command_line("doctor", "--bundle", tmp_path)
    assert finished.returncode == 3
    assert "is not a bundle" in finished.stdout


@pytest.fixture
def on_gpu(driver_folder: Path, cache_home: Path) -> Run:
    """Run ``dgiqa-edge`` where a driver, TensorRT and cuda-python are (stand-ins); settings are the environment."""

    def run(*arguments: Any, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment(
                nvidia.PACKAGES,
                **{"LD_LIBRARY_PATH": str(driver_folder), "XDG_CACHE_HOME": str(cache_home), **settings},
            ),
            timeout=120,
            check=False,
        )

    return run


def photo_file(folder: Path, photo: Any) -> Path:
    import cv2

    assert cv2.imwrite(str(folder / "photo.png"), photo)
    return folder / "photo.png"


def test_a_gpu_bundle_is_scored_and_doctor_says_it_runs(
    on_gpu: Run, make_tensorrt_bundle: Any, make_photo: Any, tmp_path: Path, reference_outputs: Any
) -> None:
    bundle, photo = make_tensorrt_bundle("split"), make_photo(seed=5)
    finished = on_gpu("score", "--json", "--bundle", bundle, photo_file(tmp_path, photo))
    assert finished.returncode == 0, finished.stderr
    expected = float(reference_outputs(photo[None], "split")["score"][0])
    assert json.loads(finished.stdout)["score"] == pytest.approx(expected, abs=1e-6)
    report = json.loads(on_gpu("doctor", "--json", "--bundle", bundle).stdout)
    (trial,) = report["bundle"]["backends"]
    assert trial["runs"] is True
    assert trial["engines"][0]["device"] == "Fake GPU 0"
    assert report["facts"]["sm"] == "87"


def test_it_says_which_cuda_binding_serves_and_from_where(
    on_gpu: Run, driver_folder: Path, cudart_folder: Callable[[str], Path]
) -> None:
    places = f"{driver_folder}:{cudart_folder('12.6')}"
    facts = json.loads(on_gpu("doctor", "--json", LD_LIBRARY_PATH=places, DGIQA_EDGE_CUDA="cudart").stdout)["facts"]
    assert facts["cuda_binding"][0] == f"cudart 12.6 ({cudart_folder('12.6').resolve()}/libcudart.so.12.6)"
    text = on_gpu("doctor", LD_LIBRARY_PATH=places).stdout
    assert f"cuda-python 12.6.2 ({nvidia.PACKAGES}/cuda/bindings), cudart 12.6 (" in text
    report = json.loads(on_gpu("doctor", "--json", FAKE_DRIVER_CUDA="11040", DGIQA_EDGE_CUDA="cuda-python").stdout)
    assert "needs a driver for CUDA 12; this one supports CUDA 11.4" in report["not_found"]["cuda_binding"]
    (tensorrt,) = (way for way in report["can_run"] if way["backend"] == "tensorrt")
    assert tensorrt["reason"] == report["not_found"]["cuda_binding"]


def one_line(finished: subprocess.CompletedProcess[str], code: int) -> str:
    assert finished.returncode == code, finished.stderr
    (line,) = [line for line in finished.stderr.splitlines() if not line.startswith("note: ")]
    return line


@pytest.mark.parametrize(
    ("requires", "settings", "words"),
    [
        ({}, {"FAKE_DRIVER_GPUS": "0"}, "needs an NVIDIA GPU: the NVIDIA driver offers no GPU"),
        ({}, {"FAKE_DRIVER_INIT": "100"}, "CUDA_ERROR_NO_DEVICE"),
        (
            {"cuda": "13.0"},
            {},
            "it needs a driver for CUDA 13.0 (here one for CUDA 12.6): rebuild it here with:",
        ),
        (
            {},
            {"DGIQA_FAKE_CUDA_FAIL": "cudaFree=cudaErrorInsufficientDriver", "DGIQA_EDGE_CUDA": "cuda-python"},
            "cudaErrorInsufficientDriver (its meaning in words); the driver supports CUDA 12.6: update the driver",
        ),
        (
            {},
            {"DGIQA_FAKE_TENSORRT": "10.16.1"},
            "built with TensorRT 10.3.0 (here 10.16.1): rebuild it here with:",
        ),
        ({"backend_version": None}, {"DGIQA_FAKE_TENSORRT": "9.3.0"}, "TensorRT 9.3.0 is not supported"),
        (
            {},
            {"FAKE_DRIVER_SM": "90"},
            "built for SM 87, Fake Orin (here SM 90, Fake GPU 0): rebuild it here with:",
        ),
        ({"platform": "plan9-vax"}, {}, "was built for plan9-vax"),
        (
            {},
            {"DGIQA_FAKE_CUDA_FAIL": "cudaStreamSynchronize=cudaErrorIllegalAddress@2"},
            "this process has lost the GPU, start it again",
        ),
        ({}, {"DGIQA_FAKE_CUDA_FAIL": "cudaMalloc=cudaErrorMemoryAllocation"}, "has no memory left for"),
        ({}, {"DGIQA_EDGE_CUDA": "opencl"}, "there is no CUDA binding 'opencl'"),
    ],
)
def test_what_keeps_a_gpu_bundle_from_running_is_one_line(
    on_gpu: Run,
    make_tensorrt_bundle: Any,
    make_photo: Any,
    tmp_path: Path,
    requires: dict[str, Any],
    settings: dict[str, str],
    words: str,
) -> None:
    bundle = make_tensorrt_bundle(requires=requires)
    photo = photo_file(tmp_path, make_photo(seed=5))
    code = 2 if settings.get("DGIQA_EDGE_CUDA") == "opencl" else 4
    assert words in one_line(on_gpu("score", "--bundle", bundle, photo, **settings), code)


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_engine_file_never_reaches_tensorrt(
    on_gpu: Run, make_tensorrt_bundle: Any, make_photo: Any, tmp_path: Path, damage: str
) -> None:
    bundle = make_tensorrt_bundle()
    file = bundle / "fused.engine"
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    else:
        del content[-100:]
    file.write_bytes(content)
    words = "has other content than when" if damage == "flipped" else "bytes, expected"
    line = one_line(on_gpu("score", "--bundle", bundle, photo_file(tmp_path, make_photo(seed=5))), 3)
    assert words in line
    assert "rebuild it with: python" in line


def test_a_gpu_bundle_here_without_a_gpu(
    command_line: Run, make_tensorrt_bundle: Any, make_photo: Any, tmp_path: Path
) -> None:
    from dgiqa_edge.runtime.machine.cuda_probe import probe

    if probe().gpus:
        pytest.skip("this machine has a GPU")
    bundle = make_tensorrt_bundle(keep_onnx=True)
    photo = photo_file(tmp_path, make_photo(seed=5))
    line = one_line(command_line("score", "--bundle", bundle, photo), 4)
    assert "fused.engine needs an NVIDIA GPU: no NVIDIA driver" in line
    assert "run this bundle with --backend onnxruntime" in line
    assert command_line("score", "--backend", "onnxruntime", "--bundle", bundle, photo).returncode == 0
    finished = command_line("doctor", "--bundle", bundle)
    assert finished.returncode == 0
    assert "does not run here with tensorrt" in finished.stdout
    assert "runs here with onnxruntime" in finished.stdout
