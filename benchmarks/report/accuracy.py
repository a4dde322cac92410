"""The accuracy section of a report: the document of ``bench accuracy`` as a table, its figures as they are."""

from collections.abc import Mapping
from typing import Any

from .facts import NOT_MEASURED, Table

_FIGURES = ("srcc", "plcc", "krcc", "rmse")


def accuracy_table(accuracy: Mapping[str, Any]) -> Table:
    """One row per measure, the bundle first, those that could not run with their reason."""
    rows = []
    for row in accuracy.get("measured", []):
        figures = row["agreement"]
        cells = [_figure(figures[name]) for name in _FIGURES]
        rows.append((str(row["name"]), *cells, f"{row['p50_ms']:.1f}" if "p50_ms" in row else ""))
    for name, reason in (accuracy.get("not_measured") or {}).items():
        rows.append((str(name), NOT_MEASURED, str(reason), "", "", ""))
    return Table(("measure", "SRCC", "PLCC", "KRCC", "RMSE", "ms per photo"), tuple(rows))


def _figure(figure: Mapping[str, Any]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
