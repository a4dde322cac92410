"""A Jetson's own sensors under ``/sys``: power rails, thermal zones, GPU clock, fan, throttling counters.

They need no root and are read even where ``tegrastats`` is missing (containers). Sources: Linux ``hwmon`` and
``thermal`` ABI, the kernel's ina3221 driver, Jetson Linux Developer Guide ("Thermal Management", "OC events").
"""

from collections.abc import Iterator
from pathlib import Path

from .rails import jetson_total
from .reading import Adapter, Channel, PowerScope, Quantity, Values
from .sysfs_files import read_number, read_text

_PWM_FULL = 255.0
_SUM_LABEL = "sum of shunt voltages"
_LOWEST_C, _HIGHEST_C = -40.0, 150.0  # outside of it a zone is powered down and reports a placeholder
_GPU_NAMES = ("gpu", "gv11b", "ga10b", "gpu-gpc")


class JetsonSysfsAdapter(Adapter):
    """Finds the sensors once, reads them at every tick. ``root`` is the file system's, for tests another one."""

    name = "jetson sysfs"

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._rails: list[tuple[str, Path, Path]] = []
        self._scaled: list[tuple[Channel, Path, float]] = []

    def open(self) -> str | None:
        tree = read_text(self._root / "proc/device-tree/compatible") or ""
        if not (self._root / "etc/nv_tegra_release").exists() and "tegra" not in tree:
            return "this is no Jetson (no /etc/nv_tegra_release, no Tegra in the device tree)"
        self._rails = list(self._find_rails())
        self._scaled = [
            *self._find_zones(),
            *self._find_gpu_clocks(),
            *self._find_fans(),
            *self._find_counters(),
            *self._find_alerts(),
        ]
        return None if self._rails or self._scaled else "none of a Jetson's sensors was found under /sys"

    def read(self) -> Values:
        values: dict[Channel, float] = {}
        for label, millivolts, milliamperes in self._rails:
            volts, amperes = read_number(millivolts), read_number(milliamperes)
            if volts is not None and amperes is not None:
                values[Channel(Quantity.POWER, label)] = volts * amperes / 1e6
        for channel, path, scale in self._scaled:
            raw = read_number(path)
            if raw is None:
                continue
            value = raw * scale
            if channel.quantity is Quantity.TEMPERATURE and not _LOWEST_C < value < _HIGHEST_C:
                continue
            values[channel] = value
        return values

    def power_scope(self, rails: frozenset[str]) -> PowerScope | None:
        return jetson_total(rails)

    def close(self) -> None:
        self._rails, self._scaled = [], []

    def _find_rails(self) -> Iterator[tuple[str, Path, Path]]:
        """Rails that have a label, a voltage and a current; the chip's own sums have no current of their own."""
        for monitor in self._hwmons():
            for label_file in sorted(monitor.glob("in*_label")):
                number = label_file.name[2 : -len("_label")]
                label = read_text(label_file)
                volts, amperes = monitor / f"in{number}_input", monitor / f"curr{number}_input"
                if label and label not in ("NC", _SUM_LABEL) and volts.exists() and amperes.exists():
                    yield label, volts, amperes

    def _find_zones(self) -> Iterator[tuple[Channel, Path, float]]:
        for zone in sorted(self._root.glob("sys/class/thermal/thermal_zone*")):
            kind = read_text(zone / "type")
            if kind:
                name = kind.lower().removesuffix("-thermal").removesuffix("-therm")
                yield Channel(Quantity.TEMPERATURE, name), zone / "temp", 1e-3

    def _find_gpu_clocks(self) -> Iterator[tuple[Channel, Path, float]]:
        for device in sorted(self._root.glob("sys/class/devfreq/*")):
            if any(device.name.endswith(f".{name}") or device.name.startswith(name) for name in _GPU_NAMES):
                yield Channel(Quantity.CLOCK, "gpu"), device / "cur_freq", 1e-6

    def _find_fans(self) -> Iterator[tuple[Channel, Path, float]]:
        for monitor in self._hwmons():
            if read_text(monitor / "name") in ("pwmfan", "pwm_fan", "pwm-fan") and (monitor / "pwm1").exists():
                yield Channel(Quantity.FAN, "fan"), monitor / "pwm1", 100.0 / _PWM_FULL

    def _find_counters(self) -> Iterator[tuple[Channel, Path, float]]:
        for monitor in self._hwmons():
            for counter in sorted(monitor.glob("oc*_event_cnt")):
                name = f"over-current {counter.name.removesuffix('_event_cnt')}"
                yield Channel(Quantity.THROTTLE_EVENTS, name), counter, 1.0

    def _find_alerts(self) -> Iterator[tuple[Channel, Path, float]]:
        for device in sorted(self._root.glob("sys/class/thermal/cooling_device*")):
            kind = read_text(device / "type") or ""
            if kind.endswith("throttle-alert"):
                yield Channel(Quantity.THROTTLE_STATE, kind), device / "cur_state", 1.0

    def _hwmons(self) -> list[Path]:
        return sorted(self._root.glob("sys/class/hwmon/hwmon*"))
