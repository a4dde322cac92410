"""The table at the end of a watch."""

import pytest

from dgiqa_edge.runtime.watch.status import CameraState, CameraStatus, Percentiles, SinkStats, WatchStatus
from dgiqa_edge.runtime.watch.summary import summary_table

CAMERA = CameraStatus(
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
SINKS = {"events": SinkStats(offered=9, delivered=7, ignored=0, missed=2, failed=0, last_error="disk full")}


def table(*cameras: CameraStatus, sinks: dict[str, SinkStats] | None = None) -> str:
    return summary_table(WatchStatus(0.0, 1.0, True, None, "b", "nano", "int8", (), cameras, sinks or {}))


def test_the_summary_tells_what_hangs_and_what_was_missed() -> None:
    short = CameraStatus("b", "test://", CameraState.ENDED, captured=12345678901, scored=12345678901)
    assert table(CAMERA, short, sinks=SINKS).splitlines() == [
        "camera  state       captured       scored  skipped  failed  pass  reject  unknown  reconnects  p50 ms",
        "front   stalled            9            5        3       1     4       1        0           4    12.2",
        "b       ended    12345678901  12345678901        0       0     0       0        0           0       -",
        "front: 1 frames in flight, 2 reads hang",
        "front: read did not return",
        "sink events: 7 delivered, 2 missed, 0 failed (last: disk full)",
    ]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, []),
        ({"in_flight": 1}, ["b: 1 frames in flight, 0 reads hang"]),
        ({"hung_reads": 1}, ["b: 0 frames in flight, 1 reads hang"]),
    ],
)
def test_what_is_in_flight_or_hangs_is_told_alone_too(counts: dict[str, int], said: list[str]) -> None:
    camera = CameraStatus("b", "test://", CameraState.ENDED, **counts)  # type: ignore[arg-type]
    assert table(camera).splitlines()[2:] == said
