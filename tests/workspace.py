"""A folder in which the blocks of pages run as a reader's would, and what a reader has in it."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from documents import Block
from places import ROOT

import dgiqa_edge.runtime

SHIPPED = sorted(path.name for path in (ROOT / "calibration" / "photos").iterdir())


class Workspace:
    """A reader's folder and shell: what a block exports or activates, the next ones have.

    Args:
        folder: with what a reader has.
        variables: those of the shell, to begin with.
        limit_s: of each block.
    """

    def __init__(self, folder: Path, variables: dict[str, str], limit_s: float = 300) -> None:
        self.folder = folder
        self.given = {path.name for path in folder.iterdir()}
        self._variables = variables
        self._limit_s = limit_s
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
        with tempfile.TemporaryFile() as kept:
            keep = f"trap 'env -0 >&{kept.fileno()}' EXIT\n"
            shell = ["bash", "-euo", "pipefail", "-c", keep + text]
            done = subprocess.run(
                shell if block.language == "sh" else ["python", "-c", text],
                cwd=self.folder,
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[kept.fileno()],
                text=True,
                timeout=self._limit_s,
                check=False,
            )
            kept.seek(0)
            variables = [one.partition("=") for one in os.fsdecode(kept.read()).split("\0")[:-1]]
        self._variables = {name: value for name, _, value in variables} or self._variables
        said = f"{block.page}:{block.line} ended with {done.returncode}:\n{text}\n{done.stdout[-3000:]}"
        assert done.returncode == block.exit_code, said
        assert "Traceback" not in done.stdout, said

    def left(self) -> set[str]:
        """What the commands left beside what was given, outside ``build/``."""
        return {path.name for path in self.folder.iterdir()} - self.given - {"build"}


def installed(folder: Path, bundle: Path, photos: list[str], side: int | None = None) -> Workspace:
    """Where this Python has the project, in a new folder: the checkout's rooms, a bundle where the demo leaves it.

    Args:
        folder: is made.
        bundle: taken as ``build/demo/bundle``.
        photos, side: as ``bring`` has them.
    """
    folder.mkdir()
    for room in ("benchmarks", "calibration", "docs", "export", "runtime", "training"):
        (folder / room).symlink_to(ROOT / room)
    (folder / "build" / "demo").mkdir(parents=True)
    shutil.copytree(bundle, folder / "build" / "demo" / "bundle")
    bring(folder, photos, side)
    programs, home = folder / "build" / ".programs", folder / "build" / ".home"
    programs.mkdir()
    home.mkdir()
    for name, arguments in {"python": "", "dgiqa-edge": "-m dgiqa_edge.runtime.commands.cli"}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        (programs / name).chmod(0o755)
    imports = Path(next(iter(dgiqa_edge.runtime.__path__))).parents[1]
    variables = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(imports), os.environ.get("PYTHONPATH", "")]),
        "HOME": str(home),
    }
    return Workspace(folder, variables)


def bring(folder: Path, photos: list[str], side: int | None = None) -> None:
    """What readers have of their own: photos, some of them good and bad, ratings, a video in place of a camera.

    Args:
        folder: where the pages' commands run.
        photos: names of shipped photos.
        side: of small copies of them, pixels; None takes them as they are.
    """
    shipped = ROOT / "calibration" / "photos"
    for name in ("photos", "good", "bad/dark"):
        (folder / name).mkdir(parents=True)
    for name in photos:
        picture = cv2.imread(str(shipped / name))
        if side is not None:
            picture = cv2.resize(picture, (side, side * 3 // 4), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / "photos" / name), picture)
    for name in photos[:4]:
        picture = cv2.resize(cv2.imread(str(shipped / name)), (160, 120), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / "good" / name), picture)
        cv2.imwrite(str(folder / "bad" / "dark" / name), picture // 8)
    shutil.copy(shipped / photos[0], folder / "photo.jpg")
    ratings = [f"{name},{number / 10}" for number, name in enumerate(photos, 3)]
    (folder / "mos.csv").write_text("\n".join(["file,mos", *ratings, ""]))
    video = cv2.VideoWriter(str(folder / "video.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (160, 120))
    for shift in range(20):
        video.write(np.roll(picture, shift, axis=1))
    video.release()
