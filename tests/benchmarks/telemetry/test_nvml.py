"""The NVML adapter on a stand-in for the driver's library that answers some questions and refuses others."""

import sys
import types

import pytest

from dgiqa_edge.benchmarks.telemetry.nvml import NvmlAdapter
from dgiqa_edge.runtime.machine.cuda_probe import gpu_count


class RefusedError(Exception):
    pass


def library(**answers):
    module = types.ModuleType("pynvml")
    module.NVMLError = RefusedError
    module.NVML_TEMPERATURE_GPU, module.NVML_CLOCK_SM, module.NVML_CLOCK_MEM = 0, 1, 2
    module.nvmlInit = module.nvmlShutdown = lambda: None
    module.nvmlDeviceGetHandleByIndex = lambda index: f"gpu {index}"

    def refuse(*_):
        raise RefusedError("Not Supported")

    for name in ("MemoryInfo", "UtilizationRates", "FanSpeed", "PowerUsage", "Temperature", "ClockInfo"):
        setattr(module, f"nvmlDeviceGet{name}", answers.get(name, refuse))
    if "Reasons" in answers:
        module.nvmlDeviceGetCurrentClocksEventReasons = answers["Reasons"]
    return module


def test_each_value_in_its_unit_and_what_is_refused_left_out(monkeypatch):
    fake = library(
        PowerUsage=lambda handle: 71500,
        Temperature=lambda handle, sensor: 61,
        ClockInfo=lambda handle, kind: {1: 1755, 2: 9001}[kind],
        MemoryInfo=lambda handle: types.SimpleNamespace(used=512 * 1024 * 1024),
        UtilizationRates=lambda handle: types.SimpleNamespace(gpu=97),
        Reasons=lambda handle: 0x4 | 0x1,
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    adapter = NvmlAdapter()
    assert adapter.open() is None
    values = {str(channel): value for channel, value in adapter.read().items()}
    assert values["power_w.gpu board"] == 71.5
    assert values["clock_mhz.gpu"] == 1755.0
    assert values["memory_mib.gpu used"] == 512.0
    assert values["throttle_state.gpu power cap"] == 1.0
    assert values["throttle_state.gpu hardware slowdown"] == 0.0
    assert "fan_percent.gpu" not in values
    assert "not the host" in adapter.power_scope(frozenset({"gpu board"})).covers
    adapter.close()


def test_an_older_package_without_reasons_still_reads_the_rest(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", library(PowerUsage=lambda handle: 1000))
    adapter = NvmlAdapter()
    adapter.open()
    assert [str(channel) for channel in adapter.read()] == ["power_w.gpu board"]


def test_a_machine_without_the_package_or_the_driver_says_which(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert "nvidia-ml-py is not installed" in NvmlAdapter().open()
    broken = library()
    broken.nvmlInit = broken.nvmlDeviceGetPowerUsage
    monkeypatch.setitem(sys.modules, "pynvml", broken)
    assert "no NVIDIA GPU answers" in NvmlAdapter().open()


@pytest.mark.gpu
@pytest.mark.skipif(gpu_count() == 0, reason="no NVIDIA GPU here")
def test_a_real_gpu_reports_its_power():
    adapter = NvmlAdapter()
    assert adapter.open() is None
    assert any(channel.name == "gpu board" for channel in adapter.read())
    adapter.close()
