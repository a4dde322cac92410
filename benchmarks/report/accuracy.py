"""The accuracy section of a report: the document of ``bench accuracy`` as tables, its figures as they are."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dgiqa_edge.runtime.errors import ReportError

from ..measures.measures import BUNDLE
from .facts import NOT_MEASURED, Table

Document = Mapping[str, Any]
_FIGURES = ("srcc", "plcc", "krcc", "rmse")
_NEEDED = ("measured", "photos", "bundle")


def checked_accuracy(document: Any, subject: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The document, if it is one and was measured on the very engines of the report.

    Raises:
        ReportError: another kind of file, or another bundle's figures.
    """
    if not isinstance(document, dict) or not all(name in document for name in _NEEDED):
        raise ReportError(f"{where} is no document of dgiqa-edge bench accuracy: give what its --json wrote")
    theirs = sorted(str(engine.get("sha256")) for engine in document["bundle"].get("engines", []))
    ours = sorted(str(engine["sha256"]) for engine in subject["engines"])
    if theirs != ours:
        raise ReportError(
            f"{where} was measured on another bundle ({document['bundle'].get('preset')} "
            f"{document['bundle'].get('precision')}, engine {', '.join(theirs)[:12]}): run bench accuracy on this one"
        )
    return document


def scored_photos(accuracy: Document) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The bundle's scores, the human scores, and the names of the photos that have both; float64 [photos]."""
    rows = [row for row in accuracy.get("photos", []) if row["scores"].get(BUNDLE) is not None]
    return (
        np.array([row["scores"][BUNDLE] for row in rows], float),
        np.array([row["mos"] for row in rows], float),
        [str(row["photo"]) for row in rows],
    )


def agreement_table(accuracy: Document) -> Table:
    """One row per measure, the bundle first, those that could not run with their reason; empty without human scores."""
    rows = []
    for row in accuracy["measured"]:
        if row["agreement"] is None:
            return Table((), ())
        figures = row["agreement"]
        cells = [_figure(figures[name]) for name in _FIGURES]
        rows.append((str(row["name"]), *cells, str(figures["photos"])))
    for name, reason in (accuracy.get("not_measured") or {}).items():
        rows.append((str(name), NOT_MEASURED, str(reason), "", "", ""))
    return Table(("measure", "SRCC", "PLCC", "KRCC", "RMSE", "photos"), tuple(rows))


def order_table(accuracy: Document) -> Table:
    """Share of degraded copies, and of real pairs, that score below the better picture; empty where none was scored."""
    degradations, tables = accuracy.get("degradations"), accuracy.get("pairs") or []
    if isinstance(tables, dict):  # of schema version 1: one, without a name
        tables = [{"name": "real pairs", **tables}]
    if not degradations and not tables:
        return Table((), ())
    rows: list[tuple[str, ...]] = []
    names = list(degradations["pooled"] if degradations else tables[0]["orders"])
    if degradations:
        for kind in degradations["kinds"]:
            cells = [_share(degradations["orders"][name][kind]["clean"]) for name in names]
            rows.append((kind.replace("_", " "), *cells))
        rows.append(("all kinds", *(_share(degradations["pooled"][name]["clean"]) for name in names)))
    for pairs in tables:
        rows.append((str(pairs["name"]), *(_share(pairs["orders"].get(name, {}).get("clean")) for name in names)))
    return Table(("scores below its photo", *names), tuple(rows))


def _figure(figure: Mapping[str, Any]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _share(share: Mapping[str, Any] | None) -> str:
    return NOT_MEASURED if share is None or not share["pairs"] else f"{share['in_order'] / share['pairs']:.1%}"
