"""A desktop or server GPU through NVIDIA's management library (package nvidia-ml-py, loaded when it is first used).

Each value is asked for on its own: what this GPU or driver does not offer is left out. Source: NVML API reference.
"""

from collections.abc import Callable
from typing import Any

from .reading import Adapter, Channel, PowerScope, Quantity, Values

_MIB = 1024.0 * 1024.0
_BOARD = "gpu board"
# nvmlClocksEventReason bits that mean the GPU runs slower than it was asked to.
_SLOWDOWNS = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}


class NvmlAdapter(Adapter):
    """One GPU by its index."""

    name = "nvml"

    def __init__(self, index: int = 0) -> None:
        self._index = index
        self._nvml: Any = None
        self._handle: Any = None

    def open(self) -> str | None:
        try:
            import pynvml
        except ImportError:
            return "the package nvidia-ml-py is not installed"
        try:
            pynvml.nvmlInit()
            self._handle = pynvml.nvmlDeviceGetHandleByIndex(self._index)
        except pynvml.NVMLError as error:
            return f"no NVIDIA GPU answers through NVML ({error})"
        self._nvml = pynvml
        return None

    def read(self) -> Values:
        nvml, handle = self._nvml, self._handle
        memory = self._ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used / _MIB)
        load = self._ask(lambda: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu))
        fan = self._ask(lambda: float(nvml.nvmlDeviceGetFanSpeed(handle)))
        values = {
            Channel(Quantity.POWER, _BOARD): self._ask(lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1e3),
            Channel(Quantity.TEMPERATURE, "gpu"): self._ask(
                lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
            ),
            Channel(Quantity.CLOCK, "gpu"): self._clock(nvml.NVML_CLOCK_SM),
            Channel(Quantity.CLOCK, "gpu memory"): self._clock(nvml.NVML_CLOCK_MEM),
            Channel(Quantity.LOAD, "gpu"): load,
            Channel(Quantity.MEMORY, "gpu used"): memory,
            Channel(Quantity.FAN, "gpu"): fan,
        }
        read = {channel: value for channel, value in values.items() if value is not None}
        reasons = self._ask(lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
        if reasons is not None:
            for bit, words in _SLOWDOWNS.items():
                read[Channel(Quantity.THROTTLE_STATE, f"gpu {words}")] = float(bool(int(reasons) & bit))
        return read

    def power_scope(self, rails: frozenset[str]) -> PowerScope | None:
        return (
            PowerScope((_BOARD,), "the GPU board as its driver reports it (not the host)") if _BOARD in rails else None
        )

    def close(self) -> None:
        nvml, self._nvml, self._handle = self._nvml, None, None
        if nvml is not None:
            self._ask_of(nvml, nvml.nvmlShutdown)

    def _clock(self, kind: int) -> float | None:
        return self._ask(lambda: float(self._nvml.nvmlDeviceGetClockInfo(self._handle, kind)))

    def _ask(self, question: Callable[[], float]) -> float | None:
        return self._ask_of(self._nvml, question)

    @staticmethod
    def _ask_of(nvml: Any, question: Callable[[], float]) -> float | None:
        try:
            return question()
        except (nvml.NVMLError, AttributeError):  # not supported by this GPU, or by this version of the package
            return None
