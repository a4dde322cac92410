"""Which packages are here, which cannot be loaded, and what is said of OpenCV's, which share one folder."""

import importlib.metadata
import sys
import types
from pathlib import Path
from types import ModuleType

import pytest
from stand_ins import nvidia as stand_ins

from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.runtime.machine import packages


def test_the_room_of_packages_is_that_of_their_files() -> None:
    numpy = packages.disk_bytes("numpy")
    assert numpy is not None and numpy > 1 << 20
    assert packages.disk_bytes("numpy", "no-such-distribution") == numpy
    assert packages.disk_bytes("no-such-distribution") is None


def test_nothing_else_need_have_imported_what_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(importlib, "metadata")
    assert packages.disk_bytes("numpy")


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
    problem = packages.opencv_problem()
    assert problem is None if words is None else words in str(problem)
    assert packages.opencv().value == ("4.10.0" if words is None else None)


def test_a_command_that_meets_half_an_opencv_says_how_to_mend_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install(monkeypatch, ["opencv-python-headless"], whole=False)

    def work() -> int:
        import cv2

        return cv2.imdecode(None, 0)  # type: ignore[call-overload,no-any-return]

    assert cli.guarded(work) == 4
    assert "OpenCV cannot be used: the files of opencv-python-headless are not whole" in capsys.readouterr().err


def test_a_package_that_cannot_be_loaded_is_not_a_missing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_one.py").write_text("raise ImportError('libnvinfer.so.10: cannot open shared object file')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "installed but cannot be loaded (libnvinfer.so.10" in packages.imported("broken_one").reason
    assert packages.imported("no_such_package_here").reason == "the package no_such_package_here is not installed"


def test_a_package_is_found_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pycuda", raising=False)
    monkeypatch.syspath_prepend(str(stand_ins.PACKAGES))
    assert packages.folder_of("pycuda") == str(stand_ins.PACKAGES / "pycuda")
    assert packages.folder_of("json.decoder") == packages.folder_of("json")
    assert packages.folder_of("no_such_package.inside") is None
    assert packages.folder_of("no_such_package") is None
    assert "pycuda" not in sys.modules


def test_a_missing_module_is_told_apart_from_a_module() -> None:
    assert isinstance(packages.import_or_reason("json"), ModuleType)
