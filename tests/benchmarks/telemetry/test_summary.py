"""Power, energy and throttling of known series."""

import pytest

from dgiqa_edge.benchmarks.telemetry.reading import Channel, PowerScope, Quantity, Reading, Telemetry, Trace
from dgiqa_edge.benchmarks.telemetry.summary import summarize, throttling

GPU, CPU = Channel(Quantity.POWER, "gpu"), Channel(Quantity.POWER, "cpu")
EVENTS = Channel(Quantity.THROTTLE_EVENTS, "over-current oc1")
ALERT = Channel(Quantity.THROTTLE_STATE, "gpu-throttle-alert")


BOARD = PowerScope(("gpu", "cpu"), "GPU and CPU")


def trace(rows, scope=BOARD):
    readings = tuple(Reading(at, values) for at, values in rows)
    return Telemetry((Trace("board", readings, scope),), {"nvml": "no GPU"}, 1.0)


def test_energy_is_the_integral_and_per_frame_it_covers_the_whole_run():
    rows = [(0.0, {GPU: 99.0, CPU: 99.0}), *((t, {GPU: 2.0 + t, CPU: 1.0}) for t in (1.0, 2.0, 3.0, 4.0))]
    found = summarize(trace(rows), 0.5, 4.5, frames=10)
    assert found.power.energy_j == pytest.approx(3 * 5.5)  # mean of 4 and 7 W over 3 s
    assert found.power.mean_w == pytest.approx(5.5)
    assert found.power.peak_w == 7.0
    assert found.power.j_per_frame == pytest.approx(5.5 * 4.0 / 10)
    assert found.channels["board"]["power_w.gpu"].readings == 4  # the reading before the run does not count


def test_a_moment_without_all_rails_has_no_total():
    rows = [(1.0, {GPU: 1.0}), (2.0, {GPU: 1.0, CPU: 1.0}), (3.0, {CPU: 1.0}), (4.0, {GPU: 3.0, CPU: 1.0})]
    found = summarize(trace(rows), 0.0, 9.0, frames=None)
    assert found.power.mean_w == pytest.approx(3.0)
    assert found.power.j_per_frame is None


def test_rails_that_are_no_total_give_none_and_the_reason():
    found = summarize(trace([(1.0, {GPU: 1.0}), (2.0, {GPU: 1.0})], scope=None), 0.0, 9.0, 5)
    assert found.power is None
    assert "no documented total" in found.not_measured["power total"]
    assert "no adapter" in found.not_measured["temperature_c"]


def test_counters_that_rose_and_alerts_that_were_on_are_named():
    readings = [
        Reading(1.0, {EVENTS: 3.0, ALERT: 0.0}),
        Reading(2.0, {EVENTS: 3.0, ALERT: 1.0}),
        Reading(3.0, {EVENTS: 5.0, ALERT: 1.0}),
        Reading(4.0, {EVENTS: 5.0, ALERT: 0.0}),
    ]
    assert throttling(readings) == [
        "over-current oc1: 2 events",
        "gpu-throttle-alert: on in 50% of the readings",
    ]
    assert throttling(readings[:1]) == []
