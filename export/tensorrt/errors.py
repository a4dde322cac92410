"""TensorRT's own messages, said again as what a user can act on: which node, which operator, what to do next.

Pure text work. The remedies are data; a message that none fits is passed on as it is.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dgiqa_edge.runtime.errors import ExportError, GpuMemoryError, MachineError
from dgiqa_edge.runtime.ground.error_text import one_line

PROBLEMS_IN_MESSAGE = 3
NO_REMEDY = "see the build log, or try another TensorRT version"
FIXED_SIZE = "export the graph for one fixed frame size"
NO_GRAPH = "the file is no ONNX graph: export it again"
# What TensorRT-RTX adds to an error of its own where there is no driver.
_WITHOUT_A_DRIVER = re.compile(r"\s*\[checkMacros\.cpp::catchCudaError.*error 35.*", re.DOTALL)


@dataclass(frozen=True)
class ParserProblem:
    """One error of TensorRT's ONNX parser."""

    node: str
    operator: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"node {self.node} ({self.operator}): {self.reason}; {self.remedy}"


@dataclass(frozen=True)
class Remedy:
    """What a message that matches ``pattern`` comes to, and as which error."""

    pattern: str
    text: str
    error: type[ExportError] | type[MachineError] = ExportError


# First match wins. The texts matched are those of onnx-tensorrt 8.5 to 10.1 (assertions of its importers), and of the
# parser of TensorRT-RTX 1.7, which the tests ask. They read "code reason operator"; the reason may be a bare "false".
PARSER_REMEDIES = (
    Remedy(
        r"UNSUPPORTED_NODE false|No importer registered|[Pp]lugin not found|getPluginCreator|creator &&",
        "TensorRT has no such operator here: write it with others, or build on a newer TensorRT",
    ),
    Remedy(
        r"zero[ _]?p(oin)?t|zeroPt|symmetric quantization|shiftIsAllZeros",
        "TensorRT takes zero point 0 only: build the graph with --backend tensorrt",
    ),
    Remedy(
        r"weights type of Int8|only activation types",
        "this version cannot store int8 weights: prepare the graph for it",
    ),
    Remedy(r"has type Int32 but must have type [\w, ]*Int8", "an int32 bias is dequantized: keep it in float"),
    Remedy(
        r"(?i:type( is| of)? uint8|legaluint8)",
        "uint8 is for inputs and outputs only, and a Cast to float must read it",
    ),
    Remedy(
        r"must have same input types|must be of same type",
        "its inputs have different number formats: a Cast is missing, export the graph again",
    ),
    Remedy(r"[Ss]cale coefficients", "a quantization scale is not positive: calibrate on other photos"),
    Remedy(r"INT(32|64).*range|out of range", "an integer does not fit 32 bits: simplify the graph"),
    Remedy(r"[Rr]esize|coordinate transformation", "resize by constant matrices instead"),
    Remedy(r"dynamic|[Ss]hape tensor", FIXED_SIZE),
    Remedy(r"name is already in use", "two nodes have one name: give each its own"),
    Remedy(r"input was not registered", "it reads what no node makes: export the graph again"),
    Remedy(r"DESERIALIZE|parse the ONNX|protobuf", NO_GRAPH),
)
BUILD_REMEDIES = (
    Remedy(
        r"out of memory|OutOfMemory|cudaMalloc|insufficient memory|Requested amount of GPU memory",
        "the GPU has too little free memory: close what else uses it, or lower --workspace-mib",
        error=GpuMemoryError,
    ),
    Remedy(
        r"no kernel image|is not supported.*compute capability|Target GPU SM",
        "this TensorRT has no code for this GPU: install a newer one",
        error=MachineError,
    ),
    Remedy(
        r"No implementation.*(obeys|constraints)|obey.*constraint",
        "no tactic computes a layer in the precision that the graph states: use --fp32, or another TensorRT",
    ),
    Remedy(
        r"Could not find any implementation",
        "no tactic fits a layer: raise --workspace-mib, or use --opt-level 3",
    ),
    Remedy(r"DLA.*(not support|cannot|fail)|DLA validat", "the DLA cannot take this graph: leave out --dla-core"),
    Remedy(r"[Cc]alibrat", "the calibration failed: see the build log"),
    Remedy(r"no optimization profile", FIXED_SIZE),
    # The parser takes some files that hold nothing for a graph of nothing.
    Remedy(r"at least one output", NO_GRAPH),
)
DRIVER_REMEDY = Remedy(
    r"driver version is insufficient|CUDA initialization failure|error code: 35|error: 35",
    "the NVIDIA driver is older than this CUDA needs, or does not run: update it",
    error=MachineError,
)


def parser_problems(errors: Iterable[Any], nodes: Sequence[tuple[str, str]]) -> tuple[ParserProblem, ...]:
    """Say parser errors with the node's name, its operator and a remedy.

    Args:
        errors: TensorRT's ``ParserError`` objects. Since 9.1 they name the node; before, they give its index.
        nodes: (name, operator) in graph order.
    """
    return tuple(_parser_problem(error, nodes) for error in errors)


def parser_failure(release: str, problems: Sequence[ParserProblem]) -> ExportError:
    """The error that says why the graph could not be parsed."""
    shown = " | ".join(str(problem) for problem in problems[:PROBLEMS_IN_MESSAGE]) or "no reason was given"
    rest = len(problems) - PROBLEMS_IN_MESSAGE
    return ExportError(f"{release} cannot parse the graph: {shown}" + (f" | {rest} more" * (rest > 0)))


def build_failure(release: str, lines: Sequence[str]) -> ExportError | MachineError:
    """The error that says why no engine came out, from the errors in the builder's log.

    A line about the driver counts where nothing else is wrong: without one, TensorRT-RTX builds all the same, and
    writes such a line beside every error.
    """
    others = [line for line in lines if not re.search(DRIVER_REMEDY.pattern, line)]
    if lines and not others:
        return driver_failure(release, lines)
    for remedy in BUILD_REMEDIES:
        for line in others:
            if re.search(remedy.pattern, line):
                return _failure(release, remedy, line)
    last = _shortened(others[-1]) if others else "it gave no reason"
    return ExportError(f"{release} built no engine: {last}; {NO_REMEDY}")


def driver_failure(release: str, lines: Sequence[str]) -> ExportError | MachineError:
    """The error of a TensorRT that CUDA does not start for; ``lines``: all that it said."""
    said = (line for line in lines if re.search(DRIVER_REMEDY.pattern, line))
    return _failure(release, DRIVER_REMEDY, next(said, "CUDA initialization failure"))


def _failure(release: str, remedy: Remedy, line: str) -> ExportError | MachineError:
    return remedy.error(f"{release} built no engine: {remedy.text} ({_shortened(line)})")


def _parser_problem(error: Any, nodes: Sequence[tuple[str, str]]) -> ParserProblem:
    reason = _shortened(_WITHOUT_A_DRIVER.sub("", error.desc()))
    index = error.node()
    name, operator = nodes[index] if 0 <= index < len(nodes) else ("of the whole graph", "-")
    # Their own names are better where they have them: after constant folding the index may be another's.
    name = _named(error, "node_name") or name
    operator = _named(error, "node_operator") or operator
    text = f"{error.code()} {reason} {operator}"
    remedy = next((remedy.text for remedy in PARSER_REMEDIES if re.search(remedy.pattern, text)), NO_REMEDY)
    return ParserProblem(name, operator, reason, remedy)


def _named(error: Any, method: str) -> str:
    ask = getattr(error, method, None)
    return str(ask()) if callable(ask) else ""


def _shortened(text: str, limit: int = 300) -> str:
    line = one_line(text)
    return line if len(line) <= limit else f"{line[:limit]}..."
