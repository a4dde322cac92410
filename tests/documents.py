"""The fenced blocks of README.md and docs/: what each is, and a folder in which its commands run as a reader's would.

A block is one of three kinds. It runs (``sh``, ``python``); it does not, and the line above it says why
(``<!-- not run: REASON -->``); or it is no command: a file that the next command reads (``toml``, ``yaml``, with its
name as ``title``), or ``text`` that is shown. Above a block ``<!-- slow -->`` leaves it to the slow tests, and
``<!-- exit 3 -->`` says how it ends.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from places import ROOT

import dgiqa_edge.runtime

PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
RUN = ("sh", "python")
FILES = ("toml", "yaml")
SHOWN = ("text",)
_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<mark>[^\n]*) -->\n *)?```(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_INFO = re.compile(r'(?P<language>\w+)(?: title="(?P<title>[\w./-]+)")?')
_LIMIT_S = 300


@dataclass(frozen=True)
class Block:
    """One fenced block; ``reason`` where it does not run, ``exit_code`` where it does."""

    page: str
    line: int
    language: str
    title: str
    text: str
    reason: str = ""
    slow: bool = False
    exit_code: int = 0

    @property
    def runs(self) -> bool:
        return self.language in RUN and not self.reason


def blocks(page: str, text: str) -> Iterator[Block]:
    """The blocks of a page in their order.

    Raises:
        ValueError: one of a kind that there is none of.
    """
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        info, mark = _INFO.fullmatch(found["info"]), found["mark"] or ""
        language = info["language"] if info else found["info"]
        reason = mark.partition("not run: ")[2]
        known = reason or mark in ("", "slow") or re.fullmatch(r"exit \d", mark)
        if language not in (*RUN, *FILES, *SHOWN) or not known or (mark and language not in RUN):
            raise ValueError(
                f"{page}:{line}: a block {found['info']!r} with {mark!r} is of no kind (tests/documents.py)"
            )
        body = re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        title = (info["title"] if info else None) or ""
        exit_code = int(mark[-1]) if mark.startswith("exit ") else 0
        yield Block(page, line, language, title, body, reason, mark == "slow", exit_code)


def of_page(page: str) -> list[Block]:
    """Those of a page of the project."""
    return list(blocks(page, (ROOT / page).read_text(encoding="utf-8")))


class Workspace:
    """A reader's folder: the checkout's rooms, a bundle where the demo leaves it, photos, a video, ratings.

    Args:
        folder: is made.
        bundle: taken as ``build/demo/bundle``.
        photos: names of shipped photos.
        side: of small copies of them, pixels; None takes them as they are.
    """

    def __init__(self, folder: Path, bundle: Path, photos: list[str], side: int | None = None) -> None:
        self.folder = folder
        folder.mkdir()
        for room in ("benchmarks", "calibration", "docs", "export", "runtime", "training"):
            (folder / room).symlink_to(ROOT / room)
        (folder / "build" / "demo").mkdir(parents=True)
        shutil.copytree(bundle, folder / "build" / "demo" / "bundle")
        self._fill(photos, side)
        self.given = {path.name for path in folder.iterdir()}
        programs = folder / "build" / ".programs"
        programs.mkdir()
        self._program(programs / "python", "")
        self._program(programs / "dgiqa-edge", "-m dgiqa_edge.runtime.commands.cli")
        (folder / "build" / ".home").mkdir()
        imports = Path(next(iter(dgiqa_edge.runtime.__path__))).parents[1]
        self._environment = {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(imports), os.environ.get("PYTHONPATH", "")]),
            "HOME": str(folder / "build" / ".home"),
        }
        # The port of the pages may be in use here.
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])

    def run(self, block: Block) -> None:
        """Take a block as a reader would: write the file that it is, or run its commands.

        Raises:
            AssertionError: it ended otherwise than it should; with what it printed.
        """
        text = block.text.replace("9108", self._port)
        if block.title:
            (self.folder / block.title).write_text(text)
            self.given.add(block.title)
        if not block.runs:
            return
        shell = ["bash", "-euo", "pipefail", "-c", text] if block.language == "sh" else [sys.executable, "-c", text]
        done = subprocess.run(
            shell,
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        said = f"{block.page}:{block.line} ended with {done.returncode}:\n{text}\n{done.stdout[-3000:]}"
        assert done.returncode == block.exit_code, said
        assert "Traceback" not in done.stdout, said

    def left(self) -> set[str]:
        """What the commands left beside what was given, outside ``build/``."""
        return {path.name for path in self.folder.iterdir()} - self.given

    def _fill(self, photos: list[str], side: int | None) -> None:
        shipped = ROOT / "calibration" / "photos"
        for name in ("photos", "good", "bad/dark"):
            (self.folder / name).mkdir(parents=True)
        for name in photos:
            picture = cv2.imread(str(shipped / name))
            if side is not None:
                picture = cv2.resize(picture, (side, side * 3 // 4), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(self.folder / "photos" / name), picture)
        for name in photos[:4]:
            picture = cv2.resize(cv2.imread(str(shipped / name)), (160, 120), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(self.folder / "good" / name), picture)
            cv2.imwrite(str(self.folder / "bad" / "dark" / name), picture // 8)
        shutil.copy(shipped / photos[0], self.folder / "photo.jpg")
        ratings = [f"{name},{number / 10}" for number, name in enumerate(photos, 3)]
        (self.folder / "mos.csv").write_text("\n".join(["file,mos", *ratings, ""]))
        video = cv2.VideoWriter(str(self.folder / "video.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (160, 120))
        for shift in range(20):
            video.write(np.roll(picture, shift, axis=1))
        video.release()

    @staticmethod
    def _program(path: Path, arguments: str) -> None:
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        path.chmod(0o755)
