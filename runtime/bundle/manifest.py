"""What ``bundle.json`` says, as typed, frozen values.

This module only names the fields: ``checks.py`` decides whether a document is acceptable,
``bundle.py`` compares it with the files beside it. The JSON Schema is ``schemas/bundle.schema.json``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..ground.framing import FrameSize
from .batch import BatchRange
from .records import typed

Document = Mapping[str, Any]

_NO_NOTES = ("is slower than fp32 on the machine that built it",)
"""What earlier builds noted and is true of that day's machine alone, from a few runs: it is not repeated."""


@dataclass(frozen=True)
class Tool:
    """The program that wrote the bundle."""

    name: str
    version: str


@dataclass(frozen=True)
class Network:
    """One network inside the frame graph, and where its weights came from."""

    role: str
    name: str
    checkpoint_sha256: str | None
    seeded: bool
    source: str
    licence: str


@dataclass(frozen=True)
class Geometry:
    """Sizes inside the frame graph, in pixels; pairs are (height, width), crop boxes (x, y), top left.

    ``quality_image`` is the size of the image that is cropped, ``depth_output`` that of the ``depth`` output. Where
    ``whole_view`` is set, the network also reads the whole frame at that size, and ``crop_scores`` begins with its
    score.
    """

    depth_side: int
    short_side: int
    crop: int
    crop_boxes: tuple[tuple[int, int], ...]
    depth_input: tuple[int, int]
    quality_image: tuple[int, int]
    whole_view: tuple[int, int] | None
    depth_output: tuple[int, int]

    @property
    def view_count(self) -> int:
        """Number of ``crop_scores``."""
        return len(self.crop_boxes) + (self.whole_view is not None)


@dataclass(frozen=True)
class FaultsRecord:
    """Faults that the network reads: ``names`` in the order of its outputs, ``grid`` the rows and columns of cells."""

    names: tuple[str, ...]
    grid: tuple[int, int]


@dataclass(frozen=True)
class Precision:
    """``nodes``: operator -> precision -> number of nodes."""

    name: str
    target: str
    nodes: Mapping[str, Mapping[str, int]]

    @property
    def has_half(self) -> bool:
        """Whether some of its nodes are in FP16."""
        return any("fp16" in kinds for kinds in self.nodes.values())

    @property
    def title(self) -> str:
        return precision_title(self.name, self.has_half)


def precision_title(name: str, has_half: bool) -> str:
    """A precision, for people: an INT8 graph whose other nodes are in FP16 says so."""
    return "int8 + fp16" if name == "int8" and has_half else name


@dataclass(frozen=True)
class CalibrationRecord:
    """Which photos the INT8 ranges were observed on, and how."""

    image_set_sha256: str
    images: int
    skipped: int
    method: str
    preprocessing_sha256: str
    graph_sha256: str
    file: str


@dataclass(frozen=True)
class FidelityFigures:
    """Agreement of an engine with FP32 on ``images`` real photos.

    Attributes:
        score_mae, score_max: absolute score differences (scores lie in 0..1).
        score_srcc: Spearman correlation of the scores; None below three images or where one side is constant.
        depth_mae_levels: mean absolute depth difference over all pixels of all images, grey levels (0..255).
        depth_max_levels: largest depth difference of any pixel.
        depth_correlation: mean Pearson correlation of the depth maps, constant ones left out; None when none is left.
        faults_mae: mean absolute difference of the faults' probabilities for whole frames; None where none are read.
    """

    images: int
    score_mae: float
    score_max: float
    score_srcc: float | None
    depth_mae_levels: float
    depth_max_levels: float
    depth_correlation: float | None
    faults_mae: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class FidelityRecord(FidelityFigures):
    """``held_out``: whether those photos were kept out of the calibration."""

    held_out: bool


@dataclass(frozen=True)
class LatencyRecord:
    """Median latency on the machine that built the bundle; FP32's is None where it could not be timed beside it."""

    fp32_p50_ms: float | None
    p50_ms: float
    runs: int
    threads: int


@dataclass(frozen=True)
class BudgetRecord:
    """Limits that the ladder's rungs are held to, None where there is none.

    Attributes:
        score_mae, score_max: most that scores (0..1) may differ from FP32, on average and at worst.
        srcc: least Spearman correlation of the scores.
        depth_corr: least mean Pearson correlation of the depth maps.
        depth_mae: most mean depth difference, grey levels (0..255).
    """

    score_mae: float | None = None
    score_max: float | None = None
    srcc: float | None = None
    depth_corr: float | None = None
    depth_mae: float | None = None


@dataclass(frozen=True)
class RungRecord:
    """One rung of the ladder on one backend: what became of it and why, and its figures where it ran.

    ``status`` is accepted, over_budget, slower, near_tie, too_slow, failed, unsupported or not_needed. ``float_blocks``
    are the blocks that an INT8 rung left float. ``backend`` is "" in older bundles, whose rungs all ran on one.
    """

    name: str
    precision: str
    status: str
    reason: str
    size_bytes: int | None
    score_mae: float | None
    score_max: float | None
    score_srcc: float | None
    depth_mae_levels: float | None
    depth_correlation: float | None
    p50_ms: float | None
    float_blocks: tuple[str, ...]
    backend: str = ""
    faults_mae: float | None = None


@dataclass(frozen=True)
class BlockRecord:
    """What INT8 in this block alone did to the outputs."""

    block: str
    layers: int
    score_mae: float
    depth_mae_levels: float


@dataclass(frozen=True)
class SensitivityRecord:
    """Blocks, most sensitive first by ``figure``, measured on so many calibration ``photos``."""

    figure: str
    photos: int
    blocks: tuple[BlockRecord, ...]


@dataclass(frozen=True)
class LadderRecord:
    """Every precision that the build tried, most reduced first, on each backend of ``device``, and what they were
    judged by.

    Fidelity is that of ``photos`` photos (``held_out`` of the calibration or not), latency the median of ``runs`` runs
    in turn in one process.
    """

    device: str
    budget: BudgetRecord
    latency_target_ms: float | None
    photos: int
    held_out: bool
    runs: int
    threads: int
    rungs: tuple[RungRecord, ...]
    sensitivity: SensitivityRecord | None


@dataclass(frozen=True)
class GraphRecord:
    """A portable ONNX graph."""

    role: str
    file: str


@dataclass(frozen=True)
class Requirements:
    """What an engine file needs; ``None`` means any.

    ``sm`` is the compute capability without the dot, ``cuda`` the major.minor the engine was built with, ``driver_min``
    the oldest driver, ``device`` the GPU it was built on (information only). ``compatibility`` says which GPUs it
    runs on: ``exact`` (the SM it was built for), ``same_compute_capability``, ``ampere_plus``; ``version_compatible``
    that a later TensorRT may run it. ``targets`` are the compute capabilities that an engine for several was built for.
    """

    backend_version: str | None
    opset: int | None
    sm: str | None
    platform: str | None
    cuda: str | None = None
    driver_min: str | None = None
    device: str | None = None
    compatibility: str | None = None
    version_compatible: bool = False
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class EngineRecord:
    """A file that a backend executes; for ONNX Runtime it may be the portable graph itself."""

    role: str
    file: str
    backend: str
    requires: Requirements


@dataclass(frozen=True)
class ParserGraphRecord:
    """A graph as the parser of some versions of a backend takes it, to build an engine from.

    ``precision`` is the name of what it is written in, ``facts`` the file with what a builder must know of it (JSON),
    ``rewritten`` how it differs from the portable graph, whose numbers it gives.
    """

    role: str
    precision: str
    file: str
    backend: str
    backend_version: str
    facts: str
    rewritten: tuple[str, ...]


@dataclass(frozen=True)
class Tolerance:
    """How far outputs may be from the golden ones: score, mean depth error in grey levels, probabilities of faults."""

    score: float
    depth_levels: float
    faults: float | None = None


@dataclass(frozen=True)
class CarriedRecord:
    """One precision that an engine can be built in: its portable graphs, and how far those are from FP32."""

    precision: Precision
    calibration: CalibrationRecord | None
    graphs: tuple[GraphRecord, ...]
    fidelity: FidelityRecord | None
    tolerance: Tolerance


@dataclass(frozen=True)
class DeviceBuildRecord:
    """What a build on the device starts from, besides the graphs for its parser.

    Attributes:
        check: the file of real frames with FP32's outputs that an engine is accepted by.
        budget, latency_target_ms: what the engine is held to where the device's user asks for nothing else.
        argv, notes: of the build that wrote the graphs.
        carried: most reduced first.
    """

    check: str
    budget: BudgetRecord
    latency_target_ms: float | None
    argv: tuple[str, ...]
    notes: tuple[str, ...]
    carried: tuple[CarriedRecord, ...]


@dataclass(frozen=True)
class GoldenRecord:
    """The golden frame's file and the deviation that is still accepted."""

    file: str
    tolerance: Tolerance


@dataclass(frozen=True)
class FileRecord:
    """Hash and size of one file of the bundle."""

    sha256: str
    size_bytes: int = field(metadata={"key": "bytes"})


@dataclass(frozen=True)
class BuildRecord:
    """How the bundle was built: the command, and what it cost."""

    argv: tuple[str, ...]
    seconds: float
    peak_memory_mib: float
    host: Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    """``bundle.json``.

    ``fit`` is how frames of another shape take the bundle's; ``preferred_backend``, of those that run the portable
    graph, the one that the build took, is None in bundles for a GPU and in older ones; ``faults`` is None where the
    network reads none; ``batch`` is absent in the document where it is one frame.
    """

    schema_version: int
    tool: Tool
    created: str
    preset: str
    networks: tuple[Network, ...]
    frame: FrameSize
    geometry: Geometry
    layout: str
    precision: Precision
    calibration: CalibrationRecord | None
    fidelity: FidelityRecord | None
    latency: LatencyRecord | None
    graphs: tuple[GraphRecord, ...]
    engines: tuple[EngineRecord, ...]
    golden: GoldenRecord
    files: Mapping[str, FileRecord]
    build: BuildRecord
    notes: tuple[str, ...]
    ladder: LadderRecord | None = None
    parser_graphs: tuple[ParserGraphRecord, ...] = ()
    device_build: DeviceBuildRecord | None = None
    preferred_backend: str | None = None
    faults: FaultsRecord | None = None
    fit: str = "stretch"
    batch: BatchRange = field(default_factory=BatchRange)


def manifest_from_document(document: Document) -> Manifest:
    """Type a document that has passed ``checks.check_document``."""
    notes = [note for note in document["notes"] if not any(words in note for words in _NO_NOTES)]
    manifest: Manifest = typed(Manifest, {**document, "notes": notes})
    return manifest
