"""TensorRT's messages, said again with node, operator and remedy."""

from types import SimpleNamespace

import pytest

from dgiqa_edge.export.tensorrt.errors import NO_REMEDY, build_failure, parser_failure, parser_problems
from dgiqa_edge.runtime.errors import ExportError, GpuMemoryError, MachineError

NODES = (("/first", "Conv"), ("/second", "QuantizeLinear"))


def error(description, node=0, code="UNSUPPORTED_NODE", **named):
    methods = {"desc": lambda: description, "code": lambda: code, "node": lambda: node}
    return SimpleNamespace(**methods, **{name: (lambda value=value: value) for name, value in named.items()})


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("No importer registered for op: DFT. Attempting to import as plugin.", "no such operator"),
        ("Assertion failed: shiftIsAllZeros(zeroPoint) && TRT only supports symmetric quantization", "zero point 0"),
        ("Found unsupported input type of UINT8", "uint8 is for inputs"),
        ("/w: invalid weights type of Int8", "int8 weights"),
        ("/w: only activation types allowed as input to this layer.", "int8 weights"),
        ("Scale coefficients must all be positive", "not positive"),
        ("Attempting to cast INT64 out of range", "32 bits"),
        ("This version of TensorRT does not support Resize mode", "constant matrices"),
        ("false", "no such operator"),
        ("/t: first input has type UInt8 but must have type Float, Half, Int8, or Bool", "uint8 is for inputs"),
        ("SUM requires inputs with type kFLOAT, kINT32, or kINT64. But type is UInt8.", "uint8 is for inputs"),
        ("/b: input has type Int32 but must have type FP8, Int8, or UInt8.", "int32 bias"),
        ("/m: IMatrixMultiplyLayer must have same input types. `A` is of type Half", "a Cast is missing"),
        ("Failed attempt to rename a layer to /q as the new name is already in use", "give each its own"),
        ("a text nobody has seen", NO_REMEDY),
    ],
)  # fmt: skip
def test_each_known_message_has_its_remedy(description, words):
    (problem,) = parser_problems([error(description, node=1)], NODES)
    assert (problem.node, problem.operator) == ("/second", "QuantizeLinear")
    assert words in problem.remedy


@pytest.mark.parametrize(("node", "expected"), [(0, "/first"), (-1, "of the whole graph"), (7, "of the whole graph")])
def test_old_versions_give_an_index(node, expected):
    assert parser_problems([error("x", node=node)], NODES)[0].node == expected


def test_newer_versions_name_the_node():
    (problem,) = parser_problems([error("x", node=0, node_name="/inlined", node_operator="Gelu")], NODES)
    assert (problem.node, problem.operator) == ("/inlined", "Gelu")
    (unnamed,) = parser_problems([error("x", node=0, node_name="", node_operator="")], NODES)
    assert (unnamed.node, unnamed.operator) == NODES[0]


def test_a_file_that_is_no_graph_is_said_so():
    (problem,) = parser_problems([error("Failed to parse the ONNX model", -1, "MODEL_DESERIALIZE_FAILED")], NODES)
    assert "export it again" in problem.remedy


def test_the_failure_shows_three_and_counts_the_rest():
    problems = parser_problems([error(f"problem {index}") for index in range(5)], NODES)
    message = str(parser_failure("TensorRT 8.6.1", problems))
    assert "problem 2" in message and "problem 3" not in message
    assert message.endswith("2 more")
    assert "no reason" in str(parser_failure("TensorRT 8.6.1", []))


def test_a_long_or_broken_message_becomes_one_line():
    (problem,) = parser_problems([error("first\n  second " + "x" * 1000)], NODES)
    assert problem.reason.startswith("first second")
    assert len(problem.reason) < 320


def test_the_build_log_decides_what_is_to_be_mended():
    memory = build_failure("TensorRT 10.3", ["warning", "Error Code 2: OutOfMemory (no further information)"])
    assert isinstance(memory, GpuMemoryError)
    unknown = build_failure("TensorRT 10.3", ["first", "the last error"])
    assert isinstance(unknown, ExportError) and "the last error" in str(unknown)
    beside = [
        "catchCudaError (cudaError 35: CUDA driver version is insufficient)",
        "Network must have at least one output",
    ]
    assert "no ONNX graph" in str(build_failure("TensorRT-RTX 1.7", beside))
    alone = build_failure("TensorRT 10.3", beside[:1])
    assert isinstance(alone, MachineError) and "driver is older" in str(alone)
    assert "gave no reason" in str(build_failure("TensorRT 10.3", []))
