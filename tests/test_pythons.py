"""``make test-pythons``: a Python is taken only where it runs, an absent one is named, what is left out exists."""

import sys

import pythons


def test_the_oldest_and_the_newest_are_named():
    assert pythons.named()[0] == "3.10"
    assert pythons.named() == sorted(pythons.named(), key=lambda version: int(version.partition(".")[2]))


def test_an_absent_python_is_named_and_is_no_failure(monkeypatch, capsys):
    monkeypatch.setattr(pythons, "named", lambda: ["3.98", "3.99"])
    assert pythons.main([]) == 0
    assert capsys.readouterr().out.count("not found on PATH or in pyenv: its tests are skipped") == 2


def test_a_shim_that_leads_to_no_python_is_passed_over(tmp_path, monkeypatch):
    version = "{}.{}".format(*sys.version_info)
    shim = tmp_path / "shims" / f"python{version}"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(shim.parent))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert pythons.interpreter(version) is None
    own = tmp_path / "versions" / f"{version}.1" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    assert pythons.interpreter(version) == str(own)


def test_a_failure_is_shown_and_fails(tmp_path, monkeypatch, capsys):
    version = "{}.{}".format(*sys.version_info)
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 1 failed\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(pythons, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(pythons, "named", lambda: [version])
    monkeypatch.setattr(pythons, "interpreter", lambda version: sys.executable)
    monkeypatch.setattr(pythons, "environment", lambda version, python: broken)
    assert pythons.main([]) == 1
    assert f"Python {version}: 1 failed" in capsys.readouterr().out


def test_what_is_left_out_is_there():
    assert [path for path in pythons.LEFT_OUT if not (pythons.ROOT / path).is_file()] == []
