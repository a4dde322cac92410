"""Ranges of tensors inside an ONNX graph, observed on real frames with ONNX Runtime on the CPU.

Extremes are reduced inside the graph, so only scalars come back; histograms are taken in a second pass from a
bounded, evenly strided sample of each tensor. Both keep memory near that of a plain run of the model.
"""

import itertools
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dgiqa_edge.runtime.engines.session import open_session
from dgiqa_edge.runtime.errors import CalibrationError
from dgiqa_edge.runtime.ground.atomic import atomic_file

from .observers import Extent, Histogram, Observer

if TYPE_CHECKING:
    from onnx import ModelProto

SAMPLE_VALUES = 1 << 18
"""Most values of one tensor that enter its histogram per frame; a smaller tensor enters whole."""

Frames = Iterable[np.ndarray]
Feed = Callable[[np.ndarray], Mapping[str, np.ndarray]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class TensorRange:
    """What a tensor showed, and the range its grid shall cover."""

    low: float
    high: float
    observed_low: float
    observed_high: float


def frame_feed(frame: np.ndarray) -> Mapping[str, np.ndarray]:
    """Inputs of a frame graph for one frame."""
    return {"frame": frame}


def observe_ranges(
    model: Path,
    tensors: Sequence[str],
    frames: Frames,
    observer: Observer,
    *,
    feed: Feed = frame_feed,
    threads: int = 0,
    progress: Progress | None = None,
) -> dict[str, TensorRange]:
    """Ranges of ``tensors`` over ``frames``.

    Args:
        model: ONNX file, float32.
        tensors: float32 tensors of the graph.
        frames: iterated once, or twice where the observer needs histograms; uint8 [1, H, W, 3].
        feed: makes the graph's inputs from a frame.
        threads: of ONNX Runtime; 0 takes every core.
        progress: called with (frames done, frames in all passes) when ``frames`` has a length.

    Raises:
        CalibrationError: a tensor is not a float32 tensor of the graph, there is no frame, or a value is
            not finite.
    """
    passes = 2 if observer.histogram(Extent(-1.0, 1.0)) is not None else 1
    done, total = itertools.count(1), len(frames) * passes if isinstance(frames, Sized) else 0

    def tick() -> None:
        if progress is not None:
            progress(next(done), total)

    extents, sizes = _extents(model, tensors, frames, feed, threads, tick)
    histograms: dict[str, Histogram] = {}
    for name, extent in extents.items():
        histogram = observer.histogram(extent)
        if histogram is not None:
            histograms[name] = histogram
    if histograms:
        _fill(histograms, model, sizes, frames, feed, threads, tick)
    ranges = {}
    for name, extent in extents.items():
        chosen = observer.range_of(extent, histograms.get(name))
        ranges[name] = TensorRange(chosen.low, chosen.high, extent.low, extent.high)
    return ranges


def _extents(
    model: Path, tensors: Sequence[str], frames: Frames, feed: Feed, threads: int, tick: Callable[[], None]
) -> tuple[dict[str, Extent], dict[str, int]]:
    """Extremes of every tensor over all frames, and its number of values."""
    extents: dict[str, Extent] = {}
    sizes: dict[str, int] = {}
    with observing_session(model, tensors, _add_extremes, threads) as session:
        names = [output for tensor in tensors for output in _extreme_names(tensor)]
        for frame in frames:
            values = session.run(names, dict(feed(frame)))
            for index, tensor in enumerate(tensors):
                low, high, size = (float(value) for value in values[3 * index : 3 * index + 3])
                if not (math.isfinite(low) and math.isfinite(high)):
                    raise CalibrationError(f"tensor {tensor} of {model.name} is not finite on a calibration frame")
                seen = Extent(low, high)
                extents[tensor] = extents[tensor].union(seen) if tensor in extents else seen
                sizes[tensor] = int(size)
            tick()
    if not extents:
        raise CalibrationError("no calibration frame: ranges cannot be observed")
    return extents, sizes


def _fill(
    histograms: dict[str, Histogram],
    model: Path,
    sizes: dict[str, int],
    frames: Frames,
    feed: Feed,
    threads: int,
    tick: Callable[[], None],
) -> None:
    strides = {tensor: sample_stride(sizes[tensor]) for tensor in histograms}
    tensors = list(histograms)
    with observing_session(model, tensors, partial(_add_samples, strides=strides), threads) as session:
        names = [_sample_name(tensor) for tensor in tensors]
        for frame in frames:
            for tensor, values in zip(tensors, session.run(names, dict(feed(frame))), strict=True):
                histograms[tensor].add(values)
            tick()


def sample_stride(size: int, most: int = SAMPLE_VALUES) -> int:
    """Step through a flattened tensor that visits at most ``most`` values and favours no channel.

    A step without a common factor with the tensor's size has none with its dimensions either.
    """
    step = max(1, math.ceil(size / most))
    while math.gcd(step, size) != 1:
        step += 1
    return step


@contextmanager
def observing_session(
    model: Path, tensors: Sequence[str], add: "Callable[[ModelProto, Sequence[str]], None]", threads: int
) -> Iterator[Any]:
    """A session of ``model`` with added outputs; the temporary model file is gone before the first run."""
    import onnx

    proto = onnx.load(str(model))
    present = {name for node in proto.graph.node for name in node.output}
    present.update(value.name for value in proto.graph.input)
    missing = [tensor for tensor in tensors if tensor not in present]
    if missing:
        raise CalibrationError(f"{model.name} has no tensor {missing[0]}: the placement belongs to another graph")
    add(proto, tensors)
    with tempfile.TemporaryDirectory(prefix="dgiqa-edge-") as folder:
        path = Path(folder) / "observed.onnx"
        with atomic_file(path) as partial:
            onnx.save(proto, str(partial))
        del proto
        # The arena keeps every peak it ever saw; calibration values memory more than the allocator's speed.
        session = open_session(path, threads=threads, arena=False, in_order=True)
    yield session


def _extreme_names(tensor: str) -> tuple[str, str, str]:
    return f"{tensor}/observed_low", f"{tensor}/observed_high", f"{tensor}/observed_size"


def _sample_name(tensor: str) -> str:
    return f"{tensor}/observed_sample"


def _add_extremes(proto: "ModelProto", tensors: Sequence[str]) -> None:
    from onnx import TensorProto, helper

    added = {}
    for tensor in tensors:
        low, high, size = _extreme_names(tensor)
        added[tensor] = [
            helper.make_node("ReduceMin", [tensor], [low], name=low, keepdims=0),
            helper.make_node("ReduceMax", [tensor], [high], name=high, keepdims=0),
            helper.make_node("Size", [tensor], [size], name=size),
        ]
        proto.graph.output.append(helper.make_tensor_value_info(low, TensorProto.FLOAT, []))
        proto.graph.output.append(helper.make_tensor_value_info(high, TensorProto.FLOAT, []))
        proto.graph.output.append(helper.make_tensor_value_info(size, TensorProto.INT64, []))
    insert_after_producers(proto, added)


def _add_samples(proto: "ModelProto", tensors: Sequence[str], strides: Mapping[str, int]) -> None:
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, value: int) -> str:
        proto.graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), name))
        return name

    flat_shape = constant("observed_flat_shape", -1)
    start = constant("observed_start", 0)
    end = constant("observed_end", np.iinfo(np.int64).max)
    axis = constant("observed_axis", 0)
    added = {}
    for tensor in tensors:
        sample, flat = _sample_name(tensor), f"{tensor}/observed_flat"
        step = constant(f"{tensor}/observed_step", strides[tensor])
        added[tensor] = [
            helper.make_node("Reshape", [tensor, flat_shape], [flat], name=flat),
            helper.make_node("Slice", [flat, start, end, axis, step], [sample], name=sample),
        ]
        proto.graph.output.append(helper.make_tensor_value_info(sample, TensorProto.FLOAT, [None]))
    insert_after_producers(proto, added)


def insert_after_producers(proto: "ModelProto", added: Mapping[str, list[Any]]) -> None:
    """Put the observing nodes behind the node that makes their tensor (graph inputs: in front)."""
    produced = {name for node in proto.graph.node for name in node.output}
    nodes = [node for tensor, group in added.items() if tensor not in produced for node in group]
    for node in proto.graph.node:
        nodes.append(node)
        for name in node.output:
            nodes += added.get(name, [])
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
