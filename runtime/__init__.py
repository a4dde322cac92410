"""The runtime: a camera frame goes in, a quality score and a depth map come out.

Importing this package costs a few milliseconds: its public names are loaded when they are first used, and
none of them ever loads torch or export code. ``dgiqa_edge`` itself offers the same names.
"""

import importlib
import os
from typing import TYPE_CHECKING

from .version import VERSION

# A program beside cameras tells nobody that it runs. These packages report so by default, and read this as they start.
for _variable, _off in (
    ("ORT_DISABLE_TELEMETRY", "1"),
    ("RAY_USAGE_STATS_ENABLED", "0"),
    ("HF_HUB_DISABLE_TELEMETRY", "1"),
):
    os.environ.setdefault(_variable, _off)

if TYPE_CHECKING:
    from . import errors
    from .api.camera import Camera
    from .api.gate import Gate
    from .bundle.bundle import Bundle, load_bundle
    from .gate.policy import GatePolicy
    from .gate.verdict import State, Verdict
    from .quality import Quality, Unscored
    from .results_table import to_csv, to_frame
    from .scoring.scorer import Scorer
    from .watch.sources.protocol import Damaged, Frame

__version__ = VERSION

__all__ = [
    "Bundle",
    "Camera",
    "Damaged",
    "Frame",
    "Gate",
    "GatePolicy",
    "Quality",
    "Scorer",
    "State",
    "Unscored",
    "Verdict",
    "__version__",
    "errors",
    "load_bundle",
    "to_csv",
    "to_frame",
]

_HOME = {
    "Bundle": ".bundle.bundle",
    "Camera": ".api.camera",
    "Damaged": ".watch.sources.protocol",
    "Frame": ".watch.sources.protocol",
    "Gate": ".api.gate",
    "GatePolicy": ".gate.policy",
    "Quality": ".quality",
    "Scorer": ".scoring.scorer",
    "State": ".gate.verdict",
    "Unscored": ".quality",
    "Verdict": ".gate.verdict",
    "load_bundle": ".bundle.bundle",
    "to_csv": ".results_table",
    "to_frame": ".results_table",
}


if not TYPE_CHECKING:  # a type checker would take every name for one of ours

    def __getattr__(name):
        if name == "errors":
            return importlib.import_module(".errors", __name__)
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(_HOME[name], __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
