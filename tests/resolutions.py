"""Whether each extra has wheels for each Python, on x86-64 and aarch64 Linux, by our pins: ``make test-resolutions``.

Only metadata is fetched, so a machine answers for others. ``--write`` (``make constraints``) renews the pins, and keeps
each version that still goes: ``constraints.txt`` for a desktop, ``constraints-jetson.txt`` for what is installed beside
JetPack.
"""

import argparse
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from places import ROOT
from pythons import named

PLATFORMS = {"x86-64": "x86_64-manylinux_2_28", "aarch64": "aarch64-manylinux_2_35"}
"""As Debian 12 and JetPack 6 (Ubuntu 22.04) have their C library."""
JETSON = "jetson"
DESKTOP = ("dev", "release", "ray-test", "tensorrt", "tensorrt-rtx", "pycuda")
"""Extras that hold all others but ``jetson``."""
PINS = {name: ROOT / f"constraints{suffix}.txt" for name, suffix in (("desktop", ""), (JETSON, "-jetson"))}
HEADS = {
    "desktop": "Versions that were resolved together for every extra but jetson; `make venv` installs by them.",
    JETSON: "Versions for the extra jetson, beside a JetPack whose OpenCV was built for NumPy 1; `make jetson`.",
}
OF_CUDA = re.compile(r"(nvidia-(?!ml-py)|cuda-toolkit|triton\b)")
"""What PyTorch's CUDA build brings and its CPU build does not: not ours to pin."""
SOURCES = ("pycuda", "tensorrt", "tensorrt-cu13", "tensorrt-cu13-libs")
"""What has no wheels: the first compiles, the others are NVIDIA's fetchers of wheels."""
NOT_OFFERED = {(JETSON, "3.13"): "NumPy 1 has no wheels for it (JetPack 6 has Python 3.10, 7 has 3.12)"}
NOT_ASKED = "the package index did not answer"
AT_ONCE = 8


def _setup() -> dict[str, Any]:
    said: dict[str, Any] = {}
    stand_in = ModuleType("setuptools")
    vars(stand_in).update(setup=lambda **words: said.update(words), find_packages=lambda where: [])
    with mock.patch.dict(sys.modules, setuptools=stand_in):
        runpy.run_path(str(ROOT / "setup.py"))
    return said


SETUP = _setup()
"""What ``setup.py`` says, by its words. Read once: the stand-in for setuptools is seen by every thread."""


def uv(extras: Sequence[str], arguments: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Resolve what those extras need, with those arguments of ``uv pip compile``."""
    needed = {*SETUP["install_requires"], *(one for extra in extras for one in SETUP["extras_require"][extra])}
    quiet = ("--quiet", "--no-python-downloads", "--no-header", "--no-annotate")
    program = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    command = [program, "pip", "compile", "-", *quiet, *map(str, arguments)]
    lines = "\n".join(sorted(needed))
    return subprocess.run(command, cwd=ROOT, input=lines, capture_output=True, text=True, check=False)


def write() -> None:
    """Renew the pins."""
    for name, file in PINS.items():
        wanted = (JETSON,) if name == JETSON else DESKTOP
        done = uv(wanted, ["--universal", f"--python-version={named()[0]}", "--output-file", file])
        if done.returncode:
            raise SystemExit(done.stderr)
        kept = [line for line in file.read_text().splitlines() if not line.startswith("#") and not OF_CUDA.match(line)]
        file.write_text("\n".join([f"# {HEADS[name]}", "# Made by `make constraints`.", *kept, ""]))
        print(f"{file.name}: {len(kept)} pins")


def problem(extra: str, python: str, platform: str) -> str:
    """Why an extra has no resolution there, in a line; empty where it has one, :data:`NOT_ASKED` without an answer."""
    pins = PINS[JETSON if extra == JETSON else "desktop"]
    where = [f"--python-version={python}", f"--python-platform={PLATFORMS[platform]}"]
    wheels = ["--only-binary=:all:", *(f"--no-binary={name}" for name in SOURCES)]
    done = uv([extra], [*where, *wheels, "--constraint", pins])
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if "because" in line.lower()]
    return lines[0] if lines and "No solution found" in done.stderr else NOT_ASKED


def _cell(reason: str, absent: str | None) -> str:
    if reason == NOT_ASKED:
        return "not asked"
    return "resolves" if not reason else "not offered" if absent else "FAILS"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where something has no resolution that should have."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew constraints*.txt instead")
    if parser.parse_args(arguments).write:
        write()
        return 0
    columns = [(python, platform) for platform in PLATFORMS for python in named()]
    rows = list(SETUP["extras_require"])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda case: problem(*case), [(extra, *column) for extra in rows for column in columns]))
    problems = dict(zip([(extra, *column) for extra in rows for column in columns], found, strict=True))
    print("| extra |", " | ".join(f"{python} {platform}" for python, platform in columns), "|")
    print("|---" * (len(columns) + 1) + "|")
    failed = []
    for extra in rows:
        cells = []
        for python, platform in columns:
            reason = problems[extra, python, platform]
            absent = NOT_OFFERED.get((extra, python))
            answered = reason != NOT_ASKED
            cells.append(_cell(reason, absent))
            if answered and bool(reason) != bool(absent):
                failed.append(f"{extra}, Python {python}, {platform}: {reason or f'resolves now, although {absent}'}")
        print(f"| {extra} |", " | ".join(cells), "|")
    print(*failed, sep="\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
