"""How much memory building the engines of a bundle takes, tried without a GPU with TensorRT-RTX's builder.

    python -m dgiqa_edge.export.on_device.builder_memory BUNDLE

Each precision is built in a process of its own, from the graph that the device half would take and by the same stage.
The engines are for RTX GPUs and are thrown away. It needs the extra ``tensorrt-rtx``. TensorRT's own builder also times
kernels, for which it holds memory on the GPU (on a Jetson the same memory): that is not in these figures.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dgiqa_edge.runtime.commands.cli import guarded
from dgiqa_edge.runtime.commands.option_types import input_path, parse
from dgiqa_edge.runtime.engines.tensorrt.backend import BACKEND

from ..options.tensorrt_options import TensorRtOptions
from ..stages.provenance import peak_memory_mib
from ..stages.stages import Stages
from ..tensorrt.build_watch import silent
from ..tensorrt.engines import EngineFiles
from ..tensorrt.machine import open_rtx
from .carried import Carried, Source, engine_stage, open_source, parser_graphs, to_build


def build(source: Source, carried: Carried, folder: Path) -> EngineFiles:
    """The engines of one precision, built by TensorRT-RTX as the device half builds them by TensorRT.

    Raises:
        MachineError, EngineCompatibilityError, ExportError: see ``EngineStage``.
    """
    machine = open_rtx()
    records = parser_graphs(source.bundle.manifest, carried.precision, BACKEND.name, machine.support.api_of)
    options = TensorRtOptions(timing_cache=folder / "timing.cache")
    stage = engine_stage(source, carried, machine, options, work=folder, threads=1, say=silent)
    return stage.run(Stages(folder), *to_build(source.bundle, records))


def _one(bundle: Path, precision: str) -> None:
    source = open_source(bundle, (precision,))
    source.check_frames()
    before = peak_memory_mib()
    with tempfile.TemporaryDirectory(prefix="dgiqa-edge-") as folder:
        files = build(source, source.carried[0], Path(folder))
        print(f"{precision}: {before:.0f} MiB before, {peak_memory_mib():.0f} MiB at peak; {files.summary}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line per precision; returns 0."""
    parser = argparse.ArgumentParser(
        prog="python -m dgiqa_edge.export.on_device.builder_memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", type=input_path, metavar="BUNDLE", help="written with --no-engine")
    parser.add_argument("--only", metavar="PRECISION", help="build this one alone, in this process")
    args = parse(parser, argv)
    if args.only:
        _one(args.bundle, args.only)
        return 0
    for carried in open_source(args.bundle).carried:
        command = [sys.executable, "-m", "dgiqa_edge.export.on_device.builder_memory", str(args.bundle)]
        subprocess.run([*command, "--only", carried.precision], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, extra="tensorrt-rtx"))
