"""TensorRT-RTX as a provider of ONNX Runtime: a package of its own, registered with ONNX Runtime when it is first used.

Source: README and header of options in the onnxruntime-ep-nv-tensorrt-rtx-cu13 0.5.0 wheel; ONNX
Runtime's documentation, "Plugin Execution Provider Libraries". Its CUDA graphs (``enable_cuda_graph``) stay off:
replayed from addresses of an earlier frame they would give that frame's scores, and this was never tried on a GPU.
"""

import importlib.util
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, EngineCompatibilityError, MachineError
from ..ground.cache_folder import cache_path
from ..ground.error_text import telling_line
from ..machine.cuda_probe import probe
from ..machine.fact import Fact
from ..machine.packages import installed
from .backend import import_package

SHORT = "tensorrt-rtx"
NAME = "NvTensorRTRTXExecutionProvider"
_MODULE = "onnxruntime_ep_nv_tensorrt_rtx"
_DISTRIBUTIONS = ("onnxruntime-ep-nv-tensorrt-rtx-cu13", "onnxruntime-ep-nv-tensorrt-rtx-cu12")
_INSTALL = "pip install onnxruntime-ep-nv-tensorrt-rtx"
_SINCE = "1.24"


def version() -> Fact:
    """The package's version; nothing is loaded, its libraries need a driver."""
    found = installed(*_DISTRIBUTIONS)
    return found if found.value is not None else Fact(None, f"{found.reason}: {_INSTALL}")


def obstacle() -> str:
    """Why it cannot be used, as far as a look at what is installed tells; "" for nothing."""
    if importlib.util.find_spec(_MODULE) is None:
        return f"the package {_MODULE} is not installed: {_INSTALL}"
    return "" if probe().gpus else probe().problem


def options_for_devices(runtime: Any, wanted: tuple[str, ...], folder: Path | None) -> tuple[list[Any], dict[str, str]]:
    """What ``SessionOptions.add_provider_for_devices`` takes: the first GPU, and the provider's options.

    Args:
        runtime: the onnxruntime package.
        wanted: the providers asked for.
        folder: where what it compiles is kept; None for the user's cache, where there is one.

    Raises:
        ConfigurationError: it was asked for beside a provider that it does not go with.
        MachineError: its package, the driver or a GPU is missing.
        EngineCompatibilityError: ONNX Runtime is too old, or the provider takes no GPU that is here.
    """
    others = [name for name in wanted if name not in (SHORT, "cpu")]
    if others:
        raise ConfigurationError(f"the provider '{SHORT}' goes with 'cpu' alone, not with '{others[0]}': leave one out")
    if not hasattr(runtime, "register_execution_provider_library"):
        raise EngineCompatibilityError(
            f"onnxruntime {runtime.__version__} takes no provider '{SHORT}': pip install 'onnxruntime>={_SINCE}'"
        )
    problem = obstacle()
    if problem:
        raise MachineError(f"the provider '{SHORT}' cannot be used: {problem}")
    package = import_package(_MODULE, _INSTALL)
    devices = _devices(runtime)
    if not devices:
        _register(runtime, package)
        devices = _devices(runtime)
    if not devices:
        gpu = probe().gpus[0]
        raise EngineCompatibilityError(
            f"{_MODULE} {package.__version__} takes no GPU of this machine ({gpu.name}, SM {gpu.sm}): use the provider "
            "'cpu' or 'cuda'"
        )
    kernels = folder or cache_path("kernels", "onnxruntime")
    return devices[:1], {"nv_runtime_cache_path": str(kernels)} if kernels else {}


def _devices(runtime: Any) -> list[Any]:
    return [device for device in runtime.get_ep_devices() if device.ep_name == NAME]


def _register(runtime: Any, package: Any) -> None:
    try:
        runtime.register_execution_provider_library(NAME, package.get_library_path())
    except Exception as error:  # onnxruntime raises a dozen unrelated classes
        raise MachineError(
            f"onnxruntime {runtime.__version__} cannot load {_MODULE} {package.__version__} ({telling_line(error)}): "
            "install the driver for its CUDA version, or reinstall it"
        ) from error
