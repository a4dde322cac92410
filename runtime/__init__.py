"""The runtime: a camera frame goes in, a quality score and a depth map come out.

Importing this package costs a few milliseconds: its public names are loaded when they are first used, and
none of them ever loads torch or export code.
"""

import importlib
from typing import TYPE_CHECKING, Any

from .version import VERSION

if TYPE_CHECKING:
    from . import errors
    from .bundle.bundle import Bundle, load_bundle
    from .quality import Quality
    from .scoring.scorer import Scorer

__version__ = VERSION

__all__ = ["Bundle", "Quality", "Scorer", "__version__", "errors", "load_bundle"]

_HOME = {
    "Bundle": ".bundle.bundle",
    "load_bundle": ".bundle.bundle",
    "Quality": ".quality",
    "Scorer": ".scoring.scorer",
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return importlib.import_module(".errors", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
