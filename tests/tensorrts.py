"""The Python packages of four TensorRT, each in a Python of its own, and the tests that ask them what they have:
``make test-tensorrts``.

What a class or an enumeration has is said by the package's extension module alone. So of each wheel, below
``build/tensorrts/``, only that is kept, beside empty libraries under the names of those it is linked with: it imports
on any Linux, and creates nothing. An environment is made once, and takes a download (8.5.3: 0.5 GB, 8.6.0: 0.8 GB).
"""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pythons
from places import ROOT

ENVIRONMENTS = ROOT / "build" / "tensorrts"
TESTS = ("tests/export/tensorrt/test_surface.py", "tests/runtime/engines/tensorrt/test_members.py")
PYTHON = "3.10"  # the newest that 8.5 and 8.6 have wheels for


# Functions of the libraries that the packages are linked with.
FUNCTIONS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "getNvOnnxParserVersion",
    "getBuilderPluginRegistry",
    "getPluginRegistry",
    "initLibNvInferPlugins",
    "_ZN11nvuffparser15createUffParserEv",
    "_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi",
    "_ZN14nvcaffeparser117createCaffeParserEv",
    "_ZN14nvcaffeparser123shutdownProtobufLibraryEv",
)


class Wheel(NamedTuple):
    """A package's wheel, what it imports as, and a numpy that it was made for."""

    requirement: str
    package: str
    numpy: str


WHEELS = {
    "8.5.3": Wheel("tensorrt==8.5.3.1", "tensorrt", "numpy==1.23.5"),
    "8.6.0": Wheel("tensorrt==8.6.0", "tensorrt", "numpy==1.26.4"),
    "11.4": Wheel("tensorrt_cu13_bindings==11.4.0.106", "tensorrt_bindings", "numpy==1.26.4"),
    "rtx-1.7": Wheel("tensorrt_rtx_cu13_bindings==1.7.1.116", "tensorrt_rtx_bindings", "numpy==1.26.4"),
}


class Installed(NamedTuple):
    """An interpreter and the package in it that is to be asked."""

    python: str
    package: str

    @property
    def flavour(self) -> str:
        return "tensorrt-rtx" if self.package.startswith("tensorrt_rtx") else "tensorrt"

    def ask(self, probe: str, question: Any) -> Any:
        """The JSON that ``probe`` prints last; its ``sys.argv`` holds the package and the question as JSON."""
        command = [self.python, "-c", probe, self.package, json.dumps(question)]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stderr[-500:]
        return json.loads(finished.stdout.splitlines()[-1])


def installed() -> list[Any]:
    """What the tests ask, as their parameters: what ``TENSORRT_PYTHON`` and ``TENSORRT_PACKAGE`` name, else every
    environment made below ``build/``, and what this Python has.
    """
    named = os.environ.get("TENSORRT_PYTHON")
    if named:
        return [pytest.param(Installed(named, os.environ.get("TENSORRT_PACKAGE", "tensorrt")), id="named")]
    found = {name: Installed(str(_python(name)), wheel.package) for name, wheel in WHEELS.items() if _is_made(name)}
    for package in ("tensorrt", "tensorrt_rtx_bindings"):
        if importlib.util.find_spec(package) is not None:
            found[package] = Installed(sys.executable, package)
    absent = pytest.mark.skip(reason="no TensorRT here: make test-tensorrts, or name a Python by TENSORRT_PYTHON")
    return [pytest.param(one, id=name) for name, one in found.items()] or [pytest.param(None, marks=absent)]


def make(name: str, python: str) -> None:
    """Make the environment of one wheel, whole or not at all."""
    wheel, folder = WHEELS[name], ENVIRONMENTS / name
    subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    pip = [_python(name), "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", wheel.numpy], check=True)
    with tempfile.TemporaryDirectory(dir=ENVIRONMENTS) as downloaded:
        subprocess.run([*pip, "download", "--no-deps", "-d", downloaded, wheel.requirement], check=True)
        (file,) = Path(downloaded).glob("*.whl")
        (site,) = folder.glob("lib/python*/site-packages")
        with zipfile.ZipFile(file) as archive:
            archive.extractall(site, [it for it in archive.namelist() if not Path(it).name.startswith("lib")])
    _link(next((site / wheel.package).glob("tensorrt*.so")))
    (folder / "made_of").write_text(_made_of(name))


def _link(module: Path) -> None:
    """Put an empty library beside ``module`` for each of NVIDIA's that it names; it looks there first."""
    names = set(re.findall(rb"lib(?:nv|tensorrt)\w+\.so\.\d+", module.read_bytes()))
    source = "".join(f"int {name}(void) {{ return 0; }}" for name in FUNCTIONS)
    for name in sorted(one.decode() for one in names):
        target = module.parent / name
        command = ["cc", "-shared", "-x", "c", "-", f"-Wl,-soname,{name}", "-o", target]
        subprocess.run(command, input=source, text=True, check=True)


def _python(name: str) -> Path:
    return ENVIRONMENTS / name / "bin" / "python"


def _made_of(name: str) -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest() + str(WHEELS[name])


def _is_made(name: str) -> bool:
    stamp = ENVIRONMENTS / name / "made_of"
    return stamp.is_file() and stamp.read_text() == _made_of(name)


def main() -> int:
    """Make what is missing and run the tests; 1 where one failed. What cannot be made is named, and is no failure."""
    python = pythons.interpreter(PYTHON)
    if python is None or shutil.which("cc") is None:
        print(f"Python {PYTHON} and a C compiler (cc) are needed: no TensorRT is asked", flush=True)
        return 0
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    for name in filter(lambda name: not _is_made(name), WHEELS):
        print(f"TensorRT {name}: {WHEELS[name].requirement}", flush=True)
        try:
            make(name, python)
        except subprocess.CalledProcessError as error:
            print(f"TensorRT {name} is not asked: {error}", flush=True)
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *TESTS], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
