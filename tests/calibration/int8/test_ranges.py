import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from dgiqa_edge.calibration.int8.observers import Entropy, MinMax, Percentile
from dgiqa_edge.calibration.int8.placement import place
from dgiqa_edge.calibration.int8.ranges import SAMPLE_VALUES, observe_ranges, sample_stride
from dgiqa_edge.runtime.errors import CalibrationError


@pytest.fixture(scope="module")
def activations(frame_graph, frames) -> dict[str, np.ndarray]:
    """Every observable tensor's values over all frames, by plainly running the graph with more outputs."""
    model = onnx.ModelProto()
    model.CopyFrom(frame_graph)
    tensors = place(frame_graph, kept_float=()).tensors_to_observe()
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in tensors)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    runs = [session.run(list(tensors), {"frame": frame}) for frame in frames]
    return {name: np.stack([run[index] for run in runs]) for index, name in enumerate(tensors)}


def test_minmax_agrees_with_the_tensors_themselves(frame_graph_file, activations, frames):
    ranges = observe_ranges(frame_graph_file, list(activations), frames, MinMax(), threads=1)
    assert list(ranges) == list(activations)
    for name, values in activations.items():
        seen = ranges[name]
        assert (seen.low, seen.high) == (seen.observed_low, seen.observed_high)
        assert [seen.low, seen.high] == pytest.approx([values.min(), values.max()], rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("observer", [Percentile(99.0), Entropy(bins=512, levels=64)])
def test_histogram_methods_clip_and_remember_what_was_seen(frame_graph_file, activations, frames, observer):
    ranges = observe_ranges(frame_graph_file, list(activations), frames, observer, threads=1)
    narrowed = 0
    for name, values in activations.items():
        seen = ranges[name]
        assert [seen.observed_low, seen.observed_high] == pytest.approx(
            [values.min(), values.max()], rel=1e-5, abs=1e-6
        )
        assert seen.observed_low <= seen.low <= seen.high <= seen.observed_high
        narrowed += seen.high - seen.low < seen.observed_high - seen.observed_low
        if isinstance(observer, Percentile):
            cell = float(values.max() - values.min()) / observer.bins
            expected = np.percentile(values, [0.5, 99.5], method="inverted_cdf")
            assert [seen.low, seen.high] == pytest.approx(expected, abs=2 * cell + 1e-6)
    assert narrowed > len(ranges) / 2


OBSERVE = """
import resource, sys
from pathlib import Path
import numpy as np
from dgiqa_edge.calibration.int8.observers import MinMax
from dgiqa_edge.calibration.int8.ranges import observe_ranges
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
frame, tensors = np.zeros((1, 1024, 1024), np.uint8), [f"t{index}" for index in range(100)]
observe_ranges(Path(sys.argv[1]), tensors[:1], [frame], MinMax(), threads=1)
before = peak()
observe_ranges(Path(sys.argv[1]), tensors, [frame], MinMax(), threads=1)
print((peak() - before) / 1024)
"""


def test_what_is_observed_is_not_held(tmp_path):
    """100 tensors of 4 MiB, one made from the other: few of them are there at a time."""
    nodes = [helper.make_node("Cast", ["frame"], ["t0"], to=TensorProto.FLOAT)]
    nodes += [helper.make_node("Sigmoid", [f"t{index}"], [f"t{index + 1}"]) for index in range(100)]
    frame = helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, 1024, 1024])
    out = helper.make_tensor_value_info("t100", TensorProto.FLOAT, [1, 1024, 1024])
    model = helper.make_model(
        helper.make_graph(nodes, "g", [frame], [out]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.save(model, str(tmp_path / "chain.onnx"))
    command = [sys.executable, "-c", OBSERVE, str(tmp_path / "chain.onnx")]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(finished.stdout) < 40


def test_progress_counts_the_frames_of_all_passes(frame_graph_file, activations, frames):
    told = []
    observe_ranges(
        frame_graph_file,
        list(activations),
        frames,
        Percentile(),
        threads=1,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(index, 10) for index in range(1, 11)]


def test_a_graph_input_can_be_observed_through_another_feed(builder, tmp_path):
    builder.node("MatMul", ["x", builder.weight("w", 4, 4)], "/depth_net/fc/MatMul", output="y")
    value = helper.make_tensor_value_info
    model = builder.model([value("x", TensorProto.FLOAT, [2, 4])], [value("y", TensorProto.FLOAT, [2, 4])])
    onnx.save(model, str(tmp_path / "m.onnx"))
    arrays = [np.full((2, 4), value, np.float32) for value in (-7.0, 3.0)]
    ranges = observe_ranges(tmp_path / "m.onnx", ["x"], arrays, MinMax(), feed=lambda array: {"x": array}, threads=1)
    assert (ranges["x"].low, ranges["x"].high) == (-7.0, 3.0)


@pytest.mark.parametrize("size", [1, 7, SAMPLE_VALUES, SAMPLE_VALUES + 1, 1370 * 384 * 3, 64 * 518 * 924, 2**25])
def test_a_sample_is_bounded_and_favours_no_channel(size):
    stride = sample_stride(size)
    assert -(-size // stride) <= SAMPLE_VALUES
    assert np.gcd(stride, size) == 1
    assert stride == 1 or size / stride > SAMPLE_VALUES / 2


def test_a_large_tensor_is_sampled_over_all_its_channels(builder, tmp_path):
    channels, side = 64, 96
    builder.node("Mul", ["x", builder.constant("one", np.float32(1))], "/depth_net/Mul", output="y")
    value = helper.make_tensor_value_info
    shape = [1, channels, side, side]
    model = builder.model([value("x", TensorProto.FLOAT, shape)], [value("y", TensorProto.FLOAT, shape)])
    onnx.save(model, str(tmp_path / "m.onnx"))
    x = np.broadcast_to(np.arange(channels, dtype=np.float32)[:, None, None], shape)
    ranges = observe_ranges(
        tmp_path / "m.onnx", ["y"], [x], Percentile(90.0, bins=64), feed=lambda array: {"x": array}, threads=1
    )
    assert x.size > SAMPLE_VALUES
    assert [ranges["y"].low, ranges["y"].high] == pytest.approx([3.15, 59.85], abs=1.0)


def test_a_value_that_is_not_finite_is_named(builder, tmp_path):
    builder.node("Log", ["x"], "/depth_net/Log", output="y")
    value = helper.make_tensor_value_info
    model = builder.model([value("x", TensorProto.FLOAT, [2])], [value("y", TensorProto.FLOAT, [2])])
    onnx.save(model, str(tmp_path / "m.onnx"))
    for bad in (np.array([0, 1], np.float32), np.array([-1, 1], np.float32)):
        with pytest.raises(CalibrationError, match=r"tensor y of m\.onnx is not finite"):
            observe_ranges(tmp_path / "m.onnx", ["y"], [bad], MinMax(), feed=lambda array: {"x": array}, threads=1)


@pytest.mark.parametrize(
    ("tensors", "count", "message"),
    [(["nowhere"], 1, "has no tensor nowhere"), (["/Div_output_0"], 0, "no calibration frame")],
)
def test_what_cannot_be_observed(frame_graph_file, frames, tensors, count, message):
    with pytest.raises(CalibrationError, match=message):
        observe_ranges(frame_graph_file, tensors, frames[:count], MinMax(), threads=1)
