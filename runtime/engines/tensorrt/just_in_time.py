"""What only TensorRT-RTX's runtime does: it judges a plan by its first bytes, and compiles it for this GPU.

What it compiled is kept, a file for each plan, GPU, driver and version, so that the next start need not wait for it.
Source: TensorRT-RTX documentation, "Compatibility Checks", "Working with Runtime Cache", "Working with CUDA Graphs";
docstrings of the 1.7.1.116 wheel. Here it ran on stand-ins alone.
"""

from pathlib import Path
from typing import Any

from ...errors import EngineCompatibilityError, MachineError
from ...ground.atomic import write_bytes
from ...ground.cache_folder import cache_path, word_of
from .compatibility import Machine
from .log import Said

SUBOPTIMAL = "TensorRT-RTX says that this engine may be slower here than one built for this GPU"
_REMEDIES = {
    "OLD_CUDA_DRIVER": "install a newer NVIDIA driver",
    "OLD_CUDA_RUNTIME": "install a newer CUDA runtime",
    "INSUFFICIENT_GPU_MEMORY": "stop other programs that use the GPU, or build a smaller preset",
    "CUDA_ERROR": "repair the NVIDIA driver",
}


def check_validity(trt: Any, runtime: Any, header: bytes, said: Said, *, where: str, rebuild: str) -> str:
    """Ask the runtime whether a plan runs here, by its first ``engine_header_size`` bytes.

    Returns:
        What is to be said of a plan that runs, "" for nothing.

    Raises:
        EngineCompatibilityError: it does not, and another plan would.
        MachineError: it does not, and the machine has to be mended.
    """
    validity, found = runtime.get_engine_validity(header)
    if validity != trt.EngineValidity.INVALID:
        return SUBOPTIMAL if validity == trt.EngineValidity.SUBOPTIMAL else ""
    flaws = [name for name, flaw in trt.EngineInvalidityDiagnostics.__members__.items() if int(found) & int(flaw)]
    words = ", ".join(name.lower().replace("_", " ") for name in flaws) or said.reason()
    message = f"TensorRT-RTX {trt.__version__} says that {where} cannot run here ({words})"
    remedies = [_REMEDIES[name] for name in flaws if name in _REMEDIES]
    if remedies:
        raise MachineError(f"{message}: {', '.join(remedies)}")
    raise EngineCompatibilityError(f"{message}: rebuild it with: {rebuild}")


def kernel_file(machine: Machine, plan_sha256: str, folder: Path | None) -> Path | None:
    """Where what was compiled of a plan on this machine is kept; ``folder``: None for the user's cache.

    ``None`` where there is no such cache.
    """
    gpu = f"{word_of(machine.gpu)}-sm{machine.sm}-driver-{machine.driver or machine.driver_cuda}"
    name = f"{machine.flavour}-{machine.tensorrt}-{gpu}-{plan_sha256[:16]}.cache"
    return folder / name if folder else cache_path("kernels", name)


class Kernels:
    """The kernels of one engine that are compiled on this machine; they live as long as its contexts.

    ``file`` keeps them for the next start; None: nothing does. ``state`` says where they come from: ``new``,
    ``stored``, or ``stale`` where the runtime refused those in the file.
    """

    def __init__(self, engine: Any, file: Path | None) -> None:
        self._engine, self._file = engine, file
        self._stored = _read(file) if file else b""
        self._kept: list[Any] = []
        settings = engine.create_runtime_config()
        cache = settings.create_runtime_cache()
        self.state = "new"
        if self._stored:
            self.state = "stored" if cache.deserialize(self._stored) else "stale"
        # A runtime config does not hold its cache: a context whose cache is gone takes the process with it.
        self._cache = cache
        self._kept.append(settings)

    def settings(self, trt: Any, cuda_graph: bool) -> Any:
        """An ``IRuntimeConfig`` for one context; ``cuda_graph``: whether it captures its work as a CUDA graph."""
        settings = self._engine.create_runtime_config()
        if cuda_graph:
            settings.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        settings.set_runtime_cache(self._cache)
        self._kept.append(settings)
        return settings

    def save(self) -> str:
        """Keep what was compiled for the next start; returns why that failed, "" where it did not.

        A folder that cannot be written costs the next start its time, and no engine.
        """
        if self._file is None:
            return ""
        compiled = self._cache.serialize()
        content = b"" if compiled is None else bytes(compiled)
        if not content or content == self._stored:
            return ""
        try:
            write_bytes(self._file, content)
        except (MachineError, OSError) as error:
            return str(error)
        return ""

    def close(self) -> None:
        """Let go, once the contexts are gone."""
        self._kept.clear()
        self._cache = self._engine = None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
