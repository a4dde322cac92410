"""The page for everybody: by keyboard alone, on a phone, by day and by night, and by what axe-core finds."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from chromium import CHROMIUM, DESK, MISSING, PHONE, axe_violations, faint_texts

from dgiqa_edge.runtime.watch.dashboard import Dashboard

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
QUICK = {("desk", "light"), ("phone", "dark")}
TABLET = {"width": 820, "height": 1180}
LOOKS = [
    pytest.param(window, scheme, id=f"{name} {scheme}", marks=() if (name, scheme) in QUICK else pytest.mark.slow)
    for name, window in (("desk", DESK), ("tablet", TABLET), ("phone", PHONE))
    for scheme in ("light", "dark")
]


def test_headings_are_in_order_and_the_list_is_reached_and_scrolled_by_keyboard(
    serve: Callable[..., Dashboard], visit: Callable[..., Any], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder(cameras=("front",))
    dashboard = serve(feeder=feeder)
    watched = visit(f"{dashboard.url}#front")
    page = watched.page
    for _ in range(20):
        feeder.lose(dashboard.put, "front", away_s=1.0)
        feeder.bring_back(dashboard.put, "front", away_s=1.0)
        page.wait_for_timeout(20)
    watched.until("document.querySelectorAll('#log li').length > 20")
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((it) => Number(it.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    named_by = page.evaluate(
        "[...document.querySelectorAll('[aria-labelledby]')].map((it) => it.ariaLabelledByElements)"
    )
    assert named_by and all(named_by)

    page.evaluate("document.activeElement.blur()")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "log":
            break
    assert page.evaluate("document.activeElement.id") == "log"
    assert page.evaluate("getComputedStyle(document.getElementById('log')).outlineStyle") == "solid"
    assert page.evaluate("document.getElementById('log').scrollTop") == 0
    page.keyboard.press("End")
    watched.until("document.getElementById('log').scrollTop > 0")
    # Whatever scrolls can be reached.
    unreachable = """[...document.querySelectorAll('body *')].filter((it) =>
        /auto|scroll/.test(getComputedStyle(it).overflowX + getComputedStyle(it).overflowY)
        && it.tabIndex < 0 && !it.querySelector('button, input, a') && it.tagName !== 'DIALOG').map((it) => it.id)"""
    assert page.evaluate(unreachable) == []


def test_it_is_usable_on_a_phone(serve: Callable[..., Dashboard], visit: Callable[..., Any], tmp_path: Path) -> None:
    watched = visit(serve(labels=tmp_path).url, viewport=PHONE, has_touch=True, is_mobile=True)
    page = watched.page
    wide = "document.documentElement.scrollWidth"
    watched.until("document.querySelectorAll('.tile').length === 2")
    assert page.evaluate(wide) <= PHONE["width"]
    page.tap("[data-camera=rear]")
    watched.until("document.querySelectorAll('#gallery .reject-card').length >= 1")
    assert page.evaluate(wide) <= PHONE["width"]
    tops = [page.locator(name).bounding_box()["y"] for name in (".verdict-panel", ".picture-panel", ".strip-panel")]
    assert tops == sorted(tops)
    assert tops[1] < PHONE["height"]  # verdict and picture without scrolling
    for control in ("#theme", "#spans button", ".controls label", "#back", "#wrong", "#strip button"):
        assert page.locator(control).first.bounding_box()["height"] >= 24
    page.tap("#strip [data-check=sharpness]")
    assert watched.text("#strip-says").startswith("sharpness: Fine detail")
    page.tap("#wrong")
    page.tap("#truths label:has([value=dirty_or_blocked])")
    page.tap("#truth button")
    watched.until("document.getElementById('toast-text').textContent.startsWith('Kept as bad/dirty_or_blocked/rear-')")
    assert len(list(tmp_path.glob("bad/dirty_or_blocked/rear-*.png"))) == 1
    page.tap("#undo")
    watched.until("document.getElementById('toast-text').textContent === 'Taken back.'")
    assert list(tmp_path.glob("*/*/*.png")) == []
    assert watched.complaints == []


def test_what_was_wrong_is_kept_from_the_gallery_by_keyboard_alone(
    serve: Callable[..., Dashboard], visit: Callable[..., Any], make_feeder: Callable[..., Any], tmp_path: Path
) -> None:
    feeder = make_feeder(size=(1280, 720))
    feeder.rejects = {"front"}
    watched = visit(serve(feeder=feeder, labels=tmp_path).url)
    page = watched.page
    watched.until("document.querySelectorAll('.tile').length === 2")

    def tab_to(condition: str) -> None:
        for _ in range(60):
            if page.evaluate(f"document.activeElement.matches({condition!r})"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"not reached by Tab: {condition}")

    tab_to(".tile")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.camera") == "rear"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    watched.until("document.querySelectorAll('#gallery .reject-card').length >= 1")
    tab_to(".reject-card")
    page.keyboard.press("Enter")
    tab_to("#large-wrong")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.value") == "good"
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    watched.until("document.getElementById('toast-text').textContent.includes('at the gallery')")
    (picture,) = tmp_path.glob("good/front-*.png")
    assert cv2.imread(str(picture)).shape == (270, 480, 3)
    assert watched.complaints == []


def test_the_frame_that_stands_still_is_the_one_that_is_kept_and_whole(
    serve: Callable[..., Dashboard], visit: Callable[..., Any], make_feeder: Callable[..., Any], tmp_path: Path
) -> None:
    watched = visit(f"{serve(feeder=make_feeder(size=(1280, 720)), labels=tmp_path).url}#front")
    page = watched.page
    watched.until("document.getElementById('frame').naturalWidth > 0")
    page.check("#pause")
    page.wait_for_timeout(1500)  # frames go by
    shown = page.inner_text("#picture-facts").split(" · ")[0]
    page.wait_for_timeout(500)
    page.click("#wrong")
    watched.until("document.getElementById('large-picture').naturalWidth > 0")
    assert page.inner_text("#large-text").endswith(shown)
    page.check("#truths [value=codec_damage]")
    page.click("#truth button")
    watched.until("document.getElementById('toast-text').textContent.startsWith('Kept as bad/codec_damage/front-')")
    (picture,) = tmp_path.glob("bad/codec_damage/front-*.png")
    assert cv2.imread(str(picture)).shape == (720, 1280, 3)
    assert watched.complaints == []


def test_without_a_folder_for_labels_it_says_how_to_set_one(
    serve: Callable[..., Dashboard], visit: Callable[..., Any]
) -> None:
    watched = visit(f"{serve().url}#front")
    watched.until("document.getElementById('frame').naturalWidth > 0")
    watched.page.click("#wrong")
    watched.until("document.getElementById('large').open")
    assert 'labels = "labels"' in watched.text("#truth-missing")
    assert not watched.page.is_visible("#truth")


def pixels(page: Any, selector: str) -> Any:
    return cv2.imdecode(np.frombuffer(page.locator(selector).screenshot(), np.uint8), cv2.IMREAD_COLOR).astype(float)


@pytest.mark.parametrize(("window", "scheme"), LOOKS)
def test_it_can_be_read_by_day_and_by_night_and_axe_finds_nothing(
    serve: Callable[..., Dashboard],
    visit: Callable[..., Any],
    make_feeder: Callable[..., Any],
    window: dict[str, int],
    scheme: str,
    tmp_path: Path,
) -> None:
    feeder = make_feeder(cameras=("front", "rear", "gate"))
    feeder.rejects = {"front"}
    dashboard = serve(feeder=feeder, labels=tmp_path)
    watched = visit(dashboard.url, viewport=window, color_scheme=scheme, reduced_motion="reduce")
    page = watched.page
    feeder.lose(dashboard.put, "gate", 75.0)
    watched.until("[...document.querySelectorAll('.tile img')].filter((it) => it.naturalWidth).length >= 2")
    page.click("#system summary")
    watched.until("document.querySelectorAll('#sinks tbody tr').length >= 1")
    assert faint_texts(page) == axe_violations(page) == []
    page.click("[data-camera=front]")
    watched.until("document.querySelectorAll('#gallery .reject-card').length >= 1")
    watched.until("document.querySelectorAll('#where rect').length === 3")
    page.click("#figures summary")
    assert faint_texts(page) == axe_violations(page) == []

    # Where the fault is hides nothing of the picture: most of its contrast is left.
    marked = pixels(page, "#picture")
    page.uncheck("#show-where")
    plain = pixels(page, "#picture")
    height, width = plain.shape[:2]
    cell = np.s_[int(0.07 * height) : int(0.27 * height), int(0.3 * width) : int(0.45 * width)]
    assert marked[cell].std(axis=(0, 1)) / plain[cell].std(axis=(0, 1)) == pytest.approx(0.73, abs=0.08)
    assert (marked - plain)[cell][..., 2].mean() > 40

    wider = "[...document.querySelectorAll('#strip, #chart, #log')].filter((it) => it.scrollWidth > it.clientWidth)"
    assert page.evaluate(f"{wider}.map((it) => it.id)") == []
    # The chart takes the room that the panel has and nothing of it is cut off, also where its legend wraps anew.
    room, below = (f"document.querySelector('{it}').getBoundingClientRect().bottom" for it in ("#chart", ".u-legend"))
    for wide in (window["width"], window["width"] - 60, window["width"]):
        page.set_viewport_size({**window, "width": wide})
        watched.until(f"Math.abs({below} - {room}) < 12")
    # Score and smoothed have one colour: their lines tell them apart in the legend as in the chart.
    lines = page.evaluate("[...document.querySelectorAll('.u-marker')].map((it) => getComputedStyle(it).borderTop)")
    assert len(set(lines)) == len(lines)

    page.click("#wrong")
    watched.until("document.getElementById('large').open")
    assert axe_violations(page) == []
