"""The one maker of sessions, with ONNX Runtime itself."""

import sys

import onnx
import onnxruntime
import pytest

from dgiqa_edge.runtime.engines.session import CPU, open_session
from dgiqa_edge.runtime.errors import EngineCompatibilityError, MachineError


@pytest.fixture
def graph(tmp_path):
    model = onnx.helper.make_model(onnx.parser.parse_graph("g (float[1] x) => (float[1] y) { y = Neg(x) }"))
    model.ir_version, model.opset_import[0].version = 8, 17
    onnx.save(model, str(tmp_path / "graph.onnx"))
    return tmp_path / "graph.onnx"


@pytest.mark.parametrize(
    ("given", "entry", "expected"),
    [
        ({}, "session.intra_op.allow_spinning", "1"),
        ({"spinning": False}, "session.intra_op.allow_spinning", "0"),
        ({}, "session.force_spinning_stop", "0"),
        ({"spinning": "in runs"}, "session.intra_op.allow_spinning", "1"),
        ({"spinning": "in runs"}, "session.force_spinning_stop", "1"),
        ({"as_written": True}, "session.disable_quant_qdq", "1"),
    ],
)
def test_what_is_asked_for_is_what_the_session_has(graph, given, entry, expected):
    session = open_session(graph, threads=2, **given)
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.enable_cpu_mem_arena, options.log_severity_level) == (2, True, 3)
    assert options.get_session_config_entry(entry) == expected
    assert session.get_providers() == [CPU]
    assert session.run(None, {"x": [3.0]})[0].tolist() == [-3.0]


def test_without_a_number_of_threads_every_core_is_taken(graph):
    assert open_session(graph, arena=False).get_session_options().intra_op_num_threads == 0


def test_a_convolution_that_a_build_kept_in_float_stays_float(tmp_path):
    text = """g (float[1, 1, 4, 4] x) => (float[1, 1, 4, 4] y)
    <float s = {0.1}, uint8 z = {128}, float[1, 1, 1, 1] w = {1}> {
        q = QuantizeLinear(x, s, z)
        d = DequantizeLinear(q, s, z)
        c = Conv(d, w)
        r = QuantizeLinear(c, s, z)
        y = DequantizeLinear(r, s, z)
    }"""
    model = onnx.helper.make_model(onnx.parser.parse_graph(text))
    model.ir_version, model.opset_import[0].version = 8, 17
    onnx.save(model, str(tmp_path / "kept.onnx"))
    open_session(tmp_path / "kept.onnx", optimized_to=tmp_path / "optimized.onnx")
    kinds = {node.op_type for node in onnx.load(str(tmp_path / "optimized.onnx")).graph.node}
    assert "Conv" in kinds and "QLinearConv" not in kinds


def test_a_profile_lies_where_it_was_asked_for(graph, tmp_path):
    session = open_session(graph, profile=tmp_path / "profile")
    session.run(None, {"x": [1.0]})
    assert session.end_profiling().startswith(str(tmp_path / "profile"))


def test_a_file_that_is_no_graph_is_named_in_one_line(tmp_path):
    (tmp_path / "torn.onnx").write_bytes(b"\x08\x08 no graph follows")
    with pytest.raises(EngineCompatibilityError, match=rf"^onnxruntime {onnxruntime.__version__} cannot load .*torn"):
        open_session(tmp_path / "torn.onnx")


def test_a_missing_package_says_what_installs_it(graph, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MachineError, match=r"onnxruntime is not installed: pip install .*\[cpu\]"):
        open_session(graph)
