# ruff: noqa: N802 - the names are CUDA's
"""A machine with a GPU, made of fakes, and events as the watch loop makes them.

The project's own code is real throughout; ``engines/fakes/`` stands where NVIDIA's packages stand on such a machine.
"""

import ctypes
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest
from dgiqa_edge.runtime.gate.verdict import State, Verdict
from dgiqa_edge.runtime.machine import cuda_probe
from dgiqa_edge.runtime.machine.processor import platform_name
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome, Presence

HERE = Path(__file__).parent
FAKES = HERE / "engines" / "fakes"
MAGIC = b"fake plan\n"


class FakeDriver:
    """libcuda as ``cuda_probe`` calls it; ``failures`` maps a function to the status it returns."""

    def __init__(self) -> None:
        self.version = 12060
        self.gpus = [{"name": b"Fake Orin", "major": 8, "minor": 7, "integrated": 1, "memory": 8 << 30}]
        self.failures: dict[str, int] = {}

    def __getattr__(self, name: str) -> Callable[..., int]:
        if not name.startswith("cu"):
            raise AttributeError(name)
        return lambda *arguments: self.failures.get(name) or getattr(self, f"_{name}")(*arguments) or 0

    def _cuInit(self, flags: int) -> None:
        assert flags == 0

    def _cuDriverGetVersion(self, version: Any) -> None:
        version._obj.value = self.version

    def _cuDeviceGetCount(self, count: Any) -> None:
        count._obj.value = len(self.gpus)

    def _cuDeviceGet(self, device: Any, ordinal: int) -> None:
        device._obj.value = ordinal

    def _cuDeviceGetName(self, name: Any, size: int, device: ctypes.c_int) -> None:
        name.value = self.gpus[device.value]["name"]

    def _cuDeviceTotalMem_v2(self, memory: Any, device: ctypes.c_int) -> None:
        memory._obj.value = self.gpus[device.value]["memory"]

    def _cuDeviceGetAttribute(self, value: Any, number: int, device: ctypes.c_int) -> None:
        value._obj.value = self.gpus[device.value][{75: "major", 76: "minor", 18: "integrated"}[number]]

    def _cuGetErrorName(self, status: int, text: Any) -> None:
        text._obj.value = {100: b"CUDA_ERROR_NO_DEVICE", 803: b"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"}[status]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    fake = FakeDriver()
    monkeypatch.setattr(cuda_probe, "_open_driver", lambda: fake)
    return fake


def modules_of_nvidia() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in ("cuda", "tensorrt", "pycuda")]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, driver: FakeDriver) -> Iterator[SimpleNamespace]:
    """``state`` of the CUDA runtime, its ``runtime`` module, the ``tensorrt`` module and the ``driver``."""
    for name in modules_of_nvidia():
        monkeypatch.delitem(sys.modules, name)  # the real ones, if there are any, come back afterwards
    monkeypatch.syspath_prepend(str(FAKES))
    import tensorrt
    from cuda.bindings import runtime

    yield SimpleNamespace(state=runtime.reset(), runtime=runtime, tensorrt=tensorrt, driver=driver)
    for name in modules_of_nvidia():
        del sys.modules[name]


def plan_of(graph: bytes, **facts: Any) -> bytes:
    return MAGIC + json.dumps(facts).encode() + b"\n" + graph


REQUIRES = {
    "backend_version": "==10.3.0",
    "opset": None,
    "sm": "87",
    "platform": platform_name(),
    "cuda": "12.6",
    "driver_min": None,
    "device": "Fake Orin",
    "compatibility": "exact",
    "version_compatible": False,
}


@pytest.fixture
def make_tensorrt_bundle(make_bundle: Callable[..., Path]) -> Callable[..., Path]:
    """``make_tensorrt_bundle(layout, requires={...}, keep_onnx=False, content=None, **plan facts)``: its directory."""

    def make(
        layout: str = "fused",
        requires: dict[str, Any] | None = None,
        keep_onnx: bool = False,
        content: bytes | None = None,
        **facts: Any,
    ) -> Path:
        directory = make_bundle(layout=layout)
        document = json.loads((directory / "bundle.json").read_text())
        engines = []
        for graph in document["graphs"]:
            name = f"{graph['role']}.engine"
            (directory / name).write_bytes(content or plan_of((directory / graph["file"]).read_bytes(), **facts))
            engines.append(
                {
                    "role": graph["role"],
                    "file": name,
                    "backend": "tensorrt",
                    "requires": {**REQUIRES, **(requires or {})},
                }
            )
        document["engines"] = engines + (document["engines"] if keep_onnx else [])
        document["files"] = build_manifest_files(directory)
        write_manifest(directory, document)
        return directory

    return make


@pytest.fixture(scope="session")
def driver_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a stand-in for libcuda.so.1, for processes whose LD_LIBRARY_PATH it is."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: the stand-in for libcuda.so.1 cannot be built")
    folder = tmp_path_factory.mktemp("driver")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "libcuda.so.1", HERE / "fake_driver.c"], check=True)
    return folder


CAPTURED_AT = 1_760_000_000.25  # 2025-10-09T08:53:20.250Z


def scored(index: int = 0, state: State = State.PASS, camera: str = "front", **changes: Any) -> FrameEvent:
    """A scored frame whose pixels all hold ``index % 256``, so that a torn copy shows."""
    height, width = changes.pop("size", (48, 64))
    verdict = changes.pop("verdict", None) or Verdict(
        state=state,
        reason="good" if state is State.PASS else "too dark",
        cue=None if state is State.PASS else "luminance",
        value=None if state is State.PASS else 12.0,
        threshold=None if state is State.PASS else 30.0,
        score=0.75,
        smoothed=0.7,
        changed=changes.get("changed", False),
        announced=changes.pop("changed", False),
    )
    return FrameEvent(
        camera=camera,
        index=index,
        captured_at=CAPTURED_AT + index,
        outcome=Outcome.SCORED,
        verdict=verdict,
        frame=np.full((height, width, 3), index % 256, np.uint8),
        depth=np.full((height // 2, width // 2), index % 256, np.uint8),
        latency_ms=12.5,
        **changes,
    )


def unscored(outcome: Outcome, index: int = 0, camera: str = "front") -> FrameEvent:
    error = "damaged frame" if outcome is Outcome.FAILED else None
    return FrameEvent(camera=camera, index=index, captured_at=CAPTURED_AT + index, outcome=outcome, error=error)


def presence(kind: Presence, index: int = 0, camera: str = "front", **changes: Any) -> FrameEvent:
    """The event of a camera, at the time at which frame ``index`` would be captured."""
    state = State.PASS if kind is Presence.RETURNED else State.UNKNOWN
    return FrameEvent(
        camera=camera,
        index=None,
        captured_at=CAPTURED_AT + index,
        outcome=kind,
        verdict=Verdict(state, "no signal", announced=True),
        source_state="retrying",
        **changes,
    )


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The condition's first true value; fails the test where there is none in time."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)
    return value


@pytest.fixture(scope="session", name="scored")
def scored_fixture() -> Callable[..., FrameEvent]:
    return scored


@pytest.fixture(scope="session", name="unscored")
def unscored_fixture() -> Callable[..., FrameEvent]:
    return unscored


@pytest.fixture(scope="session", name="presence")
def presence_fixture() -> Callable[..., FrameEvent]:
    return presence


@pytest.fixture(scope="session", name="wait_for")
def wait_for_fixture() -> Callable[..., Any]:
    return wait_for
