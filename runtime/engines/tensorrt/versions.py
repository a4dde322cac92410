"""What each TensorRT version supports, and which combinations are on public record as wrong.

A pure reader of ``versions.toml``: it imports no TensorRT and decides nothing. The builder warns or refuses
by it, the runtime and doctor explain by it, and an engine counts only after its outputs were compared on the device.
"""

import functools
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import EngineCompatibilityError
from ...ground.strict_text import parse_toml
from ...machine.version_requirement import satisfies

DATA_FILE = Path(__file__).with_name("versions.toml")

TYPINGS = ("weak", "partial", "strong", "only")
ACTIONS = ("warn", "refuse")
PRECISIONS = ("fp32", "fp16", "int8", "implicit_int8")
TITLES = {"tensorrt": "TensorRT", "tensorrt-rtx": "TensorRT-RTX"}
"""The flavours of TensorRT, which count their versions apart, and how people call them."""
MODULES = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx_bindings"}
"""What each flavour is imported as."""


@dataclass(frozen=True)
class TensorRtSupport:
    """What one range of versions of a flavour, ``since`` <= version < ``below``, supports.

    Attributes:
        typing: ``weak``: precision comes from builder flags and layer constraints; ``partial``: strongly typed networks
            exist, Q/DQ graphs are still built with flags; ``strong``: both work; ``only``: there are no flags.
        implicit_calibration: of INT8 calibrators: ``yes``, ``deprecated`` or ``removed``.
        max_opset: the newest ONNX opset that every release of the range takes.
        layer_normalization, gelu, mod: whether the parser knows the operator.
        int8_weights: whether a weight may be stored as int8 behind a DequantizeLinear; else it must be float behind a
            quantize/dequantize pair.
        dla: ``none``, ``any`` (devices that have the hardware), ``agx_orin`` (only there).
        optimization_level, aux_streams: whether the builder has the setting.
        version_compatible: whether it can build plans that later versions run.
        hardware_compatible: the levels it offers: ``ampere_plus``, ``same_compute_capability``.
        hardware_compatible_on_jetson: whether those levels work there.
        external_tactic_sources: whether cuDNN and cuBLAS exist as tactic sources, to be masked.
        binding_indices: whether the index-based API of 8.x is there too; names work on every version.
        parser_names_nodes: whether a parser error carries the node's name and operator.
        progress_monitor: whether the builder tells its phases and can be stopped.
        fp32_attention: whether a fused FP16 attention accumulates in FP32 where its inputs are cast to FP32.
        inspector: JSON key under which the inspector lists inputs and outputs.
        runs_plans_of: older major versions whose version-compatible plans it runs, besides its own.
        sources: keys of the data file's sources.
        flavour: a key of ``TITLES``.
        api_of: the TensorRT version whose API and parser a release of another flavour has; "" where it is its own.
        targets: compute capabilities, without the dot, that it builds for on any machine; empty where it builds on the
            GPU that the engine will run on, and for that one.
    """

    since: str
    below: str
    typing: str
    implicit_calibration: str
    max_opset: int
    layer_normalization: bool
    gelu: bool
    mod: bool
    int8_weights: bool
    dla: str
    optimization_level: bool
    aux_streams: bool
    version_compatible: bool
    hardware_compatible: tuple[str, ...]
    hardware_compatible_on_jetson: bool
    external_tactic_sources: bool
    binding_indices: bool
    parser_names_nodes: bool
    progress_monitor: bool
    fp32_attention: bool
    inspector: str
    runs_plans_of: tuple[int, ...]
    sources: tuple[str, ...]
    flavour: str = "tensorrt"
    api_of: str = ""
    targets: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The flavour's name, for people."""
        return TITLES[self.flavour]

    @property
    def has_precision_flags(self) -> bool:
        """Whether the FP16 and INT8 builder flags and layer precisions exist."""
        return self.typing != "only"

    @property
    def has_implicit_calibration(self) -> bool:
        return self.implicit_calibration != "removed"


@dataclass(frozen=True)
class KnownBad:
    """A combination reported wrong in public; empty tuples mean any. Reports are their authors', not ours.

    ``action``: ``warn`` (build, say it, let the device check decide) or ``refuse``.
    """

    id: str
    since: str
    below: str
    families: tuple[str, ...]
    precisions: tuple[str, ...]
    sm: tuple[str, ...]
    action: str
    symptom: str
    remedy: str
    reference: str

    def message(self) -> str:
        """One line: what was reported, where, and what to do."""
        return f"on record for this combination: {self.symptom} ({self.reference}); {self.remedy}"


def flavour_of(trt: Any) -> str:
    """The flavour of a TensorRT package that was imported."""
    name = getattr(trt, "__name__", "")
    return next((flavour for flavour, module in MODULES.items() if module == name), "tensorrt")


def release_of(trt: Any) -> str:
    """Flavour and version of a TensorRT package that was imported, for people."""
    return f"{TITLES[flavour_of(trt)]} {trt.__version__}"


def support_of(version: str, flavour: str = "tensorrt") -> TensorRtSupport:
    """What ``version`` (such as ``10.3.0.26``) of a flavour supports.

    Raises:
        EngineCompatibilityError: the project does not support that version.
    """
    known = supports(flavour)
    for support in known:
        if _within(version, support.since, support.below):
            return support
    gaps = [older.below for older, newer in itertools.pairwise(known) if older.below != newer.since]
    without = f", without {', '.join(gaps)}" if gaps else ""
    raise EngineCompatibilityError(
        f"{TITLES[flavour]} {version} is not supported (this version of dgiqa-edge knows {known[0].since} and newer, "
        f"below {known[-1].below}{without}): install one of these, or use another --backend"
    )


def why_no_target(sm: str, flavour: str) -> str:
    """Why a flavour that has ``targets`` builds for no GPU of this compute capability; empty where it is not known."""
    reasons: Mapping[str, str] = _data()["no_target"][flavour]
    return reasons.get(sm, "")


def known_bad(version: str, *, families: Iterable[str], precision: str, sm: str | None) -> tuple[KnownBad, ...]:
    """Public reports that fit a build.

    Args:
        version: of TensorRT.
        families: kinds of network in the graph, as ``families_of`` names them.
        precision: ``fp32``, ``fp16``, ``int8`` (explicit Q/DQ) or ``implicit_int8``.
        sm: compute capability without the dot, such as ``87``; None where it is not known, which fits only reports
            about any GPU.
    """
    kinds = set(families)
    return tuple(
        entry
        for entry in _known_bad()
        if _within(version, entry.since, entry.below)
        and (not entry.families or kinds.intersection(entry.families))
        and (not entry.precisions or precision in entry.precisions)
        and (not entry.sm or sm in entry.sm)
    )


def missing_library(problem: str) -> str:
    """What to do about a failed import of TensorRT that says ``problem``; empty where nothing is on record."""
    for entry in _data()["missing_library"]:
        if entry["name"] in problem:
            return f"{entry['remedy']} ({entry['reference']})"
    return ""


def families_of(networks: Iterable[str]) -> tuple[str, ...]:
    """Kinds of network that ``networks`` (names as in the manifest) belong to; an unknown name belongs to none."""
    table: Mapping[str, list[str]] = _data()["families"]
    return tuple(dict.fromkeys(kind for name in networks for kind in table.get(name, [])))


def operator_supported(operator: str, version: str) -> bool | None:
    """Whether the parser of TensorRT ``version`` takes an operator of ONNX's default domain; None: only it can tell."""
    table = _data()["operators"]
    if operator in table["supported_since_8_5"]:
        return True
    for since, added in table["added"].items():
        if operator in added:
            return satisfies(version, f">={since}")
    return False if satisfies(version, f"<{table['complete_below']}") else None


def _within(version: str, since: str, below: str) -> bool:
    return satisfies(version, f">={since},<{below}")


@functools.cache
def _data() -> Mapping[str, Any]:
    return parse_toml(DATA_FILE.read_text(encoding="utf-8"))


@functools.cache
def supports(flavour: str = "tensorrt") -> tuple[TensorRtSupport, ...]:
    """Every range of a flavour's versions, oldest first."""
    every = (TensorRtSupport(**_frozen(entry)) for entry in _data()["support"])
    return tuple(support for support in every if support.flavour == flavour)


@functools.cache
def _known_bad() -> tuple[KnownBad, ...]:
    return tuple(KnownBad(**_frozen(entry)) for entry in _data()["known_bad"])


def _frozen(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
