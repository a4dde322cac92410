"""The TensorRT options of ``build_engine``: their parser, their meaning, and how a command repeats them."""

import argparse
import re
from dataclasses import dataclass, field, fields
from pathlib import Path

from dgiqa_edge.runtime.commands.option_types import memory, output_file, whole
from dgiqa_edge.runtime.engines.tensorrt.compatibility import target_words
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.limits import MOST_THREADS

CALIBRATORS = ("entropy", "minmax")
HARDWARE_LEVELS = ("ampere_plus", "same_compute_capability")
OPTIMIZATION_LEVELS = range(6)
RTX = "tensorrt-rtx"
RTX_TARGETS = ("86", "89", "120")
"""GeForce RTX 30, 40 and 50, and their workstation cards."""
FLAGS = ("--no-engine", "--version-compatible")
VALUED = (
    "--workspace-mib",
    "--builder-memory-mib",
    "--opt-level",
    "--aux-streams",
    "--dla-core",
    "--hardware-compatible",
    "--calibrator",
    "--targets",
    "--timing-cache",
)
"""With ``FLAGS`` all that a command says of TensorRT."""
_OF_RTX = ("--targets", "--workspace-mib", "--opt-level", "--aux-streams")


@dataclass(frozen=True)
class BuilderSettings:
    """What the user may choose; None means TensorRT's default.

    Attributes:
        workspace_mib: most device memory that a tactic may use as scratch.
        tactic_memory_mib: most device memory that the builder may take while it times tactics.
        optimization_level: 0 (quick build) to 5 (long search).
        aux_streams: most streams that branches of the network may run on beside the main one.
        dla_core: DLA core to run on, layers that it cannot take fall back to the GPU.
        hardware_compatible: other GPUs to run on, one of ``HARDWARE_LEVELS``.
        version_compatible: whether later TensorRT versions can run the engine.
        calibrator: implicit INT8 by this calibrator, one of ``CALIBRATORS``, instead of explicit Q/DQ.
        targets: of TensorRT-RTX, compute capabilities (without the dot) to build for, ascending.
    """

    workspace_mib: int | None = None
    tactic_memory_mib: int | None = None
    optimization_level: int | None = None
    aux_streams: int | None = None
    dla_core: int | None = None
    hardware_compatible: str | None = None
    version_compatible: bool = False
    calibrator: str | None = None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class TensorRtOptions:
    """What a build does with TensorRT.

    Attributes:
        engine: whether an engine is built here; without one the bundle holds the portable graph for TensorRT.
        settings: for the builder.
        timing_cache: file of tactic timings; None for the one of this device and version in the user's cache folder.
    """

    engine: bool = True
    settings: BuilderSettings = field(default_factory=BuilderSettings)
    timing_cache: Path | None = None

    def command(self) -> list[str]:
        """The options that repeat this choice; defaults are left out."""
        settings = self.settings
        values = (
            settings.workspace_mib,
            settings.tactic_memory_mib,
            settings.optimization_level,
            settings.aux_streams,
            settings.dla_core,
            settings.hardware_compatible,
            settings.calibrator,
            target_words(settings.targets) or None,
            self.timing_cache,
        )
        argv = [] if self.engine else ["--no-engine"]
        for option, value in zip(VALUED, values, strict=True):
            argv += [] if value is None else [option, str(value)]
        return [*argv, "--version-compatible"] if settings.version_compatible else argv


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the TensorRT options to ``parser``."""
    group = parser.add_argument_group(
        "TensorRT (--backend tensorrt adds an engine to the portable graph, on the GPU that it will run on; "
        "--backend tensorrt-rtx one for RTX GPUs, on any machine)"
    )
    group.add_argument(
        "--no-engine",
        action="store_true",
        help="write graphs and check frames for TensorRT; needs no GPU, the device builds the engine with --from",
    )
    group.add_argument(
        "--workspace-mib", type=memory(1, 1 << 20), metavar="MIB", help="most device memory for a tactic's scratch"
    )
    group.add_argument(
        "--builder-memory-mib",
        dest="tactic_memory_mib",
        type=memory(1, 1 << 20),
        metavar="MIB",
        help="most device memory for the builder itself (8.6 and newer)",
    )
    group.add_argument(
        "--timing-cache",
        type=output_file,
        metavar="FILE",
        help="tactic timings to reuse and extend (default: one per device and version in ~/.cache/dgiqa-edge/timing)",
    )
    group.add_argument(
        "--opt-level",
        dest="optimization_level",
        type=whole(0, 5),
        metavar="0..5",
        help="0 builds quickly, 5 searches longest (8.6 and newer)",
    )
    group.add_argument(
        "--aux-streams",
        type=whole(0, MOST_THREADS),
        metavar="N",
        help="most streams beside the main one (8.6 and newer)",
    )
    group.add_argument(
        "--dla-core",
        type=whole(0, MOST_THREADS),
        metavar="N",
        help="run on this DLA core, the GPU takes what it cannot (Xavier and Orin; 10.7 and older, or 11.4.1)",
    )
    group.add_argument(
        "--hardware-compatible",
        nargs="?",
        const=HARDWARE_LEVELS[0],
        choices=HARDWARE_LEVELS,
        help="run on other GPUs too, not on Jetson (default level: ampere_plus)",
    )
    group.add_argument(
        "--version-compatible", action="store_true", help="let later TensorRT versions run the engine (8.6 and newer)"
    )
    group.add_argument(
        "--calibrator",
        choices=CALIBRATORS,
        help="implicit INT8 by TensorRT's calibrator, for the DLA of old JetPacks (up to TensorRT 10; default: Q/DQ)",
    )
    group.add_argument(
        "--targets",
        type=parse_targets,
        default=(),
        metavar="SM,...",
        help=f"GPUs that a TensorRT-RTX engine is for (default: {target_words(RTX_TARGETS)}, GeForce RTX 30 to 50)",
    )


def parse_targets(text: str) -> tuple[str, ...]:
    """``sm89,sm120`` as ("89", "120"), ascending, each once."""
    words = [word.strip().lower() for word in text.split(",")]
    if not all(re.fullmatch(r"sm[1-9][0-9]{1,2}", word) for word in words):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} are not targets: write compute capabilities, as sm86,sm120")
    return tuple(sorted({word.removeprefix("sm") for word in words}, key=int))


def read(args: argparse.Namespace) -> TensorRtOptions:
    """The options as given."""
    settings = {one.name: getattr(args, one.name) for one in fields(BuilderSettings)}
    if args.backend == RTX:
        settings["targets"] = args.targets or RTX_TARGETS
    return TensorRtOptions(
        engine=not args.no_engine, settings=BuilderSettings(**settings), timing_cache=args.timing_cache
    )


def from_args(args: argparse.Namespace, precision: str) -> TensorRtOptions:
    """Read the options and check them against each other.

    Raises:
        ConfigurationError: an option contradicts the backend, the precision, the layout, or another option.
    """
    options = read(args)
    given = [option for option in options.command() if option.startswith("--")]
    for option in given:
        if args.backend == RTX and option not in _OF_RTX:
            raise ConfigurationError(
                f"{option} is not for TensorRT-RTX, whose engines are built anywhere: leave it out"
            )
        if args.backend not in ("tensorrt", RTX) or (option == "--targets" and args.backend != RTX):
            title, name = ("TensorRT-RTX", RTX) if option == "--targets" else ("TensorRT", "tensorrt")
            raise ConfigurationError(f"{option} is for {title}: add --backend {name}, or leave it out")
    if not options.engine and len(given) > 1:
        others = ", ".join(option for option in given if option != "--no-engine")
        raise ConfigurationError(f"--no-engine builds no engine, so {others} would do nothing: leave one of them out")
    if args.rungs and options.engine:
        raise ConfigurationError(
            "--rungs carries precisions to a device, which builds the engine: add --backend tensorrt --no-engine, or "
            "name one precision"
        )
    if options.settings.calibrator and precision != "int8":
        raise ConfigurationError(f"--calibrator is for INT8, not --{precision}: add --int8, or leave it out")
    if options.settings.calibrator and args.layout != "fused":
        raise ConfigurationError("--calibrator works on one engine with one input: add --layout fused")
    return options
