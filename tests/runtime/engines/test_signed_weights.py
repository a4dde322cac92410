"""int8 and uint8 weights of one graph: the same numbers, chosen by the processor, whatever the file holds."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from dgiqa_edge.runtime.engines import session, signed_weights
from dgiqa_edge.runtime.engines.session import open_session
from dgiqa_edge.runtime.engines.signed_weights import with_signed_weights
from dgiqa_edge.runtime.machine.processor import Processor
from tests.stand_ins.quantized_conv import quantized_conv


def written(tmp_path, model):
    onnx.save(model, str(tmp_path / "graph.onnx"))
    return tmp_path / "graph.onnx"


def constants(data):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(data).graph.initializer}


def test_the_signed_form_holds_the_same_numbers_and_nothing_else_changes(tmp_path):
    file = written(tmp_path, quantized_conv())
    before, after = constants(file.read_bytes()), constants(with_signed_weights(file))
    assert len(with_signed_weights(file)) == file.stat().st_size
    assert {name for name in before if after[name].dtype != before[name].dtype} == {"weight", "weight_zero"}
    assert after["weight"].dtype == np.int8
    assert np.array_equal(after["weight"], before["weight"].astype(int) - 128)
    assert not after["weight_zero"].any()
    onnx.checker.check_model(onnx.load_from_string(with_signed_weights(file)), full_check=True)


def test_the_processor_decides_and_both_forms_compute_the_same(tmp_path, monkeypatch):
    opened, found = [], []
    real = session.onnxruntime_package().InferenceSession

    def recorded(graph, *args, **settings):
        opened.append(type(graph))
        return real(graph, *args, **settings)

    monkeypatch.setattr(session.onnxruntime_package(), "InferenceSession", recorded)
    file = written(tmp_path, quantized_conv())
    x = np.random.default_rng(1).integers(0, 40, (1, 3, 8, 8)).astype(np.float32)  # 16 bits hold their products
    for dot_products in (False, True):
        monkeypatch.setattr(signed_weights, "processor", lambda has=dot_products: Processor("a stand-in", "0", has))
        found += [open_session(file, as_written=written).run(None, {"x": x})[0] for written in (False, True)]
    assert opened == [str, str, bytes, str]
    assert np.array_equal(found[0], found[2])
    assert np.abs(found[0] - found[1]).max() <= 1.0  # a level of the grid, where a half is rounded


def shared_center(model):
    model.graph.node[0].input[2] = "weight_zero"


def other_center(model):
    replace(model, "weight_zero", np.array([128, 128, 127, 128], np.uint8))


def read_twice(model):
    model.graph.node.append(helper.make_node("Cast", ["weight"], ["copy"], to=TensorProto.FLOAT))


def signed_already(model):
    replace(model, "weight", np.zeros((4, 3, 3, 3), np.int8))
    replace(model, "weight_zero", np.zeros(4, np.int8))


def in_another_file(model):
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "scale")
    tensor.data_location = TensorProto.EXTERNAL


def replace(model, name, value):
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(value, name))


@pytest.mark.parametrize("change", [shared_center, other_center, read_twice, signed_already, in_another_file])
def test_what_is_no_weight_in_uint8_keeps_its_form(tmp_path, change):
    model = quantized_conv()
    change(model)
    file = tmp_path / "graph.onnx"
    file.write_bytes(model.SerializeToString())
    assert with_signed_weights(file) is None


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 10_000), byte=st.integers(0, 255), end=st.integers(0, 10_000))
def test_no_damage_to_the_file_is_more_than_a_no(tmp_path_factory, at, byte, end):
    data = bytearray(quantized_conv().SerializeToString())
    data[at % len(data)] = byte
    file = tmp_path_factory.mktemp("damaged") / "graph.onnx"
    file.write_bytes(data[: end or None])
    found = with_signed_weights(file)
    assert found is None or len(found) == file.stat().st_size


def test_a_file_that_is_not_there_is_left_to_who_opens_it(tmp_path):
    assert with_signed_weights(tmp_path / "none.onnx") is None
