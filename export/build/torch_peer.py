"""The frame graph in PyTorch, eager and compiled, as a peer for ``dgiqa-edge bench peers``.

The module is rebuilt from the build command that the bundle carries, so it has the same networks, weights and sizes in
FP32. The benchmarks room finds these functions by their entry points; it does not know this room.
"""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.runtime.bundle.bundle import Bundle
from dgiqa_edge.runtime.errors import ExportError
from dgiqa_edge.runtime.ground.error_text import telling_line

if TYPE_CHECKING:
    import torch
    from torch import nn

Peer = Callable[[np.ndarray], float]


def eager(bundle: Bundle, threads: int | None) -> Peer:
    """PyTorch, operator by operator.

    Args:
        threads: given to PyTorch, for the whole process; ``None`` leaves its choice.

    Returns:
        Score of a frame uint8 [H, W, 3] BGR of the bundle's size.

    Raises:
        ExportError: the bundle's command cannot be understood any more.
        CheckpointError: a weights file that it names is gone.
    """
    return _scoring(_module(bundle, threads))


def compiled(bundle: Bundle, threads: int | None) -> Peer:
    """``torch.compile`` with its default backend; compiles on the first frame.

    Raises:
        ExportError: the bundle's command cannot be understood, or this machine cannot compile (no C++ compiler).
        CheckpointError: a weights file that it names is gone.
    """
    module = _module(bundle, threads)
    import torch

    score = _scoring(torch.compile(module))
    size = bundle.manifest.frame
    try:
        score(np.zeros((size.height, size.width, 3), np.uint8))
    except Exception as error:  # the compiler raises classes of its own, and a dozen of the system's
        raise ExportError(f"torch.compile fails here: {telling_line(error)[:200]}") from error
    return score


def _module(bundle: Bundle, threads: int | None) -> "nn.Module":
    from ..options.build_options import configure, from_args
    from .recipes import recipe_of

    words = list((bundle.manifest.device_build or bundle.manifest.build).argv)
    start = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    configure(parser)
    try:
        options = from_args(parser.parse_args(words[start:]))
    except (argparse.ArgumentError, SystemExit) as error:
        raise ExportError(f"the bundle's build command is not understood by this version: {' '.join(words)}") from error
    size = bundle.manifest.frame
    if options.frame != (size.height, size.width):
        raise ExportError(f"the bundle's build command makes another frame size than the bundle has: {' '.join(words)}")
    if threads:
        import torch

        torch.set_num_threads(threads)
    return recipe_of(options).module().eval()


def _scoring(module: "Callable[..., tuple[torch.Tensor, ...]]") -> Peer:
    import torch

    def score(frame: np.ndarray) -> float:
        with torch.inference_mode():
            found, *_ = module(torch.from_numpy(np.ascontiguousarray(frame[np.newaxis])))
        return float(found.reshape(-1)[0])

    return score
