"""Planted faults are found in the layer where they were planted, and what the report advises mends them."""

import shlex
import shutil
from argparse import ArgumentParser
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from stand_ins import small_networks as small

from dgiqa_edge.calibration.int8.placement import DEFAULT_SCOPES
from dgiqa_edge.calibration.int8.quantize import quantized_outputs
from dgiqa_edge.calibration.int8.scopes import node_blocks
from dgiqa_edge.export.debug import diagnosis
from dgiqa_edge.export.debug.report import lines
from dgiqa_edge.export.frame_graph import precision as half
from dgiqa_edge.export.ladder.devices import tensorrt
from dgiqa_edge.export.options import build_options
from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest
from dgiqa_edge.runtime.engines.protocol import TensorSpec
from dgiqa_edge.runtime.errors import (
    BundleError,
    DgiqaEdgeError,
    EngineCompatibilityError,
    FidelityError,
    MachineError,
)

from .conftest import GRAPH, enlarged, manifest_of, replace_graph


def first_channel_negated(stored):
    """INT8 weights, uint8 around 128, of which one channel has the other sign."""
    return np.concatenate([256 - stored[:1].astype(int), stored[1:]])


def test_nothing_is_found_in_what_a_build_made_of_fp32(sound, debug):
    found = debug(sound / "fp32" / "bundle")
    assert found.sound
    assert found.reference.endswith("left by the build")


@pytest.mark.parametrize("precision", ["int8", "fp16", "tensorrt"])
def test_nothing_is_found_in_what_a_build_made_nor_in_the_graph_alone(sound, tmp_path, debug, precision):
    """Its rounding taken out, the graph has the tensors of the FP32 graph: as many are looked at."""
    bundle = sound / precision / "bundle"
    with_fp32, alone = debug(bundle), debug(shutil.copytree(bundle, tmp_path / "bundle"))
    assert with_fp32.reference.endswith("left by the build")
    assert "stay unseen" in alone.reference
    for found in (with_fp32, alone):
        assert found.sound
        assert not any(comparison.divergences for comparison in found.comparisons)
    assert alone.advice == with_fp32.advice
    tensors = (with_fp32.comparisons[0].looked_at, alone.comparisons[0].looked_at)
    assert tensors[0] > 150
    assert tensors[1] > 0.7 * tensors[0]  # the rest are weights
    assert alone.comparisons[1].looked_at == with_fp32.comparisons[1].looked_at


@pytest.mark.parametrize(
    ("precision", "constant", "change", "block"),
    [
        ("int8", "/quality_net/rgb/Conv/weight/quantized", first_channel_negated, "quality_net/rgb"),
        ("fp16", "depth_net.patches.weight__half", lambda weight: weight * 1.5, "depth_net/patches"),
        ("fp32", "quality_net.fc.weight", lambda weight: weight + 1.0, "quality_net/fc"),
    ],
)
def test_a_wrong_weight_is_found(spoil, debug, precision, constant, change, block):
    found = debug(spoil(precision, {constant: change}))
    first = found.comparisons[0].divergences[0]
    assert (first.block, first.weight) == (block, True)
    assert {one.block for one in found.comparisons[0].divergences} == {block}
    assert "build again" in found.advice
    assert found.keep is None


def test_weights_of_a_graph_alone_are_suspected_as_a_whole(spoil, debug):
    bundle = spoil("int8", {"/quality_net/fc/Gemm/weight/quantized": lambda stored: 256 - stored.astype(int)})
    shutil.rmtree(bundle.parent / ".stages")
    found = debug(bundle)
    assert "weights are wrong or too coarse" in found.advice
    assert options_of(found.command).precision == "fp32"
    assert "stay unseen" in found.reference
    assert not found.sound


@pytest.mark.parametrize(
    ("tensor", "block", "factor", "with_stages"),
    [
        ("/Div_1_output_0", "depth_net/patches", 1 / 30, True),
        ("/depth_net/patches/Conv_output_0", "depth_net/patches", 200, False),
        ("/Concat_2_output_0", "quality_net/depth", 200, True),
        ("/Concat_2_output_0", "quality_net/depth", 1 / 30, False),
    ],
)
def test_a_bad_range_is_found_and_its_block_is_to_be_kept(spoil, debug, tensor, block, factor, with_stages):
    bundle = spoil("int8", {f"{tensor}/scale": lambda scale: scale * factor})
    if not with_stages:
        shutil.rmtree(bundle.parent / ".stages")
    with pytest.raises(FidelityError):
        Scorer(bundle, verify="always")
    found = debug(bundle)
    first = found.comparisons[0].divergences[0]
    assert (first.tensor, first.kind, first.block) == (tensor, "int8", block)
    assert {one.tensor for one in found.comparisons[0].divergences} == {tensor}
    assert found.keep == (block,)


@pytest.fixture
def overflowing(tiny_networks, tmp_path, monkeypatch):
    """An FP32 build whose linear layer reaches 1e6, and its graph in FP16 by ranges that say it does not."""
    depth, quality = enlarged(tiny_networks, linear=1e6)
    small.put_in(monkeypatch, (depth, quality), tmp_path / "cache")
    options = small.options(tmp_path, precision="fp32", backend="onnxruntime", work=tmp_path / ".stages")
    bundle = small.run_build(options).bundle
    model = onnx.load(str(bundle / GRAPH))
    ranges = dict.fromkeys(half.tensors_to_observe(model, DEFAULT_SCOPES), 1.0)
    lowered, report = half.to_fp16(model, DEFAULT_SCOPES, ranges)
    document = manifest_of(bundle)["precision"]
    replace_graph(bundle, lowered, precision={**document, "name": "fp16", "nodes": report.nodes})
    return bundle


def test_an_overflow_is_found(overflowing, debug):
    found = debug(overflowing)
    first = found.comparisons[0].divergences[0]
    assert (first.kind, first.node) == ("fp16", "/depth_net/Gemm_16")
    assert "not finite; FP32 reaches" in first.distance.overflow
    assert "FP16 ends at 65504" in "\n".join(lines(found))
    assert not np.isfinite(first.distance.found)


def test_what_is_to_be_kept_the_printed_command_keeps(spoil, debug, small_networks):
    bundle = spoil("int8", {"/Div_1_output_0/scale": lambda scale: scale / 30})
    found = debug(bundle)
    options = options_of(found.command)
    assert options.keep == found.keep == ("depth_net/patches",)
    before = int8_blocks(bundle)
    result = small.run_build(replace(options, out=bundle.parent / "mended", work=bundle.parent / ".stages"))
    assert before - int8_blocks(result.bundle) == {"depth_net/patches"}
    assert int8_blocks(result.bundle) < before
    assert load_bundle(result.bundle).manifest.build.argv.count("--keep") == 1
    assert debug(result.bundle).sound


@pytest.mark.parametrize(
    ("said", "added", "precision", "wanted"),
    [
        ("build --int8 --out a", "--keep b", "int8", "build --out a --int8 --keep b"),
        ("build --int8 --keep c --out a", "--keep b", "int8", "build --out a --int8 --keep b"),
        ("build --int8 --accuracy-budget srcc=1 --out a", "--keep b", "fp16", "build --out a --fp16 --keep b"),
        ("build --rungs int8,fp32 --out a", "--keep b", "int8", "build --rungs int8,fp32 --out a --keep b"),
        ("build --rungs int8,fp32 --out a", "--fp32 --out b", "", "build --fp32 --out b"),
        ("build --int8 --keep c --out a", "--fp32 --out b", "", "build --fp32 --out b"),
    ],
)
def test_a_command_is_printed_with_other_options(said, added, precision, wanted):
    assert " ".join(diagnosis._varied(said.split(), added.split(), precision=precision)) == wanted


def options_of(line):
    """What the build makes of a printed command."""
    parser = ArgumentParser()
    build_options.configure(parser)
    program, command, *argv = shlex.split(line)
    assert (program, command) == ("dgiqa-edge", "build")
    return build_options.from_args(parser.parse_args(argv))


@pytest.mark.parametrize(
    "said",
    [
        "--int8 --backend auto --keep network/trunk",
        "--fp16 --backend tensorrt-rtx --targets sm86,sm89",
        "--rungs int8,fp16 --backend tensorrt --no-engine",
        "--int8 --backend tensorrt --opt-level 5 --timing-cache timing --hardware-compatible ampere_plus "
        "--version-compatible",
        "--int8 --backend tensorrt --calibrator entropy --dla-core 0 --accuracy-budget srcc=0.9 --latency-target 5ms",
    ],
)
def test_every_command_for_an_fp32_bundle_is_one(said):
    command = diagnosis._varied(["dgiqa-edge", "build", *said.split()], diagnosis.in_fp32("a-fp32"))
    options = options_of(shlex.join(command))
    assert (options.precision, options.backend, str(options.out)) == ("fp32", "onnxruntime", "a-fp32")


def int8_blocks(bundle):
    """Blocks of the FP32 graph in which the bundle has INT8 layers."""
    exact = onnx.load(str(next((bundle.parent / ".stages").glob("export-*/fp32.onnx")))).graph
    blocks = dict(zip((node.name for node in exact.node), node_blocks(exact, DEFAULT_SCOPES), strict=True))
    model = onnx.load(str(bundle / GRAPH))
    made = quantized_outputs(model)
    return {blocks[node.name] for node in model.graph.node if node.name in blocks and made.intersection(node.output)}


class Doubling:
    """A device whose engines give twice what one layer should, and else what the graph says."""

    def __init__(self, path, node):
        model = onnx.load(str(path))
        for one in list(model.graph.node):
            if one.name == node:
                one.output[0], wanted = f"{one.output[0]}/half", one.output[0]
                model.graph.node.append(onnx.helper.make_node("Add", [one.output[0]] * 2, [wanted]))
        self.session = onnxruntime.InferenceSession(sorted_nodes(model).SerializeToString())
        self.inputs = tuple(
            TensorSpec(value.name, value.type[7:-1].replace("float", "float32"), tuple(value.shape))
            for value in self.session.get_inputs()
        )

    def run(self, inputs):
        names = [value.name for value in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, dict(inputs)), strict=True))

    def close(self):
        self.session = None


def sorted_nodes(model):
    """ONNX wants a node behind those that it reads."""
    waiting, made = list(model.graph.node), {value.name for value in (*model.graph.input, *model.graph.initializer)}
    del model.graph.node[:]
    while waiting:
        node = next(one for one in waiting if made.issuperset(filter(None, one.input)))
        waiting.remove(node)
        made.update(node.output)
        model.graph.node.append(node)
    return model


def test_a_layer_that_a_device_computes_wrongly_is_found(sound, debug, monkeypatch):
    monkeypatch.setattr(
        tensorrt,
        "graph_opener",
        lambda: ("Test GPU", lambda path: Doubling(path, "/quality_net/norm/LayerNormalization")),
    )
    found = debug(sound / "int8" / "bundle", backend="tensorrt")
    graph, device = found.comparisons
    assert not graph.divergences
    assert [one.node for one in device.divergences] == ["/quality_net/norm/LayerNormalization"]
    assert found.keep == ("quality_net/norm",)
    assert "Test GPU" in found.advice


def test_a_device_that_is_not_here_is_replaced_and_named(sound, debug, tmp_path):
    folder = shutil.copytree(sound / "int8" / "bundle", tmp_path / "bundle")
    document = manifest_of(folder)
    requires = {"backend_version": None, "opset": None, "sm": "87", "platform": None}
    plan = {"role": "fused", "file": GRAPH, "backend": "tensorrt", "requires": requires}
    replace_graph(folder, onnx.load(str(folder / GRAPH)), engines=[plan, *document["engines"]])
    with pytest.raises(MachineError):
        debug(folder, backend="tensorrt")
    found = debug(folder, backend="auto", reference=sound / "fp32" / "bundle")
    assert "in the place of the bundle's own" in found.comparisons[1].problem
    assert found.reference == str(sound / "fp32" / "bundle")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (lambda sound, other: sound / "int8" / "bundle", "give one built with --fp32"),
        (lambda sound, other: sound / "int8" / "bundle" / "bundle.json", "is no ONNX graph"),
        (lambda sound, other: other / GRAPH, "is not the FP32 graph of"),
    ],
)
def test_another_graph_is_refused_as_reference(sound, spoil, debug, reference, said):
    other = spoil("fp32", {"quality_net.fc.weight": lambda weight: weight * 2})
    with pytest.raises(DgiqaEdgeError, match=said):
        debug(sound / "fp16" / "bundle", reference=reference(sound, other))


def test_both_halves_of_a_split_bundle_are_looked_at(small_networks, exported_work, tmp_path, debug):
    shutil.copytree(exported_work, tmp_path / ".stages")
    options = small.options(tmp_path, backend="onnxruntime", layout="split", work=tmp_path / ".stages")
    bundle = small.run_build(options).bundle
    found = debug(bundle)
    assert found.sound
    assert found.comparisons[0].looked_at > 150
    shutil.rmtree(tmp_path / ".stages")
    assert debug(bundle).sound


def test_what_no_mixture_tells_is_not_called_hopeless(spoil, debug, monkeypatch):
    bundle = spoil("int8", {"/Div_1_output_0/scale": lambda scale: scale / 30})

    def fails(order, passes):
        raise EngineCompatibilityError("a piece does not run")

    monkeypatch.setattr(diagnosis.keep, "fewest", fails)
    found = debug(bundle)
    assert (found.keep, found.command) == (None, "")
    assert found.advice == "which blocks have to stay in FP32 cannot be told: a piece does not run"


def test_a_graph_that_does_not_run_is_told(spoil, debug):
    bundle = spoil("fp32", {})
    model = onnx.load(str(bundle / GRAPH))
    (weight,) = (one for one in model.graph.initializer if one.name == "quality_net.fc.weight")
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight)[:, 1:].copy(), weight.name))
    replace_graph(bundle, model)
    with pytest.raises(EngineCompatibilityError, match="quality_net/fc"):
        debug(bundle)


def test_a_graph_that_is_none_is_told(sound, debug, tmp_path):
    folder = shutil.copytree(sound / "int8" / "bundle", tmp_path / "bundle")
    (folder / GRAPH).write_bytes(b"no graph" * 99)
    write_manifest(folder, {**manifest_of(folder), "files": build_manifest_files(folder)})
    with pytest.raises(BundleError, match=f"{GRAPH} is no ONNX graph"):
        debug(folder)
