"""What FP16 keeps in FP32 by choice: found by the shape of the graph, whatever its nodes are called."""

import onnx
import pytest
import torch
from onnx import TensorProto, helper

from dgiqa_edge.calibration.int8.placement import DEFAULT_SCOPES
from dgiqa_edge.export.frame_graph.islands import ISLANDS, attention, sums
from dgiqa_edge.export.frame_graph.precision import to_fp16
from dgiqa_edge.export.frame_graph.to_onnx import export_graph
from dgiqa_edge.export.frame_graph.view_graph import ViewGraph
from dgiqa_edge.export.ladder.rungs import RUNGS
from dgiqa_edge.export.networks.nano import Nano


def graph(*nodes: tuple[str, list[str], str]) -> onnx.GraphProto:
    made = [helper.make_node(kind, inputs, [output], name=output) for kind, inputs, output in nodes]
    value = helper.make_tensor_value_info
    return helper.make_graph(made, "g", [value("q", TensorProto.FLOAT, None)], [value("o", TensorProto.FLOAT, None)])


PLAIN = [("MatMul", ["q", "k"], "logits"), ("Softmax", ["logits"], "weights"), ("MatMul", ["weights", "v"], "o")]


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        (PLAIN, {"logits", "weights", "o"}),
        (
            [
                ("MatMul", ["x", "w"], "q2"),
                ("MatMul", ["q2", "k"], "l"),
                ("Add", ["mask", "l"], "masked"),
                ("Reshape", ["masked", "s"], "shaped"),
                ("Softmax", ["shaped"], "weights"),
                ("Reshape", ["weights", "s"], "back"),
                ("MatMul", ["back", "v"], "o"),
                ("MatMul", ["o", "w"], "projected"),
            ],
            {"l", "masked", "shaped", "weights", "back", "o"},  # neither projection
        ),
        ([("MatMul", ["q", "k"], "l"), ("Softmax", ["l"], "o")], set()),
        ([("Relu", ["q"], "l"), ("Softmax", ["l"], "w"), ("MatMul", ["w", "v"], "o")], set()),
        ([*PLAIN[:2], ("Relu", ["weights"], "r"), ("MatMul", ["r", "v"], "o")], set()),
    ],
)
def test_an_attention_is_two_products_with_a_softmax_between(nodes, found):
    assert set(attention(graph(*nodes))) == found


def test_the_sums_are_found_by_their_operators():
    nodes = graph(("LayerNormalization", ["q", "w"], "n"), ("Relu", ["n"], "r"), ("ReduceMean", ["r"], "o"))
    assert set(sums(nodes)) == {"n", "o"}


def test_every_rung_names_islands_that_exist():
    assert {rung.islands for rung in RUNGS} - {""} == set(ISLANDS)


@pytest.fixture(scope="module")
def nano(tmp_path_factory):
    path = tmp_path_factory.mktemp("islands") / "fp32.onnx"
    frame = torch.zeros((1, 160, 160, 3), dtype=torch.uint8)
    export_graph(ViewGraph(Nano().eval(), (160, 160)), {"frame": frame}, ("score", "crop_scores", "depth"), path, {})
    return onnx.load(str(path))


def test_an_fp32_attention_reads_casts_of_query_key_and_value_and_what_is_around_it_is_fp16(nano):
    kept = attention(nano.graph)
    softmaxes = [node.name for node in nano.graph.node if node.op_type == "Softmax"]
    assert softmaxes and set(softmaxes) <= set(kept)
    magnitudes = dict.fromkeys((name for node in nano.graph.node for name in (*node.input, *node.output)), 1.0)
    lowered, report = to_fp16(nano, DEFAULT_SCOPES, magnitudes, kept=kept)
    assert set(report.islands) == set(kept)
    makers = {output: node for node in lowered.graph.node for output in node.output}
    for softmax in softmaxes:
        (before,) = (node for node in lowered.graph.node if node.name == softmax)
        (product,) = (
            node for node in lowered.graph.node if node.op_type == "MatMul" and before.output[0] in node.input
        )
        logits = makers[before.input[0]]
        while logits.op_type != "MatMul":
            logits = makers[logits.input[0]]
        (value,) = (name for name in product.input if name != before.output[0])
        for name in (*logits.input, value):
            assert makers[name].op_type == "Cast"
            assert makers[makers[name].input[0]].name in report.lowered
