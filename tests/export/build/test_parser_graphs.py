"""A bundle without an engine holds a graph for each version of TensorRT, that builds there and gives its numbers."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from stand_ins import fake_tensorrt
from stand_ins.small_networks import run_build as build

from dgiqa_edge.export.options.tensorrt_options import BuilderSettings
from dgiqa_edge.export.tensorrt.builder import BuildLog
from dgiqa_edge.export.tensorrt.builder import build as build_engine
from dgiqa_edge.export.tensorrt.configuration import Device, configure
from dgiqa_edge.export.tensorrt.graph import GraphFacts
from dgiqa_edge.runtime import load_bundle
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.engines.tensorrt.versions import support_of, supports
from dgiqa_edge.runtime.machine.version_requirement import satisfies

DEVICE = Device("Test GPU", "87")
VERSIONS = [entry["name"] for entry in fake_tensorrt.versions()]


@pytest.fixture(params=["int8-fused", "int8-split", "fp16-fused", "fp32-split"])
def bundle(request, machine, engine_options):
    precision, layout = request.param.split("-")
    return load_bundle(build(engine_options(engine=False, precision=precision, layout=layout)).bundle)


def outputs_of(path, role):
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = onnxruntime.InferenceSession(str(path), options)
    random = np.random.default_rng(len(role))
    feed = {value.name: random.integers(0, 256, value.shape, dtype=np.uint8) for value in session.get_inputs()}
    return dict(zip([value.name for value in session.get_outputs()], session.run(None, feed), strict=True))


def test_every_version_finds_one_graph_per_role_and_builds_it_with_its_facts_alone(bundle):
    for version in (*(support.since for support in supports()), *VERSIONS):
        for role in bundle.roles:
            fitting = (one for one in bundle.manifest.parser_graphs if satisfies(version, one.backend_version))
            (record,) = (one for one in fitting if one.role == role)
            if version not in VERSIONS:
                continue
            facts = GraphFacts.from_json(json.loads(bundle.file(record.facts).read_text()))
            configuration = configure(
                BuilderSettings(),
                version=version,
                support=support_of(version),
                has_qdq=facts.has_qdq,
                has_fp16=facts.has_fp16,
                families=("convolutional",),
                device=DEVICE,
            )
            trt = fake_tensorrt.FakeTensorRt(version)
            build_engine(trt, bundle.file(record.file).read_bytes, facts, configuration, log=BuildLog())
            assert trt.built == 1
            assert facts.precision == bundle.manifest.precision.name
            assert facts.has_fp16 == bundle.manifest.precision.has_half


def test_what_was_rewritten_gives_the_portable_graphs_numbers(bundle):
    portable = {graph.role: graph.file for graph in bundle.manifest.graphs}
    for record in bundle.manifest.parser_graphs:
        assert (record.file == portable[record.role]) == (not record.rewritten)
        if record.rewritten:
            expected, found = (
                outputs_of(bundle.file(name), record.role) for name in (portable[record.role], record.file)
            )
            for name, value in expected.items():
                np.testing.assert_allclose(found[name].astype(float), value.astype(float), atol=2e-3, err_msg=name)


def test_only_what_8_x_cannot_read_is_written_twice(machine, engine_options, capsys):
    result = build(engine_options(engine=False))
    graphs = load_bundle(result.bundle).manifest.parser_graphs
    assert [(graph.file, graph.backend_version) for graph in graphs] == [
        ("frame_graph.tensorrt-8.5.onnx", ">=8.5,<8.6"),
        ("frame_graph.tensorrt-8.6.onnx", ">=8.6,<10.0"),
        ("frame_graph.onnx", ">=10.0"),
    ]
    assert main(["inspect", "--bundle", str(result.bundle)]) == 0
    told = capsys.readouterr().out
    assert "frame_graph.tensorrt-8.6.onnx in int8 for tensorrt >=8.6,<10.0: 6 int8 weights stored as float" in told
    assert "frame_graph.onnx in int8 for tensorrt >=10.0: the portable graph as it is" in told
    assert "int8 + fp16 for tensorrt; " in told


def test_a_bundle_with_an_engine_or_for_another_backend_has_none(machine, engine_options):
    machine()
    for changes in ({}, {"backend": "onnxruntime"}):
        assert load_bundle(build(engine_options(precision="fp32", **changes)).bundle).manifest.parser_graphs == ()


@pytest.mark.parametrize(
    ("backend", "halves"), [("tensorrt", {"LayerNormalization", "Softmax", "MatMul"}), ("onnxruntime", set())]
)
def test_int8_keeps_fp16_around_it_where_the_target_says_so(machine, engine_options, backend, halves):
    result = build(engine_options(engine=False, backend=backend))
    manifest = load_bundle(result.bundle).manifest
    assert {operator for operator, kinds in manifest.precision.nodes.items() if "fp16" in kinds} >= halves
    assert manifest.precision.has_half == bool(halves)
    assert [row.precision for row in result.rows] == ["fp32", "int8 + fp16" if halves else "int8"]
    assert (manifest.latency is None) == bool(halves)  # ONNX Runtime's says nothing about TensorRT
    model = onnx.load(str(result.bundle / "frame_graph.onnx"))
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    norms = [node for node in model.graph.node if node.op_type == "LayerNormalization"]
    assert {types[node.output[0]] for node in norms} == {10 if halves else 1}
