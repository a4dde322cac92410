"""The imitation is held to a graph that the build's own placement, ranges and rewriting made INT8."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.calibration.int8.grids import activation_grid, quantize_weight, weight_scales
from dgiqa_edge.calibration.int8.observers import MinMax
from dgiqa_edge.calibration.int8.placement import place
from dgiqa_edge.calibration.int8.quantize import quantize
from dgiqa_edge.calibration.int8.ranges import observe_ranges
from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.export.frame_graph.graph_session import open_graph
from dgiqa_edge.export.frame_graph.to_onnx import export_graph
from dgiqa_edge.export.frame_graph.view_graph import ViewGraph
from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.export.weights.network_source import SHIPPED_WEIGHTS
from dgiqa_edge.runtime.frames.fit import fit_frame
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.training.data.frame_views import frame_views
from dgiqa_edge.training.runs.shipping import ship
from dgiqa_edge.training.trainers.int8_rounding import FLOAT, OFF, ON, Int8Rounding

FRAME = (240, 320)


def shipped():
    network = Nano()
    network.load_state_dict(
        {key: value.float() for key, value in load_file(SHIPPED_WEIGHTS / "nano.safetensors").items()}
    )
    network.arrange(FRAME)
    return network


@pytest.fixture(scope="module")
def pictures():
    files = sorted(SHIPPED_PHOTOS.glob("*.jpg"))[::2]
    return [np.ascontiguousarray(fit_frame(read_image(file), *FRAME)) for file in files]


@pytest.fixture(scope="module")
def rounding(pictures):
    rounding = Int8Rounding(shipped())
    rounding.observe(frame_views([picture], FRAME) for picture in pictures)
    return rounding


@pytest.fixture(scope="module")
def built(rounding, pictures, tmp_path_factory):
    """FP32 graph, INT8 graph and its ranges, of a network whose weights are on their grids."""
    folder = tmp_path_factory.mktemp("graphs")
    network = shipped()
    network.load_state_dict(rounding.state())
    graph = ViewGraph(network.eval().requires_grad_(False), FRAME)
    frame = torch.zeros(1, *FRAME, 3, dtype=torch.uint8)
    export_graph(graph, {"frame": frame}, ("score", "crop_scores", "depth"), folder / "fp32.onnx", {})
    model = onnx.load(str(folder / "fp32.onnx"))
    placement = place(model)
    frames = [picture[np.newaxis] for picture in pictures]
    ranges = observe_ranges(folder / "fp32.onnx", placement.tensors_to_observe(), frames, MinMax(), threads=1)
    onnx.save(quantize(model, placement, ranges, target_named("onnxruntime")).model, str(folder / "int8.onnx"))
    return folder / "fp32.onnx", folder / "int8.onnx", ranges


def test_every_tensor_of_the_build_has_its_grid_here_and_no_other_has(rounding, built):
    ours = sorted(rounding.ranges[FRAME].values())
    theirs = sorted({(seen.low, seen.high) for name, seen in built[2].items() if "/faults/" not in name})
    near = [[np.allclose(one, other, rtol=1e-3, atol=1e-3) for other in theirs] for one in ours]
    assert all(any(row) for row in near)
    assert all(any(column) for column in zip(*near, strict=True))


def test_maps_are_those_of_the_built_graph(rounding, built, pictures):
    """Only the first block's: where a sum falls on the other side of a tie, all that follows is rounded otherwise."""
    model = onnx.load(str(built[1]))
    name = "/network/trunk/blocks.0/project/project.0/Conv_output_0/dequantized"
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    [theirs] = session.run([name], {"frame": pictures[0][np.newaxis]})
    whole, _ = frame_views(pictures[:1], FRAME)
    rounding.mode, rounding._view = ON, "whole"
    with torch.no_grad():
        trunk = rounding.network.trunk
        ours = trunk.blocks[0](trunk.stem(whole)).numpy()
    rounding.mode = OFF
    low, high = rounding.ranges[FRAME]["trunk.blocks.0.project", "whole"]
    steps = np.abs(ours - theirs) / activation_grid(low, high, unsigned=True).scale
    assert (steps > 0.5).mean() < 0.02
    assert steps.max() < 1.5


def test_scores_follow_the_built_graph(rounding, built, pictures):
    """Not to the last digit: ONNX Runtime itself, with and without its fusions, differed by 0.0015 on one photo.

    Nor every photo: where sums fall on the other side of ties, what follows may go another way.
    """
    scores = {}
    for name, file in (("fp32", built[0]), ("int8", built[1])):
        run = open_graph(file, 1, as_written=True)
        scores[name] = np.array([float(run(picture[np.newaxis])["score"][0]) for picture in pictures])
    for mode in (OFF, ON):
        rounding.mode = mode
        with torch.no_grad():
            views = (frame_views([picture], FRAME) for picture in pictures)
            logits = [rounding.read(*one).logits for one in views]
        scores[mode] = np.array([float(torch.sigmoid(one).mean()) for one in logits])
    rounding.mode = OFF
    assert np.abs(scores[OFF] - scores["fp32"]).max() < 1e-4
    imitation, rounding_error = np.abs(scores[ON] - scores["int8"]), np.abs(scores["int8"] - scores["fp32"])
    assert np.median(imitation) < 0.75 * np.median(rounding_error)


def test_weights_lie_on_the_grids_that_a_build_gives_them(rounding):
    before, after = shipped().state_dict(), rounding.state()
    assert set(after) == set(before)
    for key in ("trunk.stem.0.weight", "trunk.blocks.0.depthwise.0.weight"):
        assert torch.equal(after[key], before[key])
    for key in ("trunk.blocks.0.project.0.weight", "whole.refinement.query.weight", "depth_decoder.out.weight"):
        weight, rounded = before[key].numpy(), after[key].numpy()
        scales = weight_scales(rounded, 0)
        steps = scales.reshape(-1, *[1] * (weight.ndim - 1))
        assert np.allclose(rounded, quantize_weight(rounded, scales, 0) * steps, rtol=1e-6, atol=0)
        assert np.allclose(scales, weight_scales(weight, 0), rtol=1e-6)
        assert (np.abs(weight - rounded) <= 0.501 * steps).all()


def test_half_precision_of_shipped_weights_changes_no_integer(rounding, tmp_path):
    state = rounding.state()
    ship(state, tmp_path / "shipped.safetensors")
    stored = load_file(tmp_path / "shipped.safetensors")
    for key, value in state.items():
        if value.ndim > 1 and not key.startswith(FLOAT):
            one, other = value.numpy(), stored[key].float().numpy()
            integers = [quantize_weight(weight, weight_scales(weight, 0), 0) for weight in (one, other)]
            assert np.array_equal(*integers), key


def test_tensors_lie_on_the_grids_of_the_build(rounding):
    grid = activation_grid(-1.3, 2.9, unsigned=True)
    rounding.ranges[FRAME]["made up", ""] = (-1.3, 2.9)
    rounding.mode = ON
    x = torch.linspace(-2, 4, 1001)
    rounded = rounding._rounded("made up", x)
    rounding.mode = OFF
    del rounding.ranges[FRAME]["made up", ""]
    integers = np.clip(np.rint(x.numpy() / np.float32(grid.scale)) + grid.zero_point, 0, 255)
    assert np.allclose(rounded.numpy(), (integers - grid.zero_point) * grid.scale, atol=1e-6)


def test_gradients_pass_through_the_rounding(pictures):
    rounding = Int8Rounding(shipped())
    views = frame_views(pictures[:1], FRAME)
    rounding.observe([views])
    rounding.mode = ON
    rounding.read(*views).logits.sum().backward()
    silent = [name for name, parameter in rounding.network.named_parameters() if parameter.grad is None]
    assert all(name.startswith(("depth_decoder", "faults")) for name in silent), silent
    assert rounding.network.trunk.stem[0].weight.grad.abs().sum() > 0
