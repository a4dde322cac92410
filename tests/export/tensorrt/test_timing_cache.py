"""Where timings lie, that they are stored whole, and the lock between processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from dgiqa_edge.export.stages.lock import exclusive
from dgiqa_edge.export.tensorrt import timing_cache
from dgiqa_edge.runtime.errors import MachineError

HOLD = """
import sys, time
from pathlib import Path
from dgiqa_edge.export.stages.lock import exclusive
with exclusive(Path(sys.argv[1]), lambda text: print("SAY", text, flush=True), "the GPU"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_the_default_path_tells_device_and_version_apart(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    paths = {
        timing_cache.default_path(version, device, sm, tmp_path / "work")
        for version, device, sm in (
            ("10.3.0", "Orin", "87"),
            ("8.6.0", "Orin", "87"),
            ("10.3.0", "NVIDIA GeForce RTX 4090", "89"),
            ("10.3.0", "/../", "89"),
        )
    }
    assert len(paths) == 4
    assert {path.parent for path in paths} == {tmp_path / "dgiqa-edge" / "timing"}
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert Path.home() in timing_cache.default_path("8.6", "x", "86", tmp_path / "work").parents


@pytest.mark.usefixtures("no_home")
def test_a_user_without_a_home_folder_has_them_beside_the_stages(tmp_path):
    assert timing_cache.default_path("8.6", "x", "86", tmp_path) == tmp_path / "tensorrt-8.6-x-sm86.cache"


def test_timings_are_stored_and_read(tmp_path):
    cache = tmp_path / "deep" / "timings.cache"
    assert timing_cache.read(cache) == b""
    timing_cache.save(cache, b"first")
    timing_cache.save(cache, b"second")
    assert timing_cache.read(cache) == b"second"
    assert [path.name for path in cache.parent.iterdir()] == ["timings.cache"]


def test_a_cache_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(MachineError, match="remove it"):
        timing_cache.read(tmp_path)


def hold(lock):
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_lock_makes_the_second_wait_and_says_so(tmp_path):
    lock = tmp_path / "folder" / "gpu.lock"
    with hold(lock) as first, hold(lock) as second:
        lines = {first.stdout.readline(), second.stdout.readline()}
        assert "held\n" in lines
        waiting = next(line for line in lines if line != "held\n")
        assert waiting == f"SAY another build uses the GPU ({lock}): waiting until it ends\n"
        for process in (first, second):
            process.stdin.write("\n")
            process.stdin.flush()
        assert first.wait(60) == second.wait(60) == 0


def test_a_killed_holder_gives_the_lock_back(tmp_path):
    lock, said = tmp_path / "gpu.lock", []
    with hold(lock) as holder:
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        holder.wait(60)
        with exclusive(lock, said.append, "the GPU"):
            pass
    assert said == []


def test_a_lock_that_cannot_be_made_is_an_error_of_the_machine(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(MachineError, match="locks the GPU"),
        exclusive(tmp_path / "file" / "gpu.lock", print, "the GPU"),
    ):
        pass
