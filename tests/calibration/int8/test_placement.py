import pytest

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
        ({"only": ["*Softmax"]}, "nothing to quantize"),
    ],
)
def test_a_choice_that_would_change_nothing_is_refused(frame_graph, options, message):
    with pytest.raises(CalibrationError, match=message):
        place(frame_graph, kept_float=(), **options)
