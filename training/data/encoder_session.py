"""Runs a frozen network, as the encoder of `edge`, on batches of views, as fast as a CPU or a GPU here allows.

On a CPU the network becomes an ONNX graph once and runs in OpenVINO where that is installed, else in ONNX Runtime
(both about twice as fast as PyTorch); on a GPU it runs in PyTorch. All are FP32: features are the teacher's word.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from dgiqa_edge.export.networks.edge import EdgeEncoder, token_statistics
from dgiqa_edge.runtime.engines.session import open_session
from dgiqa_edge.runtime.errors import CheckpointError
from dgiqa_edge.runtime.ground.atomic import atomic_file
from dgiqa_edge.runtime.ground.error_text import telling_line

DEPTH_POOL = 2
"""Pixels of the whole view that a cell of the cached depth covers along an axis."""
Run = Callable[[np.ndarray], list[np.ndarray]]


@dataclass(frozen=True)
class EncoderJob:
    """One size of views in batches of one size.

    Attributes:
        size: height and width of a view.
        with_depth: whether the depth head runs too.
        threads: CPU threads.
    """

    size: tuple[int, int]
    batch: int
    with_depth: bool
    threads: int = 2


class _Features(nn.Module):
    def __init__(self, encoder: EdgeEncoder, with_depth: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.with_depth = with_depth

    def forward(self, views: Tensor) -> tuple[Tensor, ...]:
        rows, columns = views.shape[2] // 14, views.shape[3] // 14
        tokens = self.encoder.tokens(views)
        statistics = token_statistics(tokens)
        if not self.with_depth:
            return (statistics,)
        return statistics, F.avg_pool2d(self.encoder.depth(tokens, rows, columns).unsqueeze(1), DEPTH_POOL)[:, 0]


def load_encoder(weights: Path) -> EdgeEncoder:
    """The encoder with the weights of a Depth Anything V2-Small safetensors file.

    Raises:
        CheckpointError: the file is missing or is not that network's.
    """
    if not weights.is_file():
        raise CheckpointError(f"{weights} is missing: fetch it with `dgiqa-edge weights fetch depth-anything-v2-small`")
    encoder = EdgeEncoder()
    try:
        encoder.load_state_dict({key: tensor.float() for key, tensor in load_file(weights).items()})
    except RuntimeError as error:
        raise CheckpointError(f"{weights} is not Depth Anything V2-Small: {telling_line(error)}") from None
    return encoder.eval().requires_grad_(False)


def open_encoder(encoder: EdgeEncoder, job: EncoderJob, folder: Path) -> Run:
    """A function from views float32 [batch, 3, h, w] to statistics [batch, 4, 3, 384], and depth if asked.

    The ONNX graph is kept in ``folder`` for the next time.
    """
    name = f"statistics_{job.batch}x{job.size[0]}x{job.size[1]}{'_depth' if job.with_depth else ''}.onnx"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shape = (job.batch, 3, *job.size)
    return open_network(_Features(encoder, job.with_depth).eval(), shape, folder / name, job.threads, device, True)


def open_network(
    module: nn.Module,
    shape: tuple[int, ...],
    file: Path,
    threads: int,
    device: torch.device,
    in_bfloat16: bool = False,
) -> Run:
    """A function from views float32 of that shape to what the network says of them.

    Args:
        file: where its ONNX graph, which the CPU needs, is kept for the next time.
        in_bfloat16: on a CPU that has it, which takes half the time. Features differ by about 1 %; INT8 builds of the
            encoder differ by more.
    """
    if device.type == "cuda":
        return _on_gpu(module, device)
    if not file.is_file():
        with atomic_file(file) as partial, torch.no_grad():
            torch.onnx.export(
                module, (torch.zeros(shape),), str(partial), opset_version=17, dynamo=False, input_names=["views"]
            )
    try:
        return _in_openvino(file, threads, in_bfloat16)
    except ImportError:
        return _in_onnxruntime(file, threads)


def _on_gpu(module: nn.Module, device: torch.device) -> Run:
    module.to(device)

    def run(views: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            outputs = module(torch.from_numpy(views).to(device))
        return [output.cpu().numpy() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]

    return run


def _in_openvino(file: Path, threads: int, in_bfloat16: bool) -> Run:
    import openvino

    core = openvino.Core()
    has_it = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    precision = "bf16" if in_bfloat16 and has_it else "f32"
    hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads}
    model = core.compile_model(str(file), "CPU", hints)

    def run(views: np.ndarray) -> list[np.ndarray]:
        outputs = model(views)
        return [np.array(outputs[index]) for index in range(len(outputs))]

    return run


def _in_onnxruntime(file: Path, threads: int) -> Run:
    session = open_session(file, threads=threads, spinning=False)
    return lambda views: session.run(None, {"views": views})
