"""The browser that looks at our pages: a headless Chromium of the system, driven by Playwright. It asks nobody else."""

import contextlib
import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PACKAGES = ("playwright", "axe_playwright_python")
LACKING = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = "no Chromium: apt-get install chromium"
if LACKING:
    CHROMIUM, MISSING = None, f"{LACKING[0].replace('_', '-')} is not installed"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """One Chromium; ``new_context`` gives a visitor who has stored nothing."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One headless Chromium for the pages of a module: while it is open nobody else may run an event loop."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with browser() as chromium:
        yield chromium


@pytest.fixture
def shown(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A page as it is seen: ``shown(text, width=390, scheme="dark")``; ``page.asked`` is what it requested."""
    contexts: list[Any] = []

    def show(text: str, width: int = 1280, scheme: str = "light") -> Any:
        file = tmp_path / "shown.html"
        file.write_text(text, encoding="utf-8")
        contexts.append(chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(file.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()


# Texts whose letters are too like what lies behind them: WCAG's contrast, which asks for 4.5 of small letters.
_FAINT = """(least) => {
    const numbers = (colour) => {
        const [red, green, blue, alpha = 1] = colour.match(/[\\d.]+/g).map(Number);
        return [red, green, blue, alpha];
    };
    const over = ([red, green, blue, alpha], behind) =>
        [red, green, blue].map((value, place) => alpha * value + (1 - alpha) * behind[place]);
    const luminance = (colour) => {
        const [red, green, blue] = colour.map((value) => value / 255)
            .map((value) => value <= 0.04 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (one) => {
        if (!one) return [255, 255, 255];
        const own = numbers(getComputedStyle(one).backgroundColor);
        return own[3] === 1 ? own : over(own, ground(one.parentElement));
    };
    const found = [];
    for (const one of document.body.querySelectorAll("*")) {
        const text = [...one.childNodes].map((node) => node.nodeType === 3 ? node.data.trim() : "").join("");
        if (!text || !one.checkVisibility({ contentVisibilityAuto: true })) continue;
        if (one.closest(".away, :disabled, title")) continue;
        const behind = ground(one);
        const style = getComputedStyle(one);
        const ink = over(numbers(one instanceof SVGElement ? style.fill : style.color), behind);
        const [dark, light] = [luminance(ink), luminance(behind)].sort((a, b) => a - b);
        const contrast = (light + 0.05) / (dark + 0.05);
        if (contrast < least) found.push(`${contrast.toFixed(1)}: ${text.slice(0, 40)}`);
    }
    return found;
}"""


def faint_texts(page: Any, least: float = 4.5) -> list[str]:
    """What stands on a page in letters that can hardly be told from their ground, with the contrast of each."""
    return page.evaluate(_FAINT, least)


def axe_violations(page: Any) -> list[str]:
    """What axe-core finds wrong with a page by WCAG and its own best practices: each rule, its first place."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{it['id']} ({it['impact']}): {it['nodes'][0]['target']}" for it in found]
