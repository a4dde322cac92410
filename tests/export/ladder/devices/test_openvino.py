"""OpenVINO where a build judges its graphs, with OpenVINO itself; skips where it is not installed."""

import numpy as np
import onnx
import pytest

from dgiqa_edge.export.ladder.devices import onnxruntime as onnxruntime_device

openvino = pytest.importorskip("openvino", reason="openvino is not installed: extra openvino")

from dgiqa_edge.export.ladder.devices.openvino import open_device  # noqa: E402

GRAPH = """
    <ir_version: 8, opset_import: ["" : 17]>
    g (uint8[1,4,4,3] frame) => (float score) {
        level = Cast<to = 1>(frame)
        score = ReduceMean<keepdims = 0>(level)
    }
"""


@pytest.fixture
def graph(tmp_path):
    onnx.save(onnx.parser.parse_model(GRAPH), str(tmp_path / "graph.onnx"))
    return tmp_path / "graph.onnx"


def test_it_runs_the_graph_itself_and_keeps_what_it_gave(graph):
    device = open_device(1)
    assert (device.backend, device.engine_file, device.timed) == ("openvino", None, True)
    with device.open(graph) as run:
        dark, light = (run(np.full((1, 4, 4, 3), level, np.uint8))["score"] for level in (10, 200))
    assert (float(dark), float(light)) == (10.0, 200.0)


def test_it_tells_itself_from_the_other_device_of_the_same_processor(graph):
    own, other = open_device(2), onnxruntime_device.open_device(2)
    assert own.identity() != other.identity()
    assert own.identity()["features"] == other.identity()["features"]
    assert own.name.startswith(f"OpenVINO {own.version} on ")
    assert own.version in openvino.__version__
    assert "FP16" in own.obstacle("fp16") and not own.obstacle("int8") and not own.obstacle("fp32")


def test_its_packages_take_more_room_than_onnx_runtimes():
    """What near ties are decided by; the other way round the README would have to say so."""
    assert open_device(1).install_bytes > onnxruntime_device.open_device(1).install_bytes > 10 << 20
