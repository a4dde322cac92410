"""The sampler thread with adapters that work, fail, and cannot work."""

import threading

from dgiqa_edge.benchmarks.telemetry import Sampler
from dgiqa_edge.benchmarks.telemetry.reading import Channel, PowerScope, Quantity

RAIL = Channel(Quantity.POWER, "board")


class Counting:
    """Reads 1, 2, 3 ... watts; every third read fails. ``enough`` is set after six reads."""

    name = "counting"

    def __init__(self):
        self.reads = 0
        self.closed = False
        self.enough = threading.Event()

    def open(self):
        return None

    def read(self):
        self.reads += 1
        if self.reads >= 6:
            self.enough.set()
        if self.reads % 3 == 0:
            raise OSError("bus busy")
        return {RAIL: float(self.reads)}

    def power_scope(self, rails):
        return PowerScope(("board",), "the board") if "board" in rails else None

    def notes(self):
        return ("calibrated",)

    def close(self):
        self.closed = True


class Absent(Counting):
    name = "absent"

    def open(self):
        return "there is none"


def test_readings_failures_and_reasons_are_kept():
    adapter = Counting()
    sampler = Sampler([Absent(), adapter], interval_s=0.005)
    with sampler:
        assert adapter.enough.wait(10)
        telemetry = sampler.stop()
    assert telemetry.unavailable == {"absent": "there is none"}
    (trace,) = telemetry.traces
    assert [reading.values[RAIL] for reading in trace.readings][:4] == [1.0, 2.0, 4.0, 5.0]
    assert trace.failed_reads >= 2
    assert trace.notes[0] == "calibrated"
    assert "the last with: OSError: bus busy" in trace.notes[1]
    assert trace.power_scope.covers == "the board"
    assert adapter.closed
    times = [reading.at_s for reading in trace.readings]
    assert times == sorted(times)


def test_an_error_in_the_measurement_ends_the_thread():
    adapter = Counting()
    sampler = Sampler([adapter], interval_s=0.005)
    try:
        with sampler:
            raise RuntimeError("measurement failed")
    except RuntimeError:
        pass
    assert adapter.closed
    assert not any(thread.name == "telemetry" and thread.is_alive() for thread in threading.enumerate())
