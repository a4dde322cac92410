"""Which nodes of a bundle's graphs TensorRT-RTX cannot take, by Polygraphy's capability tool, and what to do.

NVIDIA's parser needs no GPU, but stops at what it cannot pass; what this project knows of its rules (``lint.py``) names
the nodes behind that. The tool picks its TensorRT as it is imported, so it runs in a process of its own.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgiqa_edge.runtime.bundle.bundle import Bundle
from dgiqa_edge.runtime.engines.tensorrt.versions import release_of
from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.ground.error_text import telling_line
from dgiqa_edge.runtime.ground.extra_packages import extra_package, install_command
from dgiqa_edge.runtime.ground.input_file import file_bytes
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import parse_json

from ..frame_graph.graph_files import graphs_of
from . import lint
from .errors import ParserProblem, parser_problems
from .graph import facts_of, prepare
from .machine import TensorRtMachine, open_rtx

if TYPE_CHECKING:
    from onnx import ModelProto

_TOOL = "polygraphy.tools.inspect.subtool.capability"
_CHOSEN = "POLYGRAPHY_USE_TENSORRT_RTX"


@dataclass(frozen=True)
class Capability:
    """What TensorRT-RTX makes of one graph; ``known`` are problems behind the parser's, by the rules on record."""

    release: str
    supported: bool
    problems: tuple[ParserProblem, ...]
    known: tuple[ParserProblem, ...]

    def lines(self) -> list[str]:
        """For people: one line for all nodes of an operator that have the same problem."""
        if self.supported:
            return [f"{self.release} takes every node"]
        alike: dict[tuple[str, str, str, str], list[str]] = {}
        for problems, source in ((self.problems, ""), (self.known, " (by the rules on record)")):
            for one in problems:
                alike.setdefault((one.operator, one.reason, one.remedy, source), []).append(one.node)
        lines = [f"{self.release} cannot take {len({node for nodes in alike.values() for node in nodes})} nodes"]
        for (operator, reason, remedy, source), nodes in alike.items():
            first = f"{len(nodes)} {operator}, the first {nodes[0]}" if len(nodes) > 1 else f"{operator} {nodes[0]}"
            lines.append(f"{first}: {reason}; {remedy}{source}")
        return lines


def inspect(bundle: Bundle) -> tuple[list[tuple[str, str]], Mapping[str, Any]]:
    """What ``dgiqa-edge inspect --capability`` adds: rows of (label, text), and the same for JSON.

    Raises:
        MachineError: Polygraphy, onnx or TensorRT-RTX is missing or cannot be used.
        BundleError: a graph cannot be read.
    """
    extra_package("onnx", "debug", "inspecting what TensorRT-RTX can take")
    machine = open_rtx()
    found = {role: capability_of(model, machine) for role, model in graphs_of(bundle).items()}
    rows = []
    for role, capability in found.items():
        rows += [(f"{role} capability" * (not index), line) for index, line in enumerate(capability.lines())]
    return rows, {role: asdict(capability) for role, capability in found.items()}


def capability_of(model: "ModelProto", machine: TensorRtMachine) -> Capability:
    """Ask the parser of TensorRT-RTX, as a build would prepare the graph for it; raises as ``inspect``."""
    import onnx

    prepared, _ = prepare(model, machine.support)
    with tempfile.TemporaryDirectory(prefix="dgiqa-edge-") as folder:
        path = Path(folder) / "graph.onnx"
        onnx.save(prepared, str(path))
        answer = _asked(path, Path(folder) / "answer.json")
    problems = tuple(ParserProblem(**problem) for problem in answer["problems"])
    named = {problem.node for problem in problems}
    known = tuple(
        ParserProblem(finding.node, finding.operator, finding.problem, finding.remedy)
        for finding in lint.lint(prepared, machine.version, machine.support.flavour)
        if finding.blocking and finding.node not in named
    )
    return Capability(release_of(machine.trt), answer["supported"], problems, () if answer["supported"] else known)


def _asked(graph: Path, answer: Path) -> Any:
    extra_package("polygraphy", "debug", "inspecting what TensorRT-RTX can take")
    child = subprocess.run(
        [sys.executable, "-m", __name__, str(graph), str(answer)],
        env={**os.environ, _CHOSEN: "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode != 0:
        said = telling_line(RuntimeError(child.stderr.strip() or f"it ended with code {child.returncode}"))
        raise MachineError(f"Polygraphy's capability tool failed: {said}; update it: {install_command('debug')}")
    return parse_json(file_bytes(answer).decode())


def main(graph: str, answer: str) -> None:
    """The process of its own: writes what the parser says of a graph's file to another, as JSON."""
    import importlib

    import onnx

    sys.modules["tensorrt_rtx"] = open_rtx().trt  # by the name that the tool imports it
    tool, log = (importlib.import_module(name) for name in (_TOOL, "polygraphy.logger"))
    with log.G_LOGGER.verbosity(log.G_LOGGER.CRITICAL):
        supported, _, parser = tool.supports_model(graph)
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    problems = parser_problems(errors, facts_of(onnx.load(graph)).nodes)
    said = {"supported": bool(supported), "problems": [asdict(problem) for problem in problems]}
    write_text(Path(answer), json_text(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
