"""The project on the Pythons that ``setup.py`` names, side by side.

``make test-pythons``: the runtime's tests on the oldest and the newest. Each Python gets a small environment of its own
below ``build/pythons/``, without torch: the oldest what ``make jetson`` makes beside JetPack 6 (NumPy 1, OpenCV 4.8),
the newest what a desktop needs to score and to watch. What takes minutes and owes nothing to the version of Python is
left out; ``make test`` has it.

``make test-wheel``: on each of them, in an empty folder, what ``docs/wheel.md`` tells users of the wheel to type; then
mypy, strict, judges the program of ``docs/python.md`` by the types that were installed.

A Python is looked for on PATH, then among pyenv's; one that is absent is named, and is no failure.
"""

import argparse
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from documents import of_page
from places import ROOT

ENVIRONMENTS = ROOT / "build" / "pythons"
SYSTEM = ENVIRONMENTS / "system"
EXTRAS = "cpu,watch,bench,test"
JETPACK = ("3.10", ("opencv-python-headless==4.8.0.76", "numpy==1.26.4"))
"""Python of JetPack 6, and what its system has for it; its OpenCV also has GStreamer, which the wheel lacks."""
TESTS = (
    "tests/runtime",
    "tests/calibration",
    "tests/test_architecture.py::test_every_module_imports_with_only_its_own_extra[runtime]",
)
LEFT_OUT = {
    "tests/calibration/int8/test_exact_grids.py": "exports a network by PyTorch",
    "tests/calibration/int8/test_whole_levels.py": "reads the resampling matrices of networks, which PyTorch has",
    "tests/runtime/gate/test_frozen_video.py": "encodes video by ffmpeg",
    "tests/runtime/settings/test_secrets_fuzz.py": "random addresses for a minute",
    "tests/runtime/watch/dashboard/test_browser.py": "a browser",
    "tests/runtime/watch/sources/test_decoding.py": "decoders in processes of their own",
    "tests/runtime/watch/sources/test_gstreamer.py": "GStreamer",
    "tests/runtime/watch/sources/test_rtsp.py": "RTSP servers",
    "tests/runtime/watch/sources/test_video_file.py": "video files",
}
TAIL = 60
PHOTOS = [ROOT / "calibration" / "photos" / f"{name}.jpg" for name in ("astronaut", "pagoda")]


def named() -> list[str]:
    """The versions that ``setup.py`` names, oldest first."""
    (line,) = re.findall(r"^PYTHONS = .*", (ROOT / "setup.py").read_text(encoding="utf-8"), re.MULTILINE)
    return re.findall(r"3\.\d+", line)


def interpreter(version: str) -> str | None:
    """A Python of that version that runs; a shim of pyenv's may be there for one that is not."""
    candidates = [shutil.which(f"python{version}"), *_of_pyenv(version)]
    asked = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    for candidate in filter(None, candidates):
        answer = subprocess.run([candidate, "-c", asked], capture_output=True, text=True, check=False)
        if answer.stdout.strip() == version:
            return str(candidate)
    return None


def _of_pyenv(version: str) -> Iterator[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)


def environment(version: str, python: str) -> Path:
    """The Python of an environment that is as ``setup.py`` and its pins have it, made anew where they have changed."""
    folder = ENVIRONMENTS / version
    inputs = ("setup.py", "Makefile", "constraints.txt", "constraints-jetson.txt", "tests/pythons.py")
    made_of = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in inputs) + python.encode()).hexdigest()
    stamp = folder / "made_of"
    own = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != made_of:
        shutil.rmtree(folder, ignore_errors=True)
        make = _beside_jetpack if version == JETPACK[0] else _for_a_desktop
        make(python, folder, own)
        stamp.write_text(made_of)
    return own


def surroundings() -> dict[str, str]:
    """Variables for what runs in an environment."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def of_pip() -> dict[str, str]:
    """Variables by which pip finds this machine's index and cache, whatever else a process knows."""
    settings = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "pip" / "pip.conf"
    known = {name: value for name, value in os.environ.items() if re.match("PIP_|.*_proxy$", name, re.IGNORECASE)}
    return {"PIP_CONFIG_FILE": str(settings), "PIP_CACHE_DIR": str(Path.home() / ".cache" / "pip"), **known}


def _for_a_desktop(python: str, folder: Path, own: Path) -> None:
    subprocess.run([python, "-m", "venv", folder], check=True)
    install = [own, "-m", "pip", "install", "-qq", "-c", ROOT / "constraints.txt"]
    subprocess.run([*install, "-e", f"{ROOT}[{EXTRAS}]"], check=True)


def _beside_jetpack(python: str, folder: Path, own: Path) -> None:
    """By ``make jetson``, with a stand-in for the packages of the system, and for TensorRT."""
    shutil.rmtree(SYSTEM, ignore_errors=True)
    pip = [python, "-m", "pip", "install", "-qq"]
    subprocess.run([*pip, "--target", SYSTEM, *JETPACK[1]], check=True)
    system = {**surroundings(), "PYTHONPATH": str(SYSTEM)}
    stand_in = SYSTEM / "tensorrt.py"
    stand_in.write_text('__version__ = "10.3.0"\n')
    subprocess.run(["make", "jetson", f"PYTHON={python}", f"VENV={folder}"], cwd=ROOT, env=system, check=True)
    stand_in.unlink()  # tests ask it for more
    pins = ["-c", ROOT / "constraints-jetson.txt"]
    subprocess.run([own, "-m", "pip", "install", "-qq", *pins, "-e", f"{ROOT}[test]"], env=system, check=True)
    # From here on it sees the system's packages as every process of such an environment does.
    (next(folder.glob("lib/python3*/site-packages")) / "jetpack.pth").write_text(f"{SYSTEM}\n")


Begun = tuple["subprocess.Popen[bytes]", Path]
"""A process and its log."""


def runtime_tests(version: str, python: str) -> Begun:
    """The runtime's tests in an environment of their own, begun."""
    own = environment(version, python)
    command = [own, "-m", "pytest", "-m", "not slow", *TESTS, *(f"--ignore={ROOT / path}" for path in LEFT_OUT)]
    return _begin(command, ROOT, ENVIRONMENTS / f"{version}.log", surroundings())


def wheel_commands() -> str:
    """The shell commands of ``docs/wheel.md``."""
    (block,) = [block for block in of_page("docs/wheel.md") if block.language == "sh"]
    return block.text


def api_program() -> str:
    """The program that ``docs/python.md`` begins with."""
    return next(block.text for block in of_page("docs/python.md") if block.language == "python")


def use_of_wheel(version: str, python: str, wheel: Path, place: Path) -> Begun:
    """Those commands, begun in a folder of ``place`` that has the wheel, photos, that Python and ``place``'s bundle.

    Then this Python's mypy, which is the pinned one, sees the folder's environment in place of its own.
    """
    folder = place / version
    for name in ("bin", "photos"):
        (folder / name).mkdir(parents=True)
    (folder / "bin" / "python3").symlink_to(python)
    (folder / "bundle").symlink_to(place / "bundle", target_is_directory=True)
    for file, where in [(wheel, folder), *((photo, folder / "photos") for photo in PHOTOS)]:
        shutil.copy(file, where)
    variables = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
        "PIP_NO_COMPILE": "1",  # most of what is installed is never imported
        "XDG_CACHE_HOME": str(folder / "cache"),
        "MYPYPATH": "",
    }
    (folder / "program.py").write_text(api_program(), encoding="utf-8")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", "/dev/null", "--cache-dir", "cache/mypy"]
    judge = shlex.join([*mypy, "--python-executable", "dgiqa/bin/python", "program.py"])
    command = ["sh", "-ex", "-c", f"{wheel_commands()}\n{judge}"]
    log = ENVIRONMENTS / f"{version}-wheel.log"
    return _begin(command, folder, log, {**surroundings(), **of_pip(), **variables})


def _begin(command: Sequence[str | Path], folder: Path, log: Path, variables: dict[str, str]) -> Begun:
    with log.open("w") as out:
        return subprocess.Popen(command, cwd=folder, env=variables, stdout=out, stderr=out), log


def side_by_side(versions: Sequence[str], begin: Callable[[str, str], Begun]) -> int:
    """Begin something on each Python, and tell how it ended; 1 where one failed."""
    running = {}
    for version, python in {version: interpreter(version) for version in versions}.items():
        if python is None:
            print(f"Python {version}: not found on PATH or in pyenv: its tests are skipped", flush=True)
        else:
            running[version] = begin(version, python)  # one after the other: editable ones write the same links
    started = time.monotonic()
    for version, (process, log) in running.items():
        process.wait()
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() or ["no output"]
        if process.returncode != 0:
            print(*lines[-TAIL:], sep="\n")
        print(f"Python {version}: {lines[-1].strip('= ')} ({time.monotonic() - started:.0f} s; {log})", flush=True)
    return int(any(process.returncode for process, _ in running.values()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them; 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help="use this one instead of running tests")
    wheel = parser.parse_args(arguments).wheel
    if wheel is None:
        return side_by_side((named()[0], named()[-1]), runtime_tests)
    from conftest import write_bundle

    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ENVIRONMENTS) as place:
        write_bundle(Path(place) / "bundle")
        return side_by_side(named(), partial(use_of_wheel, wheel=wheel, place=Path(place)))


if __name__ == "__main__":
    sys.exit(main())
