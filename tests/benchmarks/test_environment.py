"""The environment section: facts, and a reason for every fact that is missing."""

import pytest

from dgiqa_edge.benchmarks.environment import capture, tool


def test_every_fact_is_there_or_has_its_reason(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    section = capture()
    assert {"cpu", "platform", "python", "kernel"} <= section["facts"].keys()
    assert not section["facts"].keys() & section["not_found"].keys()
    expected = {"l4t", "driver", "tensorrt", "power_mode", "cuda_toolkit", "cpu_governor", "gpu_clock_locked"}
    assert expected <= section["facts"].keys() | section["not_found"].keys()
    assert all(section["not_found"].values())
    assert section["packages"]["numpy"]
    assert section["variables"]["OMP_NUM_THREADS"] == "2"
    assert "SECRET_TOKEN" not in section["variables"]


@pytest.mark.parametrize(("low", "locked"), [("1300500000", True), ("306000000", False)])
def test_clock_locks_are_read_without_root(tmp_path, low, locked):
    files = {
        "sys/class/devfreq/17000000.gpu/min_freq": low,
        "sys/class/devfreq/17000000.gpu/max_freq": "1300500000",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq": low,
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "1300500000",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "schedutil",
        "sys/fs/cgroup/cpu.max": "150000 100000",
        "usr/local/cuda/version.json": '{"cuda": {"version": "12.6.68"}}',
        "etc/os-release": 'NAME="x"\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    facts = capture(tmp_path)["facts"]
    assert (facts["gpu_clock_locked"], facts["cpu_clock_locked"]) == (locked, locked)
    assert (facts["cpu_governor"], facts["cpu_quota"]) == ("schedutil", 1.5)
    assert (facts["cuda_toolkit"], facts["os"]) == ("12.6.68", "Ubuntu 22.04.5 LTS")


def test_the_tool_names_its_version_and_knows_or_does_not_know_its_commit():
    found = tool()
    assert found["version"]
    assert found["commit"] is None or len(found["commit"]) == 40
