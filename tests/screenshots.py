"""Pictures of what the program shows, of real runs: ``make screenshots`` takes them.

Those that pages of ``docs/`` show go to ``docs/pictures/``, small; all of them, whole, light and dark, at a desk and on
a phone, to ``build/screenshots/``, for people to look at. Cameras are shipped photos, panned and spoiled on a schedule;
the reports are those of ``benchmarks/results/``.
"""

import contextlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from chromium import CHROMIUM, DESK, MISSING, PHONE, browser
from places import ROOT

from dgiqa_edge.calibration.degradations.kinds import degrade
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS

BUNDLE = Path("build") / "demo" / "bundle"
OUT = ROOT / "build" / "screenshots"
PICTURES = ROOT / "docs" / "pictures"
RESULTS = Path("benchmarks") / "results"


@dataclass(frozen=True)
class View:
    """A visitor: how wide, by day or by night."""

    window: dict[str, int]
    scheme: str


VIEWS = {
    "light": View(DESK, "light"),
    "dark": View(DESK, "dark"),
    "tablet": View({"width": 820, "height": 1180}, "dark"),
    "column": View({"width": 860, "height": 900}, "light"),  # letters of which are still read in a column of docs
    "phone": View(PHONE, "light"),
    "phone-dark": View(PHONE, "dark"),
}


@dataclass(frozen=True)
class Shown:
    """A picture in ``docs/pictures/``: which of ``build/screenshots/``, and how many of its rows."""

    of: str
    rows: int | None = None


IN_DOCS = {
    "demo.jpg": Shown("demo-three"),
    "wall.webp": Shown("wall-light", 400),
    "dashboard.webp": Shown("dashboard-light", 1560),
    "dashboard-phone.webp": Shown("dashboard-phone-dark", 844),
    "gate-tune.webp": Shown("gate-tune"),
    "report.webp": Shown("report-column", 1180),
    "changes.webp": Shown("changes-column", 690),
    "table.webp": Shown("table-column", 975),
}
QUALITY = {".webp": [cv2.IMWRITE_WEBP_QUALITY, 72], ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 76]}

# Of each camera a photo, and what happens before it, with how many seconds of it; None: nothing.
FPS = 5
SCENES: dict[str, tuple[str, tuple[tuple[str | None, int], ...]]] = {
    "front-door": (
        "dogs_at_door",
        ((None, 16), ("under_exposure", 8), (None, 14), ("over_exposure", 8), (None, 12), ("occluded", 8), (None, 60)),
    ),
    "trail": ("mountain_path", ((None, 30), ("haze", 14), (None, 22), ("noise", 60))),
    "pier": ("pagoda", ((None, 120),)),
}
LOST = '[[cameras]]\nname = "car-park"\nsource = "rtsp://127.0.0.1:9/stream"\n'
WATCHED_S = 80
WINDOW = 0.9
"""Share of its photo's sides that a camera shows."""
STRENGTH = {"under_exposure": 0.6, "over_exposure": 0.8, "occluded": 1.0, "haze": 0.8, "noise": 0.7}
SPOILED = ("defocus", "noise", "under_exposure", "haze", "over_exposure", "dirt")
SPOILED_STRENGTH = 0.6
# The chart has taken the room of its panel.
SETTLED = """(() => {
    const bottom = (name) => document.querySelector(name)?.getBoundingClientRect().bottom;
    return Math.abs(bottom("#chart") - bottom("#chart .u-legend")) < 12;
})()"""
THUMBNAILS = "[...document.querySelectorAll('.tile img')].filter((it) => it.naturalWidth).length"
TOKEN = "only-for-this-picture"


def dgiqa_edge(*arguments: str | Path) -> list[str]:
    """The command as this Python has it."""
    return [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", *map(str, arguments)]


def run(*arguments: str | Path) -> None:
    """A command to its end.

    Raises:
        SystemExit: it failed.
    """
    print("dgiqa-edge", *arguments, flush=True)
    done = subprocess.run(dgiqa_edge(*arguments), cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 5):  # 5: a limit is broken, which is to be seen
        raise SystemExit(f"it ended with {done.returncode}")


def film(file: Path, photo: str, script: Sequence[tuple[str | None, int]]) -> None:
    """A swaying camera's film of a photo, spoiled as the script says, with a sensor's noise."""
    clean = cv2.imread(str(SHIPPED_PHOTOS / f"{photo}.jpg"))
    clean = clean[: clean.shape[1]]  # no camera stands upright
    height, width = (int(side * WINDOW) // 16 * 16 for side in clean.shape[:2])
    film = cv2.VideoWriter(str(file), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), FPS, (width, height))
    noise, number = np.random.default_rng(0).normal(0.0, 1.5, (8, height, width, 3)), 0
    for kind, seconds in script:
        scene = clean if kind is None else degrade(clean, kind, STRENGTH[kind], seed=1)
        for _ in range(seconds * FPS):
            sway = 0.5 + 0.5 * np.sin(number / np.array([9.0, 14.0]))
            top, left = (np.array(scene.shape[:2]) - (height, width)) * sway
            frame = scene[int(top) : int(top) + height, int(left) : int(left) + width]
            film.write(np.clip(frame + noise[number % 8], 0, 255).astype(np.uint8))
            number += 1
    film.release()


@contextlib.contextmanager
def watching(settings: str) -> Iterator[str]:
    """A ``watch`` of these settings with a dashboard; its address."""
    file = OUT / "watch.toml"
    file.write_text(f'bundle = "{ROOT / BUNDLE}"\n{settings}')
    said = OUT / "watch.log"
    words = dgiqa_edge("watch", file, "--dashboard", "127.0.0.1:0")
    with said.open("w") as log, subprocess.Popen(words, stdout=log, stderr=log) as program:
        while not (found := re.search(r"dashboard at (\S+)", said.read_text())):
            if program.poll() is not None:
                raise SystemExit(said.read_text())
            time.sleep(0.1)
        try:
            yield found[1]
        finally:
            program.terminate()


class Album:
    """Takes pictures into ``build/screenshots/``."""

    def __init__(self, chromium: Any) -> None:
        self._chromium = chromium

    @contextlib.contextmanager
    def visit(self, address: str, view: View) -> Iterator[Any]:
        """A page as a visitor sees it."""
        context = self._chromium.new_context(
            viewport=view.window,
            color_scheme=view.scheme,
            locale="en-GB",
            timezone_id="UTC",
        )
        page = context.new_page()
        page.goto(address, wait_until="load")
        yield page
        context.close()

    def take(self, page: Any, name: str) -> None:
        page.screenshot(path=OUT / f"{name}.png", full_page=True)

    def pages(self, name: str, address: str) -> None:
        """A page in every view."""
        for view, how in VIEWS.items():
            with self.visit(address, how) as page:
                self.take(page, f"{name}-{view}")


def until(page: Any, condition: str) -> None:
    """Ask from outside: the dashboard's own policy forbids what Playwright's wait would inject."""
    end = time.monotonic() + 60
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise SystemExit(f"the page did not come to this: {condition}")
        page.wait_for_timeout(50)


def dashboard(album: Album) -> None:
    """Four cameras, two of which are well by now and one of which does not answer; then that one behind a token."""
    cameras = ""
    for name, (photo, script) in SCENES.items():
        film(OUT / f"{name}.avi", photo, script)
        cameras += f'[[cameras]]\nname = "{name}"\nsource = "{name}.avi"\noptions = {{ pace = "realtime" }}\n'
    sinks = '[[sinks]]\ntype = "json_lines"\npath = "changes.jsonl"\nchanges_only = true\n'
    sinks += '[[sinks]]\ntype = "directory"\npath = "accepted"\nmax_files = 20\n'
    with watching(cameras + LOST + sinks) as address:
        time.sleep(WATCHED_S)
        for view, how in VIEWS.items():
            with album.visit(address, how) as page:
                until(page, f"{THUMBNAILS} === {len(SCENES)}")
                album.take(page, f"wall-{view}")
            with album.visit(f"{address}#front-door", how) as page:
                until(page, "document.getElementById('frame').naturalWidth > 0")
                if view == "phone-dark":
                    page.check("#show-depth")
                    until(page, "document.getElementById('depth').naturalWidth > 0")
                until(page, SETTLED)
                album.take(page, f"dashboard-{view}")
    with watching(f'{LOST}[dashboard]\ntoken = "{TOKEN}"\n') as address:
        for view, how in VIEWS.items():
            with album.visit(address, how) as page:
                page.wait_for_url("**/sign-in")
                album.take(page, f"sign-in-{view}")
                page.fill("#token", TOKEN)
                page.click("button[type=submit]")
                page.wait_for_url(address)
                until(page, "document.querySelector('.tile')?.textContent.includes('lost')")
                album.take(page, f"lost-{view}")


def reports(album: Album) -> None:
    """The pages of ``bench report``, ``bench compare`` and ``bench table``."""
    nano, int8, reference = (RESULTS / f"{name}-cpu.json" for name in ("nano-fp32", "nano-int8", "reference-int8"))
    run("bench", "report", int8, "--html", OUT / "report.html")
    run("bench", "compare", nano, int8, "--fail-on", "score_mae=+0.03", "--html", OUT / "changes.html")
    run("bench", "compare", nano, int8, "--fail-on", "p99=+5%", "--strict", "--html", OUT / "broken.html")
    run("bench", "table", nano, int8, reference, "--html", OUT / "table.html")
    for name in ("report", "changes", "broken", "table"):
        album.pages(name, (OUT / f"{name}.html").as_uri())


def tuning() -> None:
    """The plot of ``gate tune`` on shipped photos and on copies of them that are hard to tell from them."""
    for photo in SHIPPED_PHOTOS.glob("*.jpg"):
        picture = cv2.imread(str(photo))
        (OUT / "good").mkdir(exist_ok=True)
        cv2.imwrite(str(OUT / "good" / photo.name), picture)
        for kind in SPOILED:
            (OUT / "bad" / kind).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(OUT / "bad" / kind / photo.name), degrade(picture, kind, SPOILED_STRENGTH, seed=0))
    folders = ("--good", OUT / "good", "--bad", OUT / "bad")
    run("gate", "tune", *folders, "--bundle", BUNDLE, "--plot", OUT / "gate-tune.png")


def sheet() -> None:
    """The demo's contact sheet, and one of three photos alone."""
    for name, photos in {"demo": (), "demo-three": ("cat", "pagoda", "astronaut")}.items():
        run("demo", "--bundle", BUNDLE, "--out", OUT / name, *(SHIPPED_PHOTOS / f"{photo}.jpg" for photo in photos))
        shutil.copy(OUT / name / "contact_sheet.png", OUT / f"{name}.png")


def to_docs() -> None:
    """The few that the pages show."""
    for name, shown in IN_DOCS.items():
        picture = cv2.imread(str(OUT / f"{shown.of}.png"))[: shown.rows]
        cv2.imwrite(str(PICTURES / name), picture, QUALITY[Path(name).suffix])
        print(f"{(PICTURES / name).relative_to(ROOT)}: {(PICTURES / name).stat().st_size / 1000:.0f} kB")


def main(chosen: Sequence[str]) -> None:
    """Take all of them, or only those of the parts that are named: dashboard, reports, tuning, sheet."""
    if CHROMIUM is None:
        raise SystemExit(MISSING)
    if not (ROOT / BUNDLE).exists():
        raise SystemExit("make demo makes the bundle first")
    OUT.mkdir(parents=True, exist_ok=True)
    parts = chosen or ("dashboard", "reports", "tuning", "sheet")
    with browser() as chromium:
        for part in (dashboard, reports):
            if part.__name__ in parts:
                part(Album(chromium))
    for one in (tuning, sheet):
        if one.__name__ in parts:
            one()
    if all((OUT / f"{shown.of}.png").exists() for shown in IN_DOCS.values()):
        to_docs()


if __name__ == "__main__":
    main(sys.argv[1:])
