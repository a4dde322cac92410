"""A stand-in for the ``tensorrt`` package: the surface of one version, the behaviour that a build depends on.

Its classes have the attributes of ``tensorrt_surface.toml`` and no others: touching anything else is an AttributeError,
as it would be on that version. A "serialized engine" is the ONNX file behind a header, so that a test can run it, and
its parser keeps the rules that versions differ in. It computes no tactics and proves nothing about TensorRT itself.
"""

import enum
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

if sys.version_info < (3, 11):
    import tomli as toml
else:
    import tomllib as toml

SURFACE = Path(__file__).with_name("tensorrt_surface.toml")
MAGIC = b"fake plan\n"
TIMINGS = b"fake timings\n"
_ARITHMETIC = {"Conv": "CONVOLUTION", "MatMul": "MATRIX_MULTIPLY", "Softmax": "SOFTMAX", "Gemm": "MATRIX_MULTIPLY"}
_OTHER = {
    "Cast": "CAST",
    "Constant": "CONSTANT",
    "QuantizeLinear": "QUANTIZE",
    "DequantizeLinear": "DEQUANTIZE",
    "Transpose": "SHUFFLE",
    "Reshape": "SHUFFLE",
}


def versions():
    return toml.loads(SURFACE.read_text(encoding="utf-8"))["version"]


def plan_of(graph, **record):
    """A fake serialized engine of an ONNX file, with what the builder or a test records in it."""
    return MAGIC + json.dumps(record).encode() + b"\n" + graph


def onnx_of(plan):
    """The ONNX file and the record inside a fake serialized engine."""
    header, _, rest = plan.removeprefix(MAGIC).partition(b"\n")
    return rest, json.loads(header)


class Limited:
    """An object with the attributes of one class's surface."""

    def __init__(self, surface, **values):
        object.__setattr__(self, "_surface", frozenset(surface))
        for name, value in values.items():
            setattr(self, name, value)

    def __setattr__(self, name, value):
        if name not in self._surface:
            raise AttributeError(f"this version has no {name}")
        object.__setattr__(self, name, value)


class FakeTensorRt:
    """One version of the package.

    Args:
        gpu: False makes ``Builder`` fail as without a driver.
        dla_cores: what the builder reports.
        refuse: operators that the parser does not know.
        fail_with: an error that the builder logs instead of building.
        spoil: a function of the ONNX bytes that the engine is made of: a wrong engine.
        cache_says: an error that it logs when it takes over a stored timing cache, which it does all the same.
        pace: seconds that a step of a build takes.
    """

    def __init__(
        self, version, *, gpu=True, dla_cores=0, refuse=(), fail_with=None, spoil=None, cache_says=None, pace=0
    ):
        (surface,) = [entry for entry in versions() if entry["name"] == version]
        self.__version__ = version
        self.surface = surface["classes"]
        self.gpu, self.cores, self.refuse, self.fail_with, self.spoil = gpu, dla_cores, set(refuse), fail_with, spoil
        self.cache_says, self.pace = cache_says, pace
        self.configs = []
        self.networks = []
        self.built = 0
        for name, members in surface["enums"].items():
            setattr(self, name, enum.IntEnum(name, members, start=0))
        self.ILogger = type("ILogger", (), {"__init__": lambda own: None})
        for name in ("IInt8EntropyCalibrator2", "IInt8MinMaxCalibrator", "IProgressMonitor"):
            if name in self.surface:
                setattr(self, name, type(name, (), {"__init__": lambda own: None}))
        self.Builder = lambda logger: _builder(self, logger)
        self.OnnxParser = lambda network, logger: _parser(self, network, logger)

    @property
    def config(self):
        """What the last build was told."""
        return self.configs[-1].record


def _builder(trt, logger):
    if not trt.gpu:
        logger.log(1, "CUDA initialization failure with error: 35")
        raise TypeError("pybind11::init(): factory function returned nullptr")
    surface = trt.surface["Builder"]
    values = {
        "create_network": lambda flags=0: _network(trt, flags),
        "create_builder_config": lambda: _config(trt, logger),
        "create_optimization_profile": lambda: _profile(trt),
        "build_serialized_network": lambda network, config: _build(trt, network, config, logger),
    }
    if "num_DLA_cores" in surface:
        values["num_DLA_cores"] = trt.cores
    return Limited(surface, **values)


def _network(trt, flags):
    if flags >= 1 << 8 or ("EXPLICIT_BATCH" in trt.NetworkDefinitionCreationFlag.__members__ and flags < 0):
        raise ValueError(flags)
    network = Limited([*trt.surface["INetworkDefinition"], "layers", "flags", "onnx"], layers=[], flags=flags, onnx=b"")
    network.get_layer = lambda index: network.layers[index]
    network.num_layers = network.num_inputs = 0
    network.get_input = None  # of the parser, with inputs
    trt.networks.append(network)
    return network


def _profile(trt):
    shapes = {}
    surface = [*trt.surface["IOptimizationProfile"], "shapes"]
    return Limited(surface, shapes=shapes, set_shape=lambda name, *sides: shapes.__setitem__(name, sides))


def _config(trt, logger):
    record = {"flags": set(), "cleared": set(), "pools": {}, "timings": None, "profile": None}

    def add_optimization_profile(profile):
        record["profile"] = profile.shapes
        return 0

    surface = trt.surface["IBuilderConfig"]

    def create_timing_cache(content):
        if content and not content.startswith(TIMINGS):
            return None
        if content and trt.cache_says:
            logger.log(1, trt.cache_says)
        return SimpleNamespace(content=content)

    def set_timing_cache(cache, ignore_mismatch):
        record["timings"] = cache
        return True

    def get_timing_cache():
        return Limited(
            trt.surface["ITimingCache"],
            serialize=lambda: TIMINGS + record["timings"].content.removeprefix(TIMINGS) + b"build\n",
        )

    config = Limited(
        [*surface, "record"],
        record=record,
        set_flag=lambda flag: record["flags"].add(flag.name),
        clear_flag=lambda flag: record["cleared"].add(flag.name),
        set_memory_pool_limit=lambda pool, size: record["pools"].__setitem__(pool.name, size),
        set_tactic_sources=lambda mask: record.__setitem__("tactic_sources", mask),
        add_optimization_profile=add_optimization_profile,
        create_timing_cache=create_timing_cache,
        set_timing_cache=set_timing_cache,
        get_timing_cache=get_timing_cache,
        can_run_on_DLA=lambda layer: layer.type.name == "CONVOLUTION",
    )
    if "progress_monitor" in surface:
        config.progress_monitor = None
    trt.configs.append(config)
    return config


def _parser(trt, network, logger):
    errors = []

    def error(index, node, reason, code="UNSUPPORTED_NODE"):
        values = {"desc": lambda: reason, "code": lambda: code, "node": lambda: index}
        if "node_name" in trt.surface["ParserError"]:
            values |= {"node_name": lambda: node.name, "node_operator": lambda: node.op_type}
        errors.append(Limited(trt.surface["ParserError"], **values))

    def parse(content):
        import onnx

        try:
            graph = onnx.load_from_string(content).graph
        except Exception:
            error(-1, onnx.NodeProto(), "Failed to parse the ONNX model", "MODEL_DESERIALIZE_FAILED")
            parser.num_errors = len(errors)
            return False
        constants = {tensor.name: tensor for tensor in graph.initializer}
        types = {
            value.name: value.type.tensor_type.elem_type
            for value in onnx.shape_inference.infer_shapes(onnx.load_from_string(content)).graph.value_info
        }
        for index, node in enumerate(graph.node):
            if node.op_type in trt.refuse:
                error(index, node, f"No importer registered for op: {node.op_type}. Attempting to import as plugin.")
            if node.op_type == "LayerNormalization" and trt.__version__.startswith("8.5"):
                error(index, node, "No importer registered for op: LayerNormalization")
            stored = constants.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
            if stored is not None and trt.__version__.startswith("8."):
                error(index, node, f"{stored.name}: invalid weights type of Int8", "INVALID_NODE")
            network.layers.append(_layer(trt, node, types))
        network.num_layers = len(network.layers)
        inputs = [value for value in graph.input if value.name not in constants]
        network.num_inputs = len(inputs)
        network.get_input = lambda index: _input(trt, inputs[index])
        network.onnx = content
        parser.num_errors = len(errors)
        return not errors

    parser = Limited(
        trt.surface["OnnxParser"], parse=parse, get_error=lambda index: errors[index], num_errors=len(errors)
    )
    return parser


def _input(trt, value):
    shape = tuple(side.dim_value or -1 for side in value.type.tensor_type.shape.dim)
    return Limited(trt.surface["ITensor"], name=value.name, shape=shape)


def _layer(trt, node, types):
    kind = _ARITHMETIC.get(node.op_type) or _OTHER.get(node.op_type, "ELEMENTWISE")
    data = {1: trt.DataType.FLOAT, 10: trt.DataType.HALF, 3: trt.DataType.INT8}
    outputs = [
        Limited(trt.surface["ITensor"], name=name, dtype=data.get(types.get(name, 1), trt.DataType.INT32))
        for name in node.output
    ]
    surface = trt.surface["ILayer"]
    layer = Limited([*surface, "set_types"], name=node.name, type=SimpleNamespace(name=kind), set_types={})
    layer.num_outputs = len(outputs)
    layer.get_output = lambda index: outputs[index]
    if "set_output_type" in surface:
        layer.set_output_type = lambda index, dtype: layer.set_types.__setitem__(index, dtype.name)
    return layer


def _build(trt, network, config, logger):
    trt.built += 1
    logger.log(3, "building")
    if trt.fail_with:
        logger.log(1, trt.fail_with)
        return None
    if not _steps(trt, getattr(config, "progress_monitor", None)):
        logger.log(1, "Error Code 7: BuildCanceled (Build canceled by user)")
        return None
    calibrator = getattr(config, "int8_calibrator", None)
    if calibrator is not None and not _calibrate(calibrator):
        logger.log(1, "Calibration failure occurred with no scaling factors detected.")
        return None
    profile = config.record["profile"] or {}
    if any(
        -1 in tensor.shape and tensor.name not in profile
        for tensor in map(network.get_input, range(network.num_inputs))
    ):
        logger.log(1, "Error Code 4: API Usage Error (Network has dynamic inputs, but no optimization profile)")
        return None
    record = {
        **({"profile": profile} if profile else {}),
        "flags": sorted(config.record["flags"]),
        "strong": bool(network.flags & 1 << int(getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", 30))),
    }
    content = trt.spoil(network.onnx) if trt.spoil else network.onnx
    if content is None:
        logger.log(1, "Error Code 2: OutOfMemory (Requested size was 1073741824 bytes.)")
        return None
    return plan_of(content, **record)


PHASES = [("Building engine", None, 2), ("Timing tactics", "Building engine", 3), ("Timing nodes", "Timing tactics", 9)]


def _steps(trt, monitor, phases=PHASES):
    """Goes through phases inside each other, the innermost first; False where it is to stop.

    An error that a monitor's method lets out is swallowed; out of ``step_complete`` it stops the build (so tried with
    TensorRT-RTX 1.7).
    """

    def call(method, *arguments):
        try:
            return getattr(monitor, method)(*arguments) if monitor else True
        except BaseException as error:
            print(f"[ERROR] Exception caught in {method}(): {error}", file=sys.stderr)
            return False

    (name, parent, steps), *inner = phases
    call("phase_start", name, parent, steps)
    going = not inner or _steps(trt, monitor, inner)
    for step in range(steps):
        if going:
            time.sleep(trt.pace)
            going = call("step_complete", name, step)
    call("phase_finish", name)
    return going


def _calibrate(calibrator):
    if calibrator.read_calibration_cache():
        return True
    batches = 0
    while calibrator.get_batch(["frame"]):
        batches += 1
    if batches:
        calibrator.write_calibration_cache(f"scales of {batches}".encode())
    return bool(batches)
