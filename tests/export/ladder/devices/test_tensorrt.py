"""Which rungs make sense on which TensorRT."""

from types import SimpleNamespace

import onnx
import pytest
from onnx import TensorProto, helper
from stand_ins import fake_tensorrt

from dgiqa_edge.export.ladder.devices import tensorrt
from dgiqa_edge.export.ladder.devices.tensorrt import TensorRtDevice
from dgiqa_edge.export.ladder.rungs import RUNGS
from dgiqa_edge.export.tensorrt.configuration import Device
from dgiqa_edge.export.tensorrt.machine import TensorRtMachine
from dgiqa_edge.runtime.engines.tensorrt.versions import support_of


@pytest.mark.parametrize(
    ("version", "flavour", "refused"),
    [
        ("8.6.1", "tensorrt", {"fp16-attention"}),
        ("11.2.0", "tensorrt", {"fp16-attention"}),
        ("11.3.0", "tensorrt", set()),
        ("11.4.0.106", "tensorrt", set()),
        ("1.7.1", "tensorrt-rtx", {"fp16-attention"}),
    ],
)
def test_a_rung_is_tried_where_the_version_can_do_what_it_is_for(version, flavour, refused):
    machine = SimpleNamespace(support=support_of(version, flavour), label=f"TensorRT {version}")
    device = TensorRtDevice(machine, None, None, None, None)
    told = {rung.name: device.obstacle(rung.precision, rung.islands) for rung in RUNGS}
    assert {name for name, why in told.items() if why} == refused
    assert all("11.3 and newer do" in told[name] for name in refused)


def test_any_graph_becomes_an_engine_as_a_build_makes_it(monkeypatch, tmp_path):
    trt = fake_tensorrt.FakeTensorRt("10.13.3.9")
    machine = TensorRtMachine(trt, "10.13.3.9", support_of("10.13.3.9"), Device("Test GPU", "87"))
    monkeypatch.setattr(tensorrt, "open_machine", lambda: machine)
    monkeypatch.setattr(tensorrt, "open_plan", lambda plan, record: (plan.read_bytes(), record))
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "y")]
    nodes = [helper.make_node("Relu", ["x"], ["y"], name="/network/Relu")]
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(helper.make_graph(nodes, "one", values[:1], values[1:]), opset_imports=opset)
    onnx.save(model, tmp_path / "piece.onnx")
    label, opened = tensorrt.graph_opener()
    plan, record = opened(tmp_path / "piece.onnx")
    assert label == "TensorRT 10.13.3.9 on Test GPU (SM 87)"
    assert onnx.load_from_string(fake_tensorrt.onnx_of(plan)[0]).graph.node[0].name == "/network/Relu"
    assert (record.backend, record.file, record.requires.sm) == ("tensorrt", "piece.plan", "87")
