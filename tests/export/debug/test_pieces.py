"""Pieces of graphs: small ones give what a whole graph gives, nothing is kept that nobody takes, casts keep names."""

import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dgiqa_edge.export.debug import pieces, reference
from dgiqa_edge.export.debug.runners import as_written, on_backend
from dgiqa_edge.export.debug.source_graph import SourceGraph, stands_for
from dgiqa_edge.export.debug.walk import Walk
from dgiqa_edge.runtime import load_bundle
from dgiqa_edge.runtime.bundle.golden import load_golden
from dgiqa_edge.runtime.engines.registry import portable
from dgiqa_edge.runtime.errors import DgiqaEdgeError, ExportError

from .conftest import GRAPH


def graphs(folder, precision):
    exact = onnx.load(str(next((folder / precision / ".stages").glob("export-*/fp32.onnx"))))
    return SourceGraph(exact), SourceGraph(onnx.load(str(folder / precision / "bundle" / GRAPH)))


@pytest.mark.parametrize("most_bytes", [1, 2**30])
@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_pieces_of_any_size_give_what_the_whole_graph_gives(sound, monkeypatch, precision, most_bytes):
    monkeypatch.setattr(pieces, "MOST_BYTES", most_bytes)
    exact, lowered = graphs(sound, precision)
    bundle = load_bundle(sound / precision / "bundle")
    golden = load_golden(bundle.file("golden.safetensors"))
    pair, runner = pieces.Pair(exact, lowered), as_written(1)
    walk = Walk(pair, runner, runner, {"frame": golden.frame})
    for model, kept in ((exact.model, True), (lowered.model, False)):
        whole = reference.whole({"fused": model}, golden, 1)
        found = walk.outputs(lambda block, kept=kept: kept, {"frame": golden.frame})
        assert float(found["score"][0]) == pytest.approx(float(whole["score"][0]), abs=1e-3)
        assert np.abs(found["depth"].astype(int) - whole["depth"].astype(int)).mean() < 0.2
    assert (len(pair.pieces) > 100) == (most_bytes == 1)
    assert not any(one.distance.diverges for one in walk.tensor_by_tensor(lambda done, total: None))


@pytest.mark.parametrize("precision", ["int8", "fp16", "fp32"])
def test_all_that_is_carried_is_taken_and_then_forgotten(sound, precision):
    pair = pieces.Pair(*graphs(sound, precision))
    held = set(pair.reference.inputs)
    for piece in pair.pieces:
        held |= set(piece.carried)
        assert set(piece.last_use) <= held
        held -= set(piece.last_use)
    assert held == set(pair.reference.outputs)


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_every_weight_and_tensor_of_fp32_is_known_again(sound, precision):
    exact, lowered = graphs(sound, precision)
    meant = set(stands_for(lowered, exact).values())
    computed = {name for name in exact.makers if exact.is_float(name)}
    as_bytes = {"/Cast_output_0", "/Transpose_output_0"} if precision == "int8" else set()  # as the CPU wants them
    assert computed - meant == as_bytes
    weights = {name for node in exact.nodes if node.op_type in ("Conv", "Gemm") for name in node.input[1:2]}
    assert weights <= meant


def chain():
    """x -> z, and b: z once through FP16."""
    nodes = [
        helper.make_node("Relu", ["x"], ["z"]),
        helper.make_node("Cast", ["z"], ["a16"], to=TensorProto.FLOAT16),
        helper.make_node("Cast", ["a16"], ["b"], to=TensorProto.FLOAT),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "z", "b")]
    opset = [helper.make_opsetid("", 17)]
    return SourceGraph(
        helper.make_model(helper.make_graph(nodes, "chain", values[:1], values[1:]), opset_imports=opset)
    )


@pytest.mark.parametrize("backend", portable(), ids=lambda backend: backend.name)
def test_every_backend_gives_all_tensors_of_a_piece_by_their_names(sound, backend):
    executor = on_backend(backend, load_bundle(sound / "fp16" / "bundle"), 1)
    given = {"x": np.array([[-1.0, 0.5, 2.0, 3.0]], np.float32)}
    try:
        found = executor.run(chain().cut(["z", "a16", "b"], given))
    except DgiqaEdgeError as error:
        pytest.skip(f"{backend.title}: {error}")
    assert found.keys() == {"z", "a16", "b"}
    for array in found.values():
        np.testing.assert_array_equal(array, [[0.0, 0.5, 2.0, 3.0]])


def test_a_piece_in_fp16_takes_and_gives_fp32_and_no_overflow_of_before():
    cut = chain().cut(["b"], {"a16": np.array([[1e6, -1e6, 1.0, 2.0]], np.float32)})
    assert {array.dtype for array in cut.feed.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(as_written(1).run(cut)["b"], [[65504.0, -65504.0, 1.0, 2.0]])


def test_an_input_that_is_not_given_is_named():
    with pytest.raises(ExportError, match="its input x"):
        chain().cut(["z"], {})


def test_a_lifted_graph_is_fp32_and_rounds_nothing(sound):
    for precision in ("int8", "fp16"):
        exact, lowered = graphs(sound, precision)
        lifted = SourceGraph(reference.lift(lowered.model))
        onnx.checker.check_model(lifted.model)
        assert not any(map(lifted.is_half, lifted.makers))
        assert not any(node.op_type == "QuantizeLinear" for node in lifted.nodes)
        assert set(lifted.outputs) == set(exact.outputs)
        known = {*exact.makers, *exact.constants}
        assert all(name in known or name in lifted.fixed for name in lifted.makers if lifted.is_float(name))


def test_every_copy_of_a_weight_is_looked_at():
    """A network that runs twice reads a weight twice; in INT8 each reader has its own."""
    opset = [helper.make_opsetid("", 17)]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in ("x", "y", "z")]
    weight = numpy_helper.from_array(np.eye(2, dtype=np.float32), "w")
    twice = [helper.make_node("MatMul", [given, "w"], [made], name=made) for given, made in (("x", "y"), ("y", "z"))]
    exact = helper.make_graph(twice, "exact", values[:1], values[1:], [weight])
    nodes, stored = [], []
    for node in twice:
        names = [f"{node.name}/{part}" for part in ("quantized", "scale", "zero", "weight")]
        arrays = (np.eye(2, dtype=np.int8), np.float32(1), np.int8(0))
        stored += [numpy_helper.from_array(np.asarray(array), name) for array, name in zip(arrays, names, strict=False)]
        nodes.append(helper.make_node("DequantizeLinear", names[:3], names[3:]))
        nodes.append(helper.make_node("MatMul", [node.input[0], names[3]], node.output, name=node.name))
    lowered = helper.make_graph(nodes, "lowered", values[:1], values[1:], stored)
    pair = pieces.Pair(*(SourceGraph(helper.make_model(graph, opset_imports=opset)) for graph in (exact, lowered)))
    assert [one for piece in pair.pieces for one in pair.weights(piece)] == [("y/weight", "w"), ("z/weight", "w")]


def test_what_polygraphy_imports_can_be_interrupted(tmp_path):
    """It would take Ctrl-C for an answer, and import the rest at the next array."""
    (tmp_path / "torch.py").write_text("raise KeyboardInterrupt")
    code = "from dgiqa_edge.export.debug.runners import as_written; as_written(1)"
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "KeyboardInterrupt" in done.stderr
