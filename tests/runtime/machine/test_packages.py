"""Which packages are here, and which cannot be loaded."""

import importlib.metadata
import sys
from pathlib import Path
from types import ModuleType

import pytest
from stand_ins import nvidia as stand_ins

from dgiqa_edge.runtime.machine import packages


def test_the_room_of_packages_is_that_of_their_files() -> None:
    numpy = packages.disk_bytes("numpy")
    assert numpy is not None and numpy > 1 << 20
    assert packages.disk_bytes("numpy", "no-such-distribution") == numpy
    assert packages.disk_bytes("no-such-distribution") is None


def test_nothing_else_need_have_imported_what_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(importlib, "metadata")
    assert packages.disk_bytes("numpy")


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
