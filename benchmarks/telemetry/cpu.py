"""The processor under Linux: clock, load, memory, temperature, package power where RAPL can be read.

Sources: Linux ``cpufreq``, ``powercap`` and ``thermal`` ABI, ``/proc/stat``, ``/proc/meminfo``.
"""

import time
from pathlib import Path

from .machine_load import CpuTimes, cpu_times_from_stat
from .reading import Channel, PowerScope, Quantity, Values
from .sysfs_files import read_number, read_text

_PACKAGE = "cpu package"
_LOWEST_C, _HIGHEST_C = 0.0, 150.0
_CPU_CHIPS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")


class CpuAdapter:
    """Works on every Linux; what a machine or a container hides is left out and named in the notes."""

    name = "cpu"

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._packages: list[Path] = []
        self._energy_uj: dict[Path, float] = {}
        self._energy_at = 0.0
        self._times: CpuTimes | None = None
        self._notes: tuple[str, ...] = ()

    def open(self) -> str | None:
        if not (self._root / "proc/stat").exists():
            return "there is no /proc/stat here"
        zones = sorted(self._root.glob("sys/class/powercap/*"))
        packages = [zone for zone in zones if (read_text(zone / "name") or "").startswith("package")]
        self._packages = [zone for zone in packages if read_number(zone / "energy_uj") is not None]
        if not packages:
            self._notes = ("CPU power: no RAPL package under /sys/class/powercap (virtual machine or Arm)",)
        elif not self._packages:
            self._notes = ("CPU power: RAPL is there but only root may read energy_uj",)
        return None

    def read(self) -> Values:
        values: dict[Channel, float] = {}
        self._read_power(values)
        self._read_load(values)
        clocks = [
            clock
            for file in self._root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
            if (clock := read_number(file)) is not None
        ]
        if clocks:
            values[Channel(Quantity.CLOCK, "cpu")] = sum(clocks) / len(clocks) / 1e3
        used = self._memory_used_mib()
        if used is not None:
            values[Channel(Quantity.MEMORY, "used")] = used
        self._read_temperatures(values)
        return values

    def power_scope(self, rails: frozenset[str]) -> PowerScope | None:
        own = tuple(sorted(rail for rail in rails if rail.startswith(_PACKAGE)))
        return PowerScope(own, "CPU packages by RAPL (not the board)") if own else None

    def notes(self) -> tuple[str, ...]:
        return self._notes

    def close(self) -> None:
        self._energy_uj = {}

    def _read_power(self, values: dict[Channel, float]) -> None:
        """Watts since the last reading; the counter wraps at ``max_energy_range_uj``."""
        now = time.perf_counter()
        for number, package in enumerate(self._packages):
            energy = read_number(package / "energy_uj")
            if energy is None:
                continue
            before = self._energy_uj.get(package)
            self._energy_uj[package] = energy
            if before is None or now <= self._energy_at:
                continue
            spent = energy - before
            if spent < 0:
                spent += read_number(package / "max_energy_range_uj") or 0.0
            values[Channel(Quantity.POWER, f"{_PACKAGE} {number}")] = spent / 1e6 / (now - self._energy_at)
        self._energy_at = now

    def _read_load(self, values: dict[Channel, float]) -> None:
        text = read_text(self._root / "proc/stat")
        times = cpu_times_from_stat(text, 0.0) if text else None
        if times and self._times and times.total_s > self._times.total_s:
            share = (times.busy_s - self._times.busy_s) / (times.total_s - self._times.total_s)
            values[Channel(Quantity.LOAD, "cpu")] = 100.0 * share
        self._times = times

    def _read_temperatures(self, values: dict[Channel, float]) -> None:
        for monitor in sorted(self._root.glob("sys/class/hwmon/hwmon*")):
            chip = read_text(monitor / "name")
            if chip in _CPU_CHIPS:
                _keep_hottest(values, "cpu", [read_number(file) for file in monitor.glob("temp*_input")])
        for zone in sorted(self._root.glob("sys/class/thermal/thermal_zone*")):
            kind = read_text(zone / "type")
            if kind:
                _keep_hottest(values, kind.lower().removesuffix("-thermal"), [read_number(zone / "temp")])

    def _memory_used_mib(self) -> float | None:
        text = read_text(self._root / "proc/meminfo") or ""
        fields = {name: rest.split() for name, _, rest in (line.partition(":") for line in text.splitlines())}
        try:
            return (float(fields["MemTotal"][0]) - float(fields["MemAvailable"][0])) / 1024.0
        except (KeyError, IndexError, ValueError):
            return None


def _keep_hottest(values: dict[Channel, float], name: str, millidegrees: list[float | None]) -> None:
    celsius = [value / 1e3 for value in millidegrees if value is not None and _LOWEST_C < value / 1e3 < _HIGHEST_C]
    if celsius:
        channel = Channel(Quantity.TEMPERATURE, name)
        values[channel] = max([*celsius, values.get(channel, _LOWEST_C)])
