"""Bundles of the small networks, each with one fault planted in a known layer."""

import copy
import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from stand_ins import small_networks as small

from dgiqa_edge.export.debug.diagnosis import Debugger
from dgiqa_edge.export.options.tensorrt_options import TensorRtOptions
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest

GRAPH = "frame_graph.onnx"


@pytest.fixture(scope="session")
def sound(built_once, exported_work):
    """Folders of finished builds by precision; each holds a bundle and, beside it, the stages that it was made in.

    ``tensorrt``: INT8 as TensorRT takes it.
    """
    builds = {precision: {"precision": precision} for precision in ("int8", "fp16", "fp32")}
    builds["tensorrt"] = {"backend": "tensorrt", "tensorrt": TensorRtOptions(engine=False)}

    def make(folder):
        for name, changes in builds.items():
            work = shutil.copytree(exported_work, folder / name / ".stages")
            small.run_build(small.options(folder / name, work=work, **changes))

    return built_once("sound", make)


def replace_graph(bundle, model, **changes):
    """Put another graph into a bundle, whole as a copied bundle is: its hashes are right."""
    onnx.save(model, str(bundle / GRAPH))
    write_manifest(bundle, {**manifest_of(bundle), **changes, "files": build_manifest_files(bundle)})


def manifest_of(bundle):
    return json.loads((bundle / "bundle.json").read_text())


def enlarged(networks, linear):
    """The small networks, with a linear layer in the depth network whose outputs are ``linear`` times as large."""
    depth, quality = copy.deepcopy(networks)
    with torch.no_grad():
        depth.linear.weight *= linear
        depth.linear.bias *= linear
    return depth, quality


@pytest.fixture
def spoil(sound, tmp_path):
    """``spoil(precision, {constant: values -> values})``: the folder of a build whose bundle has other constants."""

    def make(precision, changes):
        folder = shutil.copytree(sound / precision, tmp_path / "spoiled")
        model = onnx.load(str(folder / "bundle" / GRAPH))
        constants = {tensor.name: tensor for tensor in model.graph.initializer}
        for name, change in changes.items():
            values = numpy_helper.to_array(constants[name])
            changed = np.asarray(change(values.copy()), values.dtype)
            constants[name].CopyFrom(numpy_helper.from_array(changed, name))
        replace_graph(folder / "bundle", model)
        return folder / "bundle"

    return make


@pytest.fixture
def debug():
    def run(bundle, *, backend="onnxruntime", reference=None):
        quiet = lambda title: lambda done, total: None  # noqa: E731
        return Debugger(bundle, backend=backend, asked=reference, threads=1, announce=quiet).run()

    return run
