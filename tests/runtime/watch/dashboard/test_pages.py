"""The dashboard over real HTTP on loopback: what it answers, to whom, and with which headers."""

import http.client
import json
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.gate.policy import CHECKS
from dgiqa_edge.runtime.gate.reading import Cues
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.gate.vocabulary import CONDITIONS, FAULTS
from dgiqa_edge.runtime.settings.listen_address import ListenAddress
from dgiqa_edge.runtime.watch.dashboard import Dashboard, DashboardSettings, pages
from dgiqa_edge.runtime.watch.dashboard.guard import COOKIE
from dgiqa_edge.runtime.watch.dashboard.memory import pictures
from dgiqa_edge.runtime.watch.dashboard.pages import STATIC
from dgiqa_edge.runtime.watch.event import FrameEvent
from dgiqa_edge.runtime.watch.sinks.registry import FollowsStatus

TOKEN = "a-token-of-enough-length"
Scored = Callable[..., FrameEvent]
Start = Callable[..., Dashboard]


class Answer:
    def __init__(self, response: http.client.HTTPResponse, body: bytes) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = body


def ask(dashboard: Dashboard, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
    host, port = dashboard.url.removeprefix("http://").rstrip("/").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    answer = Answer(response, response.read())
    connection.close()
    return answer


def parts(answer: Answer) -> tuple[Any, bytes]:
    """The line of JSON, and the bytes that it is about."""
    head, _, rest = answer.body.partition(b"\n")
    return json.loads(head), rest


def decoded(jpeg: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def messages(dashboard: Dashboard, most: int) -> list[tuple[str, Any]]:
    """The first messages of the event stream."""
    host, port = dashboard.url.removeprefix("http://").rstrip("/").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("GET", "/api/stream")
    response = connection.getresponse()
    assert response.headers["Content-Type"].startswith("text/event-stream")
    found: list[tuple[str, Any]] = []
    kind = ""
    while len(found) < most:
        line = response.readline().decode().rstrip("\n")
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            found.append((kind, json.loads(line.removeprefix("data: "))))
    connection.close()
    return found


def feed(dashboard: Dashboard, wait_for: Callable[..., Any], *events: FrameEvent) -> None:
    """Put events one by one, so that none of them is dropped."""
    for event in events:
        dashboard.put(event)
        wait_for(lambda: dashboard.stats().delivered == dashboard.stats().offered)


def test_the_page_and_each_of_its_files_are_served_by_us(start: Start) -> None:
    dashboard = start()
    assert isinstance(dashboard, FollowsStatus)
    page = ask(dashboard, "/")
    assert page.status == 200
    for file in STATIC.iterdir():
        if file.suffix != ".html":
            assert ask(dashboard, f"/static/{file.name}").body == file.read_bytes()
            assert file.suffix in {".txt", ".png"} or file.name in everything_named_by_the_pages()


def everything_named_by_the_pages() -> str:
    return "".join(file.read_text() for file in STATIC.iterdir() if file.suffix in {".html", ".js", ".css"})


def test_the_chart_library_comes_with_its_licence_and_version() -> None:
    licence = (STATIC / "uPlot.LICENSE.txt").read_text()
    assert "uPlot 1.6.32" in licence
    assert "Permission is hereby granted, free of charge" in licence
    assert "(v1.6.32)" in (STATIC / "uPlot.iife.min.js").read_text()[:200]


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/status", "/api/view?camera=x", "/nowhere", "/sign-in"])
def test_every_answer_forbids_foreign_content(start: Start, path: str) -> None:
    headers = ask(start(), path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    for rule, sources in policy.items():
        assert set(sources.split()) <= {"'self'", "'none'", "blob:"}, rule
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_stream_brings_all_there_is_and_then_what_is_new(
    start: Start, scored: Scored, wait_for: Callable[..., Any], make_feeder: Callable[..., Any]
) -> None:
    dashboard, feeder = start(), make_feeder(size=(64, 36))
    dashboard.follow(feeder.status)
    feed(dashboard, wait_for, scored(0, changed=True), scored(1), scored(2, State.REJECT, changed=True))
    (hello, said), (news, first) = messages(dashboard, 2)
    assert (hello, news) == ("hello", "news")
    assert [fault["name"] for fault in said["faults"]] == list(FAULTS)
    assert said["conditions"] == dict(CONDITIONS)
    assert set(said["checks"]) == set(CHECKS)
    assert (said["truths"][0], said["labels"], said["gallery"]) == ("good", False, 24)
    assert first["process"]["preset"] == "nano"
    assert [row["camera"] for row in first["cameras"]] == ["front", "rear"]
    assert first["log"] == {}  # what happened before the page was opened is no news
    feed(dashboard, wait_for, scored(3, State.PASS, changed=True))
    front = json.loads(ask(dashboard, "/api/camera?camera=front&points=0").body)
    assert front["status"]["camera"] == "front"
    assert [point[1:] for point in front["points"]] == [
        [0.75, 0.75, 0.7, 0.4, 0.5, "pass"],
        [0.75, 0.75, 0.7, 0.4, 0.5, "pass"],
        [0.75, 0.75, 0.7, 0.4, 0.5, "reject"],
        [0.75, 0.75, 0.7, 0.4, 0.5, "pass"],
    ]
    assert [(reject["number"], reject["verdict"]["reason"]) for reject in front["rejects"]] == [(1, "too dark")]
    assert [entry["verdict"]["state"] for entry in front["log"]] == ["pass", "reject", "pass"]
    newest = int(front["points"][-1][0])
    again = json.loads(ask(dashboard, f"/api/camera?camera=front&points={newest}&rejects=1&log=3").body)
    assert (again["points"], again["rejects"], again["log"]) == (front["points"][-1:], [], [])
    wait_for(lambda: dashboard.describe()["watchers"] == 0)  # the stream above was left


def test_the_stream_brings_what_happens_to_any_camera(
    start: Start, scored: Scored, wait_for: Callable[..., Any]
) -> None:
    dashboard = start()
    feed(dashboard, wait_for, scored(0, changed=True))
    heard: list[tuple[str, Any]] = []
    listening = threading.Thread(target=lambda: heard.extend(messages(dashboard, 6)))
    listening.start()
    wait_for(lambda: dashboard.describe()["watchers"] == 1)
    feed(dashboard, wait_for, scored(1, State.REJECT, changed=True), scored(0, camera="rear", changed=True))
    listening.join()
    told = [(camera, it["index"]) for _, said in heard[1:] for camera, log in said["log"].items() for it in log]
    assert sorted(told) == [("front", 1), ("rear", 0)]


def test_more_pages_than_allowed_are_refused(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_WATCHERS", 0)
    answer = ask(start(), "/api/stream")
    assert answer.status == 503
    assert b"close one" in answer.body


def test_pictures_are_encoded_only_when_somebody_asks_and_once_for_all(
    start: Start, scored: Scored, wait_for: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = Mock(wraps=pictures.encode_jpeg)
    monkeypatch.setattr(pictures, "encode_jpeg", encode)
    dashboard = start()
    feed(dashboard, wait_for, *(scored(index) for index in range(20)))
    assert encode.call_count == 0
    first, second = (ask(dashboard, "/api/view?camera=front&depth=1") for _ in range(2))
    assert encode.call_count == 2
    assert first.body == second.body
    head, jpegs = parts(first)
    assert head["record"]["index"] == 19
    frame, depth = (decoded(it) for it in (jpegs[: head["bytes"]], jpegs[head["bytes"] :]))
    assert frame.shape == (48, 64, 3)
    assert abs(float(frame.mean()) - 19) < 2
    assert depth.shape == frame.shape
    assert head["depth_size"] == [32, 24]
    assert len(parts(ask(dashboard, "/api/view?camera=front"))[1]) == head["bytes"]
    assert ask(dashboard, "/api/view?camera=front&known=19").status == 204
    assert encode.call_count == 2


def test_the_picture_comes_with_what_was_measured_of_it(
    start: Start, scored: Scored, wait_for: Callable[..., Any]
) -> None:
    dashboard = start()
    feed(dashboard, wait_for, scored(0, cues=Cues(luminance=12.3456789, noise=1.0), faults={"dark": 0.25}))
    record = parts(ask(dashboard, "/api/view?camera=front"))[0]["record"]
    assert record["cues"] == {"luminance": 12.346, "noise": 1.0}
    assert record["faults"] == {"dark": 0.25}


def test_the_wall_gets_all_thumbnails_in_one_answer_and_only_new_ones(
    start: Start, scored: Scored, wait_for: Callable[..., Any]
) -> None:
    dashboard = start()
    feed(dashboard, wait_for, scored(30), scored(60, camera="rear", size=(720, 1280)))
    asked = "/api/thumbnails?camera=front&index=&camera=rear&index=7&camera=absent&index=x"
    heads, pictures = parts(ask(dashboard, asked))
    assert [(head["camera"], head["index"]) for head in heads] == [("front", 30), ("rear", 60)]
    front, rear = pictures[: heads[0]["bytes"]], pictures[heads[0]["bytes"] :]
    assert len(rear) == heads[1]["bytes"]
    assert decoded(front).shape == (48, 64, 3)
    assert decoded(rear).shape == (180, 320, 3)
    assert abs(float(decoded(rear).mean()) - 60) < 2
    again = "/api/thumbnails?camera=front&index=30&camera=rear&index=60"
    assert parts(ask(dashboard, again)) == ([], b"")
    assert parts(ask(dashboard, "/api/thumbnails")) == ([], b"")


def test_a_large_frame_is_sent_smaller_and_a_reject_smaller_still(
    start: Start, scored: Scored, wait_for: Callable[..., Any]
) -> None:
    dashboard = start()
    feed(dashboard, wait_for, scored(0, State.REJECT, size=(1440, 2560)))
    assert decoded(parts(ask(dashboard, "/api/view?camera=front"))[1]).shape == (720, 1280, 3)
    answer = ask(dashboard, "/api/reject.jpg?camera=front&number=1")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert decoded(answer.body).shape == (270, 480, 3)


@pytest.mark.parametrize(
    "path",
    [
        "/api/view?camera=absent",
        "/api/view",
        "/api/camera?camera=absent",
        "/api/view?camera=%00",
        "/api/reject.jpg?camera=front&number=99",
        "/api/reject.jpg?camera=front&number=-1",
        "/api/reject.jpg?camera=front&number=%D9%A1",
        "/static/../pages.py",
        "/static/%2e%2e/pages.py",
        "/docs",
    ],
)
def test_what_is_not_there_is_404(start: Start, scored: Scored, wait_for: Callable[..., Any], path: str) -> None:
    dashboard = start()
    feed(dashboard, wait_for, scored(0))
    assert ask(dashboard, path).status == 404


def test_a_token_is_asked_of_everybody(start: Start, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    with caplog.at_level(logging.DEBUG):
        dashboard = start(token=TOKEN)
        assert ask(dashboard, "/").headers["Location"] == "/sign-in"
        assert ask(dashboard, "/sign-in").status == 200
        for path in ("/api/status", "/api/stream", "/api/view?camera=x", f"/api/status?token={TOKEN}", "/nowhere"):
            assert ask(dashboard, path).status == 401
        assert ask(dashboard, "/api/status", Authorization=f"Bearer {TOKEN}").status == 200
        for wrong in (f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer", "Bearer ", "Bearer \xfc"):
            assert ask(dashboard, "/api/status", Authorization=wrong).status == 401
        for wrong in ("", "wrong", "x" * 5000, "\u00fc"):
            refused = ask(dashboard, "/sign-in", "POST", wrong)
            assert refused.status in (401, 413)
            assert "Set-Cookie" not in refused.headers
        answer = ask(dashboard, "/sign-in", "POST", TOKEN)
        cookie = answer.headers["Set-Cookie"]
        assert answer.status == 200
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        session = cookie.partition(";")[0]
        assert ask(dashboard, "/api/status", Cookie=f"other=1; {session}").status == 200
        assert ask(dashboard, "/", Cookie=session).status == 200
        assert ask(dashboard, "/api/status", Cookie=f"{COOKIE}={TOKEN}").status == 401
        assert ask(dashboard, "/api/status", Cookie="a=;=;\x01").status == 401
    seen = caplog.text + "".join(capfd.readouterr()) + json.dumps(dashboard.describe()) + dashboard.url
    assert TOKEN not in seen
    assert TOKEN not in repr(DashboardSettings(token=TOKEN))


def test_a_session_outlives_a_restart_and_ends_with_another_token(start: Start) -> None:
    session = ask(start(token=TOKEN), "/sign-in", "POST", TOKEN).headers["Set-Cookie"].partition(";")[0]
    assert ask(start(token=TOKEN), "/api/status", Cookie=session).status == 200
    assert ask(start(token=TOKEN[::-1]), "/api/status", Cookie=session).status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200),
        ("127.0.0.1", 200),
        ("[::1]:9", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
    ],
)
def test_without_a_token_only_loopback_names_are_answered(start: Start, host: str, status: int) -> None:
    assert ask(start(), "/api/status", Host=host).status == status


def test_a_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = ListenAddress("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(MachineError, match="choose another address or port"):
            Dashboard(DashboardSettings(listen=listen))


def test_closing_ends_open_streams_and_counts(start: Start, scored: Scored, wait_for: Callable[..., Any]) -> None:
    dashboard = start()
    host, port = dashboard.url.removeprefix("http://").rstrip("/").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("GET", "/api/stream")
    response = connection.getresponse()
    feed(dashboard, wait_for, scored(0))
    wait_for(lambda: dashboard.describe()["watchers"] == 1)
    stats = dashboard.close(5.0)
    assert (stats.offered, stats.delivered) == (1, 1)
    assert b"event: bye" in response.read()
    connection.close()
    assert not dashboard._server._thread.is_alive()


HOST = b"Host: localhost\r\n"
POST = b"POST /sign-in HTTP/1.1\r\n" + HOST
RUDE = {
    "a form cut off": (POST + b"Content-Length: 100\r\n\r\nabc", None),
    "chunks cut off": (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", None),
    "a chunk that is none": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "a body without end": (POST + b"Content-Length: 10000000\r\n\r\n" + b"x" * 100_000, 413),
    "a body that is no text": (POST + b"Content-Length: 4\r\n\r\n\xff\xfe\xe9\x00", 401),
    "another type": (POST + b"Content-Type: multipart/form-data\r\nContent-Length: 4\r\n\r\nabcd", 401),
    "another method": (b"PUT /sign-in HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n", 405),
    "a number without end": (
        b"GET /api/reject.jpg?camera=front&number=" + b"9" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        404,
    ),
    "a path with a NUL": (b"GET /static/%00 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "a path that is no UTF-8": (b"GET /static/%e9%ff HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "bytes in the address": (b"GET /\xe9 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "a host that is no name": (b"GET / HTTP/1.1\r\nHost: ev\xe9l\r\n\r\n", 421),
    "a TLS greeting": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a cookie that is none": (b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: dgiqa_edge_session=\xe9;;=\r\n\r\n", 200),
    "a web socket": (b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
    "the head of the stream": (b"HEAD /api/stream HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "the stream": (b"GET /api/stream HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "a picture": (b"GET /api/view?camera=front HTTP/1.1\r\n" + HOST + b"\r\n", 200),
}
RESET = b"\1\0\0\0\0\0\0\0"  # SO_LINGER: closing resets the connection


@pytest.mark.parametrize(("sent", "status"), RUDE.values(), ids=RUDE)
def test_whatever_a_visitor_sends_and_however_he_leaves_the_log_stays_silent(
    start: Start,
    scored: Scored,
    wait_for: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    sent: bytes,
    status: int | None,
) -> None:
    dashboard = start()
    feed(dashboard, wait_for, scored(0))
    host, port = dashboard.url.removeprefix("http://").rstrip("/").split(":")
    for leaves_rudely in (False, True):
        with socket.create_connection((host, int(port)), timeout=20) as visitor:
            visitor.sendall(sent)
            if leaves_rudely:
                visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            elif status is not None:
                assert visitor.recv(100).startswith(f"HTTP/1.1 {status} ".encode())
    wait_for(lambda: dashboard.describe()["watchers"] == 0)
    assert ask(dashboard, "/api/status").status == 200
    dashboard.close(5.0)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
