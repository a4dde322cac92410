"""TensorRT-RTX's provider of ONNX Runtime: its package and its devices are stand-ins, the sessions are real."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.engines import EngineOptions, load_engine, plugin_provider
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError, MachineError
from dgiqa_edge.runtime.machine.cuda_probe import CudaProbe, Gpu

RTX = CudaProbe("13.0", (Gpu("NVIDIA GeForce RTX 4090", "89", 24 << 30, False),))
PACKAGE = """
__version__ = "0.5.0"

def get_library_path():
    return "/nowhere/libonnxruntime_providers_nv_tensorrt_rtx.so"
"""

takes_plug_ins = pytest.mark.skipif(
    not hasattr(onnxruntime, "register_execution_provider_library"), reason="this onnxruntime is older than plug-ins"
)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The package, and a driver that shows an RTX GPU."""
    (tmp_path / "onnxruntime_ep_nv_tensorrt_rtx.py").write_text(PACKAGE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "onnxruntime_ep_nv_tensorrt_rtx", raising=False)
    monkeypatch.setattr(plugin_provider, "probe", lambda: RTX)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def provider(package: None, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The provider, as ONNX Runtime would show it: two GPUs once it is registered, and sessions that run on it."""
    state = SimpleNamespace(registered=[], added=[], gpus=2, starts=True)
    real = onnxruntime.InferenceSession

    class Options(onnxruntime.SessionOptions):
        def add_provider_for_devices(self, devices: list[Any], options: dict[str, str]) -> None:
            state.added.append((devices, options))

    def session(path: str, options: Any, **given: Any) -> Any:
        assert "providers" not in given, "they would take the plug-in's place"
        made = real(path, options)
        names = [plugin_provider.NAME] * state.starts + made.get_providers()
        monkeypatch.setattr(made, "get_providers", lambda: names)
        return made

    def devices() -> list[Any]:
        own = [SimpleNamespace(ep_name=plugin_provider.NAME, index=index) for index in range(state.gpus)]
        return [SimpleNamespace(ep_name="CPUExecutionProvider"), *(own if state.registered else [])]

    monkeypatch.setattr(onnxruntime, "SessionOptions", Options)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    monkeypatch.setattr(onnxruntime, "get_ep_devices", devices, raising=False)
    monkeypatch.setattr(
        onnxruntime,
        "register_execution_provider_library",
        lambda name, path: state.registered.append((name, path)),
        raising=False,
    )
    return state


@pytest.fixture
def load(bundle_dir: Path) -> Callable[..., Any]:
    def open_engine(*providers: str, **options: Any) -> Any:
        wanted = EngineOptions(providers=providers or ("tensorrt-rtx",), **options)
        return load_engine(load_bundle(bundle_dir), "fused", "onnxruntime", wanted)

    return open_engine


def test_it_is_registered_once_and_given_the_first_gpu_and_a_folder(
    provider: SimpleNamespace, load: Callable[..., Any], make_photo: Any, reference_outputs: Any, tmp_path: Path
) -> None:
    frame = make_photo(seed=3)[np.newaxis]
    with load() as engine:
        np.testing.assert_array_equal(engine.run({"frame": frame})["depth"], reference_outputs(frame, "fused")["depth"])
        facts = engine.describe()
    assert (facts["device"], facts["providers"]) == ("tensorrt-rtx", ["tensorrt-rtx"])
    load("tensorrt-rtx", "cpu", cache_folder=tmp_path / "mine").close()
    assert provider.registered == [(plugin_provider.NAME, "/nowhere/libonnxruntime_providers_nv_tensorrt_rtx.so")]
    assert [[device.index for device in devices] for devices, _ in provider.added] == [[0], [0]]
    assert [options for _, options in provider.added] == [
        {"nv_runtime_cache_path": str(tmp_path / "cache" / "dgiqa-edge" / "kernels" / "onnxruntime")},
        {"nv_runtime_cache_path": str(tmp_path / "mine")},
    ]


@pytest.mark.usefixtures("no_home")
def test_a_user_without_a_home_folder_keeps_nothing(
    provider: SimpleNamespace, load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    load().close()
    assert [options for _, options in provider.added] == [{}]


def test_one_that_does_not_start_does_not_become_the_cpu(provider: SimpleNamespace, load: Callable[..., Any]) -> None:
    provider.starts = False
    with pytest.raises(EngineCompatibilityError, match="could not start NvTensorRTRTXExecutionProvider"):
        load()


def test_a_gpu_that_it_does_not_take(provider: SimpleNamespace, load: Callable[..., Any]) -> None:
    provider.gpus = 0
    with pytest.raises(
        EngineCompatibilityError, match=r"takes no GPU of this machine \(NVIDIA .* 4090, SM 89\): use the"
    ):
        load()


@takes_plug_ins
@pytest.mark.usefixtures("package")
def test_a_library_that_the_real_onnxruntime_cannot_load(load: Callable[..., Any]) -> None:
    words = r"onnxruntime .* cannot load onnxruntime_ep_nv_tensorrt_rtx 0\.5\.0 \(.*nowhere.*\): install the driver"
    with pytest.raises(MachineError, match=words):
        load()


@pytest.mark.usefixtures("package")
def test_it_goes_with_the_cpu_alone(load: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="'tensorrt-rtx' goes with 'cpu' alone, not with 'cuda'"):
        load("tensorrt-rtx", "cuda")


@pytest.mark.usefixtures("package")
def test_an_onnxruntime_without_plug_ins(load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(onnxruntime, "register_execution_provider_library", raising=False)
    with pytest.raises(EngineCompatibilityError, match=r"pip install 'onnxruntime>=1\.24'"):
        load()


@takes_plug_ins
def test_what_is_missing_is_named(load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_nv_tensorrt_rtx", None)
    with pytest.raises(MachineError, match=r"is not installed: pip install onnxruntime-ep-nv-tensorrt-rtx$"):
        load()


@takes_plug_ins
@pytest.mark.usefixtures("package")
def test_without_a_gpu_no_library_is_loaded(load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_provider, "probe", lambda: CudaProbe(None, (), "no NVIDIA driver"))
    with pytest.raises(MachineError, match="'tensorrt-rtx' cannot be used: no NVIDIA driver"):
        load()
    assert "onnxruntime_ep_nv_tensorrt_rtx" not in sys.modules


def test_doctor_says_how_to_install_it() -> None:
    found = plugin_provider.version()
    assert found.value is not None or found.reason.endswith("pip install onnxruntime-ep-nv-tensorrt-rtx")
