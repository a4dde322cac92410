"""The table at the end of a watch."""

from dgiqa_edge.runtime.watch.status import CameraState, CameraStatus, Percentiles, SinkStats, WatchStatus
from dgiqa_edge.runtime.watch.summary import summary_table


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
