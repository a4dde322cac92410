"""Where inside a fused engine the time goes: shares of its depth and quality networks, from ONNX Runtime's profiler.

Shares, not milliseconds: profiling slows the nodes down, and a node's own time leaves out what lies between them.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.runtime.bundle.batch import filled
from dgiqa_edge.runtime.bundle.golden import load_golden
from dgiqa_edge.runtime.engines.onnxruntime import BACKEND
from dgiqa_edge.runtime.engines.session import open_session
from dgiqa_edge.runtime.scoring.scorer import Scorer

RUNS = 10
_SCOPES = {
    "depth_net": "depth network",
    "quality_net": "quality network",
    "network": "depth and quality in one network",
}
_OUTSIDE = "resizing, crops and pooling in the graph"
_UNNAMED = "nodes without a name of their own (fused)"
_SUFFIX = "_kernel_time"


def node_shares(scorer: Scorer, threads: int | None) -> dict[str, float] | None:
    """Part of the graph -> percent of all node time; ``None`` for all but one fused engine on ONNX Runtime's CPU.

    A session of its own, so that the measured one stays free of the profiler.
    """
    bundle, (facts, *others) = scorer.bundle, scorer.describe()
    if others or facts["backend"] != BACKEND.name or facts["providers"] != ["cpu"]:
        return None
    record = scorer.engines[0].record
    golden = load_golden(bundle.file(bundle.manifest.golden.file))
    with tempfile.TemporaryDirectory(prefix="dgiqa-profile-") as folder:
        session = open_session(bundle.path / record.file, threads=threads, profile=Path(folder) / "profile")
        frames = filled(golden.frame, bundle.manifest.batch.least)
        for _ in range(RUNS):
            session.run(None, {"frame": np.ascontiguousarray(frames)})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return shares_from_events(events)


def shares_from_events(events: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Sum the profiler's node events by the scope at the head of the node's name (``/depth_net/...``)."""
    spent: dict[str, float] = {}
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith(_SUFFIX):
            part = _part_of(name.removesuffix(_SUFFIX))
            spent[part] = spent.get(part, 0.0) + float(event["dur"])
    total = sum(spent.values())
    return {part: 100.0 * time / total for part, time in sorted(spent.items(), key=lambda it: -it[1])} if total else {}


def _part_of(name: str) -> str:
    if not name.startswith("/"):
        return _UNNAMED
    head, _, rest = name[1:].partition("/")
    return _SCOPES.get(head, _OUTSIDE) if rest else _OUTSIDE
