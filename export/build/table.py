"""The table that closes a build, on stdout: what each precision weighs, how far it is from FP32, how fast it is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dgiqa_edge.calibration.fidelity import Fidelity


@dataclass(frozen=True)
class Row:
    """One precision in the closing table; latency in milliseconds, size in bytes, depth error in grey levels."""

    precision: str
    bytes: int
    score_mae: float | None
    score_max: float | None
    score_srcc: float | None
    depth_mae_levels: float | None
    depth_correlation: float | None
    p50_ms: float | None


def row(precision: str, size_bytes: int, fidelity: "Fidelity", p50_ms: float | None) -> Row:
    """The row of a precision whose fidelity against FP32 was measured."""
    return Row(
        precision,
        size_bytes,
        fidelity.score_mae,
        fidelity.score_max,
        fidelity.score_srcc,
        fidelity.depth_mae_levels,
        fidelity.depth_correlation,
        p50_ms,
    )


def print_table(rows: list[Row], caption: str) -> None:
    """Print the closing table to stdout."""
    from rich.console import Console
    from rich.table import Table

    table = Table(caption=caption, caption_justify="left")
    for title in ("precision", "size", "score MAE", "score max", "SRCC", "depth MAE", "depth corr.", "p50"):
        table.add_column(title, justify="left" if title == "precision" else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.precision,
            f"{row.bytes / 2**20:.1f} MiB",
            _figure(row.score_mae, ".5f"),
            _figure(row.score_max, ".5f"),
            _figure(row.score_srcc, ".4f"),
            _figure(row.depth_mae_levels, ".2f", " lv"),
            _figure(row.depth_correlation, ".4f"),
            _figure(row.p50_ms, ".1f", " ms"),
        )
    Console(width=max(100, Console().width)).print(table)


def _figure(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"
