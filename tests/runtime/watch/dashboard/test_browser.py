"""The page in a real headless Chromium: what an engineer sees, and that it never asks another machine for anything."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from chromium import CHROMIUM, MISSING

from dgiqa_edge.runtime.gate.reading import CUE_NAMES
from dgiqa_edge.runtime.gate.vocabulary import FAULTS
from dgiqa_edge.runtime.watch.dashboard import Dashboard
from dgiqa_edge.runtime.watch.dashboard.pages import STATIC

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
TOKEN = "a-token-of-enough-length"


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def shown(name: str) -> str:
    return f"document.getElementById('{name}').textContent"


LIVE = f"{shown('connection')} === 'live'"
REJECTED = f"{shown('verdict-state')}.includes('rejected')"


def test_the_wall_has_a_tile_for_each_camera_and_says_how_they_all_are(
    serve: Callable[..., Dashboard], visit: Callable[..., Any], make_feeder: Callable[..., Any]
) -> None:
    rude = "<img src=x onerror=alert(1)>/../100% " + "x" * 200
    feeder = make_feeder(cameras=("front", "rear", rude))
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
    page.click(".tile >> nth=2")
    watched.until("document.getElementById('frame').naturalWidth > 0")
    assert watched.text("#camera-name") == rude
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.complaints == []
    foreign = [url for url in watched.requests if not url.startswith((dashboard.url, f"blob:{dashboard.url}"))]
    assert foreign == []


def test_only_tiles_in_view_are_asked_for_and_none_of_a_page_that_nobody_sees(
    serve: Callable[..., Dashboard], visit: Callable[..., Any], make_feeder: Callable[..., Any]
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
    serve: Callable[..., Dashboard], visit: Callable[..., Any], make_feeder: Callable[..., Any]
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
    assert watched.text("#verdict-cue") == "luminance 18.5, below the threshold 60.0"
    assert watched.text("#verdict-next") == "Next: noisy: noise 5.50, above the threshold 5.00"

    # What was measured: the one that decided is marked; each is explained where it is focused.
    watched.until("document.querySelectorAll('#strip .decides').length === 1")
    deciding = page.locator("#strip [data-check=luminance]")
    assert "▶" in deciding.inner_text()
    assert "reject below 40.0, until 60.0 · decides" in deciding.inner_text()
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
    assert "luminance 18.5, below the threshold 60.0" in card.inner_text()
    watched.until("document.querySelector('#gallery .reject-card img').naturalWidth > 0")
    card.click()
    assert "luminance 18.5, below the threshold 60.0" in watched.text("#large-text")
    page.keyboard.press("Escape")
    assert "rejected" in watched.text("#log")
    assert "luminance 18.5, below the threshold 60.0" in watched.text("#log")
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


def test_counters_move_and_add_up(serve: Callable[..., Dashboard], visit: Callable[..., Any]) -> None:
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
    serve: Callable[..., Dashboard], visit: Callable[..., Any]
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
    serve: Callable[..., Dashboard], visit: Callable[..., Any]
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


def test_hold_stops_the_picture(serve: Callable[..., Dashboard], visit: Callable[..., Any]) -> None:
    watched = visit(f"{serve().url}#front")
    watched.until("document.getElementById('frame').naturalWidth > 0")
    watched.page.check("#pause")
    watched.page.wait_for_timeout(1500)  # one that was under way may still arrive
    before = len([url for url in watched.requests if "/api/view" in url])
    watched.page.wait_for_timeout(1500)
    assert len([url for url in watched.requests if "/api/view" in url]) == before
    watched.page.check("#show-depth")  # of the frame that stands still from now on, which can be labelled
    watched.until("document.getElementById('depth').naturalWidth > 0")
    watched.page.fill("#opacity", "30")
    watched.page.wait_for_timeout(500)
    depths = [url for url in watched.requests if "/api/view" in url][before:]
    assert len(depths) == 1 and "depth=1&hold=1" in depths[0]


def test_a_token_is_enforced_and_stays_out_of_addresses(
    serve: Callable[..., Dashboard], visit: Callable[..., Any]
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
    serve: Callable[..., Dashboard], visit: Callable[..., Any]
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


def test_a_page_that_was_asleep_says_so_and_catches_up(
    serve: Callable[..., Dashboard], visit: Callable[..., Any]
) -> None:
    dashboard = serve()
    watched = visit(dashboard.url)
    watched.until(LIVE)
    dashboard.close(5.0)  # no machine hears anything while it sleeps
    watched.page.evaluate("""() => {
        window.said = [];
        const notice = document.getElementById("notice-text");
        new MutationObserver(() => window.said.push(notice.textContent)).observe(notice, { childList: true });
        const now = Date.now; // as a machine that wakes up finds it
        Date.now = () => now() + 3600e3;
    }""")
    watched.until("window.said.some((text) => /^This page was asleep since [0-9:]{8}: it is catching up/.test(text))")
    serve(port=dashboard._server.address.port)
    watched.until(f"{LIVE} && document.getElementById('notice').hidden")


def test_a_lost_camera_is_said_over_its_last_picture(
    serve: Callable[..., Dashboard], visit: Callable[..., Any], make_feeder: Callable[..., Any]
) -> None:
    feeder = make_feeder()
    dashboard = serve(feeder=feeder)
    watched = visit(dashboard.url)
    watched.until("document.querySelector('[data-camera=front] img')?.naturalWidth > 0")
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
    visit: Callable[..., Any], start: Callable[..., Dashboard], make_feeder: Callable[..., Any]
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
    serve: Callable[..., Dashboard], visit: Callable[..., Any], make_feeder: Callable[..., Any]
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
    serve: Callable[..., Dashboard], visit: Callable[..., Any], make_feeder: Callable[..., Any]
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
