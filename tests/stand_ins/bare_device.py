"""``dgiqa-edge`` on a device without PyTorch and onnx: ``python -m stand_ins.bare_device build --from BUNDLE ...``.

Our modules may import numpy, TensorRT, a CUDA binding, what comes with Python, and what
``DGIQA_DEVICE_HAS`` names; everything else is missing, also where a stand-in has imported it for itself.
``DGIQA_FAKE_SPOIL`` names a function of ``spoilt_graphs`` that the engines are made with.
"""

import builtins
import importlib
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

HAS = {"dgiqa_edge", "numpy", "tensorrt", "cuda", "tomli", *sys.stdlib_module_names}
HAS |= {*os.environ.get("DGIQA_DEVICE_HAS", "").split()}


def refuse(name: str, importer: dict[str, Any] | None) -> None:
    root = name.partition(".")[0]
    if str((importer or {}).get("__name__", "")).startswith("dgiqa_edge") and root not in HAS:
        raise ModuleNotFoundError(f"No module named {root!r}", name=root)


def block() -> None:
    """From here on our modules find what a device has."""
    imported: Callable[..., ModuleType] = builtins.__import__
    by_name = importlib.import_module

    def statement(name: str, names: Any = None, local: Any = None, fromlist: Any = (), level: int = 0) -> ModuleType:
        if level == 0:
            refuse(name, names)
        return imported(name, names, local, fromlist, level)

    def call(name: str, package: str | None = None) -> ModuleType:
        if not name.startswith("."):
            refuse(name, sys._getframe(1).f_globals)
        return by_name(name, package)

    builtins.__import__ = statement
    importlib.import_module = call


def main() -> int:
    spoil = os.environ.get("DGIQA_FAKE_SPOIL")
    if spoil:
        import tensorrt

        from stand_ins import spoilt_graphs

        tensorrt.fake.spoil = getattr(spoilt_graphs, spoil)
    block()
    from dgiqa_edge.runtime.commands.cli import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
