"""Shares of processor time from recorded counters, and from this machine's own."""

import pytest

from dgiqa_edge.benchmarks.telemetry.machine_load import cpu_times_from_stat, load_share, read_cpu_times

BEFORE = "cpu  1000 0 500 8000 100 0 0 0 0 0\ncpu0 1 2 3 4\n"
AFTER = "cpu  1600 0 700 8900 100 0 0 100 0 0\ncpu0 1 2 3 4\n"


def test_others_are_what_is_busy_and_not_ours():
    before = cpu_times_from_stat(BEFORE, own_s=1.0, ticks_per_s=100)
    after = cpu_times_from_stat(AFTER, own_s=4.6, ticks_per_s=100)
    assert before.total_s == pytest.approx(96.0)
    share = load_share(before, after)
    # 18 s passed over all processors: 8 busy, of them 3.6 ours; 1 stolen by the hypervisor.
    assert share.own_percent == pytest.approx(20.0)
    assert share.others_percent == pytest.approx(100 * 4.4 / 18.0)
    assert share.stolen_percent == pytest.approx(100 / 18.0)


@pytest.mark.parametrize("text", ["", "intr 1 2 3", "cpu 1 2"])
def test_what_is_no_stat_file_gives_nothing(text):
    assert cpu_times_from_stat(text, 0.0) is None


def test_no_time_between_two_readings_gives_no_share():
    reading = cpu_times_from_stat(BEFORE, 0.0, 100)
    assert load_share(reading, reading) is None
    assert load_share(None, reading) is None


def test_an_absent_file_gives_nothing(tmp_path):
    assert read_cpu_times(tmp_path / "stat") is None


def test_this_machine_is_read():
    before = read_cpu_times()
    if before is None:
        pytest.skip("no /proc/stat here")
    assert before.busy_s <= before.total_s
