"""The options of ``build_engine``: their parser, their defaults from the preset, and the command that repeats them."""

import argparse
import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.bundle.batch import MOST_FRAMES, BatchRange
from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import input_path, output_folder, threads, whole
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.framing import FITS, Fit
from dgiqa_edge.runtime.ground.limits import LONGEST_SIDE, MOST_FRAME_PIXELS, MOST_NETWORK_SIDE, MOST_THREADS
from dgiqa_edge.runtime.ground.quantities import frame_size

from . import presets, tensorrt_options
from .accuracy_budget import FLOOR, NO_LIMITS, AccuracyBudget, parse_budget, parse_latency
from .tensorrt_options import TensorRtOptions

PRECISIONS = ("int8", "fp16", "fp32")
AUTO = "auto"
STAGES = ".stages"
"""Where a build keeps what it has finished, beside the bundle."""
# One line a backend, in the order in which auto prefers them (export/build/NAME_build.py declares it), with the
# precision that is built where none is named. ONNX Runtime can be built for anywhere, so auto never comes to those
# after it; OpenVINO runs the same graph, and auto compares the two.
BACKENDS = {
    "tensorrt": "int8",
    "onnxruntime": "int8",
    "openvino": "int8",
    tensorrt_options.RTX: "fp16",
}
LAYOUTS = ("fused", "split")
DEFAULT_FIT: Fit = "pad"
"""Frames of 3:4 and 9:16 lose least by it in a bundle of 4:3: benchmarks/results/frame_shapes.json."""
NO_EMA = "of a checkpoint with a moving average (EMA) of the weights take those of the last step (default: the average)"
METHODS = ("minmax", "percentile", "entropy")

EXAMPLE = """\
example:
  python export/build_engine.py --int8 --frame 1280x720 --calib photos/ --out build/engine
  python export/build_engine.py --int8 --preset reference --frame 1280x720 --calib photos/ \\
      --depth-weights depth_anything_vits14.pth --quality-weights dgiqa.pth --out build/reference
  python export/build_engine.py --int8 --backend tensorrt --opt-level 5 --calib photos/ --out build/orin
  python export/build_engine.py --int8 --accuracy-budget score_mae=0.01,srcc=0.99 --latency-target 50ms
  python export/build_engine.py --rungs int8,fp16,fp32 --backend tensorrt --no-engine --out build/for-orin
  dgiqa-edge build --from build/for-orin --out build/orin --latency-target 50ms
"""


@dataclass(frozen=True)
class BuildOptions:
    """Everything a build depends on, with the preset's values filled in; sizes in pixels."""

    preset: str
    precision: str
    backend: str
    layout: str
    frame: tuple[int, int]
    depth_network: str
    quality_network: str
    depth_side: int
    short_side: int
    crops: int
    crop_boxes: tuple[tuple[int, int], ...] | None
    depth_weights: Path | None
    quality_weights: Path | None
    calib: str
    calib_images: int
    check_images: int
    method: str
    threads: int
    seed: str
    out: Path
    work: Path
    fit: Fit = DEFAULT_FIT
    tensorrt: TensorRtOptions = field(default_factory=TensorRtOptions)
    accuracy_budget: AccuracyBudget | None = None
    latency_target_ms: float | None = None
    accuracy_check: bool = True
    ema: bool = True
    rungs: tuple[str, ...] = ()
    """The precisions that a device may choose from, most reduced first; empty: ``precision`` alone."""
    keep: tuple[str, ...] = ()
    """Blocks that stay in FP32."""
    batch: BatchRange = field(default_factory=BatchRange)

    @property
    def climbs(self) -> bool:
        """Whether the build looks for a precision, from ``precision`` up, instead of taking it as it is.

        With ``rungs`` the device does: the budget and the target are written down for it.
        """
        return not self.rungs and (self.accuracy_budget is not None or self.latency_target_ms is not None)

    @property
    def builds_engines(self) -> bool:
        """Whether engines are built here for a backend that has any; else the bundle holds the portable graph only."""
        return self.tensorrt.engine

    @property
    def limits(self) -> AccuracyBudget:
        """What the result is held to: the budget, and the standing floor for what it does not name."""
        if not self.accuracy_check:
            return NO_LIMITS
        return (self.accuracy_budget or NO_LIMITS).over(FLOOR)

    def command(self) -> list[str]:
        """The command that repeats this build, every choice spelled out that a machine does not make itself."""
        height, width = self.frame
        argv = ["dgiqa-edge", "build", "--preset", self.preset]
        argv += ["--rungs", ",".join(self.rungs)] if self.rungs else [f"--{self.precision}"]
        argv += ["--frame", f"{width}x{height}", "--fit", self.fit, "--backend", self.backend, "--layout", self.layout]
        argv += [] if self.batch == BatchRange() else ["--batch", str(self.batch)]
        argv += ["--depth-network", self.depth_network, "--depth-side", str(self.depth_side)]
        argv += ["--short-side", str(self.short_side)]
        if self.crop_boxes is None:
            argv += ["--crops", str(self.crops)]
        else:
            argv += ["--crop-boxes", " ".join(f"{x},{y}" for x, y in self.crop_boxes)]
        argv += ["--depth-weights", str(self.depth_weights)] if self.depth_weights else []
        argv += ["--quality-weights", str(self.quality_weights)] if self.quality_weights else []
        argv += [] if self.ema else ["--no-ema"]
        # The photos that ship lie elsewhere on every machine, and are the default on all of them.
        argv += [] if self.calib == str(SHIPPED_PHOTOS) else ["--calib", self.calib]
        argv += ["--calib-images", str(self.calib_images)]
        argv += ["--check-images", str(self.check_images), "--method", self.method]
        argv += ["--threads", str(self.threads), "--seed", self.seed, "--out", str(self.out)]
        argv += ["--accuracy-budget", str(self.accuracy_budget)] if self.accuracy_budget else []
        argv += ["--latency-target", f"{self.latency_target_ms!r}ms"] if self.latency_target_ms else []
        argv += [] if self.accuracy_check else ["--no-accuracy-check"]
        argv += ["--keep", ",".join(self.keep)] if self.keep else []
        return argv + self.tensorrt.command()


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the build's options to ``parser``."""
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    what = parser.add_argument_group("what to build")
    what.add_argument(
        "--from",
        dest="source",
        type=input_path,
        metavar="BUNDLE",
        help="build TensorRT engines on this device from the graphs of a bundle made with --no-engine, which needs no "
        "PyTorch here; heeds the options for precision, accuracy and latency, TensorRT, and running the build",
    )
    listed = "; ".join(f"{preset.name}: {preset.summary}" for preset in presets.PRESETS.values())
    what.add_argument("--preset", default=presets.DEFAULT, help=f"{listed} (default: {presets.DEFAULT})")
    precision = what.add_mutually_exclusive_group()
    for name, text in (
        ("int8", "explicit Q/DQ, calibrated on photos (the default, but of tensorrt-rtx)"),
        ("fp16", "explicit FP16 with FP32 islands (the default of tensorrt-rtx)"),
        ("fp32", "no reduction"),
    ):
        precision.add_argument(f"--{name}", action="store_const", const=name, dest="precision", help=text)
    precision.add_argument(
        "--rungs",
        type=parse_rungs,
        metavar="NAMES",
        help="with --no-engine: carry several of these to the device, which takes the best, as int8,fp16,fp32; with "
        "--from: take one of these",
    )
    what.add_argument(
        "--frame",
        type=parse_frame,
        default=(720, 1280),
        metavar="WxH",
        help="camera frame (default: 1280x720)",
    )
    what.add_argument(
        "--fit",
        choices=FITS,
        default=DEFAULT_FIT,
        help="how frames and photos of another shape take it, unless whoever scores says otherwise: stretch, straight "
        "to it; pad, with their aspect kept, mirrored at their edges; crop, with their aspect kept, the middle alone "
        f"(default: {DEFAULT_FIT})",
    )
    what.add_argument(
        "--backend",
        choices=(AUTO, *BACKENDS),
        default=AUTO,
        help=f"what the bundle is for; {AUTO} takes the first of {', '.join(BACKENDS)} whose packages and device are "
        f"here, and of those that run the same graph on the CPU the one that a short trial finds best "
        f"(default: {AUTO})",
    )
    what.add_argument(
        "--layout",
        choices=LAYOUTS,
        default="fused",
        help="fused: one engine; split: a depth engine and a quality engine (default: fused)",
    )
    what.add_argument(
        "--batch",
        type=parse_batch,
        default=BatchRange(),
        metavar="N|1..N",
        help="frames that the engines take at once: always N, or 1 to N as there are (default: 1)",
    )
    what.add_argument(
        "--out",
        type=output_folder,
        metavar="DIR",
        help="the bundle (default: build/PRESET-PRECISION-WxH; with --from BUNDLE itself, replaced once all is done)",
    )

    networks = parser.add_argument_group("networks and weights")
    networks.add_argument(
        "--depth-weights",
        type=input_path,
        metavar="FILE",
        help=".pth or .safetensors; without it seeded (nano brings its own)",
    )
    networks.add_argument(
        "--quality-weights",
        type=input_path,
        metavar="FILE",
        help=".pth or .safetensors; without it those that ship (nano, edge), else seeded",
    )
    networks.add_argument("--no-ema", action="store_true", help=NO_EMA)
    networks.add_argument("--depth-network", metavar="NAME", help="another depth network than the preset's")
    networks.add_argument("--seed", default="dgiqa-edge", help="seed of weights that no file was given for")

    geometry = parser.add_argument_group("sizes (default: the preset's)")
    geometry.add_argument(
        "--depth-side",
        type=whole(0, MOST_NETWORK_SIDE),
        metavar="PX",
        help="short side of the depth input, multiple of 14",
    )
    geometry.add_argument(
        "--short-side",
        type=whole(0, MOST_NETWORK_SIDE),
        metavar="PX",
        help="short side of the image crops are cut from",
    )
    crops = geometry.add_mutually_exclusive_group()
    crops.add_argument("--crops", type=whole(1, 10_000), metavar="N", help="crops on an even grid")
    crops.add_argument("--crop-boxes", type=parse_boxes, metavar="'X,Y X,Y ...'", help="explicit top-left corners")

    calibration = parser.add_argument_group("calibration and check")
    calibration.add_argument(
        "--calib",
        default=str(SHIPPED_PHOTOS),
        metavar="SOURCE",
        help="folder, glob, list file or video of your camera's scenes (default: the 24 photos that ship)",
    )
    calibration.add_argument(
        "--calib-images", type=whole(1), default=32, metavar="N", help="at most so many (default: 32)"
    )
    calibration.add_argument(
        "--check-images",
        type=whole(1),
        default=16,
        metavar="N",
        help="held out of them for the fidelity check (default: 16)",
    )
    calibration.add_argument("--method", choices=METHODS, default="minmax", help="range observer (default: minmax)")

    ladder = parser.add_argument_group(
        "accuracy and latency on this device",
        f"With a budget or a target the build climbs from the precision named above (INT8) up to FP32 and takes the "
        f"fastest that keeps both, on the best of the CPU's backends where --backend names none. Without, it is held "
        f"to {FLOOR}, as is what a budget does not name.",
    )
    ladder.add_argument(
        "--accuracy-budget",
        type=parse_budget,
        metavar="LIMITS",
        help="against FP32 on held-out photos, as score_mae=0.01,srcc=0.99; also score_max, depth_corr, depth_mae",
    )
    ladder.add_argument(
        "--latency-target", type=parse_latency, metavar="TIME", help="most p50 latency of one frame, as 10ms"
    )
    ladder.add_argument(
        "--no-accuracy-check", action="store_true", help="keep the result however far it is from FP32, and say so in it"
    )

    ladder.add_argument(
        "--keep",
        type=parse_blocks,
        default=(),
        metavar="BLOCK,...",
        help="blocks of the networks that stay in FP32, by the names that dgiqa-edge debug and a ladder's table give",
    )

    tensorrt_options.configure(parser)

    run = parser.add_argument_group("running the build")
    run.add_argument(
        "--threads",
        type=threads,
        default=min(available_cpus(), MOST_THREADS),
        metavar="N",
        help="CPU threads (default: all)",
    )
    run.add_argument(
        "--work", type=output_folder, metavar="DIR", help="finished stages, for resuming (default: beside --out)"
    )
    add_json_option(run, "the closing table")


def from_args(args: argparse.Namespace) -> BuildOptions:
    """Fill in the preset's values and check the rest.

    Raises:
        ConfigurationError: an unknown preset, or a count that makes no sense.
    """
    preset = presets.get(args.preset)
    climbs = args.accuracy_budget is not None or args.latency_target is not None
    if args.no_accuracy_check and args.accuracy_budget is not None:
        raise ConfigurationError("--no-accuracy-check contradicts --accuracy-budget: give one of them")
    rungs = args.rungs or ()
    precision = rungs[0] if rungs else args.precision or BACKENDS.get(args.backend, "int8")
    for option, value in (("--calibrator", args.calibrator), ("--dla-core", args.dla_core)):
        if value is not None and args.batch != BatchRange():
            raise ConfigurationError(f"{option} takes one frame at a time: leave it out, or --batch")
    if args.keep and precision == "fp32":
        raise ConfigurationError("--keep names blocks that stay in FP32, and with --fp32 all do: leave one of them out")
    height, width = args.frame
    out = args.out or Path("build") / f"{preset.name}-{'ladder' if climbs or rungs else precision}-{width}x{height}"
    # An option that was not given is the preset's.
    chosen = {**vars(preset), **{name: value for name, value in vars(args).items() if value is not None}}
    named: dict[str, Any] = {one.name: chosen.get(one.name) for one in fields(BuildOptions)}
    named |= {
        "precision": precision,
        "depth_network": args.depth_network or preset.depth_network,
        "out": out,
        "work": args.work or out.parent / STAGES,
        "tensorrt": tensorrt_options.from_args(args, precision),
        "latency_target_ms": args.latency_target,
        "accuracy_check": not args.no_accuracy_check,
        "ema": not args.no_ema,
        "rungs": rungs,
    }
    return BuildOptions(**named)


def parse_rungs(text: str) -> tuple[str, ...]:
    """``int8,fp32`` as precisions, most reduced first."""
    named = [part.strip() for part in text.split(",")]
    if len(set(named)) != len(named) or not set(named) <= set(PRECISIONS):
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: name some of {','.join(PRECISIONS)}, each once")
    return tuple(name for name in PRECISIONS if name in named)


def parse_frame(text: str) -> tuple[int, int]:
    """``1280x720`` as (height, width)."""
    found = frame_size(text)
    if found is None or max(found) > LONGEST_SIDE:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a frame size: write WIDTHxHEIGHT, as 1280x720")
    size = found[1], found[0]
    if size[0] * size[1] > MOST_FRAME_PIXELS:
        raise argparse.ArgumentTypeError(f"{text} has more than {MOST_FRAME_PIXELS} pixels: build for a smaller frame")
    return size


def parse_batch(text: str) -> BatchRange:
    """``4`` as always 4, ``1..8`` as any number from 1 to 8."""
    found = re.fullmatch(r"(1\.\.)?([0-9]{1,3})", text)
    if found is None or not 1 <= int(found[2]) <= MOST_FRAMES:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is not a batch: write N, always so many frames, or 1..N, N from 1 to {MOST_FRAMES}"
        )
    return BatchRange(1 if found[1] else int(found[2]), int(found[2]))


def parse_boxes(text: str) -> tuple[tuple[int, int], ...]:
    """``"0,0 128,64"`` as ((0, 0), (128, 64))."""
    place = whole(0, LONGEST_SIDE)
    try:
        pairs = [tuple(place(number) for number in pair.split(",")) for pair in text.split()]
        return tuple((x, y) for x, y in pairs)
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} are not crop boxes: write 'X,Y X,Y ...'") from None


def parse_blocks(text: str) -> tuple[str, ...]:
    """``"network/stem,network/blocks.3"`` as names, each once."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} are not blocks: write BLOCK,BLOCK, as network/stem")
    return names


def available_cpus() -> int:
    """CPUs this process may run on, which in a container are fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
