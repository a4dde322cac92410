"""The values that adapters read, named so that a quantity and its unit can never be mistaken."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Quantity(str, Enum):
    """What is measured, in the unit its name ends with; ``..._EVENTS`` count since boot."""

    POWER = "power_w"
    TEMPERATURE = "temperature_c"
    CLOCK = "clock_mhz"
    LOAD = "load_percent"
    MEMORY = "memory_mib"
    FAN = "fan_percent"
    THROTTLE_STATE = "throttle_state"
    THROTTLE_EVENTS = "throttle_events"


@dataclass(frozen=True, order=True)
class Channel:
    """One sensor: its quantity and the name the device gives it."""

    quantity: Quantity
    name: str

    def __str__(self) -> str:
        return f"{self.quantity.value}.{self.name}"


Values = Mapping[Channel, float]


@dataclass(frozen=True)
class Reading:
    """All values of one adapter at one moment, ``time.perf_counter`` seconds."""

    at_s: float
    values: Values


@dataclass(frozen=True)
class PowerScope:
    """Which rails add up to a total, and what that total covers, in words."""

    rails: tuple[str, ...]
    covers: str


class Adapter(Protocol):
    """Reads one kind of device. Used from the sampler's thread only, once it has been opened."""

    @property
    def name(self) -> str:
        """As reports call it."""
        ...

    def open(self) -> str | None:
        """Get ready; returns why nothing can be read here, or ``None``."""
        ...

    def read(self) -> Values:
        """Everything that can be read now; what cannot is left out."""
        ...

    def power_scope(self, rails: frozenset[str]) -> PowerScope | None:
        """Which of the rails seen make up the total; ``None`` where nobody has documented that."""
        return None

    def notes(self) -> tuple[str, ...]:
        """What a reader must know: lines not understood, sensors that never answered."""
        return ()

    def close(self) -> None:
        """Free processes and handles; further calls do nothing."""
        ...


@dataclass(frozen=True)
class Trace:
    """All that one adapter read during a measurement."""

    adapter: str
    readings: tuple[Reading, ...]
    power_scope: PowerScope | None
    failed_reads: int = 0
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> tuple[Channel, ...]:
        return tuple(sorted({channel for reading in self.readings for channel in reading.values}))


@dataclass(frozen=True)
class Telemetry:
    """Traces of the adapters that worked, and why the others did not."""

    traces: tuple[Trace, ...]
    unavailable: Mapping[str, str] = field(default_factory=dict)
    interval_s: float = 0.0
