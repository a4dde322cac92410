"""Requests to a real HTTP server on loopback: what it answers decides, and secrets stay out of everything shown."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jsonschema
import pytest
from places import ROOT

from dgiqa_edge.runtime.backoff import BackoffPolicy
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.watch.event import FrameEvent
from dgiqa_edge.runtime.watch.sinks import create, webhook
from dgiqa_edge.runtime.watch.sinks.queued import QueuePolicy
from dgiqa_edge.runtime.watch.status import SinkStats

SCHEMA = json.loads((ROOT / "runtime" / "schemas" / "frame_event.schema.json").read_text())
SECRET = "hunter2-in-the-path"
Scored = Callable[..., FrameEvent]


class Server(ThreadingHTTPServer):
    """Answers by ``script``, then 200; ``None`` in it answers nothing until ``release`` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[int | None] = []
        self.release = threading.Event()
        self.bodies: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook/{SECRET}?key={SECRET}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        self.server.headers.append(dict(self.headers))
        self.server.paths.append(self.path)
        status = self.server.script.pop(0) if self.server.script else 200
        if status is None:
            self.server.release.wait()
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    policy = QueuePolicy(attempts=5, backoff=BackoffPolicy(first_s=0.0, longest_s=0.0))
    monkeypatch.setattr(webhook, "_POLICY", policy)
    running = Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield running
    running.release.set()
    running.shutdown()
    running.server_close()


def deliver(server: Server, event: FrameEvent, **options: object) -> SinkStats:
    sink = create({"type": "webhook", "url": server.url, **options}, "sinks.0")
    sink.put(event)
    stats = sink.close(60.0)
    assert SECRET not in json.dumps(sink.describe())
    assert SECRET not in (stats.last_error or "")
    return stats


def test_a_token_may_hold_any_character(server: Server, scored: Scored) -> None:
    sink = create({"type": "webhook", "url": server.url, "token": 'ü "漢\\ %41'}, "sinks.0")
    sink.put(scored(0, State.REJECT, changed=True))
    assert sink.close(30.0).delivered == 1
    assert server.headers[0]["Authorization"].encode("latin-1").decode() == 'Bearer ü "漢\\ %41'


def test_a_change_of_state_is_posted_as_a_record_of_the_schema(server: Server, scored: Scored) -> None:
    sink = create({"type": "webhook", "url": server.url, "token": "a token"}, "sinks.0")
    for index, changed in enumerate((True, False, False, True)):
        sink.put(scored(index, State.REJECT, changed=changed))
    stats = sink.close(30.0)
    assert (stats.delivered, stats.ignored) == (2, 2)
    assert [body["index"] for body in server.bodies] == [0, 3]
    for body in server.bodies:
        jsonschema.validate(body, SCHEMA)
    assert server.headers[0]["Authorization"] == "Bearer a token"
    assert server.headers[0]["Content-Type"] == "application/json"
    assert server.paths[0] == f"/hook/{SECRET}?key={SECRET}"
    assert "a token" not in json.dumps(sink.describe())


@pytest.mark.parametrize(
    ("script", "requests", "delivered"),
    [
        ([204], 1, True),
        ([500, 503, 429, 200], 4, True),
        ([500] * 5, 5, False),
        ([400], 1, False),
        ([401], 1, False),
        ([302], 1, False),
    ],
)
def test_what_the_server_answers_decides(
    server: Server, scored: Scored, script: list[int | None], requests: int, delivered: bool
) -> None:
    server.script = list(script)
    stats = deliver(server, scored(changed=True))
    assert len(server.bodies) == requests
    assert (stats.delivered, stats.failed) == (int(delivered), int(not delivered))


def test_a_server_that_does_not_answer_runs_into_the_time_out(server: Server, scored: Scored) -> None:
    server.script = [None, 200]
    stats = deliver(server, scored(changed=True), timeout_s=0.5)
    assert len(server.bodies) == 2
    assert stats.delivered == 1


def test_a_dead_server_is_counted(server: Server, scored: Scored) -> None:
    server.shutdown()
    server.server_close()
    stats = deliver(server, scored(changed=True), attempts=2)
    assert stats.failed == 1
    assert "cannot be reached" in (stats.last_error or "")


def test_secrets_come_from_a_file_or_the_environment(
    server: Server, scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    monkeypatch.setenv("HOOK_URL", server.url)
    section = {"type": "webhook", "url_env": "HOOK_URL", "token_file": "token", "changes_only": False}
    sink = create(section, "sinks.0", folder=tmp_path)
    sink.put(scored())
    assert sink.close(30.0).delivered == 1
    assert server.headers[0]["Authorization"] == "Bearer from-a-file"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "url is missing"),
        ({"url": "ftp://192.0.2.1/x"}, "no http"),
        ({"url": "http:///x"}, "no http"),
        ({"url": "http://192.0.2.1:99999/x"}, "no http"),
        ({"url": "http://joe:hunter2@192.0.2.1/"}, "as token"),
        ({"url": "http://192.0.2.1/", "token": "hunter2\nX-Evil: 1"}, "control character"),
        ({"url": "http://192.0.2.1/", "token": 12345678}, "give a text"),
        ({"url": "http://192.0.2.1/", "token_file": "absent"}, "cannot be read"),
        ({"url": "http://192.0.2.1/", "token_env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE"),
        ({"url": "http://192.0.2.1/", "token": "a", "token_env": "B"}, "keep one"),
        ({"url": "http://192.0.2.1/", "timeout_s": 0}, "timeout_s"),
        ({"url": "http://192.0.2.1/", "retries": 3}, "is not a setting"),
    ],
)
def test_a_wrong_setting_is_named_and_never_shows_a_secret(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        create({"type": "webhook", **options}, "sinks.0")
    assert "sinks.0" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "12345678" not in str(caught.value)
