"""A soak of a real bundle for a moment, and the search through its series."""

import numpy as np
import pytest

from dgiqa_edge.benchmarks.latency.samples import FrameServer, LatencySamples
from dgiqa_edge.benchmarks.latency.soak import findings, soak
from dgiqa_edge.benchmarks.latency.yardstick import Yardstick
from dgiqa_edge.benchmarks.telemetry.reading import Channel, Quantity, Reading, Telemetry, Trace
from dgiqa_edge.runtime import Scorer

CLOCK, LOAD = Channel(Quantity.CLOCK, "gpu"), Channel(Quantity.LOAD, "gpu")
HEAT = Channel(Quantity.TEMPERATURE, "tj")


def samples(latencies, yardstick):
    count, blocks = len(latencies), len(yardstick)
    return LatencySamples(
        start_s=np.linspace(0.0, 600.0, count),
        latency_ms=latencies,
        cpu_ms=latencies,
        decode_ms=np.zeros(count),
        gate_ms=np.zeros(count),
        stages_ms={},
        block=np.arange(count) * blocks // count,
        yardstick_ms=yardstick,
    )


def telemetry(clocks, started=100.0):
    times = np.linspace(started, started + 600.0, len(clocks))
    readings = [
        Reading(float(at), {CLOCK: float(clock), LOAD: 95.0, HEAT: 40.0 + 30.0 * (at - started) / 600.0})
        for at, clock in zip(times, clocks, strict=True)
    ]
    return Telemetry((Trace("tegrastats", tuple(readings), None),), {}, 1.0)


def test_a_device_that_heats_up_and_throttles_is_found():
    clocks = np.concatenate([np.full(80, 1300.0), np.full(40, 900.0)])
    latencies = np.concatenate([np.full(400, 20.0), np.full(200, 29.0)]) + np.random.default_rng(0).normal(0, 0.2, 600)
    found = findings(samples(latencies, np.full(60, 5.0)), telemetry(clocks), started=100.0)
    assert found.latency.found is True
    assert found.relative.found is True
    assert found.channels["tegrastats: temperature_c.tj"].found is True
    ((name, drops),) = found.clock_drops.items()
    assert name == "tegrastats: clock_mhz.gpu"
    assert (drops[0].from_mhz, drops[0].to_mhz) == (1300.0, 900.0)
    assert drops[0].start_s == pytest.approx(400.0, abs=10.0)


def test_a_machine_that_slows_down_as_a_whole_is_told_apart():
    rise = np.linspace(1.0, 1.3, 600)
    latencies = 20.0 * rise + np.random.default_rng(1).normal(0, 0.1, 600)
    found = findings(samples(latencies, 5.0 * rise[::10]), telemetry(np.full(60, 1300.0)), started=100.0)
    assert found.latency.found is True
    assert found.relative.found is False
    assert found.clock_drops == {}


def test_a_short_soak_of_a_real_bundle(bundle_dir, feed):
    told = []
    with Scorer(bundle_dir) as scorer:
        server = FrameServer(scorer, feed, Yardstick(), 0.05)
        run = soak(server, minutes=0.01, block_s=0.05, progress=told.append)
    assert run.wall_s >= 0.6
    assert told == sorted(told)
    assert told[-1] == 1.0
    found = findings(run.samples, Telemetry(()), run.started)
    assert found.channels == {}
    assert found.latency.windows > 0
