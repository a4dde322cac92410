"""Everything from the raw frame to the score, as one graph.

``FrameGraph`` is loaded when it is first used: it needs torch, which the rest of a command line does not.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pipeline import FrameGraph

__all__ = ["FrameGraph"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .pipeline import FrameGraph

    return FrameGraph
