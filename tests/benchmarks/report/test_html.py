"""Markdown and HTML pages: self-contained, escaped, nothing missing is hidden, and a real browser draws them."""

import html
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from places import ROOT

from dgiqa_edge.benchmarks.latency.drift import ClockDrop, Drift
from dgiqa_edge.benchmarks.latency.soak import SoakFindings
from dgiqa_edge.benchmarks.report import plots
from dgiqa_edge.benchmarks.report.document import SECTIONS
from dgiqa_edge.benchmarks.report.html import to_html
from dgiqa_edge.benchmarks.report.markdown import to_markdown
from dgiqa_edge.benchmarks.report.sections import soak_section
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.ground.extra_packages import install_command
from dgiqa_edge.runtime.ground.pages import html as pages

FIGURE = {"value": 0.8, "low": 0.7, "high": 0.9}
ORDER = {"clean": {"in_order": 3, "pairs": 4}}
ACCURACY = {
    "bundle": {"engines": []},
    "measured": [
        {
            "name": "bundle",
            "agreement": {"photos": 12, "srcc": FIGURE, "plcc": FIGURE, "krcc": FIGURE, "rmse": FIGURE},
            "p50_ms": None,
        }
    ],
    "not_measured": {"BRISQUE": "no model file"},
    "photos": [{"photo": f"{n}.jpg", "mos": n / 12, "scores": {"bundle": n / 13}} for n in range(12)],
    "degradations": {"kinds": ["blur"], "orders": {"bundle": {"blur": ORDER}}, "pooled": {"bundle": ORDER}},
    "pairs": [{"name": "brackets", "orders": {"bundle": ORDER}}],
}


@pytest.fixture
def whole(make_report):
    """A report with every section and every list in it filled."""
    found = SoakFindings(
        latency=Drift(4.2, 0.001, 30, True),
        relative=Drift(0.1, 0.8, 30, False),
        channels={"tegrastats: temperature_c.tj": Drift(30.0, 0.0001, 30, True)},
        clock_drops={"tegrastats: clock_mhz.gpu": [ClockDrop(60.0, 90.0, 1300.0, 900.0)]},
    )
    report = make_report(
        np.random.default_rng(0).gamma(400.0, 0.05, 700),
        per_image=[(0.5, 0.51), (0.7, 0.69), (0.2, 0.2)],
        power_w=np.random.default_rng(1).normal(6.0, 0.2, 60),
        accuracy=ACCURACY,
        soak=soak_section(found, 10.0),
    )
    warning = {"code": "variation", "message": "varies by 5 %", "value": 5.0, "limit": 2.5}
    report["subject"] = {**report["subject"], "notes": ["quality weights are seeded"]}
    report["latency"]["node_shares_percent"] = {"Conv": 61.25}
    report["latency"]["device_stages"] = [{"engine": "fused", "name": "copy", "p50_ms": 1.0, "mean_ms": 1.1}]
    report["telemetry"]["throttled"] = ["gpu clock"]
    report["telemetry"]["adapters"][0]["notes"] = ["one rail"]
    return {**report, "warnings": [warning]}


class Tags(HTMLParser):
    """A page's tags, their attributes' names, and what it would load."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links = set(), []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags |= {tag, *((tag, name) for name, _ in attributes)}
        self.links += [value for name, value in attributes if name in ("src", "href", "data", "action")]


def test_the_page_needs_no_script_no_file_and_no_request(whole):
    page = to_html(whole)
    parser = Tags(page)
    assert not parser.tags & {"script", "link", "img", "iframe", "object"}
    assert parser.links == []
    assert not re.search(r"url\(|@import|https?://", page)


HOSTILE = "<script>alert(1)</script>\"'&"
STORED = sorted((ROOT / "benchmarks" / "results").glob("*[28]-cpu.json"))


def hostile(node):
    """A document with a hostile end to every text; every name stands there as it was and with that end."""
    if isinstance(node, str):
        return node + HOSTILE
    if isinstance(node, list):
        return [hostile(value) for value in node]
    if not isinstance(node, dict) or "count" in node:  # packed samples
        return node
    return {name: hostile(value) for key, value in node.items() for name in (key, key + HOSTILE)}


@pytest.mark.parametrize("section", ["whole", *SECTIONS, *STORED], ids=lambda part: getattr(part, "stem", part))
def test_no_text_of_a_document_becomes_a_tag(whole, section):
    report = whole
    if isinstance(section, Path):
        report = json.loads(section.read_text(encoding="utf-8"))
    elif section != "whole":
        alone = {name: None for name in SECTIONS if name not in (section, "latency")}
        report = {**whole, **alone, "not_measured": dict.fromkeys(alone, "no time")}
    page = to_html(hostile(report))
    assert html.unescape(page).count(HOSTILE) > 50
    assert HOSTILE not in page
    assert Tags(page).tags == Tags(to_html(report)).tags


def test_a_missing_package_is_named_before_anything_is_measured(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    pages.environment.cache_clear()
    code = main(["bench", "latency", "--bundle", "bundle", "--html", "page.html"])
    assert code == MachineError.exit_code
    assert f"an HTML page needs the package 'jinja2': {install_command('bench')}" in capsys.readouterr().err


def test_both_pages_show_the_same_figures(whole):
    page = html.unescape(to_html(whole))
    text = to_markdown(whole)
    for words in ("nano INT8 at 64×48", "variation", "Test CPU", "no driver", "0.800 [0.700, 0.900]", "no model file"):
        assert words in page, words
        assert words in text, words
    assert "1300 to 900 MHz" in page
    assert page.count("<svg") >= 7


def test_sensors_and_facts_have_words_and_units(whole):
    whole["environment"]["facts"]["memory_available_mib"] = 22178
    page = html.unescape(to_html(whole))
    assert re.search(r"memory available</td>\s*<td>22178 MiB<", page)
    assert "power, VDD_IN" in page
    assert re.search(r">\d\.\d\d W<", page)
    assert "power_w" not in page.partition("<h2>Not measured</h2>")[0]


def test_what_was_not_measured_is_said_with_its_reason(make_report):
    report = make_report(np.full(100, 20.0) + np.arange(100) * 0.01)
    page, text = html.unescape(to_html(report)), to_markdown(report)
    for words in ("100 queries, needs 662", "not part of this run", "no document of dgiqa-edge bench accuracy"):
        assert words in page
        assert words in text
    assert "not measured" in page


def test_every_row_of_the_markdown_has_its_tables_width(whole):
    width = None
    for line in to_markdown(whole).splitlines():
        if not line.startswith("|"):
            width = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        assert width in (None, cells), line
        width = cells


def test_a_browser_draws_the_page_and_prints_it(whole, shown):
    page = shown(to_html(whole))
    drawn = cv2.imdecode(np.frombuffer(page.screenshot(full_page=True), np.uint8), cv2.IMREAD_COLOR)
    blue = (abs(drawn.astype(int) - np.array([0xC9, 0x63, 0x25])) < 12).all(axis=2)
    assert blue.sum() > 500  # the curves and the cards' edges
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("made", ["whole", "bare"])
def test_the_page_can_be_read_on_a_phone_and_at_night(whole, make_report, as_it_is_seen, made):
    as_it_is_seen(to_html(whole if made == "whole" else make_report(np.linspace(20.0, 30.0, 100))))


def test_what_is_absent_is_folded_into_a_line_and_unfolds(make_report, shown):
    report = make_report(np.linspace(20.0, 30.0, 100), power_w=np.full(20, 6.0))
    report["telemetry"]["unavailable"] = {"nvml": "no NVIDIA driver", "tegrastats": "no Jetson"}
    page = shown(to_html(report))
    lines = page.locator("summary").all_inner_texts()
    assert lines[0] == "Not measured: p99 latency, score error to FP32, agreement with people"
    assert "Not available here: nvml, tegrastats" in lines
    assert "Not found here: gpu" in lines
    reason = page.get_by_text("no NVIDIA driver", exact=True)
    assert not reason.is_visible()
    assert page.locator(".card").count() == 5  # of what was measured alone
    page.get_by_text("Not available here").click()
    assert reason.is_visible()


def test_paper_shows_what_the_screen_folds_and_is_white(make_report, shown):
    page = shown(to_html(make_report(np.linspace(20.0, 30.0, 100))), scheme="dark")
    reason = page.locator("details").first.get_by_text("100 queries, needs 662")
    assert not reason.is_visible()
    page.emulate_media(media="print")
    assert reason.is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper')").strip() == "#ffffff"


def test_every_axis_of_a_magnitude_begins_at_zero_and_has_its_unit(whole):
    drawn = [
        plots.latency_cdf(whole["latency"]),
        plots.latency_timeline(whole["latency"]),
        *plots.telemetry_plots(whole["telemetry"]),
    ]
    for plot in drawn:
        for axis in (plot.x, plot.y):
            assert axis.low == 0.0, (plot.title, axis.label)
            assert re.search(r", (ms|s|%|W|°C|MHz)$", axis.label), axis.label
