"""What NVIDIA's own parser and builder make of the graphs of bundles, on a machine without a GPU.

    python -m dgiqa_edge.export.tensorrt.rtx_builds build/rtx/*/*/*/bundle \\
        --json benchmarks/results/tensorrt-rtx-builds.json --markdown docs/tensorrt-rtx.md

It needs the extra ``tensorrt-rtx``. The engines are for RTX GPUs and are thrown away: what counts is that every graph
is parsed and built, what is fused, and in which precision the products run. `make rtx-builds` makes the bundles first.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import input_path, output_file, parse
from dgiqa_edge.runtime.ground.atomic import write_result
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.version import VERSION

from ..frame_graph.graph_files import graphs_of
from ..options.tensorrt_options import BuilderSettings
from ..stages.provenance import host_facts
from . import builder, lint
from .configuration import configure
from .graph import GraphFacts, facts_of, prepare
from .layer_report import PRODUCTS, LayerCounts, LayerLog, count
from .layer_report import parse as parse_layers
from .machine import TensorRtMachine, open_rtx

if TYPE_CHECKING:
    from onnx import ModelProto

PAGE = """\
# What NVIDIA's builder makes of the graphs

**What you get:** a table of what TensorRT-RTX fuses and computes in which precision, and a backend for RTX GPUs.

TensorRT-RTX ({tensorrt_rtx}) parses and builds without a GPU, so every graph that this project writes is held
against NVIDIA's own parser and builder (`tests/export/tensorrt/test_rtx_builds.py`). Its engines are for RTX desktop
GPUs; what it fuses is a hint of what TensorRT does on a Jetson, and no more than that. No figure here is a latency.

`make rtx-builds` makes the table. This one is of {cpu} (load {load} as it began), for frames of {frame}.
*attentions*: those fused into one kernel, of all. *products*: layers that hold convolutions and matrix products, by
what they read. *in INT8*: the graph's products behind Q/DQ that run so, of all. *lone Q/DQ*: layers that round to INT8
or back beside no INT8 product. *moved*: what all layers read and write of activations.

| preset | precision | layout | plan MB | attentions | products | in INT8 | lone Q/DQ | moved MB | build s |
|---|---|---|---|---|---|---|---|---|---|
{rows}

## The backend

<!-- not run: a build of minutes; the second needs an RTX GPU -->
```sh
dgiqa-edge build --backend tensorrt-rtx --targets sm86,sm89,sm120 --calib photos/ --out build/rtx  # on any machine
dgiqa-edge doctor --bundle build/rtx                                                               # on the RTX GPU
```

It has run on stand-ins of the GPU alone. What is built, and by what rules it is loaded:

- One engine serves all its targets: `sm80`, `sm86`, `sm89`, `sm120`, `sm121`; without `--targets` those of GeForce RTX
  30, 40 and 50. Turing (`sm75`) is refused: TensorRT-RTX computes no FP32 matrix product there.
- FP16 where no precision is named. INT8 is built with a warning: of `nano` it moves more than twice as much.
- Where no GPU of the targets is at hand the engine is not run: the bundle states the portable graph's fidelity and no
  latency, and the golden frame decides when the engine is first loaded.
- The plan lies compressed in the bundle (`.plan.gz`). Two builds of one graph list its outputs in another order, and
  are the same otherwise.
- An engine for other GPUs, another release or platform is refused before it is opened, with the command that rebuilds
  it; then TensorRT-RTX judges its first 64 bytes, and says what is wrong with the machine.
- What TensorRT-RTX compiles on the GPU is kept in `~/.cache/dgiqa-edge/kernels`, a file for each plan, GPU, driver and
  release; `cache_folder` of a watch file's `[engine]`, and of `Scorer`, names another place. It captures its CUDA graph
  itself.
- The native runtime has no such backend and runs the bundle's portable graph.

The same library is also a provider of ONNX Runtime (1.24 and newer) for any bundle's portable graph, from the package
`onnxruntime-ep-nv-tensorrt-rtx`: `providers = ["tensorrt-rtx"]` in a watch file, `--providers tensorrt-rtx` for
`bench latency`. Its CUDA graphs stay off.

NVIDIA's wheels are the user's to install, under NVIDIA's licence (extra `tensorrt-rtx`): nothing of them ships here.
"""


@dataclass(frozen=True)
class GraphBuild:
    """One graph, built.

    Attributes:
        counts: of the engine's layers.
        written: convolutions and matrix products of the graph, by what is written there: INT8 where they read
            dequantized tensors, else FP16 or FP32.
        has_fp16: whether the graph has FP16 tensors.
        warnings: of the parser and the builder.
    """

    plan: bytes = field(repr=False)
    counts: LayerCounts
    written: Mapping[str, int]
    has_fp16: bool
    seconds: float
    warnings: tuple[str, ...]


def build_graph(machine: TensorRtMachine, model: "ModelProto") -> GraphBuild:
    """Prepare and build one graph, as a build of engines does.

    Raises:
        ExportError: the graph breaks the parser's rules or cannot be built.
        EngineCompatibilityError: the builder's layer report is of another dialect.
    """
    prepared, _ = prepare(model, machine.support)
    lint.check(prepared, machine.version, machine.support.flavour)
    return build_bytes(machine, prepared.SerializeToString(), prepared)


def built_layers(
    machine: TensorRtMachine, content: bytes, model: "ModelProto"
) -> tuple[builder.BuiltEngine, GraphFacts, LayerLog]:
    """As ``build_bytes``: the build, the facts of ``model``, and what the builder said of its layers, not yet read."""
    facts = facts_of(model)
    configuration = configure(
        BuilderSettings(),
        version=machine.version,
        support=machine.support,
        has_qdq=facts.has_qdq,
        has_fp16=facts.has_fp16,
        families=(),
        device=machine.device,
    )
    log = LayerLog()
    return builder.build(machine.trt, lambda: content, facts, configuration, log=log, timings=None), facts, log


def build_bytes(machine: TensorRtMachine, content: bytes, model: "ModelProto") -> GraphBuild:
    """Build ``content``, which is ``model`` as the parser takes it; raises as ``build_graph``."""
    built, facts, log = built_layers(machine, content, model)
    return GraphBuild(
        plan=built.plan,
        counts=count(parse_layers(log.layers), facts),
        written=_written(model, facts),
        has_fp16=facts.has_fp16,
        seconds=built.seconds,
        warnings=tuple(log.warnings),
    )


def _written(model: "ModelProto", facts: GraphFacts) -> Counter[str]:
    dequantized = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    written: Counter[str] = Counter()
    for node in model.graph.node:
        if node.op_type in PRODUCTS:
            kind = "FP32" if node.output[0] in facts.fp32_tensors else "FP16"
            written["INT8" if dequantized.intersection(node.input) else kind] += 1
    return written


def row_of(builds: Sequence[GraphBuild]) -> dict[str, Any]:
    """Figures of the graphs of one bundle together."""
    products: Counter[str] = Counter()
    for build in builds:
        products.update(build.counts.products)
    return {
        "plan_bytes": sum(len(build.plan) for build in builds),
        "attentions": sum(build.counts.attentions for build in builds),
        "fused_attentions": sum(build.counts.fused_attentions for build in builds),
        "products": dict(sorted(products.items())),
        "quantized_nodes": sum(build.written["INT8"] for build in builds),
        "int8_nodes": sum(build.counts.int8_nodes for build in builds),
        "lone_qdq": sum(len(build.counts.lone_qdq) for build in builds),
        "moved_bytes": sum(build.counts.moved_bytes for build in builds),
        "warnings": [warning for build in builds for warning in build.warnings],
        "build_seconds": round(sum(build.seconds for build in builds), 1),
    }


def page(document: Mapping[str, Any]) -> str:
    """The page that shows a result file."""
    frames = sorted({row["frame"] for row in document["builds"]})
    return PAGE.format(
        tensorrt_rtx=document["tensorrt_rtx"],
        cpu=document["host"]["cpu"],
        load=document["load"],
        frame=" or ".join(frames),
        rows="\n".join(map(_line, document["builds"])),
    )


def _line(row: Mapping[str, Any]) -> str:
    cells = (
        row["preset"],
        row["precision"],
        row["layout"],
        f"{row['plan_bytes'] / 1e6:.1f}",
        f"{row['fused_attentions']} of {row['attentions']}",
        ", ".join(f"{number} {kind}" for kind, number in row["products"].items()),
        f"{row['int8_nodes']} of {row['quantized_nodes']}" if row["quantized_nodes"] else "-",
        row["lone_qdq"],
        f"{row['moved_bytes'] / 1e6:.0f}",
        f"{row['build_seconds']:.1f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def _rows(machine: TensorRtMachine, bundles: Iterable[Path]) -> Iterable[dict[str, Any]]:
    for path in bundles:
        bundle = load_bundle(path)
        manifest = bundle.manifest
        builds = [build_graph(machine, model) for model in graphs_of(bundle).values()]
        mixed = manifest.precision.name == "int8" and any(build.has_fp16 for build in builds)
        yield {
            "preset": manifest.preset,
            "precision": manifest.precision.name + " + fp16" * mixed,
            "layout": manifest.layout,
            "frame": f"{manifest.frame.width}x{manifest.frame.height}",
            **row_of(builds),
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Build every graph and print the table; returns 0."""
    parser = argparse.ArgumentParser(
        prog="python -m dgiqa_edge.export.tensorrt.rtx_builds",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundles", type=input_path, nargs="+", metavar="BUNDLE", help="its graphs are built")
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write the figures there")
    parser.add_argument("--markdown", type=output_file, metavar="FILE", help="write the page with the table there")
    args = parse(parser, argv)
    machine = open_rtx()
    document: dict[str, Any] = {
        "tensorrt_rtx": machine.version,
        "dgiqa_edge": VERSION,
        "host": host_facts(),
        "load": round(os.getloadavg()[0], 1),
        "builds": [],
    }
    for row in _rows(machine, args.bundles):
        document["builds"].append(row)
        print(_line(row), flush=True)
    if args.json:
        write_result(args.json, json_text(document, indent=1) + "\n")
    if args.markdown:
        write_result(args.markdown, page(document))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="export"))
