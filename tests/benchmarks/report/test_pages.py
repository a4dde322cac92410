"""Markdown and HTML pages: self-contained, escaped, nothing missing is hidden, and a real browser draws them."""

import html
import re
import shutil
import subprocess
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.latency.drift import ClockDrop, Drift
from dgiqa_edge.benchmarks.latency.soak import SoakFindings
from dgiqa_edge.benchmarks.report.html import to_html
from dgiqa_edge.benchmarks.report.markdown import to_markdown
from dgiqa_edge.benchmarks.report.sections import soak_section

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FIGURE = {"value": 0.8, "low": 0.7, "high": 0.9}
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
    "degradations": None,
    "pairs": None,
}


@pytest.fixture
def whole(make_report):
    """A report with every section, a hostile note, and a warning."""
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
    notes = ["quality weights are seeded </aside><script>alert(1)</script>"]
    return {**report, "warnings": [warning], "subject": {**report["subject"], "notes": notes}}


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = set(), []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "data", "action")]


def test_the_page_needs_no_script_no_file_and_no_request(whole):
    page = to_html(whole)
    parser = Tags()
    parser.feed(page)
    assert not parser.tags & {"script", "link", "img", "iframe", "object"}
    assert parser.links == []
    assert not re.search(r"url\(|@import|https?://", page)
    assert "&lt;script&gt;" in page


def test_both_pages_show_the_same_figures(whole):
    page = html.unescape(to_html(whole))
    text = to_markdown(whole)
    for words in ("nano INT8 at 64×48", "variation", "Test CPU", "no driver", "0.800 [0.700, 0.900]", "no model file"):
        assert words in page, words
        assert words in text, words
    assert "1300 to 900 MHz" in page
    assert page.count("<svg") >= 7


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


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_a_browser_draws_the_page_and_prints_it(whole, tmp_path):
    page, shot, printed = tmp_path / "report.html", tmp_path / "report.png", tmp_path / "report.pdf"
    page.write_text(to_html(whole), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    options += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    for what in (["--window-size=1000,1400", f"--screenshot={shot}"], [f"--print-to-pdf={printed}"]):
        subprocess.run(
            [CHROMIUM, *options, f"--user-data-dir={tmp_path / 'profile'}", *what, page.as_uri()],
            check=True,
            capture_output=True,
            timeout=120,
        )
    drawn = cv2.imread(str(shot))
    assert drawn.shape[:2] == (1400, 1000)
    blue = (abs(drawn.astype(int) - np.array([0xC9, 0x63, 0x25])) < 12).all(axis=2)
    assert blue.sum() > 500  # the curves and the cards' edges
    assert printed.read_bytes().startswith(b"%PDF")
