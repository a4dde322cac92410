"""A bundle's graphs as the parsers of one backend take them, for who builds an engine where PyTorch and onnx are not.

One file per distinct rewriting, each with its facts: ``trtexec`` and a build on the device take the same file. A parser
that needs no rewriting takes the portable graph itself.
"""

from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.ground.names import json_text

from ..frame_graph.to_onnx import save_checked
from ..tensorrt import lint
from ..tensorrt.graph import facts_of, for_every_parser


def write(directory: Path, graphs: Iterable[tuple[str, str]], backend: str) -> list[dict[str, Any]]:
    """Write what is missing beside the portable ``graphs`` (role, file) in ``directory``.

    Returns:
        the manifest's ``parser_graphs``: exactly one for each role and each version that the project supports.

    Raises:
        ExportError: a parser could not take its graph.
    """
    return [entry for role, file in graphs for entry in _of_one(directory, role, file, backend)]


def _of_one(directory: Path, role: str, file: str, backend: str) -> list[dict[str, Any]]:
    import onnx

    entries, oldest = [], []
    for since, graph, rewritten in for_every_parser(onnx.load(str(directory / file))):
        lint.check(graph, since)
        stem = f"{Path(file).stem}.{backend}-{since}" if rewritten else Path(file).stem
        if rewritten:
            save_checked(graph, directory / f"{stem}.onnx")
        facts = facts_of(graph)
        (directory / f"{stem}.facts.json").write_text(json_text(facts.to_json()) + "\n", encoding="utf-8")
        oldest.append(since)
        entries.append(
            {
                "role": role,
                "precision": facts.precision,
                "file": f"{stem}.onnx",
                "backend": backend,
                "facts": f"{stem}.facts.json",
                "rewritten": list(rewritten),
            }
        )
    for entry, since, below in zip_longest(entries, oldest, oldest[1:]):
        entry["backend_version"] = f">={since},<{below}" if below else f">={since}"
    return entries
