import dataclasses

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from dgiqa_edge.calibration.int8.exact_grids import exact_grids
from dgiqa_edge.calibration.int8.grids import ActivationGrid
from dgiqa_edge.calibration.int8.placement import place
from dgiqa_edge.calibration.int8.quantize import quantize
from dgiqa_edge.calibration.int8.ranges import TensorRange
from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.export.frame_graph.to_onnx import export_graph
from dgiqa_edge.export.networks.views import shrink_matrix

SIZE = (12, 16)


def graph(matrix, shift=128.0, scale=1 / 128, rounded=True):
    """frame -> Cast -> [rows of] matrix -> Round -> Transpose -> (x - shift) * scale."""
    constants = {"m": matrix, "shift": np.float32(shift), "scale": np.float32(scale)}
    nodes = [
        helper.make_node("Cast", ["frame"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["m", "pixels"], ["few"]),
        helper.make_node("Round" if rounded else "Identity", ["few"], ["whole"]),
        helper.make_node("Transpose", ["whole"], ["turned"], perm=[1, 0]),
        helper.make_node("Sub", ["turned", "shift"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["y"]),
    ]
    return helper.make_graph(
        nodes,
        "levels",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, list(SIZE))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [SIZE[1], 4])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )


AVERAGES = shrink_matrix(12, 4)


def test_levels_keep_their_grid_through_what_moves_shifts_and_scales_them():
    assert exact_grids(graph(AVERAGES), unsigned=True)["y"] == ActivationGrid(1 / 128, 128, unsigned=True)
    assert exact_grids(graph(AVERAGES), unsigned=False)["y"] == ActivationGrid(1 / 128, 0, unsigned=False)
    assert exact_grids(graph(AVERAGES), unsigned=True)["turned"] == ActivationGrid(1.0, 0, unsigned=True)
    assert "turned" not in exact_grids(graph(AVERAGES), unsigned=False)  # 255 has no place beside a zero point of 0


@pytest.mark.parametrize(
    "changes",
    [
        {"shift": 127.5},
        {"shift": -3.0},
        {"rounded": False},
        {"matrix": AVERAGES * 1.5},
        {"matrix": np.where(AVERAGES > 0, -AVERAGES, AVERAGES)},
    ],
)
def test_what_is_not_levels_has_no_such_grid(changes):
    assert "y" not in exact_grids(graph(**{"matrix": AVERAGES, **changes}), unsigned=True)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)

    def forward(self, *views):
        return tuple(torch.relu(self.stem((view - 128.0) * (1 / 128))) for view in views)


class Frames(nn.Module):
    """A frame graph of levels: the frame shrunk and rounded, and a crop of it, each through one convolution."""

    def __init__(self):
        super().__init__()
        self.network = Network()
        self.register_buffer("rows", torch.from_numpy(AVERAGES))

    def forward(self, frame):
        pixels = frame.float()
        few = torch.matmul(self.rows, pixels.reshape(1, SIZE[0], -1)).reshape(1, 4, SIZE[1], 3)
        views = torch.round(few), pixels[:, 2:10, 3:11]
        return self.network(*(view.permute(0, 3, 1, 2) for view in views))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("levels") / "graph.onnx"
    export_graph(Frames().eval(), {"frame": torch.zeros(1, *SIZE, 3, dtype=torch.uint8)}, ("whole", "crop"), path, {})
    return onnx.load(path)


def in_int8(model, whole_levels):
    placement = place(model, kept_float=())
    ranges = {name: TensorRange(-1.0, 6.0, -1.0, 6.0) for name in placement.tensors_to_observe()}
    target = dataclasses.replace(target_named("onnxruntime"), whole_levels=whole_levels)
    return quantize(model, placement, ranges, target).model


def test_convolutions_read_the_frames_bytes_and_nothing_changes(exported):
    bytes_read, floats_read = in_int8(exported, True), in_int8(exported, False)
    operators = [node.op_type for node in bytes_read.graph.node]
    assert not {"Round", "Sub", "Mul"} & set(operators)
    assert operators.count("Cast") <= 1  # of the rows, whose product is no small multiple of one step here
    rng = np.random.default_rng(0)
    for _ in range(4):
        frame = rng.integers(0, 256, (1, *SIZE, 3), np.uint8)
        results = []
        for model in (bytes_read, floats_read):
            session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
            results.append(session.run(None, {"frame": frame}))
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(one, other)
