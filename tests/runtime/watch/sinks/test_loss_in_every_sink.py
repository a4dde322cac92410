"""Whatever a sink's consumer reads: it does not go on reading ``pass`` for a camera that is not scored any more.

One real watch loop over a source and an engine that fail on demand, with every type of sink of the registry at once. A
new type fails here until somebody says what its consumer reads.
"""

import json
import os
import shutil
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stand_ins import free_port
from stand_ins.mqtt_broker import PROGRAM, Broker

from dgiqa_edge.runtime.backoff import BackoffPolicy
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.settings.listen_address import ListenAddress
from dgiqa_edge.runtime.watch.assembly.parts import attach
from dgiqa_edge.runtime.watch.dashboard import Dashboard, DashboardSettings
from dgiqa_edge.runtime.watch.loop.capture import ConnectionSettings
from dgiqa_edge.runtime.watch.loop.intake import LineSettings
from dgiqa_edge.runtime.watch.loop.watch import Watch, WatchedCamera
from dgiqa_edge.runtime.watch.sinks import create, registry, v4l2_loopback
from dgiqa_edge.runtime.watch.sinks.shared_frames_reader import SharedFrames, SharedFramesError, ring_path
from dgiqa_edge.runtime.watch.sources.protocol import Damaged, End, Frame, Stall

POLICY = parse_policy(
    {
        "start": {"readings": 1, "score_max_age_s": 0.3},
        "dwell": {"pass_s": 0, "reject_s": 0, "cool_down_s": 0},
        "reason": {"settle_s": 0},
        "score": {"reject_below": 0.001, "accept_above": 0.002},
        "cues": {
            name: {"role": "off"} for name in ("occlusion", "luminance", "sharpness", "contrast", "noise", "haze")
        },
    }
)
QUICK = ConnectionSettings(1.0, 0.5, BackoffPolicy(first_s=0.05, longest_s=0.1))


class Tap:
    """A live source that is ``good``, ``gone``, ``damaged`` or ``stalled``, as it is told."""

    live, interval_s = True, 0.02

    def __init__(self) -> None:
        self.mode = "gone"
        self._picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)

    def open(self) -> None:
        if self.mode == "gone":
            raise SourceError("rtsp://user:secret-word@192.0.2.1/x does not answer")

    def read(self) -> Any:
        self._picture = np.roll(self._picture, 1, axis=1)
        choices = {"gone": End("lost"), "damaged": Damaged("cut off"), "stalled": Stall("nothing comes")}
        return choices.get(self.mode) or Frame(self._picture.copy())

    def close(self) -> None: ...

    def interrupt(self) -> None: ...

    def describe(self) -> dict[str, Any]:
        return {"family": "tap"}


# Per type: its section, and what its consumer reads now; None where this machine lacks what it needs. The consumer of a
# picture stream reads ``pass`` while frames come.
Consumer = tuple[dict[str, Any], Callable[[], str]]


def growing(path: Path) -> Callable[[], str]:
    """For a destination that is nothing but pictures."""

    def read() -> str:
        before = path.stat().st_size if path.exists() else 0
        time.sleep(0.1)
        return "pass" if path.exists() and path.stat().st_size > before else "unknown"

    return read


def json_lines(here: SimpleNamespace) -> Consumer:
    def read() -> str:
        lines = [json.loads(line) for line in (here.folder / "e.jsonl").read_text().splitlines()]
        return next((line["verdict"]["state"] for line in reversed(lines) if line["verdict"]), "unknown")

    return {"path": "e.jsonl"}, read


def directory(here: SimpleNamespace) -> Consumer:
    stale = here.folder / "frames" / "front" / "state.json"
    stale.parent.mkdir(parents=True)
    stale.write_text('{"verdict": {"state": "pass"}}')
    return {"path": "frames"}, lambda: json.loads(stale.read_text())["verdict"]["state"]


def evidence(here: SimpleNamespace) -> Consumer:
    def read() -> str:
        newest = max((here.folder / "proof").glob("*/2*"), key=lambda path: path.name, default=None)
        if newest is None:
            return "unknown"
        return json.loads((newest / "incident.json").read_text())["records"][-1]["verdict"]["state"]

    return {"path": "proof", "before_s": 0, "after_s": 0, "every_s": 0}, read


def gstreamer(here: SimpleNamespace) -> Consumer | None:
    if shutil.which("gst-launch-1.0") is None:
        return None
    file = here.folder / "video.raw"
    return {"camera": "front", "pipeline": f"filesink location={file} buffer-mode=2"}, growing(file)


def v4l2loopback(here: SimpleNamespace) -> Consumer:
    file = here.folder / "device"
    here.patch.setattr(v4l2_loopback, "_opened", lambda *_: os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT))
    return {"camera": "front", "device": "/dev/null"}, growing(file)


def shared_memory(here: SimpleNamespace) -> Consumer:
    ring = f"test-{uuid.uuid4().hex}"
    here.cleanups.append(lambda: ring_path(ring).unlink(missing_ok=True))

    def read() -> str:
        try:
            with SharedFrames(ring) as frames:
                newest = frames.newest()
        except SharedFramesError:
            return "unknown"
        return "unknown" if newest is None else newest.state

    return {"ring": ring}, read


def webhook(here: SimpleNamespace) -> Consumer:
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    here.cleanups.append(server.shutdown)
    return {
        "url": f"http://127.0.0.1:{server.server_port}/"
    }, lambda: bodies[-1]["verdict"]["state"] if bodies else "unknown"


def mqtt(here: SimpleNamespace) -> Consumer | None:
    if PROGRAM is None:
        return None
    from paho.mqtt import client as paho

    broker = Broker(here.folder)
    here.cleanups.append(broker.stop)
    payloads: dict[str, bytes] = {}
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_connect = lambda it, *_: it.subscribe("g/front/state", 1)
    client.on_message = lambda _c, _d, message: payloads.__setitem__(message.topic, message.payload)
    client.connect("127.0.0.1", broker.port)
    client.publish("g/front/state", b'{"verdict": {"state": "pass"}}', 1, True)  # left by an earlier run
    client.loop_start()
    here.cleanups.append(client.loop_stop)
    here.wait_for(lambda: payloads)
    section = {"host": "127.0.0.1", "port": broker.port, "topic": "g"}
    return section, lambda: json.loads(payloads["g/front/state"])["verdict"]["state"]


def prometheus(here: SimpleNamespace) -> Consumer:
    port = free_port()

    def read() -> str:
        page = fetched(f"http://127.0.0.1:{port}/metrics")
        return next(
            (state for state in ("pass", "reject", "unknown") if f'state="{state}"}} 1.0' in verdicts(page)), None
        )

    return {"listen": f"127.0.0.1:{port}"}, read


def verdicts(page: str) -> str:
    return "\n".join(line for line in page.splitlines() if line.startswith("dgiqa_edge_verdict_state"))


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def shown_by(dashboard: Dashboard) -> Callable[[], str]:
    def read() -> str:
        (camera,) = json.loads(fetched(f"{dashboard.url}api/status"))["status"]["cameras"]
        return camera["verdict"]["state"] if camera["verdict"] else "unknown"

    return read


CONSUMERS: dict[str, Callable[[SimpleNamespace], Consumer | None]] = {
    "json_lines": json_lines,
    "directory": directory,
    "evidence": evidence,
    "gstreamer": gstreamer,
    "v4l2loopback": v4l2loopback,
    "shared_memory": shared_memory,
    "webhook": webhook,
    "mqtt": mqtt,
    "prometheus": prometheus,
}
KEEP = ("json_lines", "directory", "evidence", "webhook", "mqtt")  # can still be read once the program has ended


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_for: Callable[..., Any]) -> Iterator[SimpleNamespace]:
    made = SimpleNamespace(folder=tmp_path, patch=monkeypatch, cleanups=[], wait_for=wait_for)
    yield made
    for cleanup in reversed(made.cleanups):
        cleanup()


def test_the_table_has_every_type() -> None:
    assert set(CONSUMERS) == set(registry.TYPES)


def test_nobody_reads_pass_while_nothing_is_scored(
    here: SimpleNamespace, bundle_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = SimpleNamespace(fails=False)
    real = Scorer.score

    def score(self: Scorer, *arguments: Any) -> Any:
        if engine.fails:
            raise ZeroDivisionError("an internal error")
        return real(self, *arguments)

    monkeypatch.setattr(Scorer, "score", score)
    consumers = {kind: made for kind, make in CONSUMERS.items() if (made := make(here)) is not None}
    readers = {kind: read for kind, (_, read) in consumers.items()}
    sinks = [
        create({"type": kind, **section}, "sinks.0", folder=here.folder) for kind, (section, _) in consumers.items()
    ]
    dashboard = Dashboard(DashboardSettings(listen=ListenAddress("127.0.0.1", 0)))
    readers["dashboard"] = shown_by(dashboard)

    def everybody_reads(wanted: str, when: str) -> None:
        until = time.monotonic() + 30
        while True:
            found = {kind: read() for kind, read in readers.items()}
            if found == dict.fromkeys(readers, wanted) or time.monotonic() > until:
                break
        assert found == dict.fromkeys(readers, wanted), when

    tap, stop = Tap(), threading.Event()
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as scorer:
        camera = WatchedCamera("front", lambda: tap, "tap", LineSettings(), QUICK, POLICY)
        watch = Watch([camera], scorer)
        attach(watch, [*sinks, dashboard])
        thread = threading.Thread(target=watch.run, args=(stop,))
        thread.start()
        try:
            everybody_reads("unknown", "a camera that never came up, after an earlier run")
            for mode in ("gone", "damaged", "stalled", "engine"):
                engine.fails, tap.mode = False, "good"
                everybody_reads("pass", f"before: {mode}")
                engine.fails, tap.mode = mode == "engine", "good" if mode == "engine" else mode
                everybody_reads("unknown", mode)
                everybody_reads("unknown", f"still: {mode}")
            engine.fails, tap.mode = False, "good"
            everybody_reads("pass", "at last")
        finally:
            stop.set()
            thread.join(60)
    readers = {kind: read for kind, read in readers.items() if kind in KEEP}
    everybody_reads("unknown", "the watch has ended")
