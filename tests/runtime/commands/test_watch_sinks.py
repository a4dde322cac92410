"""The real watch loop with real sinks, one of them dead: nothing stalls, and every event is accounted for."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stand_ins import free_port

FRAMES = 150
CONFIG = """\
bundle = "{bundle}"
[engine]
threads = 1
[gate]
start = {{ readings = 1 }}
score = {{ reject_below = 0.01, accept_above = 0.02 }}
[[cameras]]
name = "front"
source = "test://?script=clean:{frames}&fps=0&size=64x48"
frames = "every"
[[cameras]]
name = "rear"
source = "test://?script=clean:50,damaged:10,clean:{rest}&fps=30&size=96x64"
[[sinks]]
type = "json_lines"
path = "events.jsonl"
queue = 10000
[[sinks]]
type = "webhook"
name = "dead"
url = "http://127.0.0.1:{dead}/"
timeout_s = 300
queue = 3
changes_only = false
[[sinks]]
type = "shared_memory"
ring = "{ring}"
[[sinks]]
type = "prometheus"
listen = "127.0.0.1:{metrics}"
[dashboard]
listen = "127.0.0.1:{page}"
"""


def get(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, OSError):
        return None


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="this system has no /dev/shm")
def test_a_dead_sink_stalls_nothing_and_every_sink_accounts_for_every_frame(
    tmp_path: Path, bundle_dir: Path, cache_home: Path, wait_for: Callable[..., Any]
) -> None:
    """The webhook's server accepts connections and never answers: its first request outlasts the whole run."""
    page, metrics = free_port(), free_port()
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        config = tmp_path / "watch.toml"
        settings = {"dead": silent.getsockname()[1], "ring": f"test-{uuid.uuid4().hex}", "page": page}
        rest = FRAMES - 60
        config.write_text(CONFIG.format(bundle=bundle_dir, frames=FRAMES, rest=rest, metrics=metrics, **settings))
        watch = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "dgiqa_edge.runtime.commands.cli",
                "watch",
                str(config),
                "--json",
                str(tmp_path / "end.json"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(cache_home)},
        )
        try:
            shown = json.loads(wait_for(lambda: get(f"http://127.0.0.1:{page}/api/status"), 120))["status"]
            scraped = get(f"http://127.0.0.1:{metrics}/metrics")
            _, errors = watch.communicate()
        finally:
            watch.kill()
    assert watch.returncode == 0, errors
    if shown is not None:  # the page may be asked before the loop has started
        assert [camera["camera"] for camera in shown["cameras"]] == ["front", "rear"]
    if scraped is not None:
        assert 'dgiqa_edge_captured_frames_total{camera="front"}' in scraped

    end = json.loads((tmp_path / "end.json").read_text())
    front, rear = end["cameras"]
    assert (front["captured"], front["scored"]) == (FRAMES, FRAMES)
    assert rear["captured"] == FRAMES == rear["scored"] + rear["skipped"] + rear["failed"]
    assert rear["failed"] >= 10
    assert set(end["sinks"]) == {"json_lines", "dead", "shared_memory", "prometheus", "dashboard"}
    # Each camera starts and ends; the script of neither loses its connection.
    presences = 2 * 2
    for name, stats in end["sinks"].items():
        again = stats["offered"] - 2 * FRAMES - presences  # states that were missed at first
        assert 0 <= again <= min(stats["missed"] + stats["failed"], stats["delivered"]), name
        assert stats["offered"] == sum(stats[kind] for kind in ("delivered", "ignored", "missed", "failed")), name
    scored = front["scored"] + rear["scored"]
    assert end["sinks"]["dead"]["delivered"] == 0
    assert end["sinks"]["dead"]["missed"] == scored + presences
    assert end["sinks"]["prometheus"]["delivered"] == scored
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert len(lines) == end["sinks"]["json_lines"]["delivered"] == 2 * FRAMES + presences
    for camera in (front, rear):
        mine = [line for line in lines if line["camera"] == camera["camera"]]
        assert [line["outcome"] for line in mine if line["index"] is None] == ["starting", "ended"]
        mine = [line for line in mine if line["index"] is not None]
        assert sorted(line["index"] for line in mine) == list(range(FRAMES))
        in_order = [line["index"] for line in mine if line["outcome"] == "scored"]
        assert in_order == sorted(in_order)
        for outcome in ("scored", "skipped", "failed"):
            assert sum(line["outcome"] == outcome for line in mine) == camera[outcome]
