"""The page of a film: it needs nothing else, says every number, and a real browser shows it, also on a phone."""

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from chromium import axe_violations, faint_texts

from dgiqa_edge.runtime.gate.checks import Thresholds
from dgiqa_edge.runtime.gate.verdict import RunnerUp, State, Verdict
from dgiqa_edge.runtime.tuning.film import Film
from dgiqa_edge.runtime.tuning.film_page import clock, film_page
from dgiqa_edge.runtime.tuning.label_score import Span, label_scores

HOSTILE = "<script>alert(1)</script>\"'&"
WHERE = ((0.9, 0.1), (0.2, 0.7))


@pytest.fixture(scope="module")
def film() -> Film:
    film, rng = Film(), np.random.default_rng(0)
    other = RunnerUp("hazy", "haze", 0.31, 0.16)
    verdicts = [
        *[Verdict(State.UNKNOWN, "starting", announced=True)] * 2,
        *[Verdict(State.PASS, "good", score=0.8, announced=True)] * 30,
        *[Verdict(State.REJECT, "dirty or blocked", "occlusion", 0.9, 0.75, 0.2, runner_up=other, where=WHERE)] * 30,
        *[Verdict(State.UNKNOWN, "no signal", announced=True)] * 5,
    ]
    for index, verdict in enumerate(verdicts):
        image = None if verdict.reason == "no signal" else rng.integers(0, 255, (54, 96, 3), np.uint8)
        film.add(index, index * 0.5, image, verdict)
    film.end()
    return film


def page_of(film: Film, name: str = "yard.mp4", about: str = "Judged") -> str:
    labels = [Span(16.0, 30.0, "dirty or blocked"), Span(30.0, 31.0, "hazy")]
    scores = label_scores(labels, labels[:1], labels)
    return film_page(name, [about], film, Thresholds(0.35, 0.42), [f"{about}: 3 of 70 frames are missing"], scores)


class Tags(HTMLParser):
    """A page's tags and what it would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "data", "action")]


def test_the_page_needs_no_script_no_file_and_no_request(film: Film) -> None:
    page = page_of(film)
    tags = Tags(page)
    assert not {"script", "link", "iframe", "object"} & set(tags.tags)
    assert len(tags.links) == len(film.thumbnails) + 1  # the moment without signal has none
    assert all(link.startswith("data:image/jpeg;base64,") for link in tags.links)
    assert not re.search(r"url\(|@import|https?://", page)


def test_no_name_becomes_a_tag(film: Film) -> None:
    page = page_of(film, HOSTILE, HOSTILE)
    assert html.unescape(page).count(HOSTILE) >= 4 and HOSTILE not in page
    assert Tags(page).tags == Tags(page_of(film)).tags


def test_it_says_what_decided_and_what_was_wrong_too(film: Film) -> None:
    page = html.unescape(re.sub(r"<[^>]*>", " ", page_of(film)))
    for words in (
        "dirty or blocked (occlusion 0.9, threshold 0.75)",
        "then hazy (haze 0.31, threshold 0.16)",
        "score 0.200",
        "frame 32, spell 16.0 s to 30.5 s",
        "no picture",
        "Dirt, drops, paint or something in front of the lens hides the scene.",
        "15.0 s, 44.8%",  # of 33.5 s
        "reject below 0.35",
        "accept from 0.42",
        "3 of 70 frames are missing",
    ):
        assert words in page, words
    assert page_of(film).count('<rect x="0" y="0" width="1"') == page_of(film).count('<rect x="1" y="1" width="1"') == 1


def test_without_labels_and_faults_it_says_so() -> None:
    film = Film()
    for index in range(3):
        film.add(index, index * 60.0, None, Verdict(State.PASS, "good", score=0.9))
    film.end()
    page = film_page("a.mp4", [], film, Thresholds(None, None))
    assert "No fault was found." in page and "no fault was found" in page
    assert "Against the labels" not in page and "Read this first" not in page


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1:00.0"),
        (62.5, "1:02.5"),
        (3602.55, "1:00:02.6"),
        (36000, "10:00:00.0"),
    ],
)
def test_times_are_those_of_a_player(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_at_a_desk_and_on_a_phone_by_day_and_by_night(
    film: Film, shown: Callable[..., Any], width: int, scheme: str
) -> None:
    page = shown(page_of(film), width, scheme)
    page.click("summary")
    assert faint_texts(page) == [] and axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every((it) => it.complete && it.naturalWidth > 0)")
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    for region in page.query_selector_all("[role=region]"):  # whatever scrolls can be reached by keyboard
        assert region.get_attribute("tabindex") == "0"
    page.evaluate("document.images[0].removeAttribute('alt')")
    assert [it for it in axe_violations(page) if it.startswith("image-alt")]  # it would be found
