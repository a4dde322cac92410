import numpy as np
import pytest
from onnx import TensorProto, helper

from dgiqa_edge.calibration.int8.placement import KeptFloat, place
from dgiqa_edge.runtime.errors import CalibrationError

LAYERS = [
    ("/depth_net/stem/Conv", 0),
    ("/depth_net/branch/Conv", 0),
    ("/depth_net/q/MatMul", 1),
    ("/depth_net/k/MatMul", 1),
    ("/depth_net/v/MatMul", 1),
    ("Gemm_4", 1),
    ("/depth_net/head/MatMul", 1),
    ("/quality_net/fc1/Gemm", 0),
    ("/quality_net/fc2/Gemm", 1),
]


def test_layers_with_weights_inside_the_networks_and_nothing_else(frame_graph):
    placement = place(frame_graph, kept_float=())
    assert [(node.name, node.weight_axis) for node in placement.nodes] == LAYERS
    assert dict(placement.kept_float) == {
        "/depth_net/MatMul": "product of two activations",
        "/depth_net/MatMul_1": "product of two activations",
    }


def test_outputs_are_in_the_order_of_the_graph(frame_graph):
    placement = place(frame_graph, kept_float=(), only=["*/Conv", "Gemm_4"])
    assert placement.outputs == ("/depth_net/stem/Conv_output_0", "/depth_net/branch/Conv_output_0", "_v_2")


def network(builder, op, inputs, **attributes):
    """A graph of one product that can be placed, ``/network/good/MatMul``, and of ``/network/one/OP``."""
    x = builder.node("MatMul", ["x", builder.weight("network.good.weight", 8, 8)], "/network/good/MatMul")
    x = builder.node("Relu", [x], "/network/Relu")
    others = {
        "activation": lambda: x,
        "weight": lambda: builder.weight("network.one.weight", 8, 8),
        "other weight": lambda: builder.weight("network.one.other", 8, 8),
        "three axes": lambda: builder.weight("network.one.weight", 1, 8, 8),
        "bias": lambda: builder.weight("network.one.bias", 8),
        "double": lambda: builder.node("Cast", [x], "/network/Cast", to=TensorProto.DOUBLE),
        "double weight": lambda: builder.constant("network.one.weight", np.eye(8)),
    }
    kind = TensorProto.DOUBLE if "double" in inputs else TensorProto.FLOAT
    builder.node(op, [others[name]() for name in inputs], f"/network/one/{op}", output="y", **attributes)
    shape = [1, 8, 8] if "three axes" in inputs else [8, 8]
    return builder.model(
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [8, 8])],
        [helper.make_tensor_value_info("y", kind, shape)],
    )


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "reason"),
    [
        ("MatMul", ["activation", "weight"], {}, None),
        ("MatMul", ["activation", "activation"], {}, "product of two activations"),
        ("MatMul", ["weight", "activation"], {}, "constant on the left"),
        ("MatMul", ["weight", "other weight"], {}, "both inputs are constant"),
        ("MatMul", ["double", "double weight"], {}, "weight is not float32"),
        ("MatMul", ["activation", "three axes"], {}, "weight has 3 dimensions, not 2"),
        ("Gemm", ["activation", "weight", "bias"], {"transB": 1}, None),
        ("Gemm", ["activation", "weight", "bias"], {"transA": 1}, "transposed activation"),
        ("Gemm", ["activation", "weight", "bias"], {"alpha": 0.5}, "scaled Gemm (alpha or beta)"),
        ("Gemm", ["activation", "weight", "bias"], {"beta": 0.5}, "scaled Gemm (alpha or beta)"),
    ],
)
def test_a_product_that_is_no_layer_stays_float_and_says_why(builder, op, inputs, attributes, reason):
    placement = place(network(builder, op, inputs, **attributes), kept_float=())
    assert dict(placement.kept_float) == ({} if reason is None else {f"/network/one/{op}": reason})
    assert (f"/network/one/{op}" in [node.name for node in placement.nodes]) == (reason is None)


def test_a_layer_has_its_own_bias_or_that_of_the_sum_that_alone_reads_it(frame_graph):
    placed = {node.name: (node.bias, node.bias_reader) for node in place(frame_graph, kept_float=()).nodes}
    assert placed == {
        "/depth_net/stem/Conv": ("depth_net.stem.bias", "/depth_net/stem/Conv_output_0"),
        "/depth_net/branch/Conv": ("depth_net.branch.bias", "/depth_net/branch/Conv_output_0"),
        "/depth_net/q/MatMul": ("depth_net.q.bias", "/depth_net/q/Add_output_0"),
        "/depth_net/k/MatMul": ("depth_net.k.bias", "/depth_net/k/Add_output_0"),
        "/depth_net/v/MatMul": ("depth_net.v.bias", "/depth_net/v/Add_output_0"),
        "Gemm_4": ("depth_net.o.bias", "_v_2"),
        "/depth_net/head/MatMul": (None, "/depth_net/head/MatMul_output_0"),
        "/quality_net/fc1/Gemm": ("quality_net.fc1.bias", "/quality_net/fc1/Gemm_output_0"),
        "/quality_net/fc2/Gemm": ("quality_net.fc2.bias", "/quality_net/fc2/Gemm_output_0"),
    }


@pytest.mark.parametrize(
    ("op", "addend", "twice", "bias"),
    [
        ("Add", "constant", False, "network.bias"),
        ("Add", "constant", True, None),  # whoever else reads the product would miss the bias
        ("Add", "x", False, None),  # a residual
        ("Mul", "constant", False, None),
    ],
)
def test_only_a_constant_that_is_added_is_a_products_bias(builder, op, addend, twice, bias):
    product = builder.node("MatMul", ["x", builder.weight("network.weight", 8, 8)], "/network/MatMul")
    constant = builder.weight("network.bias", 8)
    result = builder.node(op, [constant if addend == "constant" else "x", product], f"/network/{op}")
    builder.node("Add", [result, product if twice else "x"], "/network/last/Add", output="y")
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [8, 8]) for name in "xy"]
    (node,) = place(builder.model(info[:1], info[1:]), kept_float=()).nodes
    assert (node.bias, node.bias_reader) == (bias, result if bias else product)


def test_what_is_added_to_a_convolution_is_no_bias_of_it(builder):
    weight = builder.weight("network.weight", 8, 8, 1, 1)
    made = builder.node("Conv", ["x", weight], "/network/Conv")
    builder.node("Add", [made, builder.weight("network.bias", 8, 1, 1)], "/network/Add", output="y")
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8, 4, 4]) for name in "xy"]
    (node,) = place(builder.model(info[:1], info[1:]), kept_float=()).nodes
    assert (node.bias, node.bias_reader) == (None, made)


def test_a_standing_exception_finds_a_renamed_node_by_its_constants(frame_graph):
    placement = place(frame_graph, kept_float=[KeptFloat("/depth_net/o/*", "why")])
    assert dict(placement.kept_float)["Gemm_4"] == "why"
    placement = place(frame_graph, kept_float=[KeptFloat("/_v_1", "an activation has no path")])
    assert "Gemm_4" not in dict(placement.kept_float)


@pytest.mark.parametrize("narrowest", [1, 5, 16, 40])
def test_products_narrower_than_a_target_takes_stay_float_and_convolutions_do_not(frame_graph, narrowest):
    sides = {tensor.name: min(tensor.dims) for tensor in frame_graph.graph.initializer if tensor.dims}
    everything = place(frame_graph, kept_float=()).nodes
    wide = [node for node in everything if node.op_type == "Conv" or sides[node.weight] >= narrowest]
    placement = place(frame_graph, kept_float=(), narrowest_product=narrowest)
    assert list(placement.nodes) == wide
    narrow = [name for name, reason in placement.kept_float if reason == f"weight is narrower than {narrowest}"]
    assert narrow == [node.name for node in everything if node not in wide]


def test_a_conv_takes_its_output_range_behind_the_relu_that_alone_reads_it(frame_graph):
    nodes = {node.name: node for node in place(frame_graph, kept_float=()).nodes}
    assert nodes["/depth_net/stem/Conv"].output_range == "/depth_net/stem/Relu_output_0"
    assert nodes["/depth_net/branch/Conv"].output_range == "/depth_net/branch/Conv_output_0"


def test_a_conv_takes_its_output_range_behind_a_clip_too(frame_graph):
    clipped = type(frame_graph)()
    clipped.CopyFrom(frame_graph)
    relu = next(node for node in clipped.graph.node if node.name == "/depth_net/stem/Relu")
    relu.op_type = "Clip"  # without bounds: what a ReLU6 becomes, its bounds apart
    nodes = {node.name: node for node in place(clipped, kept_float=()).nodes}
    assert nodes["/depth_net/stem/Conv"].output_range == "/depth_net/stem/Relu_output_0"


def test_tensors_to_observe_serve_every_target_without_repeats(frame_graph):
    tensors = place(frame_graph, kept_float=()).tensors_to_observe()
    assert len(tensors) == len(set(tensors))
    assert tensors.count("/depth_net/norm/LayerNormalization_output_0") == 1  # read by q, k and v
    assert "/depth_net/branch/Conv_output_0" in tensors  # a Conv's output, for ONNX Runtime
    assert "_v_2" not in tensors  # a Gemm's output is never quantized


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"exclude": ["/quality_net/*"]},
            [name for name, _ in LAYERS if not name.startswith("/quality_net/")],
        ),
        ({"only": ["*/Conv"]}, ["/depth_net/stem/Conv", "/depth_net/branch/Conv"]),
        ({"only": ["*/Conv"], "exclude": ["*stem*"]}, ["/depth_net/branch/Conv"]),
        ({"op_types": ["Gemm"]}, ["Gemm_4", "/quality_net/fc1/Gemm", "/quality_net/fc2/Gemm"]),
        ({"scopes": ["/quality_net/"]}, ["/quality_net/fc1/Gemm", "/quality_net/fc2/Gemm"]),
    ],
)
def test_options_narrow_the_choice(frame_graph, options, expected):
    assert [node.name for node in place(frame_graph, kept_float=(), **options).nodes] == expected


def test_a_standing_exception_stays_float_with_its_reason(frame_graph):
    placement = place(frame_graph, kept_float=[KeptFloat("/depth_net/head/*", "the depth map's own levels")])
    assert dict(placement.kept_float)["/depth_net/head/MatMul"] == "the depth map's own levels"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("/depth_net/pretrained/patch_embed/proj/Conv", True),
        ("/quality_net/backbone/patch_embed/proj/Conv", True),
        ("/depth_net/depth_head/scratch/output_conv2/output_conv2.0/Conv", True),
        ("/depth_net/depth_head/scratch/output_conv1/Conv", False),
        ("/depth_net/depth_head/resize_layers.3/Conv", False),
        ("/network/faults/cells/Conv", True),
        ("/network/faults/frame/hidden/Gemm", True),
        ("/network/faults/mix/mix.0/Conv", False),
        ("/network/head/whole/read/Gemm", True),
        ("/network/blocks.1/mlp/fc1/Gemm", True),
        ("/network/blocks.2/mlp/fc1/Gemm", False),
        ("/network/blocks.10/mlp/fc1/Gemm", False),
        ("/network/trunk/blocks.1/expand/Conv", False),
    ],
)
def test_the_default_policy_spares_the_first_and_last_convolutions(frame_graph, name, kept):
    model = type(frame_graph)()
    model.CopyFrom(frame_graph)
    next(node for node in model.graph.node if node.name == "/depth_net/stem/Conv").name = name
    placement = place(model)
    assert (name in dict(placement.kept_float)) == kept
    assert (name in [node.name for node in placement.nodes]) != kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scopes": ["/teacher/"]}, "no node of the graph lies in the scopes /teacher/"),
        ({"exclude": ["/depth_net/qkv/*"]}, "no node is named like '/depth_net/qkv/\\*'"),
        (
            {"only": ["*Softmax"]},
            "nothing to quantize: 9 x not among the nodes asked for; 2 x product of two activations$",
        ),
    ],
)
def test_a_choice_that_would_change_nothing_is_refused(frame_graph, options, message):
    with pytest.raises(CalibrationError, match=message):
        place(frame_graph, kept_float=(), **options)


def test_a_network_without_products_is_refused(builder):
    builder.node("Relu", ["x"], "/network/Relu", output="y")
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [8]) for name in "xy"]
    with pytest.raises(CalibrationError, match=r"nothing to quantize: the networks hold no Conv, MatMul or Gemm$"):
        place(builder.model(info[:1], info[1:]))
