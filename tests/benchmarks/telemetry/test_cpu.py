"""The processor's sensors from a file tree as Linux lays it out, and from this machine."""

import pytest

from dgiqa_edge.benchmarks.telemetry.cpu import CpuAdapter


@pytest.fixture
def server(tmp_path):
    """Two cores, RAPL that wraps at 1,000 microjoules, a coretemp chip."""
    files = {
        "proc/stat": "cpu  100 0 0 100 0 0 0 0\n",
        "proc/meminfo": "MemTotal: 2048000 kB\nMemFree: 1 kB\nMemAvailable: 1024000 kB\n",
        "sys/class/powercap/intel-rapl:0/name": "package-0\n",
        "sys/class/powercap/intel-rapl:0/energy_uj": "900\n",
        "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "1000\n",
        "sys/class/powercap/intel-rapl:0:0/name": "core\n",
        "sys/class/powercap/intel-rapl:0:0/energy_uj": "5\n",
        "sys/class/hwmon/hwmon0/name": "coretemp\n",
        "sys/class/hwmon/hwmon0/temp1_input": "51000\n",
        "sys/class/hwmon/hwmon0/temp2_input": "56000\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "3000000\n",
        "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1000000\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def named(values):
    return {str(channel): value for channel, value in values.items()}


def test_power_is_energy_over_time_and_survives_the_counters_wrap(server, monkeypatch):
    clock = iter([10.0, 12.0, 14.0])
    monkeypatch.setattr("dgiqa_edge.benchmarks.telemetry.cpu.time.perf_counter", lambda: next(clock))
    energy = server / "sys/class/powercap/intel-rapl:0/energy_uj"
    adapter = CpuAdapter(server)
    assert adapter.open() is None
    assert "power_w.cpu package 0" not in named(adapter.read())  # one reading is no power
    energy.write_text("950\n")
    assert named(adapter.read())["power_w.cpu package 0"] == pytest.approx(50e-6 / 2)
    energy.write_text("150\n")  # 50 up to the wrap, 150 after it
    assert named(adapter.read())["power_w.cpu package 0"] == pytest.approx(200e-6 / 2)
    assert adapter.power_scope(frozenset({"cpu package 0"})).rails == ("cpu package 0",)


def test_load_clock_memory_and_the_hottest_core(server):
    adapter = CpuAdapter(server)
    adapter.open()
    adapter.read()
    (server / "proc/stat").write_text("cpu  130 0 0 110 0 0 0 0\n")
    values = named(adapter.read())
    assert values["load_percent.cpu"] == pytest.approx(75.0)
    assert values["clock_mhz.cpu"] == 2000.0
    assert values["memory_mib.used"] == 1000.0
    assert values["temperature_c.cpu"] == 56.0


def test_what_a_virtual_machine_hides_is_noted(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text("cpu  1 0 0 1\n")
    adapter = CpuAdapter(tmp_path)
    assert adapter.open() is None
    assert "no RAPL package" in adapter.notes()[0]
    assert adapter.power_scope(frozenset()) is None


def test_no_proc_no_adapter(tmp_path):
    assert "no /proc/stat" in CpuAdapter(tmp_path).open()
