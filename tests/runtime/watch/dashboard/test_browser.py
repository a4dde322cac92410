"""The page in a real headless Chromium: what an engineer sees, and that it never asks another machine for anything."""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import CHROMIUM, DESK, MISSING, PHONE, browser, faint_texts
from stand_ins.watch_loop import PlayedSource

from dgiqa_edge.runtime.gate.regions import parse_regions, read_regions
from dgiqa_edge.runtime.ground.strict_text import parse_toml
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.settings.listen_address import ListenAddress
from dgiqa_edge.runtime.watch.assembly.parts import attach
from dgiqa_edge.runtime.watch.dashboard import Dashboard, DashboardSettings
from dgiqa_edge.runtime.watch.loop.watch import Watch, WatchedCamera

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
PATIENCE_MS = 60_000  # a shared machine may be slow; nothing here measures time
TOKEN = "a-token-of-enough-length"


class Watched:
    """A page whose requests, console messages and errors are all recorded."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def until(self, condition: str) -> None:
        """Poll from outside: the page's own policy forbids the evaluation that Playwright's wait would inject."""
        until = time.monotonic() + PATIENCE_MS / 1e3
        while not self.page.evaluate(condition):
            assert time.monotonic() < until, f"not in time: {condition}"
            self.page.wait_for_timeout(50)


@pytest.fixture(scope="module")
def new_context() -> Iterator[Callable[..., Any]]:
    """Opens contexts of one Chromium, each without what the others have stored."""
    with browser() as chromium:
        yield chromium.new_context


@pytest.fixture
def visit(new_context: Callable[..., Any]) -> Iterator[Callable[..., Watched]]:
    contexts: list[Any] = []

    def open_page(url: str, **options: Any) -> Watched:
        contexts.append(new_context(viewport=options.pop("viewport", {"width": 1440, "height": 900}), **options))
        contexts[-1].set_default_timeout(PATIENCE_MS)
        watched = Watched(contexts[-1].new_page())
        watched.page.goto(url, wait_until="domcontentloaded")
        return watched

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def serve(make_feeder: Callable[..., Any], keep_feeding: Callable[..., Any]) -> Iterator[Callable[..., Dashboard]]:
    started: list[Dashboard] = []

    def start(port: int = 0, feeder: Any = None, fps: float = 15.0, **settings: Any) -> Dashboard:
        feeder = feeder or make_feeder()
        dashboard = Dashboard(DashboardSettings(listen=ListenAddress("127.0.0.1", port), **settings))
        dashboard.follow(feeder.status)
        keep_feeding(feeder, dashboard.put, fps)
        started.append(dashboard)
        return dashboard

    yield start
    for dashboard in started:
        dashboard.close(5.0)


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def test_live_values_thresholds_gallery_and_no_foreign_request(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched]
) -> None:
    dashboard = serve()
    watched = visit(dashboard.url)
    page = watched.page
    watched.until("document.getElementById('connection').textContent === 'live'")
    watched.until("Number(document.getElementById('count-captured')?.textContent.replace(/\\D/g, '')) > 5")
    before = number(watched.text("#count-captured"))
    watched.until("document.getElementById('frame').getAttribute('src')")  # counters may come before the first picture
    shown = page.get_attribute("#frame", "src")
    watched.until(f"Number(document.getElementById('count-captured').textContent.replace(/\\D/g, '')) > {before}")
    watched.until(
        f"document.getElementById('frame').src !== {shown!r} && document.getElementById('frame').naturalWidth"
    )
    parts = page.evaluate(
        "['captured', 'scored', 'skipped', 'failed'].map(n => document.getElementById(`count-${n}`).textContent)"
    )
    captured, *outcomes = map(number, parts)
    assert captured == sum(outcomes)

    meter = page.text_content("#meter")
    assert "reject below 0.40" in meter
    assert "accept from 0.50" in meter
    assert "reject below0.400accept from0.500" in "".join(watched.text(".u-legend").split("\n")).replace("\t", "")
    watched.until("document.querySelector('#chart canvas')?.width > 0")

    watched.until("document.querySelectorAll('#gallery .reject-card').length >= 2")
    card = page.locator("#gallery .reject-card").first
    assert "too dark" in card.inner_text()
    watched.until("document.querySelector('#gallery .reject-card img').naturalWidth > 0")
    card.click()
    assert "luminance 18.5, threshold 40.0" in watched.text("#large-text")
    page.keyboard.press("Escape")

    # Each state has a sign and a word, not only a colour.
    watched.until("document.getElementById('verdict-state').textContent.includes('✕')")
    assert "reject" in watched.text("#verdict-state").lower()
    watched.until("document.getElementById('verdict-state').textContent.includes('✓')")
    assert "reject" in watched.text("#log")
    assert "luminance 18.5, threshold 40.0" in watched.text("#log")
    assert "! 180" in watched.text("#sinks")

    assert watched.complaints == []
    foreign = [url for url in watched.requests if not url.startswith((dashboard.url, f"blob:{dashboard.url}"))]
    assert foreign == []


def test_the_browser_blocks_what_would_leave_the_page(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched]
) -> None:
    watched, elsewhere = visit(serve().url), "http://127.0.0.1:9/"
    blocked = """([script, url]) => new Promise((done) => {
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), { once: true });
        if (script === "fetch") fetch(url, { mode: "no-cors" }).catch(() => {});
        else Object.assign(new Image(), { src: url });
    })"""
    assert watched.page.evaluate(blocked, ["fetch", elsewhere]) == "connect-src"
    assert watched.page.evaluate(blocked, ["image", elsewhere]) == "img-src"


def test_depth_overlay_several_cameras_theme_and_time_span(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched]
) -> None:
    watched = visit(serve().url)
    page = watched.page
    watched.until("document.getElementById('depth').naturalWidth > 0")
    opacity = "getComputedStyle(document.getElementById('depth')).opacity"
    assert page.evaluate(opacity) == "0"
    width, height = (page.evaluate(f"document.getElementById('depth').natural{side}") for side in ("Width", "Height"))
    assert [width, height] == [
        page.evaluate(f"document.getElementById('frame').natural{s}") for s in ("Width", "Height")
    ]
    assert re.fullmatch(r"\d+x\d+", watched.text("#depth-size"))
    assert int(watched.text("#depth-size").split("x")[0]) < width
    page.check("#show-depth")
    assert float(page.evaluate(opacity)) == pytest.approx(0.6)
    page.fill("#opacity", "100")
    assert page.evaluate(opacity) == "1"

    cards = page.locator("#cameras .camera")
    assert cards.count() == 2
    page.click("[data-camera=rear]")
    watched.until("document.querySelector('[data-camera=rear]').getAttribute('aria-pressed') === 'true'")
    watched.until("performance.getEntriesByType('resource').some(e => e.name.includes('view?camera=rear'))")
    assert page.url.endswith("#rear")
    page.reload(wait_until="domcontentloaded")
    watched.until("document.querySelector('[data-camera=rear]')?.getAttribute('aria-pressed') === 'true'")

    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.click("#theme")
    assert page.evaluate(background) != light
    page.click("#spans [data-minutes='2']")
    assert page.get_attribute("#spans [data-minutes='2']", "aria-pressed") == "true"
    assert watched.complaints == []


def test_hold_stops_the_picture(serve: Callable[..., Dashboard], visit: Callable[..., Watched]) -> None:
    watched = visit(serve().url)
    watched.until("document.getElementById('frame').naturalWidth > 0")
    watched.page.check("#pause")
    watched.page.wait_for_timeout(1500)  # one that was under way may still arrive
    before = len([url for url in watched.requests if "/api/view" in url])
    watched.page.wait_for_timeout(1500)
    assert len([url for url in watched.requests if "/api/view" in url]) == before


def test_a_token_is_enforced_and_stays_out_of_addresses(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched]
) -> None:
    dashboard = serve(token=TOKEN)
    watched = visit(dashboard.url)
    page = watched.page
    page.wait_for_url("**/sign-in")
    page.fill("#token", "not the token at all")
    page.click("button[type=submit]")
    watched.until("document.getElementById('problem').textContent.includes('not the token')")
    page.fill("#token", TOKEN)
    page.click("button[type=submit]")
    page.wait_for_url(dashboard.url)
    watched.until("document.getElementById('connection').textContent === 'live'")

    by_link = visit(f"{dashboard.url}sign-in#token={TOKEN}")
    by_link.page.wait_for_url(dashboard.url)
    by_link.until("document.getElementById('connection').textContent === 'live'")
    assert TOKEN not in by_link.page.evaluate("document.cookie + JSON.stringify(localStorage) + location.href")
    sent = [url for url in watched.requests + by_link.requests if TOKEN in url.partition("#")[0]]
    assert sent == []


def test_a_page_left_open_finds_the_program_again_after_a_restart(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched]
) -> None:
    first = serve(token=TOKEN)
    watched = visit(f"{first.url}sign-in#token={TOKEN}")
    watched.page.wait_for_url(first.url)
    watched.until("document.getElementById('connection')?.textContent === 'live'")
    port = first._server.address.port
    first.close(5.0)
    watched.until("document.getElementById('connection').textContent === 'reconnecting'")
    assert "does not answer" in watched.text("#notice")
    assert watched.page.get_attribute("#main", "class") == "old"
    serve(port=port, token=TOKEN)
    watched.until("document.getElementById('connection').textContent === 'live'")
    assert not watched.page.is_visible("#notice")
    watched.until("Number(document.getElementById('count-captured').textContent.replace(/\\D/g, '')) > 0")


def test_a_lost_camera_is_said_over_its_last_picture(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder()
    watched = visit(serve(feeder=feeder).url)
    watched.until("document.getElementById('frame').naturalWidth > 0")
    feeder.problem = "no answer from the camera"
    watched.until("!document.getElementById('source-problem').hidden")
    assert watched.text("#source-problem") == "retrying: no answer from the camera"


def test_an_outage_is_a_gap_in_the_list_and_in_every_pill(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder()
    dashboard = serve(feeder=feeder)
    watched = visit(dashboard.url)
    page = watched.page
    watched.until("document.querySelectorAll('#log li time').length >= 1")
    assert page.evaluate("document.querySelector('[data-camera=front] .pill').dataset.state") == "live"

    page.evaluate("""() => {
        window.heard = "";
        const said = document.getElementById("announcement");
        new MutationObserver(() => { window.heard += said.textContent + "\\n"; }).observe(said, { childList: true });
    }""")
    feeder.lose(dashboard.put, "front", away_s=2.0)
    watched.until("document.getElementById('connection').textContent === '1 of 2 lost'")
    assert page.get_attribute("#connection", "data-state") == "lost"
    assert page.evaluate("document.querySelector('[data-camera=front] .pill').textContent") == "retrying"
    assert page.evaluate("document.querySelector('[data-camera=rear] .pill').textContent") == "live"
    assert watched.text("#camera-pill") == "retrying"
    assert "lost" in watched.text("#verdict-state").lower()
    watched.until("/for ([2-9]|[1-9][0-9]+) s/.test(document.getElementById('verdict-cue').textContent)")
    watched.until("document.getElementById('log').innerText.includes('no answer from the camera')")
    watched.until("window.heard.includes('front: lost, no signal')")
    assert not page.evaluate("document.getElementById('main').classList.contains('old')")  # the page itself is fresh
    words = "document.getElementById('chart').getAttribute('aria-label')"
    gap = f"/no verdicts from .* for ([2-9]|[1-9][0-9]+) s/.test({words})"
    watched.until(gap)

    feeder.bring_back(dashboard.put, "front", away_s=34.0)
    watched.until("document.getElementById('connection').textContent === 'live'")
    watched.until("document.getElementById('log').innerText.includes('after 34 s')")
    watched.until("document.getElementById('verdict-state').textContent.includes('pass')")
    assert page.evaluate(gap)
    assert watched.complaints == []


def test_an_ended_camera_does_not_read_pass(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder(cameras=("front",))
    dashboard = serve(feeder=feeder)
    watched = visit(dashboard.url)
    watched.until("document.getElementById('connection').textContent === 'live'")
    feeder.lose(dashboard.put, "front", away_s=1.0, presence="ended")
    watched.until("document.getElementById('connection').textContent === 'ended'")
    watched.until("document.getElementById('verdict-state').textContent.includes('ended')")
    assert watched.text("#camera-pill") == "ended"
    assert "pass" not in watched.text("#verdict").lower()


def test_headings_are_in_order_and_the_list_is_reached_and_scrolled_by_keyboard(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder(cameras=("front",))
    dashboard = serve(feeder=feeder)
    watched = visit(dashboard.url)
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


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_day_and_by_night(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], window: dict[str, int], scheme: str
) -> None:
    watched = visit(serve().url, viewport=window, color_scheme=scheme)
    watched.until("document.querySelectorAll('#gallery .reject-card').length >= 1")
    watched.until("document.querySelectorAll('#sinks tbody tr').length >= 1")
    page = watched.page
    assert faint_texts(page) == []
    wider = "[...document.querySelectorAll('#sinks, #chart, #log')].filter((it) => it.scrollWidth > it.clientWidth)"
    assert page.evaluate(f"{wider}.map((it) => it.id)") == []
    # The chart takes the room that the panel has and nothing of it is cut off, also where its legend wraps anew.
    room, below = (f"document.querySelector('{it}').getBoundingClientRect().bottom" for it in ("#chart", ".u-legend"))
    for width in (window["width"], window["width"] - 60, window["width"]):
        page.set_viewport_size({**window, "width": width})
        watched.until(f"Math.abs({below} - {room}) < 12")
    # Score and smoothed have one colour: their lines tell them apart in the legend as in the chart.
    lines = page.evaluate("[...document.querySelectorAll('.u-marker')].map((it) => getComputedStyle(it).borderTop)")
    assert len(set(lines)) == len(lines)


def test_it_is_usable_on_a_phone(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], tmp_path: Path
) -> None:
    watched = visit(serve().url, viewport=PHONE, has_touch=True, is_mobile=True)
    page = watched.page
    watched.until("document.querySelectorAll('#gallery .reject-card').length >= 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    tops = [page.locator(name).bounding_box()["y"] for name in (".verdict-panel", ".picture-panel", ".numbers-panel")]
    assert tops == sorted(tops)
    assert tops[1] < PHONE["height"]  # verdict and picture without scrolling
    for control in ("#theme", "#spans button", ".controls label"):
        assert page.locator(control).first.bounding_box()["height"] >= 24
    page.tap("[data-camera=rear]")
    watched.until("document.querySelector('[data-camera=rear]').getAttribute('aria-pressed') === 'true'")


def test_regions_are_drawn_kept_and_in_force(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], bundle_dir: Path, tmp_path: Path
) -> None:
    source = PlayedSource([[]])
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as scorer:
        watch = Watch([WatchedCamera("front", lambda: source, "played")], scorer)
        dashboard = serve()
        attach(watch, [dashboard], tmp_path / "drawn")
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
        page.reload(wait_until="domcontentloaded")
        watched.until("document.querySelectorAll('#regions-drawing polygon').length === 2")
        assert faint_texts(page) == []
        assert watched.complaints == []


def test_without_a_folder_the_regions_are_text_to_copy(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], bundle_dir: Path
) -> None:
    source = PlayedSource([[]])
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as scorer:
        watch = Watch([WatchedCamera("front", lambda: source, "played")], scorer)
        dashboard = serve()
        attach(watch, [dashboard])
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
        [polygon] = parse_regions(parse_toml(watched.text("#regions-toml"))).exclude
        for corner, expected in zip(polygon, ((0.2, 0.2), (0.8, 0.2), (0.5, 0.8)), strict=True):
            assert corner == pytest.approx(expected, abs=0.02)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert not watch.regions("front")
        assert watched.complaints == []
