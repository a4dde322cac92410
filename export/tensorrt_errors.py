"""TensorRT's own messages, said again as what a user can act on: which node, which operator, what to do next.

Pure text work. The remedies are data; a message that none fits is passed on as it is.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dgiqa_edge.runtime.errors import ExportError, MachineError

PROBLEMS_IN_MESSAGE = 3


@dataclass(frozen=True)
class ParserProblem:
    """One error of TensorRT's ONNX parser."""

    node: str
    operator: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"node {self.node} ({self.operator}): {self.reason}; {self.remedy}"


# First match wins. Texts are those of onnx-tensorrt 8.5 to 10.1 (assertions of its importers).
_PARSER_REMEDIES = (
    (r"No importer registered|UNSUPPORTED_NODE.*plugin|[Pp]lugin not found|getPluginCreator|creator &&", "TensorRT has "
     "no such operator here: write it with others, or build on a newer TensorRT"),
    (r"zero[ _]?p(oin)?t|symmetric quantization|shiftIsAllZeros", "TensorRT takes zero point 0 only: build the graph "
     "with --backend tensorrt"),
    (r"UINT8|uint8", "uint8 is for inputs and outputs only, and a Cast to float must read it"),
    (r"weights type of Int8|only activation types", "this version cannot store int8 weights: prepare the graph for it"),
    (r"scale coefficients|Scale coefficients", "a quantization scale is 0 or negative: calibrate on other photos"),
    (r"INT64|INT32.*range|out of range", "an integer does not fit 32 bits: simplify the graph"),
    (r"[Rr]esize|coordinate transformation", "resize by constant matrices instead"),
    (r"dynamic|[Ss]hape tensor", "export the graph for one fixed frame size"),
    (r"DESERIALIZE|parse the ONNX|protobuf", "the file is no ONNX graph: export it again"),
)  # fmt: skip
_NO_REMEDY = "see the build log, or try another TensorRT version"

# (pattern in the builder's log, what it means, whether the machine has to be mended rather than the graph)
_BUILD_REMEDIES = (
    (r"out of memory|OutOfMemory|cudaMalloc|insufficient memory|Requested amount of GPU memory", "the GPU has too "
     "little free memory: close what else uses it, or lower --workspace-mib", True),
    (r"driver version is insufficient|CUDA initialization failure|error code: 35", "the NVIDIA driver is older than this "
     "CUDA needs: update it", True),
    (r"no kernel image|is not supported.*compute capability|Target GPU SM", "this TensorRT has no code for this GPU: "
     "install a newer one", True),
    (r"No implementation.*(obeys|constraints)|obey.*constraint", "no tactic computes a layer in the precision that the "
     "graph states: build with --fp32, or on another TensorRT", False),
    (r"Could not find any implementation", "no tactic fits a layer: raise --workspace-mib, or use --opt-level 3", False),
    (r"DLA.*(not support|cannot|fail)|DLA validat", "the DLA cannot take this graph: leave out --dla-core", False),
    (r"[Cc]alibrat", "the calibration failed: see the build log", False),
)  # fmt: skip


def parser_problems(errors: Iterable[Any], nodes: Sequence[tuple[str, str]]) -> tuple[ParserProblem, ...]:
    """Say parser errors with the node's name, its operator and a remedy.

    Args:
        errors: TensorRT's ``ParserError`` objects. Since 9.1 they name the node; before, they give its index.
        nodes: (name, operator) in graph order.
    """
    return tuple(_parser_problem(error, nodes) for error in errors)


def parser_failure(version: str, problems: Sequence[ParserProblem]) -> ExportError:
    """The error that says why the graph could not be parsed."""
    shown = " | ".join(str(problem) for problem in problems[:PROBLEMS_IN_MESSAGE]) or "no reason was given"
    rest = len(problems) - PROBLEMS_IN_MESSAGE
    return ExportError(f"TensorRT {version} cannot parse the graph: {shown}" + (f" | {rest} more" * (rest > 0)))


def build_failure(version: str, lines: Sequence[str]) -> ExportError | MachineError:
    """The error that says why no engine came out, from the errors in the builder's log."""
    for pattern, meaning, machine in _BUILD_REMEDIES:
        for line in lines:
            if re.search(pattern, line):
                kind = MachineError if machine else ExportError
                return kind(f"TensorRT {version} built no engine: {meaning} ({_one_line(line)})")
    last = _one_line(lines[-1]) if lines else "it gave no reason"
    return ExportError(f"TensorRT {version} built no engine: {last}; {_NO_REMEDY}")


def _parser_problem(error: Any, nodes: Sequence[tuple[str, str]]) -> ParserProblem:
    reason = _one_line(error.desc())
    index = error.node()
    name, operator = nodes[index] if 0 <= index < len(nodes) else ("of the whole graph", "-")
    # Their own names are better where they have them: after constant folding the index may be another's.
    name = _named(error, "node_name") or name
    operator = _named(error, "node_operator") or operator
    text = f"{error.code()} {reason} {operator}"
    remedy = next((remedy for pattern, remedy in _PARSER_REMEDIES if re.search(pattern, text)), _NO_REMEDY)
    return ParserProblem(name, operator, reason, remedy)


def _named(error: Any, method: str) -> str:
    ask = getattr(error, method, None)
    return str(ask()) if callable(ask) else ""


def _one_line(text: str, limit: int = 300) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= limit else f"{line[:limit]}..."
