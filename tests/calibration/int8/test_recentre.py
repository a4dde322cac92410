"""Recentring takes out what INT8 moves on average, in the constant alone; other subtractions are left as they are."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from dgiqa_edge.calibration.int8.observers import MinMax
from dgiqa_edge.calibration.int8.placement import place
from dgiqa_edge.calibration.int8.quantize import quantize
from dgiqa_edge.calibration.int8.ranges import observe_ranges
from dgiqa_edge.calibration.int8.recentre import Centred, centred, observe_means, recentred, recentred_like
from dgiqa_edge.calibration.int8.targets import TARGETS
from dgiqa_edge.runtime.errors import CalibrationError

ROWS, CHANNELS = 12, 16
SCOPES = ("/network/",)
VIEWS = 2


@pytest.fixture
def head(builder):
    """Statistics [2, 1, channels] of an encoder's tokens, of which a head subtracts a mean and makes a score."""

    def build(spoil: str = "") -> onnx.ModelProto:
        mean = 0.1 * np.arange(CHANNELS, dtype=np.float32).reshape(1, CHANNELS)
        seen = builder.node("Cast", ["frame"], "/cast", to=TensorProto.FLOAT)
        tokens = builder.node("MatMul", [seen, builder.weight("w", CHANNELS, CHANNELS)], "/network/MatMul")
        tokens = builder.node("Relu", [tokens], "/network/Relu")
        statistics = builder.node("ReduceMean", [tokens], "/network/mean", axes=[1], keepdims=1)
        builder.constant("mean", mean)
        builder.constant("level", np.array(0.5, np.float32))
        inputs = {"": [statistics, "mean"], "scalar": [statistics, "level"], "turned": ["mean", statistics]}
        scope = "/outside" if spoil == "outside" else "/network/head"
        standard = builder.node("Sub", inputs.get(spoil, inputs[""]), f"{scope}/Sub", output="standard")
        outputs = [standard]
        if spoil == "read twice":
            outputs.append(builder.node("Mul", [standard, "mean"], "/network/head/Mul"))
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [VIEWS, 1, CHANNELS]) for name in outputs]
        return builder.model(
            [helper.make_tensor_value_info("frame", TensorProto.UINT8, [VIEWS, ROWS, CHANNELS])], infos
        )

    return build


@pytest.fixture
def frames() -> list[np.ndarray]:
    random = np.random.default_rng(7)
    return [random.integers(0, 256, (VIEWS, ROWS, CHANNELS), dtype=np.uint8) for _ in range(6)]


def standard(model: onnx.ModelProto, frames: list[np.ndarray]) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.stack([session.run(["standard"], {"frame": frame})[0] for frame in frames])


def initializer(model: onnx.ModelProto, name: str) -> TensorProto:
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_mean_error_over_the_photos_is_gone_and_nothing_else_changed(head, frames, tmp_path, target):
    model = head()
    files = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    onnx.save(model, files[0])
    placement = place(model, scopes=SCOPES)
    ranges = observe_ranges(files[0], placement.tensors_to_observe(), frames, MinMax(), threads=1)
    lowered = quantize(model, placement, ranges, target).model
    onnx.save(lowered, files[1])
    before = standard(lowered, frames)
    error = (before - standard(model, frames)).mean(axis=(0, 1, 2))
    assert np.abs(error).max() > 1e-3

    places = centred(lowered, SCOPES)
    ticks = []
    means = [observe_means(file, places, frames, threads=1, progress=lambda *at: ticks.append(at)) for file in files]
    constants = {
        tensor.name: type(tensor).FromString(tensor.SerializeToString()) for tensor in lowered.graph.initializer
    }
    recentred(lowered, *means)

    assert ticks[: len(frames)] == [(n, len(frames)) for n in range(1, len(frames) + 1)]
    after = standard(lowered, frames)
    np.testing.assert_allclose((after - standard(model, frames)).mean(axis=(0, 1, 2)), 0, atol=2e-5)
    np.testing.assert_allclose(before - after, np.broadcast_to(error, before.shape), atol=2e-5)
    changed = {tensor.name for tensor in lowered.graph.initializer if constants[tensor.name] != tensor}
    assert changed == {"mean"}

    like = recentred_like(model, lowered, SCOPES)
    assert initializer(like, "mean") == initializer(lowered, "mean")
    assert initializer(model, "mean") == constants["mean"]
    np.testing.assert_allclose(standard(like, frames), standard(model, frames) - error, atol=2e-5)


def test_a_mean_that_the_network_subtracts_is_found(head):
    assert centred(head(), SCOPES) == (Centred("/network/mean_output_0", "mean"),)


@pytest.mark.parametrize("spoil", ["scalar", "turned", "outside", "read twice"])
def test_other_subtractions_are_left(head, spoil):
    assert centred(head(spoil), SCOPES) == ()


def test_without_a_frame_there_is_no_mean(head, tmp_path):
    onnx.save(head(), tmp_path / "float.onnx")
    with pytest.raises(CalibrationError, match="no calibration frame"):
        observe_means(tmp_path / "float.onnx", [Centred("/network/mean_output_0", "mean")], [])
