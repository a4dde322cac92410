"""Regions drawn over the live picture in a real headless Chromium: by hand, by keyboard and by finger."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import CHROMIUM, MISSING, PHONE, faint_texts
from stand_ins.watch_loop import PlayedSource

from dgiqa_edge.runtime.gate.regions import parse_regions, read_regions
from dgiqa_edge.runtime.ground.strict_text import parse_toml
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.assembly.parts import attach
from dgiqa_edge.runtime.watch.dashboard import Dashboard
from dgiqa_edge.runtime.watch.loop.watch import Watch, WatchedCamera

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


@pytest.fixture
def watch(bundle_dir: Path) -> Iterator[Watch]:
    source = PlayedSource([[]])
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as scorer:
        yield Watch([WatchedCamera("front", lambda: source, "played")], scorer)


@pytest.fixture
def drawn_on(
    serve: Callable[..., Dashboard], make_feeder: Callable[..., Any], watch: Watch
) -> Callable[[Path | None], Dashboard]:
    """A dashboard of the feeder's pictures that sets the regions of the watch, and keeps them in a folder."""

    def start(folder: Path | None) -> Dashboard:
        feeder = make_feeder()
        dashboard = serve(feeder=feeder)
        attach(watch, [dashboard], folder)
        dashboard.follow(feeder.status)
        return dashboard

    return start


def test_regions_are_drawn_kept_and_in_force(
    drawn_on: Callable[..., Dashboard], visit: Callable[..., Any], watch: Watch, tmp_path: Path
) -> None:
    dashboard = drawn_on(tmp_path / "drawn")
    watched = visit(f"{dashboard.url}#front")
    page = watched.page
    watched.until("document.getElementById('frame').naturalWidth > 0")
    watched.until("!document.getElementById('regions').hidden")
    assert "The whole picture counts" in watched.text("#regions")
    page.click("#regions-edit")
    box = page.locator("#regions-drawing").bounding_box()
    picture = page.locator("#frame").bounding_box()
    assert box == pytest.approx(picture, abs=1)

    def click(x: float, y: float) -> None:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])

    page.click("#region-exclude")
    for corner in ((0.1, 0.1), (0.6, 0.1), (0.6, 0.3), (0.5, 0.5)):
        click(*corner)
    page.click("#region-undo")
    click(0.1, 0.3)
    click(0.1, 0.1)  # the first one again closes it
    watched.until("document.querySelectorAll('#regions-drawing polygon.exclude').length === 1")
    assert "leave out, 4 corners" in watched.text("#regions-list")

    # A corner is moved by hand; by keyboard an area is drawn that holds most of the picture.
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.4 * box["height"], steps=4)
    page.mouse.up()
    page.click("#region-include")
    for keys in (["ArrowLeft"] * 20 + ["ArrowUp"] * 20, ["ArrowRight"] * 20, ["ArrowDown"] * 20):
        for key in keys:
            page.keyboard.press(f"Shift+{key}")
        page.keyboard.press("Space")
    page.keyboard.press("Enter")
    watched.until("document.querySelectorAll('#regions-drawing polygon.include').length === 1")
    page.keyboard.press("Escape")  # leaves neither the camera nor what was drawn
    page.click("#region-save")
    watched.until("document.getElementById('regions-tools').hidden")
    kept = read_regions(tmp_path / "drawn" / "front.json")
    assert kept is not None and watch.regions("front") == kept
    [drawn] = kept.exclude
    for corner, expected in zip(drawn, ((0.1, 0.1), (0.6, 0.1), (0.6, 0.3), (0.2, 0.4)), strict=True):
        assert corner == pytest.approx(expected, abs=0.01)
    assert kept.include == (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),)

    page.click("#regions-edit")
    page.locator("#regions-list button").first.click()
    page.click("#region-discard")
    assert watched.text("#regions-list").count("corners") == 2
    assert watched.complaints == []
    page.route("**/api/regions?*", lambda asked: asked.abort(), times=1)  # nobody is there at first
    page.reload(wait_until="domcontentloaded")
    watched.until("document.querySelectorAll('#regions-drawing polygon').length === 2")
    assert faint_texts(page) == []


def test_without_a_folder_the_regions_are_text_to_copy(
    drawn_on: Callable[..., Dashboard], visit: Callable[..., Any], watch: Watch
) -> None:
    dashboard = drawn_on(None)
    watched = visit(f"{dashboard.url}#front", viewport=PHONE, has_touch=True, is_mobile=True)
    page = watched.page
    watched.until("document.getElementById('frame').naturalWidth > 0")
    watched.until("!document.getElementById('regions').hidden")
    page.tap("#regions-edit")
    page.tap("#region-exclude")
    box = page.locator("#regions-drawing").bounding_box()
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.5, 0.8)):
        page.touchscreen.tap(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.tap("#region-close")
    assert page.is_disabled("#region-save")
    # A corner is dragged by a finger; another finger, and the scrolling that it would be, changes nothing.
    fingers, scrolled = page.context.new_cdp_session(page), page.evaluate("scrollY")
    for kind, *places in (
        ("touchStart", (0.5, 0.8)),
        ("touchMove", (0.45, 0.7)),
        ("touchStart", (0.45, 0.7), (0.9, 0.9)),
        ("touchMove", (0.4, 0.6), (0.9, 0.9)),
        ("touchEnd",),
    ):
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": number}
            for number, (x, y) in enumerate(places)
        ]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert page.evaluate("scrollY") == scrolled
    [polygon] = parse_regions(parse_toml(watched.text("#regions-toml"))).exclude
    for corner, expected in zip(polygon, ((0.2, 0.2), (0.8, 0.2), (0.4, 0.6)), strict=True):
        assert corner == pytest.approx(expected, abs=0.02)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert not watch.regions("front")
    assert watched.complaints == []
