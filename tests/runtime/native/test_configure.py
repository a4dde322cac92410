"""What CMake refuses to configure: a library that could run nothing, and one that is for another processor."""

import platform
import re
import shutil
import subprocess

import pytest
from places import ROOT

BARE = {
    "DGIQA_EDGE_CUDA": "OFF",
    "DGIQA_EDGE_GSTREAMER": "OFF",
    "DGIQA_EDGE_ONNXRUNTIME": "OFF",
    "DGIQA_EDGE_OPENVINO": "OFF",
    "DGIQA_EDGE_TENSORRT": "OFF",
    "DGIQA_EDGE_TESTS": "OFF",
    "DGIQA_EDGE_TOOLS": "OFF",
}
ELF_MACHINES = {"x86_64": b"\x3e\0", "aarch64": b"\xb7\0"}


@pytest.fixture
def configure(tmp_path):
    """Configure with those options; the status, and what CMake says in one line."""
    if shutil.which("cmake") is None or shutil.which("c++") is None:
        pytest.skip("no cmake or no C++ compiler")
    json = subprocess.run(["pkg-config", "--exists", "nlohmann_json"], check=False)
    if json.returncode:
        pytest.skip("no nlohmann_json")

    def run(**options):
        words = [f"-D{name}={value}" for name, value in {**BARE, **options}.items()]
        done = subprocess.run(
            ["cmake", "-S", ROOT, "-B", tmp_path / "build", *words], capture_output=True, text=True, check=False
        )
        return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)

    return run


@pytest.fixture
def onnxruntime(tmp_path):
    """An unpacked ONNX Runtime: its headers, and a library for that processor, as far as a file's head tells."""

    def unpack(machine):
        (tmp_path / "include").mkdir()
        (tmp_path / "include" / "onnxruntime_cxx_api.h").write_text("")
        (tmp_path / "lib").mkdir()
        head = b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + ELF_MACHINES[machine]
        (tmp_path / "lib" / "libonnxruntime.so").write_bytes(head.ljust(64, b"\0"))
        return tmp_path

    return unpack


def test_a_library_without_a_backend_is_built_only_where_that_is_asked_for(configure):
    status, said = configure()
    assert status == 1
    assert "No backend was found" in said and "-DONNXRUNTIME_ROOT=DIR" in said
    status, said = configure(DGIQA_EDGE_WITHOUT_BACKEND="ON")
    assert status == 0, said


@pytest.mark.parametrize(
    ("option", "remedy"),
    [("DGIQA_EDGE_TENSORRT", "-DTENSORRT_ROOT=DIR"), ("DGIQA_EDGE_CUDA", "-DCMAKE_CUDA_COMPILER=")],
)
def test_what_is_asked_for_and_not_there_is_an_error(configure, tmp_path, monkeypatch, option, remedy):
    monkeypatch.setenv("CUDACXX", str(tmp_path / "no-nvcc"))
    status, said = configure(DGIQA_EDGE_WITHOUT_BACKEND="ON", **{option: "ON"})
    assert status == 1
    assert f"{option} is ON" in said and remedy in said, said


def test_a_switch_of_an_older_build_folder_asks_for_nothing(configure, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDACXX", str(tmp_path / "no-nvcc"))
    older = {"DGIQA_EDGE_TENSORRT:BOOL": "ON", "DGIQA_EDGE_CUDA:BOOL": "ON"}
    status, said = configure(DGIQA_EDGE_WITHOUT_BACKEND="ON", **older)
    assert status == 0, said


def test_a_library_of_another_processor_is_refused_and_of_this_one_taken(configure, onnxruntime):
    here = platform.machine()
    other = next((machine for machine in ELF_MACHINES if machine != here), "")
    root = onnxruntime(other)
    status, said = configure(DGIQA_EDGE_ONNXRUNTIME="ON", ONNXRUNTIME_ROOT=root)
    assert status == 1
    assert f"libonnxruntime.so is for another processor, this build is for {here}" in said
    shutil.rmtree(root / "include")
    shutil.rmtree(root / "lib")
    onnxruntime(here)
    status, said = configure(DGIQA_EDGE_ONNXRUNTIME="ON", ONNXRUNTIME_ROOT=root)
    assert status == 0, said
