"""What a TensorRT builder is asked for, from the user's settings, the version, the graph and the device.

A pure decision, made and refused before minutes of building; ``builder.py`` carries it out. Precision is
written in the graph: flags are set only where a version needs them to honour it, and never allow more than it says.
"""

from dataclasses import dataclass

from dgiqa_edge.runtime.engines.tensorrt.compatibility import target_words
from dgiqa_edge.runtime.engines.tensorrt.versions import KnownBad, TensorRtSupport, known_bad, why_no_target
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError

from ..options.tensorrt_options import CALIBRATORS, OPTIMIZATION_LEVELS, BuilderSettings

_AMPERE = 80


@dataclass(frozen=True)
class Device:
    """The GPU to build for.

    ``sm`` is its compute capability without the dot, "" where an engine is for several; ``jetson``: it is integrated.
    """

    name: str
    sm: str
    jetson: bool = False
    dla_cores: int = 0


@dataclass(frozen=True)
class Configuration:
    """What the builder is asked for. Names of flags, tactic sources and levels are those of TensorRT's enumerations.

    Attributes:
        strongly_typed: tensors take the types that the graph states, and there are no precision flags.
        flags, cleared_flags: builder flags to set and to clear.
        constrain_fp32: hold every layer that the graph computes in FP32 to FP32.
        tactic_sources: the only ones to use, as far as the version has them.
        targets: GPUs to build for, as TensorRT-RTX names them; empty where that is the GPU at hand.
        warnings: public reports that fit this build, and what else the user should know.
    """

    strongly_typed: bool
    flags: tuple[str, ...]
    cleared_flags: tuple[str, ...]
    constrain_fp32: bool
    tactic_sources: tuple[str, ...]
    workspace_mib: int | None
    tactic_memory_mib: int | None
    optimization_level: int | None
    aux_streams: int | None
    dla_core: int | None
    hardware_level: str | None
    calibrator: str | None
    targets: tuple[str, ...]
    warnings: tuple[str, ...]


def configure(
    settings: BuilderSettings,
    *,
    version: str,
    support: TensorRtSupport,
    has_qdq: bool,
    has_fp16: bool,
    families: tuple[str, ...],
    device: Device,
) -> Configuration:
    """Decide how to build.

    Args:
        version, support: of the installed TensorRT.
        has_qdq, has_fp16: what the graph states.
        families: kinds of network in the graph, see ``versions.families_of``.

    Raises:
        ConfigurationError: a setting contradicts the version, the graph or another setting.
        EngineCompatibilityError: the device or the version cannot do it, or the combination is known to be wrong.
    """
    _check_targets(settings, version, support)
    warnings = [
        *_check_calibrator(settings, version, support, has_qdq),
        *_check_builder_settings(settings, version, support),
        *_check_hardware_level(settings, version, support, device),
        *_check_dla(settings, version, support, has_qdq, has_fp16, device),
    ]
    precision = "implicit_int8" if settings.calibrator else "int8" if has_qdq else "fp16" if has_fp16 else "fp32"
    warnings += _check_public_reports(known_bad(version, families=families, precision=precision, sm=device.sm))
    strongly_typed = _strongly_typed(settings, support, has_qdq)
    flags = [] if strongly_typed else _precision_flags(settings, has_qdq, has_fp16)
    constrain = has_fp16 and not strongly_typed
    if constrain:
        flags.append("OBEY_PRECISION_CONSTRAINTS")
    if settings.dla_core is not None:
        flags.append("GPU_FALLBACK")
    if settings.version_compatible:
        flags.append("VERSION_COMPATIBLE")
    return Configuration(
        strongly_typed=strongly_typed,
        flags=tuple(flags),
        # FP32 is asked for to be exact: TF32 would round its factors to 10 bits, and is TensorRT's default.
        cleared_flags=("TF32",) if precision == "fp32" else (),
        constrain_fp32=constrain,
        tactic_sources=("EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS"),
        workspace_mib=settings.workspace_mib,
        tactic_memory_mib=settings.tactic_memory_mib,
        optimization_level=settings.optimization_level,
        aux_streams=settings.aux_streams,
        dla_core=settings.dla_core,
        hardware_level=settings.hardware_compatible.upper() if settings.hardware_compatible else None,
        calibrator=settings.calibrator,
        targets=tuple(f"SM{target}" for target in settings.targets),
        warnings=tuple(warnings),
    )


def _strongly_typed(settings: BuilderSettings, support: TensorRtSupport, has_qdq: bool) -> bool:
    if settings.calibrator:
        return False
    if support.typing == "partial":
        return not has_qdq and settings.dla_core is None
    return support.typing in ("strong", "only")


def _precision_flags(settings: BuilderSettings, has_qdq: bool, has_fp16: bool) -> list[str]:
    flags = []
    if has_qdq or settings.calibrator:
        flags.append("INT8")
    # A DLA computes in INT8 and FP16 only, so what is not INT8 there must be allowed to be FP16.
    if has_fp16 or settings.dla_core is not None:
        flags.append("FP16")
    return flags


def _check_targets(settings: BuilderSettings, version: str, support: TensorRtSupport) -> None:
    for target in settings.targets:
        if target not in support.targets:
            why = why_no_target(target, support.flavour) if support.targets else ""
            offered = target_words(support.targets) or "the GPU at hand alone"
            raise EngineCompatibilityError(
                f"--targets sm{target}: {why + '; ' if why else ''}{support.title} {version} builds for {offered}"
            )


def _check_calibrator(settings: BuilderSettings, version: str, support: TensorRtSupport, has_qdq: bool) -> list[str]:
    if settings.calibrator is None:
        return []
    if settings.calibrator not in CALIBRATORS:
        raise ConfigurationError(f"unknown calibrator {settings.calibrator!r}: choose one of {', '.join(CALIBRATORS)}")
    if not support.has_implicit_calibration:
        raise ConfigurationError(
            f"--calibrator {settings.calibrator}: {support.title} {version} has no calibrators, they ended with 10: "
            "leave it out, INT8 is written into the graph"
        )
    if has_qdq:
        raise ConfigurationError(
            f"--calibrator {settings.calibrator} needs the FP32 graph, and this one has Q/DQ: TensorRT ignores a "
            "calibrator beside them"
        )
    if support.implicit_calibration == "deprecated":
        return [f"implicit calibration is deprecated in {support.title} {version} and gone in 11: explicit Q/DQ stays"]
    return []


def _check_builder_settings(settings: BuilderSettings, version: str, support: TensorRtSupport) -> list[str]:
    for option, value, least in (
        ("--workspace-mib", settings.workspace_mib, 1),
        ("--builder-memory-mib", settings.tactic_memory_mib, 1),
        ("--aux-streams", settings.aux_streams, 0),
    ):
        if value is not None and value < least:
            raise ConfigurationError(f"{option} {value}: must be at least {least}")
    level = settings.optimization_level
    if level is not None and level not in OPTIMIZATION_LEVELS:
        raise ConfigurationError(f"--opt-level {level}: choose 0 (quick build) to 5 (long search)")
    for option, chosen, has in (
        ("--opt-level", level is not None, support.optimization_level),
        ("--aux-streams", settings.aux_streams is not None, support.aux_streams),
        ("--builder-memory-mib", settings.tactic_memory_mib is not None, support.optimization_level),
        ("--version-compatible", settings.version_compatible, support.version_compatible),
    ):
        if chosen and not has:
            raise ConfigurationError(f"{option} needs TensorRT 8.6 or newer, installed is {version}: leave it out")
    return []


def _check_hardware_level(
    settings: BuilderSettings, version: str, support: TensorRtSupport, device: Device
) -> list[str]:
    level = settings.hardware_compatible
    if level is None:
        return []
    if level not in support.hardware_compatible:
        offered = ", ".join(support.hardware_compatible) or "none"
        raise ConfigurationError(f"--hardware-compatible {level}: {support.title} {version} offers {offered}")
    if device.jetson and not support.hardware_compatible_on_jetson:
        raise ConfigurationError(
            f"--hardware-compatible {level}: TensorRT has it on desktop GPUs only, not on Jetson: leave it out"
        )
    if level == "ampere_plus" and int(device.sm) < _AMPERE:
        raise EngineCompatibilityError(
            f"--hardware-compatible ampere_plus needs a GPU of SM 8.0 or newer to build on, {device.name} has "
            f"{device.sm}: leave it out"
        )
    return [f"the engine is compatible with other GPUs ({level}): it may be slower than one for {device.name} alone"]


def _check_dla(
    settings: BuilderSettings,
    version: str,
    support: TensorRtSupport,
    has_qdq: bool,
    has_fp16: bool,
    device: Device,
) -> list[str]:
    core = settings.dla_core
    if core is None:
        return []
    if support.dla == "none":
        raise EngineCompatibilityError(
            f"--dla-core {core}: {support.title} {version} has no DLA support (10.7 and older do, and 11.4.1 on "
            "AGX Orin): leave it out"
        )
    if not 0 <= core < device.dla_cores:
        have = f"cores 0 to {device.dla_cores - 1}" if device.dla_cores else "no DLA"
        raise EngineCompatibilityError(f"--dla-core {core}: {device.name} has {have}")
    if has_qdq and support.typing != "only":
        raise ConfigurationError(
            f"--dla-core {core}: the DLA of {support.title} {version} takes no Q/DQ graph: add --calibrator entropy, "
            "or use --fp16"
        )
    if not (has_fp16 or has_qdq or settings.calibrator):
        raise ConfigurationError(f"--dla-core {core}: a DLA computes in FP16 and INT8 only: use --fp16 or --int8")
    return [f"layers that DLA core {core} cannot take run on the GPU: see the build log"]


def _check_public_reports(reports: tuple[KnownBad, ...]) -> list[str]:
    for report in reports:
        if report.action == "refuse":
            raise EngineCompatibilityError(report.message())
    return [report.message() for report in reports]
