"""The page in a real headless Chromium: what an engineer sees, and that it never asks another machine for anything."""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import pytest
from chromium import CHROMIUM, DESK, MISSING, PHONE, browser, faint_texts

from dgiqa_edge.runtime.gate.reading import CUE_NAMES
from dgiqa_edge.runtime.gate.vocabulary import FAULTS
from dgiqa_edge.runtime.settings.listen_address import ListenAddress
from dgiqa_edge.runtime.watch.dashboard import Dashboard, DashboardSettings
from dgiqa_edge.runtime.watch.dashboard.pages import STATIC

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
PATIENCE_MS = 60_000  # a shared machine may be slow; nothing here measures time
TOKEN = "a-token-of-enough-length"
TABLET = {"width": 820, "height": 1180}
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


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


def shown(name: str) -> str:
    return f"document.getElementById('{name}').textContent"


LIVE = f"{shown('connection')} === 'live'"
REJECTED = f"{shown('verdict-state')}.includes('rejected')"


def test_the_wall_has_a_tile_for_each_camera_and_says_how_they_all_are(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder(cameras=("front", "rear", "a b/c"))
    feeder.rejects = {"front"}
    dashboard = serve(feeder=feeder)
    watched = visit(dashboard.url)
    page = watched.page
    watched.until("[...document.querySelectorAll('.tile img')].filter((it) => it.naturalWidth).length === 3")
    watched.until(f"{shown('summary')} === '1 of 3 cameras down'")
    assert page.title() == "✕ 1 of 3 cameras down · dgiqa-edge"
    assert page.get_attribute("#favicon", "href") == "/static/icon-down.svg"
    assert watched.text("#down") == "✕ front too dark"
    tile = page.locator("[data-camera=front]")
    assert "✕" in tile.inner_text()  # each state has a shape with a sign and a word, not only a colour
    assert "rejected" in tile.inner_text()
    assert "too dark" in tile.inner_text()
    assert re.search(r"since \d\d:\d\d:\d\d \(\d+ s\)", tile.inner_text())
    assert "good" in watched.text("[data-camera=rear]")
    shapes = {
        page.evaluate(f"getComputedStyle(document.querySelector('[data-camera={name}] .shape')).clipPath")
        for name in ("front", "rear")
    }
    assert len(shapes) == 2
    before = page.get_attribute("[data-camera=rear] img", "src")
    watched.until(f"document.querySelector('[data-camera=rear] img').getAttribute('src') !== '{before}'")

    feeder.rejects = set()
    watched.until(f"{shown('summary')} === 'All 3 cameras good'")
    assert page.title() == "✓ All 3 cameras good · dgiqa-edge"
    assert page.get_attribute("#favicon", "href") == "/static/icon-good.svg"

    page.click("#system summary")
    watched.until("document.querySelectorAll('#sinks tbody tr').length === 2")
    assert "! 180" in watched.text("#sinks")
    assert "nano, int8" in watched.text("#process")
    assert watched.complaints == []
    foreign = [url for url in watched.requests if not url.startswith((dashboard.url, f"blob:{dashboard.url}"))]
    assert foreign == []


def test_only_tiles_in_view_are_asked_for_and_none_of_a_page_that_nobody_sees(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder(cameras=tuple(f"camera {number}" for number in range(64)), size=(64, 36))
    watched = visit(serve(feeder=feeder, fps=3.0).url, viewport={"width": 800, "height": 500})
    watched.until("document.querySelectorAll('.tile').length === 64")
    watched.until("[...document.querySelectorAll('.tile img')].some((it) => it.naturalWidth)")
    watched.page.wait_for_timeout(1000)
    asked = [url for url in watched.requests if "/api/thumbnails" in url][-1]
    assert 1 <= asked.count("camera=") < 32
    watched.page.evaluate("scrollTo(0, 1e6)")
    watched.until("document.querySelector('[data-camera=\"camera 63\"] img').naturalWidth > 0")
    watched.page.goto("about:blank")
    assert watched.complaints == []


def test_one_camera_in_detail_verdict_measurements_where_and_why(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder()
    feeder.rejects = {"front"}
    watched = visit(serve(feeder=feeder).url)
    page = watched.page
    page.click("[data-camera=front]")
    watched.until("document.getElementById('frame').naturalWidth > 0")
    assert page.evaluate("document.activeElement.id") == "camera-name"
    watched.until(REJECTED)
    assert watched.text("#verdict-reason") == "too dark"
    assert watched.text("#verdict-says") == FAULTS["too dark"].says
    assert watched.text("#verdict-cue") == "luminance 18.5, below the threshold 40.0"
    assert watched.text("#verdict-next") == "Next: noisy: noise 5.50, above the threshold 5.00"

    # What was measured: the one that decided is marked; each is explained where it is focused.
    watched.until("document.querySelectorAll('#strip .decides').length === 1")
    deciding = page.locator("#strip [data-check=luminance]")
    assert "▶" in deciding.inner_text()
    assert "reject below 40.0 · decides" in deciding.inner_text()
    assert page.get_attribute("#strip [data-check=noise]", "data-level") == "bad"
    page.hover("#strip [data-check=noise]")
    assert watched.text("#strip-says") == "noise: Grain, in grey levels. Beyond its threshold the picture is “noisy”."
    page.focus("#strip [data-check='faults.dark']")
    assert watched.text("#strip-says").startswith("looks dark: How likely it is")

    # Where: cells over the picture, hatched where it is certain; they can be taken away.
    assert page.locator("#where rect").count() == 3
    assert page.locator("#where .certain").count() == 2
    assert watched.text("#where-size") == "2 of 12 cells"
    box, frame = (page.locator(name).bounding_box() for name in ("#where", "#frame"))
    assert box == pytest.approx(frame, abs=1)
    page.uncheck("#show-where")
    assert page.locator("#where rect").count() == 0

    # Why each frame was rejected.
    watched.until("document.querySelectorAll('#gallery .reject-card').length >= 1")
    card = page.locator("#gallery .reject-card").first
    assert "✕ too dark" in card.inner_text()
    assert "luminance 18.5, below the threshold 40.0" in card.inner_text()
    watched.until("document.querySelector('#gallery .reject-card img').naturalWidth > 0")
    card.click()
    assert "luminance 18.5, below the threshold 40.0" in watched.text("#large-text")
    page.keyboard.press("Escape")
    assert "rejected" in watched.text("#log")
    assert "luminance 18.5, below the threshold 40.0" in watched.text("#log")
    watched.until("document.querySelector('#chart canvas')?.width > 0")
    assert "reject below0.400accept from0.500" in "".join(watched.text(".u-legend").split()).replace(
        "rejectbelow", "reject below"
    ).replace("acceptfrom", "accept from").replace(":", "")

    page.keyboard.press("Escape")
    watched.until("!document.getElementById('wall-page').hidden")
    assert page.evaluate("document.activeElement.dataset.camera") == "front"
    assert watched.complaints == []


def test_every_measurement_is_explained() -> None:
    words = (STATIC / "strip.js").read_text()
    assert [name for name in ("score", *CUE_NAMES) if not re.search(rf"^  {name}: \"", words, re.MULTILINE)] == []


def test_counters_move_and_add_up(serve: Callable[..., Dashboard], visit: Callable[..., Watched]) -> None:
    watched = visit(f"{serve().url}#front")
    page = watched.page
    watched.until(LIVE)
    page.click("#figures summary")
    watched.until("Number(document.getElementById('count-captured')?.textContent.replace(/\\D/g, '')) > 5")
    before = number(watched.text("#count-captured"))
    watched.until("document.getElementById('frame').getAttribute('src')")  # counters may come before the first picture
    first = page.get_attribute("#frame", "src")
    watched.until(f"Number(document.getElementById('count-captured').textContent.replace(/\\D/g, '')) > {before}")
    watched.until(
        f"document.getElementById('frame').src !== {first!r} && document.getElementById('frame').naturalWidth"
    )
    parts = page.evaluate(
        "['captured', 'scored', 'skipped', 'failed'].map(n => document.getElementById(`count-${n}`).textContent)"
    )
    captured, *outcomes = map(number, parts)
    assert captured == sum(outcomes)
    assert watched.complaints == []


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
    watched = visit(f"{serve().url}#front")
    page = watched.page
    watched.until("document.getElementById('frame').naturalWidth > 0")
    page.wait_for_timeout(500)
    assert not [url for url in watched.requests if "depth=1" in url]  # nobody wants it yet
    opacity = "getComputedStyle(document.getElementById('depth')).opacity"
    assert page.evaluate(opacity) == "0"
    page.check("#show-depth")
    watched.until("document.getElementById('depth').naturalWidth > 0")
    width, height = (page.evaluate(f"document.getElementById('depth').natural{side}") for side in ("Width", "Height"))
    assert [width, height] == [
        page.evaluate(f"document.getElementById('frame').natural{s}") for s in ("Width", "Height")
    ]
    assert re.fullmatch(r"\d+x\d+", watched.text("#depth-size"))
    assert int(watched.text("#depth-size").split("x")[0]) < width
    assert float(page.evaluate(opacity)) == pytest.approx(0.6)
    page.fill("#opacity", "100")
    assert page.evaluate(opacity) == "1"

    page.click("#back")
    page.click("[data-camera=rear]")
    watched.until(f"{shown('camera-name')} === 'rear'")
    watched.until("performance.getEntriesByType('resource').some(e => e.name.includes('view?camera=rear'))")
    assert page.url.endswith("#rear")
    page.reload(wait_until="domcontentloaded")
    watched.until(f"{shown('camera-name')} === 'rear'")
    page.go_back()
    watched.until("!document.getElementById('wall-page').hidden")
    page.go_forward()
    watched.until("!document.getElementById('detail').hidden")

    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.click("#theme")
    assert page.evaluate(background) != light
    page.click("#spans [data-minutes='2']")
    assert page.get_attribute("#spans [data-minutes='2']", "aria-pressed") == "true"
    assert watched.complaints == []


def test_hold_stops_the_picture(serve: Callable[..., Dashboard], visit: Callable[..., Watched]) -> None:
    watched = visit(f"{serve().url}#front")
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
    watched.until(f"{shown('connection')} === 'no connection'")
    assert re.search(r"does not answer since \d\d:\d\d:\d\d \(\d+ s\)", watched.text("#notice"))
    assert watched.page.get_attribute("#main", "class") == "old"
    assert watched.page.title() == "? No connection · dgiqa-edge"
    watched.page.click("#retry")
    serve(port=port, token=TOKEN)
    watched.until("document.getElementById('connection').textContent === 'live'")
    assert not watched.page.is_visible("#notice")
    watched.until("document.querySelectorAll('.tile').length === 2")


def test_a_lost_camera_is_said_over_its_last_picture(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder()
    dashboard = serve(feeder=feeder)
    watched = visit(dashboard.url)
    watched.until("document.querySelector('[data-camera=front] img').naturalWidth > 0")
    feeder.problem = "no answer from the camera"
    feeder.lose(dashboard.put, "front", away_s=75.0)
    watched.until("document.querySelector('[data-camera=front]').classList.contains('stale')")
    assert re.search(r"No picture since \d\d:\d\d:\d\d", watched.text("[data-camera=front]"))
    assert "lost" in watched.text("[data-camera=front]")
    assert "grayscale" in watched.page.evaluate("getComputedStyle(document.querySelector('.stale img')).filter")
    watched.page.click("[data-camera=front]")
    watched.until("document.getElementById('frame').naturalWidth > 0")
    watched.until("!document.getElementById('source-problem').hidden")
    said = watched.text("#source-problem")
    assert re.fullmatch(r"No picture since \d\d:\d\d:\d\d \(1 min \d+ s\): no answer from the camera", said)
    assert watched.text("#verdict-says") == FAULTS["no signal"].says


def test_a_page_says_what_it_does_not_have_yet(
    visit: Callable[..., Watched], start: Callable[..., Dashboard], make_feeder: Callable[..., Any]
) -> None:
    dashboard = start()
    watched = visit(dashboard.url)
    watched.until(f"{shown('no-camera')} === 'The cameras are starting.'")
    assert watched.text("#summary") == "No camera yet"
    dashboard.follow(make_feeder().status)
    watched.until("document.querySelectorAll('.tile').length === 2")
    assert "No picture yet" in watched.text("[data-camera=front]")
    assert "starting" in watched.text("[data-camera=front]")
    assert watched.text("#summary") == "No verdict yet of 2 of 2 cameras"
    watched.page.click("[data-camera=front]")
    assert watched.text("#no-picture") == "No frame yet"
    watched.page.goto(f"{dashboard.url}#of%20nobody")
    watched.until(f"{shown('verdict-reason')} === 'no such camera'")
    assert watched.complaints == []


def test_an_outage_is_a_gap_in_the_list_and_in_every_pill(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder()
    dashboard = serve(feeder=feeder)
    watched = visit(f"{dashboard.url}#front")
    page = watched.page
    watched.until("document.querySelectorAll('#log li time').length >= 1")
    watched.until("document.getElementById('camera-pill').dataset.state === 'live'")

    page.evaluate("""() => {
        window.heard = "";
        const said = document.getElementById("announcement");
        new MutationObserver(() => { window.heard += said.textContent + "\\n"; }).observe(said, { childList: true });
    }""")
    feeder.lose(dashboard.put, "front", away_s=2.0)
    watched.until(f"{shown('camera-pill')} === 'retrying'")
    watched.until(f"{shown('verdict-state')}.includes('lost')")
    assert watched.text("#summary").endswith("of 2 cameras down")
    assert watched.text("#connection") == "live"  # that of the page
    watched.until("/for ([2-9]|[1-9][0-9]+) s/.test(document.getElementById('verdict-since').textContent)")
    watched.until("document.getElementById('log').innerText.includes('no answer from the camera')")
    watched.until("window.heard.includes('front: lost, no signal')")
    assert not page.evaluate("document.getElementById('main').classList.contains('old')")  # the page itself is fresh
    words = "document.getElementById('chart').getAttribute('aria-label')"
    gap = f"/no verdicts from .* for ([2-9]|[1-9][0-9]+) s/.test({words})"
    watched.until(gap)

    feeder.bring_back(dashboard.put, "front", away_s=34.0)
    watched.until("document.getElementById('log').innerText.includes('after 34 s')")
    watched.until(f"{shown('verdict-state')}.includes('good')")
    watched.until(gap)
    assert watched.complaints == []


def test_an_ended_camera_does_not_read_good(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder(cameras=("front",))
    dashboard = serve(feeder=feeder)
    watched = visit(dashboard.url)
    watched.until(LIVE)
    feeder.lose(dashboard.put, "front", away_s=1.0, presence="ended")
    watched.until(f"{shown('summary')} === 'The camera has ended'")
    assert "ended" in watched.text("[data-camera=front]")
    watched.page.click("[data-camera=front]")
    watched.until(f"{shown('verdict-state')}.includes('ended')")
    assert watched.text("#camera-pill") == "ended"
    assert "good" not in watched.text("#verdict").lower()


def test_headings_are_in_order_and_the_list_is_reached_and_scrolled_by_keyboard(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any]
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


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_day_and_by_night(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], window: dict[str, int], scheme: str
) -> None:
    watched = visit(serve().url, viewport=window, color_scheme=scheme)
    page = watched.page
    page.click("#system summary")
    watched.until("document.querySelectorAll('#sinks tbody tr').length >= 1")
    assert faint_texts(page) == []
    page.click("[data-camera=front]")
    watched.until("document.querySelectorAll('#gallery .reject-card').length >= 1")
    page.click("#figures summary")
    assert faint_texts(page) == []
    wider = "[...document.querySelectorAll('#strip, #chart, #log')].filter((it) => it.scrollWidth > it.clientWidth)"
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
    serve: Callable[..., Dashboard], visit: Callable[..., Watched], make_feeder: Callable[..., Any], tmp_path: Path
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


def test_without_a_folder_for_labels_it_says_how_to_set_one(
    serve: Callable[..., Dashboard], visit: Callable[..., Watched]
) -> None:
    watched = visit(f"{serve().url}#front")
    watched.until("document.getElementById('frame').naturalWidth > 0")
    watched.page.click("#wrong")
    watched.until("document.getElementById('large').open")
    assert 'labels = "labels"' in watched.text("#truth-missing")
    assert not watched.page.is_visible("#truth")


@pytest.mark.parametrize("window", [DESK, TABLET, PHONE], ids=["desk", "tablet", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    serve: Callable[..., Dashboard],
    visit: Callable[..., Watched],
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
    assert serious(page) == []
    page.click("[data-camera=front]")
    watched.until("document.querySelectorAll('#gallery .reject-card').length >= 1")
    watched.until("document.querySelectorAll('#where rect').length === 3")
    page.click("#figures summary")
    assert serious(page) == []
    page.click("#wrong")
    watched.until("document.getElementById('large').open")
    assert serious(page) == []


def serious(page: Any) -> list[str]:
    """What axe-core finds on a page that is serious or critical: rule and elements."""
    page.evaluate(f"() => {{ {AXE} }}")
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{it['id']}: {[node['html'][:120] for node in it['nodes']]}"
        for it in found["violations"]
        if it["impact"] in ("serious", "critical")
    ]
