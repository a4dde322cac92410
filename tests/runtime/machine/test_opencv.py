"""OpenCV's wheels, which share one folder with each other and hide a system's; and one for another NumPy."""

import importlib.metadata
import sys
import types
from pathlib import Path

import pytest

from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.runtime.machine import opencv


@pytest.fixture
def system_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a system's OpenCV would lie; empty."""
    folder = tmp_path / "usr" / "lib" / "python3.10" / "dist-packages"
    folder.mkdir(parents=True)
    monkeypatch.setattr(opencv, "_SYSTEM_FOLDERS", (f"{tmp_path}/usr/lib/python3*/dist-packages",))
    return folder


def of_system(folder: Path, minor: int) -> Path:
    """Where JetPack has its OpenCV for a Python 3."""
    module = folder / "cv2" / f"python-3.{minor}" / f"cv2.cpython-3{minor}-aarch64-linux-gnu.so"
    module.parent.mkdir(parents=True)
    module.touch()
    return module


@pytest.fixture
def no_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv, "installed", lambda name: opencv.Fact(None, "not installed"))
    monkeypatch.setitem(sys.modules, "cv2", None)


def install(monkeypatch: pytest.MonkeyPatch, names: list[str], whole: bool) -> None:
    def version(name: str) -> str:
        if name not in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return "4.10.0.84"

    module = types.ModuleType("cv2")
    if whole:
        module.imdecode = lambda *_: None  # type: ignore[attr-defined]
        module.__version__ = "4.10.0"  # type: ignore[attr-defined]
    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setitem(sys.modules, "cv2", module)
    monkeypatch.setattr(opencv, "opencv_has", lambda decoder: False)


@pytest.mark.parametrize(
    ("names", "whole", "words"),
    [
        (["opencv-python-headless"], True, None),
        ([], True, None),  # a system's own, which pip does not know
        (
            ["opencv-python-headless", "opencv-python"],
            True,
            "pip uninstall -y opencv-python-headless opencv-python && pip install --force-reinstall --no-deps "
            '"opencv-python-headless==4.10.0.84"',
        ),
        (["opencv-python"], False, "not whole: pip uninstall -y opencv-python && pip install --force-reinstall"),
    ],
)
def test_two_opencvs_are_both_removed_and_one_written_anew(
    names: list[str], whole: bool, words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, names, whole)
    problem = opencv.problem()
    assert problem is None if words is None else words in str(problem)
    assert opencv.facts()["opencv"].value == ("4.10.0" if words is None else None)


def test_a_command_that_meets_half_an_opencv_says_how_to_mend_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install(monkeypatch, ["opencv-python-headless"], whole=False)

    def work() -> int:
        import cv2

        return cv2.imdecode(None, 0)  # type: ignore[call-overload,no-any-return]

    assert cli.guarded(work) == 4
    assert "OpenCV cannot be used: the files of opencv-python-headless are not whole" in capsys.readouterr().err


def test_a_missing_opencv_is_installed_by_its_extra(no_opencv: None, system_folder: Path) -> None:
    reason = opencv.facts()["opencv"].reason
    assert "the package cv2 is not installed: pip install" in reason
    assert "[opencv]" in reason


def test_an_environment_that_does_not_see_the_systems_opencv_is_made_anew(no_opencv: None, system_folder: Path) -> None:
    module = of_system(system_folder, sys.version_info.minor)
    assert f"does not see the system's ({module})" in str(opencv.problem())
    assert "--system-site-packages" in str(opencv.problem())


def test_one_for_an_older_numpy_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cv2").mkdir()
    text = "raise ImportError('numpy.core.multiarray failed to import')"  # what OpenCV 4.8 says under NumPy 2
    (tmp_path / "cv2" / "__init__.py").write_text(text)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert 'pip install "numpy<2"' in str(opencv.problem())

    def work() -> int:
        import cv2

        return len(cv2.__name__)

    assert cli.guarded(work) == 4


@pytest.mark.parametrize("gstreamer", [False, True])
def test_a_wheel_that_hides_a_systems_opencv_is_named(
    gstreamer: bool, system_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, ["opencv-python-headless"], whole=True)
    monkeypatch.setattr(opencv, "opencv_has", lambda decoder: gstreamer)
    assert opencv.hidden_system_opencv() is None
    of_system(system_folder, sys.version_info.minor + 1)
    assert opencv.hidden_system_opencv() is None
    of_system(system_folder, sys.version_info.minor)
    hint = opencv.hidden_system_opencv()
    assert (hint is None) == gstreamer
    assert hint is None or "pip uninstall -y opencv-python-headless" in hint
    assert cli.main(["doctor"]) == 0
    assert ("to do" in capsys.readouterr().out) != gstreamer


def test_the_one_that_is_here_says_where_it_lies_and_what_it_reads() -> None:
    import cv2

    facts = opencv.facts()
    assert facts["opencv"].value == cv2.__version__
    assert Path(str(facts["opencv_from"].value)) == Path(cv2.__file__).parent
    assert set(facts["opencv_video"].value or ()) <= {"gstreamer", "ffmpeg", "v4l2"}  # type: ignore[arg-type]
