"""The drawn report: a point per photo, a bar per share, and only PNG on disk."""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.accuracy import plot as accuracy_plot
from dgiqa_edge.benchmarks.accuracy.accuracy import AccuracyReport, DegradationOrder, Measured, PairOrder
from dgiqa_edge.benchmarks.accuracy.circumstances import Circumstances
from dgiqa_edge.benchmarks.accuracy.graded_series import Order, Share
from dgiqa_edge.benchmarks.accuracy.opinion_set import RatedPhoto
from dgiqa_edge.calibration.agreement import agreement

pytest.importorskip("matplotlib", reason="matplotlib comes with the extra bench")

HUMAN = np.linspace(0.1, 0.9, 20)
ABOUT = Circumstances(("dgiqa-edge",), "test", {"sha256": "ab" * 32}, {"dgiqa-edge": "0.1.0"}, {}, "now")


def share(value):
    return Share(round(value * 20), 20, 0, 20, value, max(0.0, value - 0.1), min(1.0, value + 0.1))


def report(order=True):
    predicted = HUMAN**2
    names = [f"{index}.png" for index in range(20)]
    rows = [
        Measured(name, f"{name}, made up", agreement(predicted, HUMAN, bootstraps=20), 1.0, 0, {})
        for name in ("bundle", "NIQE")
    ]
    orders = {
        "bundle": {"noise": Order(share(0.9), share(0.8))},
        "NIQE": {"noise": Order(share(0.25), None)},
    }
    pairs = PairOrder("ours", 2, 4, {"bundle": Order(share(1.0), share(1.0)), "NIQE": Order(None, None)}, {})
    pooled = {name: kinds["noise"] for name, kinds in orders.items()}
    return AccuracyReport(
        tuple(rows),
        {},
        tuple(RatedPhoto(name, mos) for name, mos in zip(names, HUMAN, strict=True)),
        {"bundle": dict(zip(names, predicted, strict=True))},
        DegradationOrder(tuple(names), ("noise",), (1.0,), 40, 0, orders, pooled, {}, {}) if order else None,
        (pairs,) if order else (),
        {},
    )


@pytest.fixture
def drawn(monkeypatch):
    """Axes as they were filled, by the function that filled them."""
    panels = {}
    for name in ("_draw_scatter", "_draw_order"):
        original = getattr(accuracy_plot, name)

        def draw(panel, *content, name=name, original=original):
            original(panel, *content)
            panels[name] = panel

        monkeypatch.setattr(accuracy_plot, name, draw)
    return panels


def test_points_curve_and_figures_are_the_reports(drawn, tmp_path):
    accuracy_plot.draw_accuracy(report(), ABOUT, tmp_path / "plot.png")
    panel = drawn["_draw_scatter"]
    np.testing.assert_allclose(panel.collections[0].get_offsets(), np.stack([HUMAN**2, HUMAN], axis=1))
    (curve,) = panel.lines
    np.testing.assert_allclose(np.interp(HUMAN**2, *curve.get_data()), HUMAN, atol=0.06)
    assert "SRCC  1.000" in panel.texts[0].get_text()


def test_order_alone_is_drawn_alone(drawn, tmp_path):
    known = report()
    rows = tuple(replace(row, agreement=None) for row in known.measured)
    accuracy_plot.draw_accuracy(replace(known, measured=rows, photos=()), ABOUT, tmp_path / "plot.png")
    assert list(drawn) == ["_draw_order"]


def test_bars_are_as_long_as_their_shares_and_apart(drawn, tmp_path):
    accuracy_plot.draw_accuracy(report(), ABOUT, tmp_path / "plot.png")
    panel = drawn["_draw_order"]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert labels == ["noise", "all kinds", "next strength", "ours: clean", "ours: next"]
    bars = {bars.get_label(): bars for bars in panel.containers if bars.get_label() in ("bundle", "NIQE")}
    assert [bar.get_width() for bar in bars["bundle"]] == pytest.approx([90, 90, 80, 100, 100])
    assert [bar.get_width() for bar in bars["NIQE"]] == pytest.approx([25, 25])
    spans = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for group in bars.values() for bar in group)
    assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(spans))
    assert panel.texts[0].get_text() == "90.0 %"


def test_without_an_order_there_is_only_the_scatter(drawn, tmp_path):
    accuracy_plot.draw_accuracy(report(order=False), ABOUT, tmp_path / "plot.png")
    assert list(drawn) == ["_draw_scatter"]
    picture = cv2.imread(str(tmp_path / "plot.png"))
    assert picture.shape[0] > 500
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]
