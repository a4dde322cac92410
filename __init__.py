"""Image-quality perception on the edge: a camera frame goes in, a quality score and a depth map come out.

What a program needs, ``runtime/__init__.py`` names and loads when it is first used: importing this package costs a few
milliseconds.
"""

from typing import TYPE_CHECKING

# By the full name: pytest imports this file by the checkout's name as well, and nothing is to be loaded twice.
from dgiqa_edge import runtime as _runtime
from dgiqa_edge.runtime import __all__ as __all__
from dgiqa_edge.runtime import __version__ as __version__

if TYPE_CHECKING:
    from dgiqa_edge.runtime import *  # noqa: F403 - a type checker follows its __all__
else:  # which would otherwise take every name for one of ours

    def __getattr__(name):
        if name in __all__:
            return getattr(_runtime, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
