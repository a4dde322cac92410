"""Percentiles, rates, the summary table, and baselines that are kept."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.gate.baseline import Baseline, Spread
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.machine.memory import resident_mib
from dgiqa_edge.runtime.watch.assembly.baseline_keeper import BaselineKeeper
from dgiqa_edge.runtime.watch.loop.rolling import WINDOW_FRAMES, RollingPercentiles, RollingRate
from dgiqa_edge.runtime.watch.status import CameraState, CameraStatus, Percentiles, SinkStats, WatchStatus
from dgiqa_edge.runtime.watch.summary import summary_table


def test_percentiles_are_durations_that_were_measured() -> None:
    rolling = RollingPercentiles()
    assert rolling.snapshot() == Percentiles()
    for value in range(1, 101):
        rolling.add(float(value))
    assert rolling.snapshot() == Percentiles(100, 50.0, 90.0, 99.0, 100.0)


@given(st.lists(st.floats(0.0, 1e4), min_size=1, max_size=700))
def test_percentiles_are_ordered_and_of_the_last_frames(values: list[float]) -> None:
    rolling = RollingPercentiles()
    for value in values:
        rolling.add(value)
    last = values[-WINDOW_FRAMES:]
    shown = rolling.snapshot()
    found = [shown.p50_ms, shown.p90_ms, shown.p99_ms, shown.max_ms]
    assert shown.count == len(last)
    assert found == sorted(found)
    assert set(found) <= set(last)


def test_a_rate_is_of_the_last_seconds() -> None:
    rate = RollingRate()
    assert rate.per_second == 0.0
    for second in range(60):
        rate.sample(float(second), 10 * second if second < 30 else 300)
    assert rate.per_second == 0.0
    for second in range(60, 80):
        rate.sample(float(second), 300 + 5 * (second - 59))
    assert rate.per_second == pytest.approx(5.0)


def test_resident_memory_is_plausible() -> None:
    found = resident_mib()
    assert found is not None
    assert 10 < found < 100_000


def test_a_status_that_does_not_balance_is_refused() -> None:
    with pytest.raises(AssertionError, match="a: 3 captured"):
        CameraStatus("a", "test://", CameraState.LIVE, captured=3, scored=1, skipped=1)


def test_the_summary_tells_what_hangs_and_what_was_missed() -> None:
    camera = CameraStatus(
        "front",
        "v4l2:///dev/video0",
        CameraState.STALLED,
        problem="read did not return",
        captured=9,
        scored=5,
        skipped=3,
        failed=1,
        in_flight=1,
        hung_reads=2,
        reconnects=4,
        latency=Percentiles(5, 12.25, 20.0, 20.0, 20.0),
        verdicts={"pass": 4, "reject": 1},
    )
    sinks = {"events": SinkStats(offered=9, delivered=7, ignored=0, missed=2, failed=0, last_error="disk full")}
    status = WatchStatus(0.0, 1.0, True, None, "b", "nano", "int8", (), (camera,), sinks)
    header, row, *rest = summary_table(status).splitlines()
    assert " ".join(header.split()) == (
        "camera state captured scored skipped failed pass reject unknown reconnects p50 ms"
    )
    assert row.split() == ["front", "stalled", "9", "5", "3", "1", "4", "1", "0", "4", "12.2"]
    assert rest == [
        "front: 1 frames in flight, 2 reads hang",
        "front: read did not return",
        "sink events: 7 delivered, 2 missed, 0 failed (last: disk full)",
    ]


BASELINE = Baseline(5, {"score": Spread(0.1, 0.2, 0.3)})


def camera_of(learn_minutes: float = 1.0) -> Any:
    return SimpleNamespace(name="front", policy=parse_policy({"baseline": {"learn_minutes": learn_minutes}}))


def test_a_baseline_is_kept_for_its_bundle(bundle_dir: Path, tmp_path: Path) -> None:
    keeper = BaselineKeeper(tmp_path / "base", load_bundle(bundle_dir))
    assert keeper.load(camera_of()) is None
    keeper.save("front", BASELINE)
    assert keeper.load(camera_of()) == BASELINE
    assert keeper.load(camera_of(learn_minutes=0.0)) is None


def test_without_a_folder_nothing_is_kept(bundle_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    keeper = BaselineKeeper(None, load_bundle(bundle_dir))
    with caplog.at_level("INFO"):
        keeper.save("front", BASELINE)
    assert "names no folder" in caplog.text
    assert keeper.load(camera_of()) is None


def test_a_folder_that_cannot_be_written_is_logged(
    bundle_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "base").write_text("a file where the folder should be")
    BaselineKeeper(tmp_path / "base", load_bundle(bundle_dir)).save("front", BASELINE)
    assert "could not be kept" in caplog.text
