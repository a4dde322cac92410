"""How a build ends: where its bundle may be written, and what is said of it on stdout."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dgiqa_edge.calibration.fidelity import FIGURES
from dgiqa_edge.runtime.bundle.checks import MANIFEST_NAME
from dgiqa_edge.runtime.bundle.ladder_table import OF_FAULTS, STATUS_WORDS, figure_text, verdict_of, without
from dgiqa_edge.runtime.bundle.manifest import LadderRecord, RungRecord
from dgiqa_edge.runtime.bundle.records import plain
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError
from dgiqa_edge.runtime.ground.terminal import aligned
from dgiqa_edge.runtime.hashing import Json

_HEADINGS = (
    "precision",
    "backend",
    "size",
    "score MAE",
    "score max",
    "SRCC",
    "depth MAE",
    "depth corr.",
    OF_FAULTS,
    "p50",
    "verdict",
)


FP32 = "fp32"
ALIKE = 1.05
"""Two figures whose ratio is below this are called alike in one sentence; the table has them as they are."""


@dataclass(frozen=True)
class Row:
    """One precision in the closing table; latency in milliseconds, size in bytes, depth error in grey levels.

    Where several backends were tried, ``backend`` is what it ran on, and ``verdict`` what became of it there.
    """

    precision: str
    bytes: int | None
    score_mae: float | None = None
    score_max: float | None = None
    score_srcc: float | None = None
    depth_mae_levels: float | None = None
    depth_correlation: float | None = None
    faults_mae: float | None = None
    p50_ms: float | None = None
    backend: str = ""
    verdict: str = ""

    @classmethod
    def of(cls, precision: str, size: int | None, figures: Mapping[str, float | None], p50_ms: float | None) -> "Row":
        """With the figures of a fidelity, by name."""
        return cls(precision, size, **figures, p50_ms=p50_ms)  # type: ignore[arg-type]


def of_rung(rung: RungRecord) -> Row:
    """The row of a rung that a ladder tried."""
    row = Row.of(rung.precision, rung.size_bytes, {name: getattr(rung, name) for name in FIGURES}, rung.p50_ms)
    return replace(row, backend=rung.backend, verdict=verdict_of(rung))


@dataclass(frozen=True)
class BuildResult:
    """A finished build: the bundle's directory, the closing table, and the ladder if one was climbed.

    ``latency_differs``: whether the alternating runs show that it is faster or slower than FP32, as far as both ran.
    """

    bundle: Path
    rows: tuple[Row, ...]
    caption: str
    notes: tuple[str, ...]
    ladder: LadderRecord | None
    latency_differs: bool = True

    def to_json(self) -> dict[str, Json]:
        return {
            "bundle": str(self.bundle),
            "rows": [plain(row) for row in self.rows],
            "caption": self.caption,
            "notes": list(self.notes),
            "ladder": None if self.ladder is None else plain(self.ladder),
        }


def table_lines(rows: Sequence[Row]) -> list[str]:
    """The closing table: what each precision weighs, how far it is from FP32, how fast it is.

    Backends, verdicts and faults have columns where there are some.
    """
    has_verdicts = any(row.verdict for row in rows)
    hidden = [] if has_verdicts else ["backend", "verdict"]
    if all(row.faults_mae is None for row in rows):
        hidden.append(OF_FAULTS)
    return aligned(without([_HEADINGS, *map(_cells, rows)], *hidden), words=has_verdicts)


def closing_sentence(rows: Sequence[Row], latency_differs: bool = True) -> str:
    """What the table comes to: the precision taken, against FP32 on the same backend, as far as it was measured.

    Of several rows the one that was accepted was taken, else the last that was timed: an engine comes after its graph.
    """
    reduced = [row for row in rows if row.precision != FP32]
    accepted = [row for row in rows if row.verdict.startswith(STATUS_WORDS["accepted"])]
    timed = [row for row in reduced if row.p50_ms is not None]
    taken = (accepted or timed[-1:] or reduced or rows)[0]
    title = taken.precision.replace("int8", "INT8").replace("fp", "FP")
    whole = next((row for row in rows if row.precision == FP32 and row.backend in ("", taken.backend)), None)
    if whole is None or taken.precision == FP32:
        return f"{title}: ready."
    same = "no faster here"
    said = [_times(whole.bytes, taken.bytes, "smaller", "larger", "no smaller")]
    times = whole.p50_ms, taken.p50_ms
    if None in times:
        said.append("speed not measured here")
    else:
        said.append(_times(*times, "faster", "slower here", same) if latency_differs else same)
    if taken.score_mae is not None:
        said.append(f"error {taken.score_mae:.3f}" if taken.score_mae >= 5e-4 else "error below 0.001")
    return f"{title}: {', '.join(filter(None, said))}: ready."


def _times(whole: float | None, taken: float | None, less: str, more: str, same: str) -> str:
    """How many times less than ``whole`` is taken, or more; below 5 % is the same. "" where one is not known."""
    if not whole or not taken:
        return ""
    ratio = whole / taken
    if max(ratio, 1.0 / ratio) < ALIKE:
        return same
    return f"{ratio:.1f} times {less}" if ratio > 1.0 else f"{1.0 / ratio:.1f} times {more}"


def _cells(row: Row) -> Sequence[str]:
    return (
        row.precision,
        row.backend,
        figure_text(row.bytes and row.bytes / 2**20, ".1f", " MiB"),
        figure_text(row.score_mae, ".5f"),
        figure_text(row.score_max, ".5f"),
        figure_text(row.score_srcc, ".4f"),
        figure_text(row.depth_mae_levels, ".2f", " lv"),
        figure_text(row.depth_correlation, ".4f"),
        figure_text(row.faults_mae, ".5f"),
        figure_text(row.p50_ms, ".1f", " ms"),
        row.verdict,
    )


def check_target(out: Path, *needed: Path) -> None:
    """Refuse to replace a folder that is not a bundle, or to start a build whose result has no place to go.

    Args:
        needed: folders that the build reads or works in. The whole of ``out`` is replaced at its end.

    Raises:
        ConfigurationError: ``out`` exists and holds something else or cannot be replaced, or a folder lies in a bundle,
            which is replaced as a whole.
        MachineError: ``out`` cannot be written.
    """
    place = Path(os.path.realpath(out))
    ancestor = next(folder for folder in place.parents if folder.exists())  # another folder takes the place of ``out``
    if not ancestor.is_dir():
        raise MachineError(f"cannot write --out {out}: {ancestor} is not a folder")
    if not os.access(ancestor, os.W_OK):
        raise MachineError(f"cannot write --out {out}: no permission to write in {ancestor}")
    if out.exists() and not (out / MANIFEST_NAME).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigurationError(f"--out {out} exists and is not a bundle: choose another folder, or remove it")
    if out.is_mount():
        raise ConfigurationError(f"--out {out} is a mount point, which nothing can replace: name a folder in it")
    for folder in (out, *needed):
        for above in Path(os.path.realpath(folder)).parents:
            if above == place or (above / MANIFEST_NAME).is_file():
                raise ConfigurationError(
                    f"{folder} lies in {above}, and a build replaces the whole of a bundle: choose another folder"
                )
