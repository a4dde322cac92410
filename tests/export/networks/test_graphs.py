"""The networks as ONNX graphs: equal to PyTorch, and what must be a constant has become one."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from dgiqa_edge.export import networks
from dgiqa_edge.export.frame_graph.to_onnx import export_graph
from dgiqa_edge.export.networks.swin import SHIFT, WindowAttention
from dgiqa_edge.export.weights.seeding import seed_weights


def export(module, path, **shapes):
    """(graph, largest difference to PyTorch, number of nodes by operator)."""
    torch.manual_seed(3)
    examples = {name: torch.randn(shape) for name, shape in shapes.items()}
    export_graph(module, examples, ["out"], path, {})
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {name: tensor.numpy() for name, tensor in examples.items()})
    with torch.no_grad():
        expected = module(*examples.values()).numpy()
    model = onnx.load(str(path), load_external_data=False)
    difference = float(np.abs(output - expected).max() / np.abs(expected).max())
    return difference, Counter(node.op_type for node in model.graph.node)


@pytest.mark.parametrize("shift", [0, SHIFT])
def test_a_window_attention_is_gathers_matmuls_and_softmax(tmp_path, shift):
    module = WindowAttention(24, 3, 14, shift).eval()
    torch.nn.init.normal_(module.relative_position_bias_table)
    difference, operators = export(module, tmp_path / "g.onnx", tokens=(2, 196, 24))
    assert difference < 1e-5
    # Two gathers move tokens; the bias table's gather and the sliced qkv have been folded.
    assert operators["Gather"] == 2
    assert operators["Softmax"] == 1
    assert set(operators) <= {"Gather", "MatMul", "Gemm", "Add", "Reshape", "Transpose", "Softmax"}


def test_the_depth_graph_holds_a_constant_position_embedding(tmp_path):
    module = networks.create("depth_anything_v2_vits")
    seed_weights(module, "graphs")
    difference, operators = export(module, tmp_path / "g.onnx", image=(1, 3, 56, 70))
    assert difference < 1e-4
    assert operators["Resize"] == 5  # the head's four and the last; none for the position embedding
    assert operators["LayerNormalization"] == 28
    assert operators["Softmax"] == 12
    assert not {"Split", "Expand", "Shape", "Where", "Range", "Mod"} & set(operators)


@pytest.mark.slow
def test_the_quality_graph_has_no_resize_and_no_roll(tmp_path):
    module = networks.create("dgiqa")
    seed_weights(module, "graphs")
    difference, operators = export(module, tmp_path / "g.onnx", x_rgb=(1, 3, 224, 224), x_depth=(1, 3, 224, 224))
    assert difference < 1e-5
    assert operators["Softmax"] == 26
    assert operators["Gather"] == 54  # two per window attention, one per patch merging
    assert not {"Resize", "Split", "Expand", "Shape", "Where", "Mod"} & set(operators)
    assert sum(operators.values()) < 1100
