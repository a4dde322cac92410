"""The table of faults in ``docs/jetson.md``: each message is what the program says in that case."""

import logging
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from places import ROOT

from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.runtime.engines.cuda import cuda_python
from dgiqa_edge.runtime.engines.cuda import pycuda as cuda_pycuda
from dgiqa_edge.runtime.engines.cuda.binding import bindings_here
from dgiqa_edge.runtime.engines.tensorrt.package import facts as tensorrt_facts
from dgiqa_edge.runtime.errors import DgiqaEdgeError
from dgiqa_edge.runtime.machine import jetson, opencv
from dgiqa_edge.runtime.machine.survey import survey
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.sources import create_source, csi, gstreamer

PAGE = ROOT / "docs" / "jetson.md"
Provoke = Callable[..., str]
FAULTS: dict[str, Provoke] = {}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def fault(name: str) -> Callable[[Provoke], Provoke]:
    """The row of the table that a function provokes."""

    def keep(provoke: Provoke) -> Provoke:
        FAULTS[name] = provoke
        return provoke

    return keep


@fault("Python without TensorRT")
def no_tensorrt(tmp_path: Path) -> str:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    command = ["make", "jetson", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stderr


@fault("environment without `--system-site-packages`")
def closed_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    system_opencv(tmp_path, monkeypatch)
    monkeypatch.setattr(opencv, "installed", lambda name: opencv.Fact(None, "not installed"))
    monkeypatch.setitem(sys.modules, "cv2", None)
    return str(opencv.problem())


@fault("a wheel of OpenCV hides JetPack's, and its GStreamer")
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    system_opencv(tmp_path, monkeypatch)
    monkeypatch.setattr(opencv, "opencv_has", lambda decoder: False)
    return str(opencv.hidden_system_opencv())


@fault("NumPy 2 beside JetPack's OpenCV")
def numpy_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text("raise ImportError('numpy.core.multiarray failed to import')")
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    return str(opencv.problem())


@fault("cuda-python 13 with the driver of JetPack 6")
def new_binding(gpu: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(cuda_python, "version_of", lambda distribution: "13.5.0")
    monkeypatch.setattr(cuda_pycuda, "find", lambda: iter(()))
    return bindings_here().reason


@fault("a library of TensorRT is missing, mostly in a container")
def no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    text = "libnvdla_compiler.so: cannot open shared object file: No such file or directory"
    (tmp_path / "tensorrt.py").write_text(f"raise ImportError({text!r})\n")
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tensorrt_facts()["tensorrt"].reason


@fault("no GStreamer at all")
def no_gstreamer(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(gstreamer, "opencv_has", lambda name: False)
    monkeypatch.setattr(gstreamer, "has_gst_launch", lambda: False)
    return refusal(lambda: create_source("gst:videotestsrc ! videoconvert"))


@fault("GStreamer without the camera's element")
def no_element(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(csi, "has_element", lambda name: False)
    return refusal(lambda: create_source("csi://0"))


@fault("the service or container does not see the camera's daemon")
def no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """``PrivateTmp=yes``: an element that is there, and no socket."""
    return of_element(tmp_path, monkeypatch, "echo no cameras available >&2; exit 1")


@fault("`nvarguscamerasrc` prints between the frames")
def prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.DEBUG, "dgiqa_edge.watch"):
        of_element(tmp_path, monkeypatch, "echo GST_ARGUS: Creating output stream")
    return caplog.text


@fault("an engine of another device or TensorRT")
def foreign_engine(gpu: SimpleNamespace, make_tensorrt_bundle: Callable[..., Path]) -> str:
    requires = {"backend_version": "==8.6.2", "sm": "72", "device": "Xavier"}
    return refusal(lambda: Scorer(make_tensorrt_bundle(requires=requires), backend="tensorrt"))


@fault("a low power mode")
def power_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    release, tool = tmp_path / "nv_tegra_release", tmp_path / "nvpmodel"
    release.write_text("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n")
    tool.write_text("#!/bin/sh\nprintf 'NV Power Mode: 15W\\n0\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setattr(jetson, "RELEASE_FILE", release)
    monkeypatch.setattr(jetson, "POWER_COMMAND", (str(tool), "-q"))
    assert survey().facts["power_mode"].value == "15W (mode 0)"
    assert cli.main(["doctor"]) == 0
    return capsys.readouterr().out


def system_opencv(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where JetPack has one for this Python."""
    minor = sys.version_info.minor
    module = folder / "dist-packages" / "cv2" / f"cv2.cpython-3{minor}-aarch64-linux-gnu.so"
    module.parent.mkdir(parents=True)
    module.touch()
    monkeypatch.setattr(opencv, "_SYSTEM_FOLDERS", (f"{folder}/dist-packages",))


def of_element(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> str:
    """What is said of a CSI camera where ``gst-launch-1.0`` does that and gives no picture."""
    launch = folder / "gst-launch-1.0"
    launch.write_text(f"#!/bin/sh\n{script}\n")
    launch.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(gstreamer, "opencv_has", lambda name: False)
    monkeypatch.setattr(csi, "has_element", lambda name: True)
    monkeypatch.setattr(csi, "ARGUS_SOCKET", folder / "argus_socket")
    said = refusal(lambda: create_source("csi://0").open())
    return said.replace(str(folder / "argus_socket"), "/tmp/argus_socket")


def refusal(act: Callable[[], Any]) -> str:
    with pytest.raises(DgiqaEdgeError) as caught:
        act()
    return str(caught.value)


def test_every_row_is_provoked() -> None:
    assert [row[0] for row in rows("Faults of the first hour")] == list(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_the_message_is_what_the_program_says(name: str, request: pytest.FixtureRequest) -> None:
    provoke = FAULTS[name]
    wanted = [it for it in provoke.__annotations__ if it != "return"]
    said = provoke(**{it: request.getfixturevalue(it) for it in wanted})
    (quoted,) = [row[1] for row in rows("Faults of the first hour") if row[0] == name]
    parts = [re.escape(part) for part in quoted.strip("`").split("…")]
    assert re.search(r".*?".join(parts), said), said


def test_what_each_jetpack_has_is_what_doctor_knows() -> None:
    known = [
        [it.version, it.l4t, ", ".join(it.devices), it.python, it.tensorrt, it.cuda]
        for it in jetson.jetpacks()
        if it.version != "5.0.2"
    ]
    assert [row[:6] for row in rows("What each JetPack has")] == known
