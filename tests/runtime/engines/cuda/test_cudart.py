"""libcudart by ctypes: where it is looked for, what is refused, and the declarations against CUDA's own header."""

import _ctypes
import ctypes
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from stand_ins.cudart import VERSIONS, CudartState

from dgiqa_edge.runtime.engines.cuda import cudart
from dgiqa_edge.runtime.engines.cuda.binding import connect
from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.machine.cuda_probe import probe

REAL = list(cudart.find())
# The toolkit and pip's packages have it beside the folder of the library.
HEADERS = [file for real in REAL if (file := Path(real.where).parents[1] / "include/cuda_runtime_api.h").is_file()]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_graph_is_made_by_what_the_version_has(put_cudart: Callable[..., CudartState], version: str) -> None:
    state = put_cudart(version)
    cuda = connect("cudart")
    assert cuda.name.endswith(f"libcudart.so.{version} (CUDA {version})")
    with cuda.current():
        stream = cuda.create_stream()
        cuda.destroy_graph(cuda.capture(stream, lambda: None))
        cuda.destroy_stream(stream)
    assert state.live() == {}
    counts = [state.count(name) for name in ("cudaGraphInstantiate", "cudaGraphInstantiateWithFlags")]
    assert counts == ([1, 0] if version == "11.1" else [0, 1])


def test_it_is_looked_for_where_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is named, the toolkit's, pip's; one file has one entry, whatever links lead to it."""
    named, toolkit, site = (tmp_path / name for name in ("named [1]", "cuda-12.6", "site"))
    files = [
        named / "libcudart.so.11.4.298",
        toolkit / "targets/aarch64-linux/lib/libcudart.so.12.6.68",
        site / "nvidia/cuda_runtime/lib/libcudart.so.12",
        site / "nvidia/cu13/lib/libcudart.so.13",
    ]
    for file in files:
        file.parent.mkdir(parents=True)
        file.touch()
    (named / "libcudart.so.11.0").symlink_to(files[0])
    (toolkit / "lib64").symlink_to(files[1].parent)
    files[1].with_name("libcudart.so").symlink_to(files[1])
    files[1].with_name("libcudart_static.a").touch()
    monkeypatch.setenv("LD_LIBRARY_PATH", f":{named}:{tmp_path / 'gone'}:{named}")
    monkeypatch.setenv("CUDA_HOME", str(toolkit))
    monkeypatch.delenv("CUDA_PATH", raising=False)
    monkeypatch.setattr(sys, "path", [str(site)])
    found = [candidate for candidate in cudart.find() if candidate.where.startswith(str(tmp_path))]
    assert [(candidate.where, candidate.cuda) for candidate in found] == [
        (str(file), version) for file, version in zip(files, ("11.4", "12.6", "12", "13"), strict=True)
    ]


@pytest.mark.parametrize("content", [b"", b"not a library", None], ids=["empty", "text", "another library"])
def test_what_is_no_cuda_runtime_is_named(
    gpu: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    file = tmp_path / "libcudart.so.12"
    if content is None:
        file.symlink_to(_ctypes.__file__)
    else:
        file.write_bytes(content)
    monkeypatch.setattr(cudart, "places", lambda: [(tmp_path, ".")])
    with pytest.raises(MachineError, match=r"cannot be opened through cudart 12 \(\S+\): \S.*; the driver supports"):
        connect("cudart")


def test_an_error_that_the_library_does_not_know_is_an_error(put_cudart: Callable[..., CudartState]) -> None:
    put_cudart("12.6")
    (candidate,) = cudart.find()
    library = cudart.Library(candidate.where)
    assert library.cudaGetErrorName(12345) == (0, b"unknown error")  # type: ignore[attr-defined]


@pytest.mark.skipif(not HEADERS, reason="CUDA's headers are not installed")
@pytest.mark.parametrize("header", HEADERS, ids=str)
def test_the_declarations_are_those_of_the_header(header: Path) -> None:
    """Parameter for parameter, of every CUDA that is installed here."""
    text = re.sub(r"__dv\(\w+\)|\b(const|struct|enum)\b", "", header.read_text(encoding="utf-8", errors="replace"))
    handles = ("cudaStream_t", "cudaGraph_t", "cudaGraphExec_t", "cudaEvent_t", "void*")
    kinds = {
        **dict.fromkeys(("int", "cudaError_t", "cudaMemcpyKind", "cudaStreamCaptureMode"), ctypes.c_int),
        "unsigned int": ctypes.c_uint,
        "unsigned long long": ctypes.c_ulonglong,
        "size_t": ctypes.c_size_t,
        "int*": ctypes.POINTER(ctypes.c_int),
        "float*": ctypes.POINTER(ctypes.c_float),
        **dict.fromkeys(handles, ctypes.c_void_p),
        **dict.fromkeys((f"{name}*" for name in handles), ctypes.POINTER(ctypes.c_void_p)),
        "cudaGraphNode_t*": ctypes.c_void_p,  # never asked for
        "char*": ctypes.c_char_p,
    }
    declared = {**cudart.FUNCTIONS, **dict.fromkeys(cudart.TEXTS, (ctypes.c_int,))}
    if re.search(r"define CUDART_VERSION\s+11", text):
        declared["cudaGraphInstantiate"] = cudart.INSTANTIATE_OF_CUDA_11
    for name, parameters in declared.items():
        (found,) = set(re.findall(rf"CUDARTAPI {name}\(([^)]*)\);", text))
        words = [re.sub(r"\s*(\**)\s*\w+\s*$", r"\1", part.strip()) for part in found.split(",") if part != "void"]
        assert tuple(kinds[word] for word in words) == parameters, name


@pytest.mark.skipif(not REAL, reason="this machine has no libcudart")
@pytest.mark.skipif(bool(probe().gpus), reason="this machine has a GPU")
@pytest.mark.parametrize("candidate", REAL, ids=lambda candidate: Path(candidate.where).name)
def test_the_real_libcudart_without_a_driver_is_an_error_of_ours(candidate: cudart.Candidate) -> None:
    library = cudart.Library(candidate.where)
    status, version = library.cudaRuntimeGetVersion()  # type: ignore[attr-defined]
    # CUDA 11 does not tell without a driver (measured with 11.8; 12.9 and 13 do).
    assert status == 35 or version // 1000 == int(str(candidate.cuda).partition(".")[0])
    assert library.cudaGetErrorName(2) == (0, b"cudaErrorMemoryAllocation")  # type: ignore[attr-defined]
    assert library.cudaGetErrorString(2) == (0, b"out of memory")  # type: ignore[attr-defined]
    with pytest.raises(MachineError, match=r"opened through cudart \d+ .*cudaError\w+ \(.*update the driver"):
        connect("cudart")
