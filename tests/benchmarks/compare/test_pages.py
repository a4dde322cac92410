"""The pages of ``bench compare`` and ``bench table``: what stands on them, and who is drawn where."""

import html
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dgiqa_edge.benchmarks.compare.limits import parse_limits
from dgiqa_edge.benchmarks.compare.pages import changes, comparison_page, pareto_plot, table_page, title_of_both
from dgiqa_edge.benchmarks.compare.pareto import candidate, with_fronts
from dgiqa_edge.benchmarks.compare.verdicts import compare


@pytest.fixture
def pair(make_report):
    random = np.random.default_rng(0)
    slow, fast = (random.normal(middle, 0.3, 700) for middle in (24.0, 20.0))
    return make_report(fast, per_image=[(0.5, 0.51)]), make_report(slow, per_image=[(0.5, 0.52)])


def page_of(pair, limits="p50=+5%"):
    comparison = compare(*pair, parse_limits(limits))
    files = (Path("old <1>.json"), Path("new.json"))
    return comparison, comparison_page(comparison, list(zip(files, pair, strict=True)))


def test_the_comparison_says_what_is_worse_and_which_limit_is_broken(pair):
    comparison, text = page_of(pair)
    row = next(row for row in comparison.rows if row.metric.name == "p50")
    page = html.unescape(text)
    assert "limit broken</b>: median latency (limit 5 %)" in page
    assert '<td class="worse" data-of="verdict">worse, breaks the limit of 5 %</td>' in page
    cells = re.findall(r'<td class="fixed"[^>]*>([^<]*)</td>', page)
    assert cells[:2] == ["median latency", f"{row.first:.4g} ms"]
    assert cells[3:5] == [f"{row.change:+.1%}", f"[{row.low:+.1%}, {row.high:+.1%}]"]
    assert "old <1>.json" in page
    assert "old <1>.json" not in text
    assert "Not measured in both: mean power, energy per frame, agreement with people (SRCC)" in page
    assert "limit broken" not in page_of(pair, "p50=+50%")[1]


@pytest.mark.parametrize(
    ("first", "second", "title"),
    [
        ("fp32 at 64×48 on tensorrt", "int8 at 64×48 on tensorrt", "fp32 against int8 at 64×48 on tensorrt"),
        ("int8 at 64×48 on openvino", "int8 at 64×48 on openvino", "Two reports of int8 at 64×48 on openvino"),
        (
            "int8 at 64×48 on openvino",
            "int8 at 9×9 on openvino",
            "int8 at 64×48 on openvino against int8 at 9×9 on openvino",
        ),
    ],
)
def test_the_title_says_once_what_both_share(first, second, title):
    assert title_of_both(first, second) == title


def test_a_figure_that_strict_wants_decided_is_named(pair):
    comparison, _ = page_of(pair)
    (row,) = (row for row in comparison.rows if row.metric.name == "power")
    page = html.unescape(comparison_page(comparison, [(Path("a"), pair[0]), (Path("b"), pair[1])], [row]))
    assert "mean power (limit 5 %): not in both reports" in page


def test_changes_are_drawn_where_they_are_with_interval_and_limit(pair):
    comparison, _ = page_of(pair)
    plot = changes(comparison.rows)
    relative = [row for row in comparison.rows if row.metric.relative and row.change is not None]
    dots = [attributes for tag, attributes, _ in plot.shapes if tag == "path"]
    assert len(dots) == len(relative) == 4
    ((x, _),) = plot.at([100.0 * relative[0].change], [0.0])
    assert dots[0]["d"].startswith(f"M{x:g} ")
    assert dots[0]["style"].startswith("stroke:var(--rose)")
    assert [name for name, _, _ in plot.legend] == ["worse", "its limit"]
    assert plot.x.low <= 0.0 <= plot.x.high
    assert changes([row for row in comparison.rows if not row.metric.relative]) is None


@pytest.fixture
def candidates(make_report):
    def one(preset, precision, p50, mae, srcc, **changed):
        made = candidate(make_report(np.full(100, p50) + np.arange(100) * 0.01, per_image=[(0.5, 0.5 + mae)]))
        return replace(made, preset=preset, precision=precision, p50_ms=p50, score_mae=mae, srcc=srcc, **changed)

    return with_fronts(
        [
            one("nano", "fp32", 20.0, 0.0, 0.86),
            one("nano", "int8", 10.0, 0.01, 0.85),
            one("edge", "int8", 30.0, 0.02, 0.80),
            one("reference", "int8", 90.0, 0.01, 0.99, seeded=True),
        ]
    )


def dots_of(plot, colour):
    return [d["d"].count("M") for tag, d, _ in plot.shapes if tag == "path" and f"--{colour})" in d["style"]]


def test_the_front_is_told_apart_and_every_point_has_its_name(candidates):
    plot = pareto_plot(candidates, "srcc")
    assert (plot.x.label, plot.y.label) == ("median latency, ms", "agreement with people, SRCC")
    assert (plot.x.low, plot.y.low, plot.y.high) == (0.0, 0.0, 1.0)
    assert (dots_of(plot, "blue"), dots_of(plot, "grey")) == ([2], [1])  # seeded scores mean nothing and are left out
    notes = [text for _, d, text in plot.shapes if d.get("class") == "note"]
    assert sorted(notes) == ["edge int8", "nano fp32", "nano int8"]
    assert sum(dots_of(pareto_plot(candidates, "score_mae"), "blue")) == sum(one.front for one in candidates)


def test_a_figure_that_none_has_is_not_drawn_and_its_column_is_folded(candidates):
    without = [replace(one, srcc=None) for one in candidates]
    assert pareto_plot(without, "srcc") is None
    page = html.unescape(table_page(without))
    assert "Not measured in any of them: p99 ms, J/frame, SRCC" in page
    assert "<th>J/frame</th>" not in page
    assert page.count("<svg") == 1
    assert "4 reports side by side" in page


def test_devices_and_frames_have_plots_of_their_own(candidates):
    other = [replace(one, device="Other board") for one in candidates]
    larger = [replace(one, frame="1280x720") for one in candidates]
    page = table_page(with_fronts([*candidates, *other, *larger]))
    assert page.count("<svg") == 6
    assert page.count("<h2>") == 2


def test_both_pages_can_be_read_on_a_phone_and_at_night(pair, candidates, as_it_is_seen):
    as_it_is_seen(page_of(pair)[1])
    as_it_is_seen(table_page(candidates))
