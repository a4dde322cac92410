"""OpenCV's packages share one folder: what is said where they stand in each other's way."""

import importlib.metadata
import sys
import types
from pathlib import Path

import pytest

from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.runtime.machine import packages


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
