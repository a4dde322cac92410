"""A graph of one frame that takes a batch: each row gets what it gets alone, whatever operators do to their axes."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from dgiqa_edge.export.frame_graph.batch_axis import BATCH_KEY, batch_of, open_axis
from dgiqa_edge.export.frame_graph.pipeline import FrameGraph
from dgiqa_edge.export.frame_graph.split import graphs_of_layout
from dgiqa_edge.export.frame_graph.to_onnx import export_graph, save_checked
from dgiqa_edge.export.frame_graph.view_graph import ViewGraph
from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.errors import ExportError

RANGES = [BatchRange(3, 3), BatchRange(1, 3)]
RANDOM = np.random.default_rng(3)


def graph_of(steps, shape, out_shape, constants=None):
    """``steps``: (operator, inputs, attributes); their outputs are ``y0``, ``y1`` ..., the last one's is ``out``."""
    nodes = [
        helper.make_node(operator, inputs, ["out" if number == len(steps) - 1 else f"y{number}"], **attributes)
        for number, (operator, inputs, attributes) in enumerate(steps)
    ]
    values = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    found = helper.make_tensor_value_info("out", TensorProto.FLOAT, out_shape)
    graph = helper.make_graph(nodes, "g", [given], [found], values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def runner(model):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {session.get_inputs()[0].name: x})


def i64(*values):
    return np.array(values, np.int64)


def f32(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def to_rows(name, shape):
    return ("Reshape", [name, shape], {})


CASES = {
    "crops stacked along the first axis": (
        [
            ("Concat", ["x", "x"], {"axis": 0}),
            ("Slice", ["y0", "one", "two", "zero"], {}),
            ("Concat", ["y0", "y1"], {"axis": 0}),
            ("Transpose", ["y2"], {"perm": [1, 0, 2]}),
            to_rows("y3", "flat"),
        ],
        ([1, 4, 5], [1, 60]),
        {"one": i64(1), "two": i64(2), "zero": i64(0), "flat": i64(1, 60)},
    ),
    "masks as long as the first axis": (
        [to_rows("x", "windows"), ("Add", ["y0", "masks"], {}), to_rows("y1", "back")],
        ([1, 4, 6], [1, 24]),
        {"windows": i64(4, 2, 3), "masks": f32(4, 2, 3), "back": i64(1, 24)},
    ),
    "reduced to one number": (
        [
            ("ReduceMax", ["x"], {"keepdims": 0}),
            ("ReduceMin", ["x"], {"keepdims": 0}),
            ("Sub", ["x", "y1"], {}),
            ("Sub", ["y0", "y1"], {}),
            ("Add", ["y3", "little"], {}),
            ("Div", ["y2", "y4"], {}),
        ],
        ([1, 4, 5], [1, 4, 5]),
        {"little": np.float32(1e-3)},
    ),
    "a mean over rows, columns kept": (
        [("ReduceMean", ["x"], {"axes": [1, 2], "keepdims": 0})],
        ([1, 7, 9, 5], [1, 5]),
        {},
    ),
    "a mean over rows, axes kept": (
        [("ReduceMean", ["x"], {"axes": [-2], "keepdims": 1}), ("Sub", ["x", "y0"], {})],
        ([1, 11, 6], [1, 11, 6]),
        {},
    ),
    "a mean that takes the first axis along": (
        [("ReduceMean", ["x"], {"axes": [0, 1], "keepdims": 0}), to_rows("y0", "row")],
        ([1, 5, 6], [1, 6]),
        {"row": i64(1, 6)},
    ),
    "sums along either axis": (
        [
            ("ReduceSum", ["x", "rows"], {"keepdims": 0}),
            ("ReduceSum", ["y0", "all"], {"keepdims": 1}),
            ("Sub", ["y0", "y1"], {}),
        ],
        ([1, 7, 6], [1, 6]),
        {"rows": i64(1), "all": i64(0, 1)},
    ),
    "products with constants on either side": (
        [("MatMul", ["left", "x"], {}), ("MatMul", ["y0", "right"], {}), ("MatMul", ["y1", "stack"], {})],
        ([1, 4, 5], [1, 3, 2]),
        {"left": f32(3, 4), "right": f32(5, 6), "stack": f32(1, 6, 2)},
    ),
    "products of matrices with two sides": (
        [to_rows("x", "matrix"), ("MatMul", ["left", "y0"], {}), ("MatMul", ["y1", "y0"], {}), to_rows("y2", "back")],
        ([1, 4, 4], [1, 12]),
        {"matrix": i64(4, 4), "left": f32(3, 4), "back": i64(1, 12)},
    ),
    "a product of unlike ranks": (
        [to_rows("x", "matrix"), ("MatMul", ["x", "y0"], {})],
        ([1, 4, 4], [1, 4, 4]),
        {"matrix": i64(4, 4)},
    ),
    "a token before the others": (
        [("Concat", ["token", "x"], {"axis": 1}), ("Add", ["y0", "places"], {})],
        ([1, 4, 5], [1, 5, 5]),
        {"token": f32(1, 1, 5), "places": f32(1, 5, 5)},
    ),
    "gathered, split and squeezed along the first axis": (
        [
            to_rows("x", "three"),
            ("Gather", ["y0", "order"], {"axis": 0}),
            ("Gather", ["y1", "second"], {"axis": 0}),
            ("Softmax", ["y2"], {"axis": 0}),
            ("Unsqueeze", ["y3", "zero"], {}),
        ],
        ([1, 3, 5], [1, 5]),
        {"three": i64(3, 5), "order": i64(2, 0, 1), "second": np.array(1, np.int64), "zero": i64(0)},
    ),
    "expanded": (
        [("ReduceMax", ["x"], {"axes": [2], "keepdims": 1}), ("Expand", ["y0", "wide"], {}), ("Mul", ["y1", "x"], {})],
        ([1, 4, 5], [1, 4, 5]),
        {"wide": i64(1, 4, 5)},
    ),
    "resized to sizes": (
        [
            (
                "Resize",
                ["x", "", "", "sizes"],
                {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
            )
        ],
        ([1, 2, 5, 7], [1, 2, 9, 10]),
        {"sizes": i64(1, 2, 9, 10)},
    ),
    "images and rows with weights": (
        [
            ("Conv", ["x", "kernel"], {"pads": [1, 1, 1, 1]}),
            ("GlobalAveragePool", ["y0"], {}),
            ("Flatten", ["y1"], {"axis": 1}),
            ("Gemm", ["y2", "weight", "bias"], {"transB": 1}),
            ("Relu", ["y3"], {}),
        ],
        ([1, 3, 6, 6], [1, 2]),
        {"kernel": f32(4, 3, 3, 3), "weight": f32(2, 4), "bias": f32(2)},
    ),
}


@pytest.mark.parametrize("batch", RANGES, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_each_row_gets_what_it_gets_alone(case, batch):
    steps, (shape, out_shape), constants = CASES[case]
    model = graph_of(steps, shape, out_shape, constants)
    opened = open_axis(model, batch)
    onnx.checker.check_model(opened, full_check=True)
    alone, together = runner(model), runner(opened)
    x = f32(3, *shape[1:])
    (found,) = together(x)
    assert found.shape == (3, *out_shape[1:])
    expected = np.concatenate([alone(x[row : row + 1])[0] for row in range(3)])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    others = f32(3, *shape[1:])
    others[1] = x[1]
    assert np.array_equal(together(others)[0][1], found[1])
    if not batch.fixed:
        for rows in (1, 2):
            assert np.array_equal(together(x[:rows])[0], found[:rows])


def test_a_graph_for_one_frame_stays_as_it_is():
    model = graph_of([("Relu", ["x"], {})], [1, 4], [1, 4])
    assert open_axis(model, BatchRange()) is model
    assert batch_of(model) is None


@pytest.mark.parametrize(("batch", "side"), [(BatchRange(4, 4), 4), (BatchRange(1, 8), "N")], ids=str)
def test_the_graph_says_what_it_takes(batch, side):
    model = graph_of([("Relu", ["x"], {})], [1, 4], [1, 4])
    helper.set_model_props(model, {"tool": "t"})
    opened = open_axis(model, batch)
    assert batch_of(opened) == batch
    assert {entry.key: entry.value for entry in opened.metadata_props} == {"tool": "t", BATCH_KEY: str(batch)}
    for value in (*opened.graph.input, *opened.graph.output):
        first = value.type.tensor_type.shape.dim[0]
        assert (first.dim_value or first.dim_param) == side
    assert len(model.metadata_props) == 1, "the graph that was given is left as it is"


@pytest.mark.parametrize(
    ("steps", "shape", "out_shape", "constants", "problem"),
    [
        ([("LRN", ["x"], {"size": 3})], [1, 3, 4, 4], [1, 3, 4, 4], {}, r"\(LRN\).*not known what it does to the rows"),
        ([("MatMul", ["x", "vector"], {})], [1, 2, 4], [1, 2], {"vector": f32(4)}, "multiplies by a vector"),
        (
            [("Gemm", ["x", "weight"], {"transA": 1})],
            [1, 4],
            [4, 2],
            {"weight": f32(1, 2)},
            "no product of rows with constant weights",
        ),
        ([("Conv", ["x", "x"], {})], [1, 2, 3, 3], [1, 1, 1, 1], {}, "weights depend on the frame"),
        ([("Identity", ["x"], {})], [2, 4], [2, 4], {}, "x does not begin with an axis of one frame"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_opened_is_refused_by_the_nodes_name(steps, shape, out_shape, constants, problem):
    with pytest.raises(ExportError, match=problem):
        open_axis(graph_of(steps, shape, out_shape, constants), BatchRange(1, 4))


def exported(module, size, names, folder):
    frame = torch.zeros((1, *size, 3), dtype=torch.uint8)
    export_graph(module, {"frame": frame}, names, folder / "graph.onnx", {"tool": "t"})
    return folder / "graph.onnx"


@pytest.fixture(scope="module")
def whole_graphs(tiny_networks, tmp_path_factory):
    """One graph of each kind: two networks on crops, one network on views, of which one has several crops."""
    folder = tmp_path_factory.mktemp("graphs")
    made = {}
    torch.manual_seed(5)
    for kind, (module, size, names) in {
        "pipeline": (
            FrameGraph(*tiny_networks, (96, 128), depth_side=70, crops=2),
            (96, 128),
            ("score", "crop_scores", "depth"),
        ),
        "views": (
            ViewGraph(Nano().eval(), (160, 192), crops=2),
            (160, 192),
            ("score", "crop_scores", "depth", "faults", "coverage"),
        ),
    }.items():
        (folder / kind).mkdir()
        made[kind] = exported(module, size, names, folder / kind), size
    return made


@pytest.mark.parametrize("batch", RANGES, ids=str)
@pytest.mark.parametrize(("kind", "layout"), [("pipeline", "fused"), ("pipeline", "split"), ("views", "fused")])
def test_whole_graphs_give_each_frame_what_it_gets_alone(whole_graphs, photos, tmp_path, kind, layout, batch):
    import cv2

    path, size = whole_graphs[kind]
    frames = np.stack([cv2.resize(photo, size[::-1], interpolation=cv2.INTER_AREA) for photo in photos[:3]])

    def outputs_of(chosen, given):
        tensors = {"frame": given}
        for role, model in graphs_of_layout(path, layout, chosen).items():
            save_checked(model, tmp_path / f"{role}.onnx")
            session = onnxruntime.InferenceSession(str(tmp_path / f"{role}.onnx"), providers=["CPUExecutionProvider"])
            names = [output.name for output in session.get_outputs()]
            read = {value.name: tensors[value.name] for value in session.get_inputs()}
            tensors |= dict(zip(names, session.run(names, read), strict=True))
        return tensors

    found = outputs_of(batch, frames)
    for row in range(3):
        alone = outputs_of(BatchRange(), frames[row : row + 1])
        for name, array in alone.items():
            if name == "depth":
                assert np.abs(found[name][row].astype(int) - array[0]).max() <= 1
            else:
                np.testing.assert_allclose(found[name][row], array[0], rtol=0, atol=1e-5)
    if not batch.fixed:  # the same bits, whatever is beside it
        alone = [outputs_of(batch, frames[row : row + 1]) for row in range(3)]
        for name, array in found.items():
            assert np.array_equal(array, np.concatenate([one[name] for one in alone])), name
