"""The table that closes a build, on stdout: what each precision weighs, how far it is from FP32, how fast it is."""

from dataclasses import dataclass

from dgiqa_edge.runtime.bundle.ladder_table import figure_text


@dataclass(frozen=True)
class Row:
    """One precision in the closing table; latency in milliseconds, size in bytes, depth error in grey levels."""

    precision: str
    bytes: int
    score_mae: float | None = None
    score_max: float | None = None
    score_srcc: float | None = None
    depth_mae_levels: float | None = None
    depth_correlation: float | None = None
    p50_ms: float | None = None


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
            figure_text(row.score_mae, ".5f"),
            figure_text(row.score_max, ".5f"),
            figure_text(row.score_srcc, ".4f"),
            figure_text(row.depth_mae_levels, ".2f", " lv"),
            figure_text(row.depth_correlation, ".4f"),
            figure_text(row.p50_ms, ".1f", " ms"),
        )
    Console(width=max(100, Console().width)).print(table)
