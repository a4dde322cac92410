"""What an installation gives a user: types that a checker follows, and hints that name where it came from."""

import ast
import json
import re
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from dist import NOT_SHIPPED
from pythons import named

from dgiqa_edge.runtime.commands.cli import command_modules
from dgiqa_edge.runtime.ground import extra_packages

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("export", "calibration", "runtime", "benchmarks", "training")
OWN_FILES = ("__init__.py", "py.typed")

USER_SCRIPT = """
from dgiqa_edge.benchmarks.latency.percentiles import fewest_queries
from dgiqa_edge.calibration.images.selection import Selection
from dgiqa_edge.export.ladder.rungs import rungs_from
from dgiqa_edge import Scorer
from dgiqa_edge.training.trainers.config import JobConfig as _

reveal_type(fewest_queries(90.0))
wrong: int = Scorer("bundle")
from dgiqa_edge import Nonsense
"""


@pytest.fixture
def checkout(tmp_path):
    """The project's files at another place, the rooms by links."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", *OWN_FILES, *ROOMS):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_a_type_checker_sees_an_editable_install(checkout, tmp_path):
    """Setuptools' import hook is invisible to mypy; a path entry to a folder of links is not."""
    pytest.importorskip("setuptools", reason="setuptools is not installed")
    code = "from setuptools import build_meta; print(build_meta.build_editable('.'))"
    (checkout / "setup.py").unlink()
    (checkout / "setup.py").write_text((ROOT / "setup.py").read_text())  # it looks for the rooms beside itself
    built = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    site = next((environment / "lib").glob("python*")) / "site-packages"
    with zipfile.ZipFile(checkout / built.stdout.splitlines()[-1]) as wheel:
        wheel.extractall(site)
    script = tmp_path / "user_script.py"
    script.write_text(USER_SCRIPT)
    python = environment / "bin" / "python"
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", python, "--cache-dir", tmp_path / "cache", script],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "import-not-found" not in checked.stdout
    assert "import-untyped" not in checked.stdout
    assert 'Revealed type is "int"' in checked.stdout, checked.stdout
    assert 'has type "Scorer", variable has type "int"' in checked.stdout
    assert 'Module "dgiqa_edge" has no attribute "Nonsense"' in checked.stdout
    where = "import dgiqa_edge, dgiqa_edge.runtime as r; print(dgiqa_edge.__file__, r.__file__, sep='\\n')"
    found = subprocess.run([python, "-c", where], cwd=tmp_path, capture_output=True, text=True, check=True, env={})
    places = [Path(line).resolve() for line in found.stdout.splitlines()]
    assert places == [ROOT / "__init__.py", ROOT / "runtime" / "__init__.py"]


def test_a_wheel_holds_the_package_and_nothing_beside_it(checkout):
    """``setup.py`` lies in the folder that is the package."""
    pytest.importorskip("setuptools", reason="setuptools is not installed")
    code = "import sys; sys.argv = ['pip']; from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    built = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(checkout / built.stdout.splitlines()[-1]) as wheel:
        names = [Path(name) for name in wheel.namelist() if name.startswith("dgiqa_edge/")]
    assert {name.name for name in names if len(name.parts) == 2} == set(OWN_FILES)
    assert {name.parts[1] for name in names if len(name.parts) > 2} == set(ROOMS)
    assert Path("dgiqa_edge/runtime/py.typed") in names


@pytest.mark.parametrize("package", ["dgiqa_edge", *(f"dgiqa_edge.{room}" for room in ROOMS)])
def test_every_room_says_that_it_is_typed(package):
    assert ROOT.joinpath(*package.split(".")[1:], "py.typed").is_file()
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    assert re.search(rf'"{re.escape(package)}": \[[^\]]*"py.typed"', setup)


def test_the_package_is_loaded_once():
    """For pytest, a folder with an ``__init__.py`` is a package that it imports itself, by the folder's name."""
    loaded = [
        name
        for name, module in sys.modules.items()
        if (file := getattr(module, "__file__", None)) and Path(file).resolve() == ROOT / "runtime" / "__init__.py"
    ]
    assert loaded == ["dgiqa_edge.runtime"]


def test_every_file_that_the_code_reads_is_installed():
    calls = ast.walk(ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")))
    (listed,) = (word.value for call in calls for word in getattr(call, "keywords", ()) if word.arg == "package_data")
    shipped = {
        file
        for package, patterns in ast.literal_eval(listed).items()
        for pattern in patterns
        for file in (ROOT / Path(*package.split(".")[1:])).glob(pattern)
    }
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*") if file.is_file()]
    code_and_words = {".py", ".pyc", ".md", ".png"}
    names = {file: file.relative_to(ROOT).as_posix() for file in files if file.suffix not in code_and_words}
    assert (
        sorted(name for file, name in names.items() if file not in shipped and not name.startswith(NOT_SHIPPED)) == []
    )


class Installed:
    def __init__(self, url):
        self._url = url

    def read_text(self, name):
        return None if self._url is None else json.dumps({"url": self._url})


@pytest.mark.parametrize("origin", ["checkout", "wheel", "index"])
def test_a_hint_names_what_can_be_installed_from(tmp_path, monkeypatch, origin):
    wheel = tmp_path / "my wheels" / "dgiqa_edge-0.1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    monkeypatch.setattr(extra_packages, "_CHECKOUT", ROOT if origin == "checkout" else tmp_path)
    url = wheel.as_uri() if origin == "wheel" else None
    monkeypatch.setattr(metadata, "distribution", lambda name: Installed(url))
    expected = {
        "checkout": f"pip install -e '{ROOT}[watch]'",
        "wheel": f"pip install '{wheel}[watch]'",
        "index": "pip install './dgiqa_edge-0.1.0-py3-none-any.whl[watch]' (its wheel file)",
    }
    assert extra_packages.install_command("watch") == expected[origin]
    assert "dgiqa-edge" not in extra_packages.update_command().replace(str(ROOT), "")


@pytest.mark.parametrize(("extra", "on_a_jetson"), [("watch", "jetson"), ("cpu", "jetson"), ("export", "export")])
def test_a_hint_on_a_jetson_hides_nothing_of_jetpack(tmp_path, monkeypatch, extra, on_a_jetson):
    monkeypatch.setattr(extra_packages, "JETSON_RELEASE", tmp_path / "nv_tegra_release")
    assert f"[{extra}]" in extra_packages.install_command(extra)
    (tmp_path / "nv_tegra_release").touch()
    assert f"[{on_a_jetson}]" in extra_packages.install_command(extra)


def test_every_place_names_the_same_versions_of_python():
    oldest, newest = named()[0], named()[-1]
    said = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "setup.py", "pyproject.toml")}
    assert f"That needs Python {oldest} to {newest}," in said["README.md"]
    assert re.findall(r"Python 3\.\d+(?: or newer)?", said["README.md"]) == [f"Python {oldest}"]
    assert f'python_requires=">={oldest}"' in said["setup.py"]
    assert f'target-version = "py{oldest.replace(".", "")}"' in said["pyproject.toml"]
    assert f'python_version = "{oldest}"' in said["pyproject.toml"]


# Command -> arguments that reach the package, the package, the extra that brings it. What the runtime and all others
# need comes with every extra, the command's own is named.
LACKING = {
    "score": ("--bundle {bundle} {photo}", "onnxruntime", "cpu"),
    "score-many": ("{photo} --bundle {bundle} --out {out} --on local", "pyarrow", "bulk"),
    "gate": ("run --bundle {bundle} {photo}", "onnxruntime", "cpu"),
    "inspect": ("--bundle {bundle}", "numpy", "cpu"),
    "bundle": ("sign {bundle} --key {photo}", "cryptography", "watch"),
    "doctor": ("--bundle {bundle}", "numpy", "cpu"),
    "watch": ("{root}/runtime/examples/files.toml --bundle {bundle}", "numpy", "watch"),
    "bench": ("report {root}/benchmarks/results/nano-int8-cpu.json --html {out}", "jinja2", "bench"),
    "debug": ("{bundle}", "polygraphy", "debug"),
    "export": ("triton {bundle} --out {out}", "tritonclient", "triton"),
    "completion": ("bash", "shtab", "completion"),
    "demo": ("--bundle {bundle} --out {out}", "numpy", "bench"),
    "build": ("--frame 640x480 --out {out}", "torch", "export"),
    "train": ("--photos {root}/calibration/photos --scores {scores} --out {out}", "torch", "training"),
    "weights": ("check {root}/export/weights/nano.safetensors", "torch", "export"),
}
WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from dgiqa_edge.runtime.commands.cli import main
sys.exit(main(sys.argv[2:]))
"""


def test_every_command_has_a_package_to_lack():
    assert command_modules().keys() == LACKING.keys()


@pytest.mark.parametrize("command", LACKING)
def test_a_command_names_the_extra_with_the_package_that_it_lacks(command, bundle_dir, tmp_path):
    arguments, package, extra = LACKING[command]
    photos = sorted((ROOT / "calibration" / "photos").glob("*.jpg"))
    scores = tmp_path / "scores.csv"
    scores.write_text("image,score\n" + "".join(f"{photo.name},{at}\n" for at, photo in enumerate(photos)))
    places = {"bundle": bundle_dir, "photo": photos[0], "scores": scores}
    words = arguments.format(root=ROOT, out=tmp_path / "out", **places).split()
    finished = subprocess.run(
        [sys.executable, "-c", WITHOUT, package, command, *words], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 4, finished.stderr
    problem = finished.stderr.splitlines()[-1]
    assert package in problem
    assert f"[{extra}]" in problem


def test_no_text_names_a_package_that_no_index_has():
    named = re.compile(r"pip3? install[^\n]*\bdgiqa[-_]edge\b(?!-\d)|dgiqa[-_]edge\[")
    suffixes = {".py", ".md", ".toml", ".cpp", ".hpp", ".h", ".txt", ".cmake", ".sh", ".yml", ".yaml", ".html", ".js"}
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*") if file.suffix in suffixes]
    files += [file for file in ROOT.iterdir() if file.suffix in suffixes or file.name == "Makefile"]
    assert len(files) > 400
    offenders = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        if file.name != "CHANGELOG.md"
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if named.search(line)
    ]
    assert not offenders, "take the hint from runtime/ground/extra_packages.py"
