"""A real scrape over HTTP: every number of the snapshot is there, under a name that an operator can read."""

import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dgiqa_edge.runtime.errors import SinkError
from dgiqa_edge.runtime.gate.verdict import State, Verdict
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome
from dgiqa_edge.runtime.watch.metrics.prometheus import PrometheusMetrics
from dgiqa_edge.runtime.watch.sinks import create
from dgiqa_edge.runtime.watch.sinks.registry import FollowsStatus
from dgiqa_edge.runtime.watch.status import (
    CameraState,
    CameraStatus,
    Percentiles,
    RunningBundle,
    SinkStats,
    WatchStatus,
)

Scored = Callable[..., FrameEvent]

STATUS = WatchStatus(
    started_at=1000.0,
    uptime_s=60.0,
    stopping=False,
    memory_mib=100.0,
    bundle="bundle",
    preset="nano",
    precision="int8",
    engines=(),
    cameras=(
        CameraStatus(
            camera="front",
            source="rtsp://***@192.0.2.7/live",
            state=CameraState.RETRYING,
            captured=10,
            scored=7,
            skipped=2,
            failed=1,
            in_flight=1,
            reconnects=3,
            stalls=2,
            capture_fps=25.0,
            latency=Percentiles(7, 10.0, 20.0, 30.0, 40.0),
            stages={"score": Percentiles(7, 8.0, 16.0, 24.0, 32.0)},
            verdict=Verdict(State.REJECT, "too dark", score=0.25, smoothed=0.3, profile="night"),
            verdicts={"pass": 4, "reject": 3},
            reasons={"too dark": 3, "good": 4},
            thresholds={"score.reject": 0.4},
            profile="night",
            profiles=("day", "night"),
            last_frame_at=1060.0,
        ),
        CameraStatus(camera='od"d\nname', source="test://", state=CameraState.CONNECTING),
    ),
    sinks={"web": SinkStats(offered=10, delivered=5, ignored=1, missed=3, failed=1)},
)


@pytest.fixture
def metrics() -> Iterator[PrometheusMetrics]:
    running = create({"type": "prometheus", "listen": "127.0.0.1:0"}, "sinks.0")
    assert isinstance(running, PrometheusMetrics)
    assert isinstance(running, FollowsStatus)
    yield running
    running.close(5.0)


def scrape(metrics: PrometheusMetrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    with urllib.request.urlopen(metrics.describe()["url"], timeout=30) as response:
        text = response.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


FRONT = (("camera", "front"),)


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("captured_frames_total", {}, 10),
        ("scored_frames_total", {}, 7),
        ("skipped_frames_total", {}, 2),
        ("failed_frames_total", {}, 1),
        ("reconnects_total", {}, 3),
        ("stalls_total", {}, 2),
        ("in_flight_frames", {}, 1),
        ("capture_frames_per_second", {}, 25),
        ("score", {}, 0.25),
        ("smoothed_score", {}, 0.3),
        ("source_state", {"state": "retrying"}, 1),
        ("source_state", {"state": "live"}, 0),
        ("verdict_state", {"state": "reject"}, 1),
        ("verdict_state", {"state": "pass"}, 0),
        ("verdicts_total", {"state": "pass"}, 4),
        ("verdict_reasons_total", {"reason": "too_dark"}, 3),
        ("fault", {"fault": "too_dark"}, 1),
        ("fault", {"fault": "no_signal"}, 0),
        ("profile_info", {"profile": "night"}, 1),
        ("threshold", {"threshold": "score.reject"}, 0.4),
        ("recent_latency_seconds", {"stage": "total", "quantile": "0.99"}, 0.03),
        ("recent_latency_seconds", {"stage": "score", "quantile": "0.5"}, 0.008),
    ],
)
def test_a_camera_number(metrics: PrometheusMetrics, name: str, labels: dict[str, str], value: float) -> None:
    metrics.follow(lambda: STATUS)
    assert scrape(metrics)[f"dgiqa_edge_{name}", tuple(sorted({"camera": "front", **labels}.items()))] == value


def test_the_process_and_its_sinks(metrics: PrometheusMetrics) -> None:
    metrics.follow(lambda: STATUS)
    found = scrape(metrics)
    assert found["dgiqa_edge_uptime_seconds", ()] == 60
    assert found["dgiqa_edge_memory_bytes", ()] == 100 * 2**20
    for kind, value in (("offered", 10), ("delivered", 5), ("ignored", 1), ("missed", 3), ("failed", 1)):
        assert found[f"dgiqa_edge_sink_{kind}_events_total", (("sink", "web"),)] == value
    (build,) = [labels for name, labels in found if name == "dgiqa_edge_build_info"]
    assert dict(build)["precision"] == "int8"


def test_the_bundle_and_how_it_goes(metrics: PrometheusMetrics) -> None:
    running = RunningBundle(
        "ab12", "2026-01-31T12:00:00Z", on_trial=True, rollbacks=2, failed="cd34", reason="it failed"
    )
    metrics.follow(lambda: replace(STATUS, running=running))
    found = scrape(metrics)
    assert found["dgiqa_edge_bundle_info", (("hash", "ab12"), ("version", "2026-01-31T12:00:00Z"))] == 1
    assert found["dgiqa_edge_bundle_on_trial", ()] == 1
    assert found["dgiqa_edge_bundle_rollbacks_total", ()] == 2


def test_a_server_and_its_fallback(metrics: PrometheusMetrics) -> None:
    there = {"device": "triton://server:8001/nano", "answers": False}
    metrics.follow(lambda: replace(STATUS, engines=(there, {"scored_here": 7}, {"scored_here": 7})))
    found = scrape(metrics)
    assert found["dgiqa_edge_server_answers", (("server", "triton://server:8001/nano"),)] == 0
    assert found["dgiqa_edge_fallback_frames_total", ()] == 7


def test_what_is_not_known_yet_has_no_sample(metrics: PrometheusMetrics) -> None:
    metrics.follow(lambda: STATUS)
    names = {name for name, labels in scrape(metrics) if ("camera", 'od"d\nname') in labels}
    assert "dgiqa_edge_captured_frames_total" in names
    assert not names & {
        "dgiqa_edge_score",
        "dgiqa_edge_last_frame_timestamp_seconds",
        "dgiqa_edge_recent_latency_seconds",
    }


def test_no_address_of_a_camera_is_shown(metrics: PrometheusMetrics) -> None:
    metrics.follow(lambda: STATUS)
    assert "192.0.2.7" not in str(scrape(metrics))


def test_events_fill_the_histograms(metrics: PrometheusMetrics, scored: Scored, unscored: Scored) -> None:
    for index in range(3):
        metrics.put(scored(index))  # 12.5 ms, score 0.75
    metrics.put(unscored(Outcome.SKIPPED))
    found = scrape(metrics)
    assert found["dgiqa_edge_latency_seconds_count", FRONT] == 3
    assert found["dgiqa_edge_latency_seconds_bucket", (*FRONT, ("le", "0.01"))] == 0
    assert found["dgiqa_edge_latency_seconds_bucket", (*FRONT, ("le", "0.02"))] == 3
    assert found["dgiqa_edge_frame_score_bucket", (*FRONT, ("le", "0.7"))] == 0
    assert found["dgiqa_edge_frame_score_bucket", (*FRONT, ("le", "0.8"))] == 3
    metrics.close(5.0)
    metrics.put(scored(9))
    assert metrics.stats() == SinkStats(offered=5, delivered=3, ignored=1, missed=1, failed=0)


def test_a_port_in_use_is_said(metrics: PrometheusMetrics) -> None:
    with pytest.raises(SinkError, match="choose another port"):
        create({"type": "prometheus", "listen": str(metrics.address)}, "sinks.0")


def test_a_scraper_that_goes_away_leaves_no_trace(
    metrics: PrometheusMetrics, capfd: pytest.CaptureFixture[str], wait_for: Callable[..., Any]
) -> None:
    reset = b"\1\0\0\0\0\0\0\0"  # SO_LINGER: closing resets the connection
    address = metrics.address
    for sent in (b"GET /metr", b"GET /metrics HTTP/9.9\r\n\r\n", b"\x16\x03\x01", b"GET /metrics HTTP/1.1\r\n\r\n"):
        with socket.create_connection((address.host, address.port)) as visitor:
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            visitor.sendall(sent)
    assert scrape(metrics)
    time.sleep(0.3)
    assert "Traceback" not in capfd.readouterr().err


def test_a_lost_camera_is_a_number(metrics: PrometheusMetrics) -> None:
    front = replace(STATUS.cameras[0], lost=True, verdict=Verdict(State.UNKNOWN, "no signal"))
    metrics.follow(lambda: replace(STATUS, cameras=(front, STATUS.cameras[1])))
    found = scrape(metrics)
    assert found["dgiqa_edge_lost", (("camera", "front"),)] == 1
    assert found["dgiqa_edge_verdict_state", (("camera", "front"), ("state", "pass"))] == 0
    assert found["dgiqa_edge_verdict_state", (("camera", "front"), ("state", "unknown"))] == 1
    assert ("dgiqa_edge_score", (("camera", "front"),)) not in found
