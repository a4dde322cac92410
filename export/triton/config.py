"""The configuration of a Triton model (``config.pbtxt``), from a bundle's manifest.

Follows Triton's documentation of model configuration: dims leave the batch out where ``max_batch_size`` is above 0,
and an output without any other side has the shape [1] there.
"""

import re
from dataclasses import dataclass
from typing import Any

from dgiqa_edge.runtime.bundle.bundle import Bundle
from dgiqa_edge.runtime.bundle.checks import MANIFEST_NAME
from dgiqa_edge.runtime.engines.protocol import TensorSpec
from dgiqa_edge.runtime.engines.registry import contract
from dgiqa_edge.runtime.engines.remote.model import HASH, MANIFEST, version_of
from dgiqa_edge.runtime.engines.remote.wire import INPUT
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError
from dgiqa_edge.runtime.ground.extra_packages import extra_package
from dgiqa_edge.runtime.ground.input_file import file_bytes

EXTRA = "triton"
ENCODED = "image"
"""The Python flavour's other input: an encoded picture (JPEG, PNG ...) a frame."""
WARM_UP_FILE = "golden_frame"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,127}", re.ASCII)
_TYPES = {"uint8": "TYPE_UINT8", "float32": "TYPE_FP32"}


@dataclass(frozen=True)
class Flavour:
    """What of Triton runs the bundle.

    ``file`` is the name that Triton looks for in a version's folder; ``instances`` is where its instances run.
    """

    backend: str
    file: str
    instances: str = "KIND_CPU"


PYTHON = Flavour("python", "model.py")
FLAVOURS = {
    "python": PYTHON,
    "onnxruntime": Flavour("onnxruntime", "model.onnx"),
    "openvino": Flavour("openvino", "model.onnx"),
    "tensorrt": Flavour("tensorrt", "model.plan", "KIND_GPU"),
}


@dataclass(frozen=True)
class Serving:
    """How a model is served.

    ``name`` of the model; ``max_batch`` the most frames that one run takes, 0 where the graph takes one and no batch;
    ``queue_delay_s`` how long a frame may wait for others; ``instances`` how many runs go on at once.
    """

    name: str
    flavour: Flavour
    max_batch: int
    queue_delay_s: float
    instances: int


def graph_batch(bundle: Bundle, flavour: Flavour, asked: int) -> int:
    """The most frames that one run may take, of so many that are asked for; 0 of a graph that takes one frame.

    Raises:
        EngineCompatibilityError: the graph takes several frames, and no fewer.
    """
    if flavour is PYTHON:
        return asked
    batch = bundle.document.get("batch", {"least": 1, "most": 0})
    if batch["least"] > 1:
        raise EngineCompatibilityError(
            f"{bundle.path} takes {batch['most']} frames at once and no fewer, a server gets as many as there are: "
            "export the python flavour, or build it for one frame and more"
        )
    return min(asked, int(batch["most"]))


def checked_name(name: str) -> str:
    """The name of a model, which is also that of its folder.

    Raises:
        ConfigurationError: it cannot be both.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name of a model: give letters, digits, '-', '_' and '.' (--name)")
    return name


def model_config(bundle: Bundle, serving: Serving) -> Any:
    """The configuration, a ``ModelConfig`` of Triton's protocol.

    Raises:
        MachineError: tritonclient is not installed.
    """
    pb = _messages()
    flavour, frame = serving.flavour, bundle.manifest.frame
    config = pb.ModelConfig(name=serving.name, backend=flavour.backend, max_batch_size=serving.max_batch)
    config.default_model_filename = flavour.file
    config.version_policy.specific.versions.append(version_of(bundle.sha256))
    (given,), outputs = contract(bundle.manifest, "fused")
    if flavour is PYTHON:
        config.input.add(name=INPUT, data_type=pb.TYPE_UINT8, dims=[-1, -1, 3], optional=True)
        config.input.add(name=ENCODED, data_type=pb.TYPE_STRING, dims=[1], optional=True)
    else:
        _add(config.input, given, serving)
    for spec in outputs:
        _add(config.output, spec, serving)
    config.instance_group.add(count=serving.instances, kind=getattr(pb.ModelInstanceGroup, flavour.instances))
    if serving.max_batch > 1:
        config.dynamic_batching.max_queue_delay_microseconds = round(serving.queue_delay_s * 1e6)
    warm_up = config.model_warmup.add(name="golden frame", batch_size=1)
    side = [] if serving.max_batch else [1]
    warm_up.inputs[INPUT].data_type = pb.TYPE_UINT8
    warm_up.inputs[INPUT].dims.extend([*side, frame.height, frame.width, 3])
    warm_up.inputs[INPUT].input_data_file = WARM_UP_FILE
    config.parameters[HASH].string_value = bundle.sha256
    config.parameters[MANIFEST].string_value = file_bytes(bundle.path / MANIFEST_NAME).decode()
    return config


def config_text(config: Any) -> str:
    """The configuration as ``config.pbtxt`` has it."""
    return str(extra_package("google.protobuf.text_format", EXTRA, "a Triton model").MessageToString(config))


def _messages() -> Any:
    return extra_package("tritonclient.grpc.model_config_pb2", EXTRA, "a Triton model")


def _add(tensors: Any, spec: TensorSpec, serving: Serving) -> None:
    tensor = tensors.add(name=spec.name, data_type=_TYPES[spec.dtype])
    sides = [1 if side is None else side for side in spec.shape]
    if not serving.max_batch:
        tensor.dims.extend(sides)
    elif sides[1:]:
        tensor.dims.extend(sides[1:])
    else:
        tensor.dims.append(1)
        if serving.flavour is not PYTHON:  # the graph gives [N], the protocol has [N, 1]
            tensor.reshape.SetInParent()
