"""A machine with a GPU, made of stand-ins, and events as the watch loop makes them."""

import functools
import gzip
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stand_ins import nvidia
from stand_ins.cudart import VERSIONS, CudartState, compile_cudart
from stand_ins.fake_tensorrt import plan_of

from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest
from dgiqa_edge.runtime.engines.cuda import cudart
from dgiqa_edge.runtime.gate.verdict import State, Verdict
from dgiqa_edge.runtime.machine import cuda_probe
from dgiqa_edge.runtime.machine.processor import platform_name
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome, Presence


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> nvidia.FakeDriver:
    fake = nvidia.FakeDriver()
    monkeypatch.setattr(cuda_probe, "_open_driver", lambda: fake)
    return fake


NVIDIA = ("cuda", "tensorrt", "tensorrt_rtx_bindings", "pycuda")


def modules_of_nvidia() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in NVIDIA]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, driver: nvidia.FakeDriver) -> Iterator[SimpleNamespace]:
    """``state`` of the CUDA runtime, its ``runtime`` module, the ``tensorrt`` module and the ``driver``."""
    for name in modules_of_nvidia():
        monkeypatch.delitem(sys.modules, name)  # the real ones, if there are any, come back afterwards
    monkeypatch.syspath_prepend(str(nvidia.PACKAGES))
    monkeypatch.setattr(cudart, "places", list)  # this machine may have a real one
    import tensorrt
    from cuda.bindings import runtime

    yield SimpleNamespace(state=runtime.reset(), runtime=runtime, tensorrt=tensorrt, driver=driver)
    for name in modules_of_nvidia():
        del sys.modules[name]


@pytest.fixture(scope="session")
def cudart_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``cudart_folder("12.6")``: where a stand-in for CUDA 12.6's libcudart is, compiled when it is first asked for."""

    @functools.cache
    def compiled(version: str) -> Path | None:
        return compile_cudart(tmp_path_factory.mktemp("cudart"), version)

    def find(version: str) -> Path:
        library = compiled(version)
        if library is None:
            pytest.skip("no C compiler: the stand-in for libcudart.so cannot be built")
        return library.parent

    return find


@pytest.fixture
def put_cudart(
    gpu: SimpleNamespace, cudart_folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CudartState]:
    """``put_cudart("12.6")`` on the machine of ``gpu``, whose driver is no older; TensorRT computes on its streams.

    The last one put is the first one found.
    """
    found: list[tuple[Path, str]] = []

    def put(version: str, driver: int | None = None) -> CudartState:
        folder = cudart_folder(version)
        found.insert(0, (folder, "."))
        monkeypatch.setattr(cudart, "places", lambda: found)
        gpu.driver.version = driver or max(gpu.driver.version, VERSIONS[version])
        state = CudartState(folder / f"libcudart.so.{version}", gpu.driver.version)
        for name in ("has", "captures", "put"):
            monkeypatch.setattr(gpu.state, name, getattr(state, name))
        return state

    return put


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
RTX_REQUIRES = {
    "backend_version": "==1.7.1.116",
    "opset": None,
    "sm": None,
    "platform": platform_name(),
    "targets": ["86", "89", "120"],
}


@pytest.fixture
def make_tensorrt_bundle(make_bundle: Callable[..., Path]) -> Callable[..., Path]:
    """``make_tensorrt_bundle(layout, requires={...}, keep_onnx=False, content=None, **plan facts)``: its directory.

    ``backend="tensorrt-rtx"`` makes its plans compressed ones of that flavour.
    """

    def make(
        layout: str = "fused",
        requires: dict[str, Any] | None = None,
        keep_onnx: bool = False,
        content: bytes | None = None,
        backend: str = "tensorrt",
        batch: tuple[int, int] = (1, 1),
        **facts: Any,
    ) -> Path:
        directory = make_bundle(layout=layout, batch=batch)
        if batch[0] < batch[1]:
            sides = {"frame": (48, 64, 3), "depth": (24, 32)}
            rows = (batch[0], batch[1], batch[1])
            facts["profile"] = {name: [(count, *own) for count in rows] for name, own in sides.items()}
        document = json.loads((directory / "bundle.json").read_text())
        engines = []
        for graph in document["graphs"]:
            name = f"{graph['role']}.engine"
            plan = content or plan_of((directory / graph["file"]).read_bytes(), **facts)
            if backend != "tensorrt":
                name, plan = f"{graph['role']}.plan.gz", plan if content else gzip.compress(plan)
            (directory / name).write_bytes(plan)
            engines.append(
                {
                    "role": graph["role"],
                    "file": name,
                    "backend": backend,
                    "requires": {**(REQUIRES if backend == "tensorrt" else RTX_REQUIRES), **(requires or {})},
                }
            )
        document["engines"] = engines + (document["engines"] if keep_onnx else [])
        document["files"] = build_manifest_files(directory)
        write_manifest(directory, document)
        return directory

    return make


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
