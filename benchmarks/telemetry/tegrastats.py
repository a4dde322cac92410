"""One line of NVIDIA's ``tegrastats`` into named values, for the formats of JetPack 5, 6 and 7.

Source: Jetson Linux Developer Guide, "Tegrastats Utility" (r35, r36, r38), and lines recorded on devices (the tests
name them). A token that no rule knows is returned as unknown, never guessed at; a line without memory and processor
figures is not a tegrastats line at all.
"""

import re
from dataclasses import dataclass

from .reading import Channel, Quantity

_NUMBER = r"-?\d+(?:\.\d+)?"
_STAMP = re.compile(r"^\d{2}-\d{2}-\d{4} \d{2}:\d{2}:\d{2}\s+")
_RAM = re.compile(r"^RAM (\d+)/(\d+)MB \(lfb \d+x\d+[kM]B\)")
_SWAP = re.compile(r"^SWAP (\d+)/(\d+)MB \(cached \d+MB\)")
_IRAM = re.compile(r"^IRAM \d+/\d+kB ?\(lfb \d+kB\)")
_CPU = re.compile(r"^CPU \[([^\]]*)\]")
_CORE = re.compile(r"^(\d+)%@(\d+)$")
# Load with a clock, with one clock per cluster (JetPack 6 and 7), clock alone (Thor), or load alone (without root).
_ENGINE = re.compile(r"^([A-Z][A-Z0-9]*(?:_FREQ)?) (?:(\d+)%)?(?:@(?:\[(\d+(?:,\d+)*)\]|(\d+)))?(?=\s|$)")
_ENGINE_OFF = re.compile(r"^([A-Z][A-Z0-9]*(?:_FREQ)?) off(?=\s|$)")
_ENGINE_CLOCK = re.compile(r"^(APE|VIC_FREQ|VIC|NVJPG\d?|NVENC\d?|NVDEC\d?) (\d+)(?=\s|$)")
_TEMPERATURE = re.compile(rf"^([A-Za-z][A-Za-z0-9_]*)@({_NUMBER})C(?:/{_NUMBER}C)*(?=\s|$)")
# Now and average (JetPack 5 and 6), with the peak behind them (7.2); Xavier's and older ones print no unit.
_POWER = re.compile(r"^([A-Z][A-Z0-9_]*) (\d+)(?:mW)?/\d+(?:mW)?(?:/\d+(?:mW)?)?(?=\s|$)")
_SENSOR_OFF_C = -256.0
_NOT_CONNECTED = "NC"
_NAMES = {"GR3D_FREQ": "gpu", "GR3D2_FREQ": "gpu2", "EMC_FREQ": "memory controller"}


@dataclass(frozen=True)
class TegrastatsLine:
    """Values of one line, and the tokens that no rule knows."""

    values: dict[Channel, float]
    unknown: tuple[str, ...]


def parse_line(line: str) -> TegrastatsLine | None:
    """Read one line; ``None`` where it is not tegrastats' (no ``RAM`` or no ``CPU`` part).

    Memory is MiB, power W, temperature degrees Celsius, clocks MHz. A sensor that is powered down (-256 C) and a rail
    that is not connected (``NC``) have no value. Of several clocks of the GPU's clusters the highest counts.
    """
    rest = _STAMP.sub("", line.strip())
    values: dict[Channel, float] = {}
    unknown = []
    seen_memory = seen_cpu = False
    while rest:
        found = _read_head(rest)
        if found is None:
            length = len(rest.split(maxsplit=1)[0])
            unknown.append(rest[:length])
        else:
            values.update(found[0])
            length = found[1]
        seen_memory |= rest.startswith("RAM ")
        seen_cpu |= rest.startswith("CPU [")
        rest = rest[length:].lstrip()
    if not (seen_memory and seen_cpu and values):
        return None
    return TegrastatsLine(values, tuple(unknown))


def _read_head(rest: str) -> tuple[dict[Channel, float], int] | None:
    """What the head of ``rest`` says and how many characters it takes; ``None`` where no rule knows it."""
    if match := _RAM.match(rest):
        return _memory("used", match), match.end()
    if match := _SWAP.match(rest):
        return _memory("swap used", match), match.end()
    if match := _CPU.match(rest):
        cores = _cores(match[1])
        return None if cores is None else (cores, match.end())
    if match := _POWER.match(rest):
        connected = match[1] != _NOT_CONNECTED
        return {Channel(Quantity.POWER, match[1]): int(match[2]) / 1e3} if connected else {}, match.end()
    if match := _TEMPERATURE.match(rest):
        celsius = float(match[2])
        on = celsius != _SENSOR_OFF_C
        return {Channel(Quantity.TEMPERATURE, match[1].lower()): celsius} if on else {}, match.end()
    if match := _IRAM.match(rest) or _ENGINE_OFF.match(rest):
        return {}, match.end()
    if match := _ENGINE_CLOCK.match(rest):
        return {Channel(Quantity.CLOCK, _engine_name(match[1])): float(match[2])}, match.end()
    match = _ENGINE.match(rest)
    if match is not None and match.end() > len(match[1]) + 1:
        return _engine(match), match.end()
    return None


def _memory(name: str, match: re.Match[str]) -> dict[Channel, float]:
    return {Channel(Quantity.MEMORY, name): float(match[1])}


def _cores(text: str) -> dict[Channel, float] | None:
    """Mean load of the cores that are on, the highest clock among them; ``None`` where a core's text is not known."""
    loads, clocks = [], []
    for core in text.split(","):
        if core == "off":
            continue
        match = _CORE.match(core)
        if match is None:
            return None
        loads.append(int(match[1]))
        clocks.append(int(match[2]))
    if not loads:
        return None
    return {
        Channel(Quantity.LOAD, "cpu"): sum(loads) / len(loads),
        Channel(Quantity.CLOCK, "cpu"): float(max(clocks)),
    }


def _engine(match: re.Match[str]) -> dict[Channel, float]:
    name = _engine_name(match[1])
    values = {}
    if match[2] is not None:
        values[Channel(Quantity.LOAD, name)] = float(match[2])
    clocks = match[3] or match[4]
    if clocks is not None:
        values[Channel(Quantity.CLOCK, name)] = float(max(int(clock) for clock in clocks.split(",")))
    return values


def _engine_name(token: str) -> str:
    return _NAMES.get(token, token.removesuffix("_FREQ").lower())
