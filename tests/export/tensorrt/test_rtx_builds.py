"""NVIDIA's own parser and builder take every graph that this project writes, and make of it what it is written for.

TensorRT-RTX needs no GPU to build. The networks are the real ones with fewer blocks, on the smallest frames: the shape
of the graph is what counts. The slow tests build them whole.
"""

import functools
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from places import ROOT
from stand_ins import small_networks as small

from dgiqa_edge.calibration.images.calibration_set import MINIMUM_COUNT, open_calibration_set
from dgiqa_edge.export import networks
from dgiqa_edge.export.build.backends import choose
from dgiqa_edge.export.build.recipes import recipe_of
from dgiqa_edge.export.frame_graph.batch_axis import open_axis
from dgiqa_edge.export.frame_graph.split import split
from dgiqa_edge.export.frame_graph.to_onnx import export_graph
from dgiqa_edge.export.ladder.lowering import FP32_GRAPH, GRAPH, Lowering, LoweringInputs
from dgiqa_edge.export.ladder.rungs import RUNGS
from dgiqa_edge.export.networks import depth_anything, dgiqa, swin
from dgiqa_edge.export.options import presets
from dgiqa_edge.export.stages.reporter import Reporter
from dgiqa_edge.export.stages.stages import Stages
from dgiqa_edge.export.tensorrt import layer_report, lint
from dgiqa_edge.export.tensorrt.graph import for_every_parser, prepare
from dgiqa_edge.export.tensorrt.machine import open_rtx
from dgiqa_edge.export.tensorrt.rtx_builds import build_bytes, build_graph, built_layers, page, row_of
from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.bundle.golden import FAULT_OUTPUTS, OUTPUTS
from dgiqa_edge.runtime.errors import EngineCompatibilityError, ExportError

pytest.importorskip("tensorrt_rtx_bindings", reason="the extra tensorrt-rtx is not installed here")

SMALLEST = {"nano": (160, 160), "edge": (252, 252), "reference": (224, 280), "reference-lite": (224, 280)}
BLOCKS = 4  # of an encoder, from which depth is read at four of them


@pytest.fixture(scope="module")
def machine():
    return open_rtx()


def lowering_of(preset, folder, fault_options):
    """The real lowerings of a preset on its smallest frame."""
    chosen = presets.get(preset)
    options = small.options(
        folder,
        preset=preset,
        backend="tensorrt",
        frame=SMALLEST.get(preset),
        depth_network=chosen.depth_network,
        quality_network=chosen.quality_network,
        depth_side=0 if chosen.views else 56,
        short_side=0 if chosen.views else 224,
        crops=1,
    )
    if preset not in SMALLEST:
        options = fault_options(folder, backend="tensorrt")
    height, width = options.frame
    photos = open_calibration_set(options.calib, height=height, width=width, count=MINIMUM_COUNT).first(2)
    stages, reporter = Stages(options.work), Reporter(stages=1)

    def export(directory):
        import torch

        frame = torch.from_numpy(np.ascontiguousarray(next(iter(photos))))
        recipe = recipe_of(options)
        outputs = (*OUTPUTS, *(FAULT_OUTPUTS if recipe.faults else ()))
        report = export_graph(recipe.module(), {"frame": frame}, outputs, directory / FP32_GRAPH, {})
        return report.to_json()

    exported = stages.run("export", {"preset": preset}, export)
    backend, _ = choose("tensorrt", engine=False)
    return Lowering(LoweringInputs(options, stages, reporter, exported, photos, backend.target))


@pytest.fixture(scope="module")
def lowerings(tmp_path_factory, fault_options):
    """``lowerings(preset)``: made once for the module, of networks with few blocks."""
    encoder = depth_anything.CONFIGURATIONS["vits"]
    few = replace(encoder, encoder=replace(encoder.encoder, blocks=BLOCKS), blocks_v2=tuple(range(BLOCKS)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(depth_anything.CONFIGURATIONS, "vits", few)
        stages = tuple((width, heads, 1 + (number == 0)) for number, (width, heads, _) in enumerate(swin.STAGES))
        patch.setattr(dgiqa, "PUBLISHED", dgiqa.Sizes(stages))
        networks.signature.cache_clear()
        yield functools.cache(lambda preset: lowering_of(preset, tmp_path_factory.mktemp(preset), fault_options))
    networks.signature.cache_clear()


@pytest.fixture(scope="module")
def whole_lowerings(tmp_path_factory, fault_options):
    return functools.cache(lambda preset: lowering_of(preset, tmp_path_factory.mktemp(preset), fault_options))


def graph_of(lowering, name):
    with lowering.inputs.reporter.stage(name) as line:
        if name == "int8-mixed":
            outputs = [node.output for node in lowering.placement.nodes]
            result = lowering.int8(line, outputs[: len(outputs) // 2])
        elif name == "int8":
            result = lowering.int8(line)
        elif name == "fp32":
            result = lowering.fp32()
        else:
            rung = next(rung for rung in RUNGS if rung.name == name)
            result = lowering.fp16(line, islands=rung.islands)
    return onnx.load(str(result.file(GRAPH)))


def built(machine, lowering, name, layout):
    graph = graph_of(lowering, name)
    return [build_graph(machine, part) for part in (split(graph) if layout == "split" else (graph,))]


FAST = [
    ("nano", "fp32", "fused"),
    ("nano", "fp16", "fused"),
    ("nano", "fp16-attention", "fused"),
    ("nano", "fp16-islands", "fused"),
    ("nano", "int8", "fused"),
    ("nano", "int8-mixed", "fused"),
    ("nano2", "fp16", "fused"),
    ("nano2", "int8", "fused"),
    pytest.param("edge", "int8", "fused", marks=pytest.mark.slow),
    pytest.param("reference", "int8", "split", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("preset", "name", "layout"), FAST)
def test_the_builder_makes_of_a_graph_what_it_is_written_for(machine, lowerings, preset, name, layout):
    check(built(machine, lowerings(preset), name, layout), name, machine.support)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["int8", "int8-mixed", "fp16", "fp16-attention", "fp16-islands", "fp32"])
@pytest.mark.parametrize(("preset", "layout"), [*((preset, "fused") for preset in SMALLEST), ("reference", "split")])
def test_the_builder_takes_whole_networks(machine, whole_lowerings, preset, name, layout):
    check(built(machine, whole_lowerings(preset), name, layout), name, machine.support)


def check(builds, name, support):
    row = row_of(builds)
    fuses = name != "fp32" and (name != "fp16-attention" or support.fp32_attention)
    assert row["warnings"] == []
    assert row["lone_qdq"] == 0
    assert row["attentions"] > 0
    for build in builds:
        counts, written = build.counts, build.written
        assert build.has_fp16 == (name != "fp32")
        assert counts.fused_attentions == (counts.attentions if fuses else 0)
        assert counts.int8_nodes == written["INT8"]
        # A product may also be a part of another kernel; none runs in a wider format than the one it is written in.
        assert counts.products.get("FP32", 0) <= written["FP32"]
        assert set(counts.products) <= {kind for kind, number in written.items() if number}
    assert (row["quantized_nodes"] > 0) == name.startswith("int8")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fp32", "int8"])
def test_a_batch_is_built_with_its_profile_and_fuses_what_one_frame_does(machine, lowerings, name):
    graph = graph_of(lowerings("nano"), name)
    alone = build_graph(machine, graph)
    fixed = build_graph(machine, open_axis(graph, BatchRange(4, 4)))
    assert fixed.warnings == ()
    assert fixed.counts.fused_attentions == alone.counts.fused_attentions
    assert fixed.counts.int8_nodes == alone.counts.int8_nodes
    assert fixed.counts.lone_qdq == ()
    assert 3.0 < fixed.counts.moved_bytes / alone.counts.moved_bytes < 4.5
    opened = open_axis(graph, BatchRange(1, 4))
    with pytest.raises(EngineCompatibilityError, match="the layers of an open batch have no size"):
        build_graph(machine, opened)
    prepared, _ = prepare(opened, machine.support)
    assert lint.check(prepared, machine.version, machine.support.flavour) == ()
    built, _, log = built_layers(machine, prepared.SerializeToString(), prepared)
    assert len(built.plan) > 1 << 20
    assert log.warnings == []
    assert "Dimensions: [-1,480,640,3]" in log.layers or "Dimensions: [-1,160,160,3]" in log.layers


@pytest.mark.slow
def test_what_is_rewritten_for_older_parsers_becomes_the_same_engine(machine, lowerings):
    forms = [form for _, form, _ in for_every_parser(graph_of(lowerings("nano"), "int8"))]
    builds = [build_bytes(machine, form.SerializeToString(), form) for form in forms]
    assert len(builds) == 3
    assert all(build.counts == builds[0].counts and not build.warnings for build in builds)


def test_the_same_graph_gives_the_same_plan(machine):
    graph = model([node("Relu", ["frame"])])
    assert build_graph(machine, graph).plan == build_graph(machine, graph).plan


def model(nodes, constants=(), *, frame=TensorProto.FLOAT, shape=(1, 3, 4, 4), output=TensorProto.FLOAT):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("frame", frame, shape)],
        [helper.make_tensor_value_info("out", output, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def node(operator, inputs, *outputs, **attributes):
    return helper.make_node(operator, inputs, outputs or ["out"], name=f"/{operator}/{'/'.join(outputs)}", **attributes)


def cast(source, output="out", *, to=TensorProto.FLOAT):
    return node("Cast", [source], output, to=to)


def qdq(zero, scale=0.1):
    constants = [("scale", np.asarray(scale, np.float32)), ("zero", zero)]
    return model([node("QuantizeLinear", ["frame", *Q], "q"), node("DequantizeLinear", ["q", *Q])], constants)


def same_names(graph):
    for one in graph.graph.node:
        one.name = "/the/node"
    return graph


Q = ("scale", "zero")
HALF, UINT8, INT32, INT64 = TensorProto.FLOAT16, TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64
ONES = np.ones((4, 4), np.float32)
DEQUANTIZED = [node("DequantizeLinear", ["w", *Q], "f"), node("Add", ["frame", "f"])]
NO_OPERATOR, UINT8_WORDS, TYPES = "no such operator", "uint8 is for inputs and outputs", "different number formats"

INT8_WEIGHTS = [("w", np.ones(4, np.int8)), ("scale", np.float32(1)), ("zero", np.int8(0))]
INT32_BIAS = [("w", np.ones(4, np.int32)), ("scale", np.float32(1)), ("zero", np.int32(0))]
KERNEL = ("w", np.ones((2, 3, 1, 1), np.float32))


def case(words, linted, nodes, constants=(), **types):
    return words, linted, nodes if isinstance(nodes, onnx.ModelProto) else model(nodes, constants, **types)


# What the remedy says that fits the real parser's words (None where the real builder takes the graph), what the lint
# does about the graph (block, unsure, pass), and the graph.
CASES = {
    "an operator it lacks": case(NO_OPERATOR, "unsure", [node("Det", ["frame"])]),
    "integers of ONNX Runtime": case(
        NO_OPERATOR, "unsure", [node("DynamicQuantizeLinear", ["frame"], "out", "s", "z")]
    ),
    "an operator that would be a plug-in": case(NO_OPERATOR, "unsure", [node("DFT", ["frame"])]),
    "an operator whose plug-in it lacks": case(NO_OPERATOR, "pass", [node("NonZero", ["frame"])], output=INT64),
    "uint8 moved": case(UINT8_WORDS, "block", [node("Transpose", ["frame"], "t"), cast("t")], frame=UINT8),
    "uint8 sliced": case(
        UINT8_WORDS,
        "block",
        [node("Slice", ["frame", "a", "b"], "t"), cast("t")],
        [("a", [0]), ("b", [1])],
        frame=UINT8,
    ),
    "uint8 added": case(UINT8_WORDS, "block", [node("Add", ["frame", "frame"], "t"), cast("t")], frame=UINT8),
    "uint8 inside": case(UINT8_WORDS, "block", [cast("frame", "u", to=UINT8), cast("u")]),
    "uint8 to an integer": case(None, "block", [cast("frame", to=INT32)], frame=UINT8, output=INT32),
    "uint8 at both ends": case(None, "pass", [cast("frame", "f"), cast("f", to=UINT8)], frame=UINT8, output=UINT8),
    "uint8 zero point 0": case(None, "block", qdq(np.uint8(0))),  # with a warning, and other numbers
    "uint8 zero point 128": case("zero point 0 only", "block", qdq(np.uint8(128))),
    "a zero point that is not 0": case("zero point 0 only", "block", qdq(np.int8(3))),
    "a scale of 0": case("not positive", "block", qdq(np.int8(0), np.float32(0))),
    "an activation per channel": case(None, "block", qdq(np.zeros(3, np.int8), np.ones(3, np.float32))),
    "int8 weights": case(None, "pass", DEQUANTIZED, INT8_WEIGHTS),
    "an int32 bias": case("keep it in float", "block", DEQUANTIZED, INT32_BIAS),
    "types of a product": case(TYPES, "pass", [cast("frame", "h", to=HALF), node("MatMul", ["h", "w"])], [("w", ONES)]),
    "types of a sum": case(TYPES, "pass", [cast("frame", "h", to=HALF), node("Add", ["h", "frame"])]),
    "types of a convolution": case(TYPES, "pass", [cast("frame", "h", to=HALF), node("Conv", ["h", "w"])], [KERNEL]),
    "a tensor that nothing makes": case("no node makes", "pass", [node("Add", ["frame", "nothing"])]),
    "a name for two nodes": case("give each its own", "pass", same_names(qdq(np.int8(0)))),
    "sizes that are not fixed": case("one fixed frame", "block", [node("Relu", ["frame"])], shape=(1, 3, "h", "w")),
    "LayerNormalization": case(
        None, "pass", [node("LayerNormalization", ["frame", "w"])], [("w", np.ones(4, np.float32))]
    ),
}


@pytest.mark.parametrize(("words", "linted", "graph"), CASES.values(), ids=CASES)
def test_lint_and_remedies_are_held_against_the_real_parser(machine, words, linted, graph):
    findings = lint.lint(graph, machine.version, machine.support.flavour)
    assert linted == ("block" if any(f.blocking for f in findings) else "unsure" if findings else "pass")
    if words is None:
        assert build_bytes(machine, graph.SerializeToString(), graph).plan
        return
    with pytest.raises(ExportError, match=words) as failed:
        build_bytes(machine, graph.SerializeToString(), graph)
    assert "CUDA driver" not in str(failed.value)


@pytest.mark.parametrize("content", [b"", b"no graph", model([node("Relu", ["frame"])]).SerializeToString()[:-20]])
def test_bytes_that_are_no_graph_are_said_to_be_none(machine, content):
    """An empty file is parsed, and fails as it is built."""
    with pytest.raises(ExportError, match="no ONNX graph: export it again"):
        build_bytes(machine, content, model([]))


def test_a_pair_that_serves_no_product_is_found(machine):
    """Q and DQ in one kernel round and give nothing; between them and a product they are what they are for."""
    lone = build_graph(machine, qdq(np.int8(0)))
    assert len(lone.counts.lone_qdq) == 1
    weights = [("w", np.ones((8, 3, 1, 1), np.int8)), ("scale", np.float32(0.1)), ("zero", np.int8(0))]
    nodes = [
        node("QuantizeLinear", ["frame", *Q], "q"),
        node("DequantizeLinear", ["q", *Q], "d"),
        node("DequantizeLinear", ["w", *Q], "k"),
        node("Conv", ["d", "k"]),
    ]
    build = build_graph(machine, model(nodes, weights))
    assert (build.counts.lone_qdq, build.counts.int8_nodes, build.counts.products) == ((), 1, {"INT8": 1})


def test_a_report_of_another_dialect_is_refused():
    with pytest.raises(EngineCompatibilityError, match="no layers"):
        layer_report.parse("Layers:\n")
    with pytest.raises(EngineCompatibilityError, match="another form"):
        layer_report.parse("Layers:\nName: a, LayerType: kgen, and more")


def test_the_committed_table_is_whole_and_its_page_shows_it():
    document = json.loads((ROOT / "benchmarks" / "results" / "tensorrt-rtx-builds.json").read_text())
    found = {(row["preset"], row["precision"].split()[0], row["layout"]) for row in document["builds"]}
    assert found == {
        (preset.name, precision, layout)
        for preset in presets.PRESETS.values()
        for precision in ("fp32", "fp16", "int8")
        for layout in (("fused",) if preset.views else ("fused", "split"))
    }
    assert not any(row["warnings"] or row["lone_qdq"] for row in document["builds"])
    assert (ROOT / "docs" / "tensorrt-rtx.md").read_text() == page(document)


FREED_IN_THE_LOGGER = """
import gc
from dgiqa_edge.export.tensorrt.builder import BuildLog, dla_cores
from dgiqa_edge.export.tensorrt.rtx_builds import open_rtx
trt = open_rtx().trt

class Quiet(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)

    def log(self, severity, text):
        pass

class Allocating(BuildLog):
    def add(self, severity, text):
        [[] for _ in range(200_000)]
        super().add(severity, text)

gc.collect()
gc.set_threshold(100_000)
garbage = []
garbage += [garbage, trt.Builder(Quiet())]
del garbage
dla_cores(trt, Allocating())
"""


def test_a_builder_that_became_garbage_is_not_freed_while_another_is_made(machine):
    """TensorRT would wait for its own lock forever."""
    ended = subprocess.run([sys.executable, "-c", FREED_IN_THE_LOGGER], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
