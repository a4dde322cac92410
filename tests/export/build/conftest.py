"""A machine on which a whole build ends with a TensorRT engine: a fake of TensorRT and of its runtime, all else real.

The fake's "engine" is the ONNX that its builder got, which ONNX Runtime runs in the place of the GPU: so the numbers of
the device check are real, and a spoiled engine is really wrong.
"""

from dataclasses import replace

import onnxruntime
import pytest
from stand_ins import fake_tensorrt

from dgiqa_edge.export.build import tensorrt_build
from dgiqa_edge.export.ladder.devices import tensorrt as tensorrt_device
from dgiqa_edge.export.tensorrt.configuration import Device
from dgiqa_edge.export.tensorrt.machine import TensorRtMachine
from dgiqa_edge.runtime.engines.protocol import TensorSpec
from dgiqa_edge.runtime.engines.tensorrt.versions import support_of
from dgiqa_edge.runtime.scoring import scorer

DEVICE = Device("Test GPU", "87")


class OnnxInThePlaceOfAPlan:
    """What the runtime's TensorRT engine is to the check: named arrays in, named arrays out."""

    def __init__(self, path, record=None):
        self.record = record
        content, _ = fake_tensorrt.onnx_of(path.read_bytes())
        self.session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self.inputs = tuple(TensorSpec(node.name, "uint8", tuple(node.shape)) for node in self.session.get_inputs())

    def run(self, inputs):
        names = [node.name for node in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, dict(inputs)), strict=True))

    def describe(self):
        return {"backend": "tensorrt"}

    def close(self):
        self.session = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


@pytest.fixture
def machine(monkeypatch, small_networks):
    """``machine(version, ...)`` puts a fake TensorRT and GPU into this process and returns the package."""
    real = scorer.open_engine

    def load_engine(bundle, role, backend, options):
        if backend != "tensorrt":
            return real(bundle, role, backend, options)
        record = next(engine for engine in bundle.engines(role) if engine.backend == backend)
        return OnnxInThePlaceOfAPlan(bundle.file(record.file), record)

    monkeypatch.setattr(scorer, "open_engine", load_engine)
    monkeypatch.setattr(tensorrt_device, "open_plan", lambda plan, record: OnnxInThePlaceOfAPlan(plan))

    def make(version="10.13.3.9", device=DEVICE, **options):
        trt = fake_tensorrt.FakeTensorRt(version, **options)
        found = TensorRtMachine(trt, version, support_of(version), device)
        monkeypatch.setattr(tensorrt_build, "BUILD", replace(tensorrt_build.BUILD, obstacle=lambda: ""))
        monkeypatch.setattr(tensorrt_build, "open_machine", lambda: found)
        return trt

    return make
