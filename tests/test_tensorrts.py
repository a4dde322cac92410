"""``make test-tensorrts``: what the tests are given to ask, and that what cannot be made is named and is no failure."""

import subprocess
import sys

import pytest
import pythons
import tensorrts


@pytest.fixture
def runs(monkeypatch, tmp_path) -> list[list[str]]:
    """The commands of the tests, not run; nothing is made yet."""
    commands: list[list[str]] = []

    def run(command, **options):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(tensorrts, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_a_machine_that_can_make_none_says_so(monkeypatch, capsys, runs):
    monkeypatch.setattr(pythons, "interpreter", lambda version: None)
    assert tensorrts.main() == 0
    assert "no TensorRT is asked" in capsys.readouterr().out
    assert runs == []


def test_what_cannot_be_downloaded_is_named_and_the_rest_is_tested(monkeypatch, capsys, runs):
    def make(name, python):
        if name == "8.6.0":
            raise subprocess.CalledProcessError(1, ["pip", "download"])

    monkeypatch.setattr(pythons, "interpreter", lambda version: sys.executable)
    monkeypatch.setattr(tensorrts.shutil, "which", lambda name: name)
    monkeypatch.setattr(tensorrts, "make", make)
    assert tensorrts.main() == 0
    assert capsys.readouterr().out.count("is not asked") == 1
    assert [command[1:4] for command in runs] == [["-m", "pytest", "-q"]]


def test_a_named_interpreter_is_asked_alone(monkeypatch):
    monkeypatch.setenv("TENSORRT_PYTHON", "/opt/trt/bin/python")
    monkeypatch.setenv("TENSORRT_PACKAGE", "tensorrt_rtx_bindings")
    (only,) = tensorrts.installed()
    assert only.values == (tensorrts.Installed("/opt/trt/bin/python", "tensorrt_rtx_bindings"),)
    assert only.values[0].flavour == "tensorrt-rtx"


def test_an_environment_made_of_something_else_is_made_again(monkeypatch, tmp_path):
    monkeypatch.setattr(tensorrts, "ENVIRONMENTS", tmp_path)
    monkeypatch.delenv("TENSORRT_PYTHON", raising=False)
    (tmp_path / "11.4").mkdir()
    (tmp_path / "11.4" / "made_of").write_text("an older list")
    assert "11.4" not in {one.id for one in tensorrts.installed()}
    (tmp_path / "11.4" / "made_of").write_text(tensorrts._made_of("11.4"))
    assert "11.4" in {one.id for one in tensorrts.installed()}
