"""``make test-resolutions``: what fails fails, an index that does not answer does not."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import resolutions

CONFLICT = "error: No solution found when resolving dependencies\n  cause: Because numpy==1.26.4 has no usable wheels"


def answers(monkeypatch, code, said=""):
    asked = []

    def uv(extras, arguments):
        asked.append([str(argument) for argument in arguments])
        return subprocess.CompletedProcess([], code, "", said)

    monkeypatch.setattr(resolutions, "uv", uv)
    monkeypatch.setattr(resolutions, "SETUP", {"extras_require": {"cpu": [], "jetson": []}})
    monkeypatch.setattr(resolutions, "NOT_OFFERED", {})
    return asked


def test_extras_are_those_of_setup():
    extras = resolutions.SETUP["extras_require"]
    assert {"cpu", "opencv", "jetson", "dev"} <= extras.keys()
    # in the first, a wheel would hide JetPack's OpenCV
    without = {"jetson", "tensorrt-rtx", "pycuda", "test", "completion", "docs", "release"}
    for extra, needed in extras.items():
        assert any("opencv" in one for one in needed) == (extra not in without)


@pytest.mark.parametrize(
    ("code", "said", "cell", "failed"),
    [(0, "", "resolves", 0), (1, CONFLICT, "FAILS", 1), (2, "error: Request failed after 3 retries", "not asked", 0)],
)
def test_the_table_says_what_the_resolver_found(monkeypatch, capsys, code, said, cell, failed):
    asked = answers(monkeypatch, code, said)
    assert resolutions.main([]) == failed
    printed = capsys.readouterr().out
    assert printed.count(f" {cell} ") == 2 * 4 * 2
    assert ("Because numpy==1.26.4 has no usable wheels" in printed) == bool(failed)
    assert {pin for arguments in asked for pin in arguments if pin.endswith("-jetson.txt")}
    assert all("--only-binary=:all:" in arguments for arguments in asked)


def test_what_is_not_offered_and_resolves_is_told(monkeypatch, capsys):
    answers(monkeypatch, 0)
    monkeypatch.setattr(resolutions, "NOT_OFFERED", {("jetson", "3.13"): "NumPy 1"})
    assert resolutions.main([]) == 1
    assert "jetson, Python 3.13, aarch64: resolves now, although NumPy 1" in capsys.readouterr().out


def test_every_thread_asks_for_what_setup_says(monkeypatch):
    def run(command, input, **words):
        return subprocess.CompletedProcess(command, 0, input, "")

    monkeypatch.setattr(resolutions.subprocess, "run", run)
    with ThreadPoolExecutor(8) as pool:
        asked = {done.stdout for done in pool.map(lambda _: resolutions.uv(["cpu"], []), range(64))}
    assert len(asked) == 1 and "numpy" in asked.pop()
