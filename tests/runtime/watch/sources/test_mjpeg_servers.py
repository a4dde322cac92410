"""What HTTP cameras really answer: every way to send picture after picture, and answers that are none."""

import gzip
import re
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from places import SHARED
from stand_ins.http_camera import http, parts
from stand_ins.pictures import jpeg, numbers, read_all

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.watch.sources import Damaged, End, create_source
from dgiqa_edge.runtime.watch.sources.protocol import Surroundings

FAULTS = SHARED / "faults"


def source_of(address: str, timeout_s: float = 5.0) -> Any:
    return create_source(address, surroundings=Surroundings(timeout_s, timeout_s))


# The header, then the boundary as the stream has it, line end, and whether lengths are told.
FORMS = {
    "another boundary": ("multipart/x-mixed-replace; boundary=other", b"--frame", b"\r\n", True),
    "another boundary, no lengths": ("multipart/x-mixed-replace; boundary=other", b"--frame", b"\r\n", False),
    "no boundary in the header": ("multipart/x-mixed-replace", b"--frame", b"\r\n", False),
    "a quoted boundary": ('multipart/x-mixed-replace; boundary="my frame"', b"--my frame", b"\r\n", False),
    "dashes in the header": ("multipart/x-mixed-replace; boundary=--frame", b"--frame", b"\r\n", False),
    "dashes on top of dashes": ("multipart/x-mixed-replace; boundary=--frame", b"----frame", b"\r\n", False),
    "no dashes in the stream": ("multipart/x-mixed-replace; boundary=frame", b"frame", b"\r\n", False),
    "line feeds only": ("multipart/x-mixed-replace; boundary=frame", b"--frame", b"\n", False),
    "multipart/mixed, capitals": ("Multipart/Mixed; BOUNDARY=frame", b"--frame", b"\r\n", True),
}


@pytest.mark.parametrize("form", FORMS)
def test_parts_however_they_are_marked(serve: Any, three: list[bytes], form: str) -> None:
    kind, boundary, end, length = FORMS[form]
    server = serve(lambda *_: http(parts(three, boundary, end, length) + boundary + b"--" + end, kind))
    assert numbers(read_all(source_of(f"http://{server.host}/v"))) == [0, 1, 2]


@pytest.mark.parametrize(
    ("wrong", "found"), [(lambda size: size - 40, [1, 2]), (lambda size: 10, [1, 2]), (lambda size: 0, [1, 2])]
)
def test_lengths_that_are_too_short_cost_the_first_picture(
    serve: Any, three: list[bytes], wrong: Callable[[int], int], found: list[int]
) -> None:
    content = re.sub(rb"Length: (\d+)", lambda match: b"Length: %d" % wrong(int(match[1])), parts(three))
    server = serve(lambda *_: http(content + b"--frame--\r\n"))
    results = read_all(source_of(f"http://{server.host}/v"))
    assert numbers(results) == found
    assert isinstance(results[0], Damaged)


def test_lengths_that_are_far_too_long_cost_no_picture(serve: Any, three: list[bytes]) -> None:
    content = re.sub(rb"Length: (\d+)", b"Length: 30000000", parts(three))
    server = serve(lambda *_: http(content + b"--frame\r\n"), lambda connection: time.sleep(20))
    source = source_of(f"http://{server.host}/v", 3.0)
    source.open()
    assert numbers([source.read() for _ in range(3)]) == [0, 1, 2]
    source.close()


@pytest.mark.parametrize("packing", ["gzip", "x-gzip", "deflate"])
@pytest.mark.parametrize("chunked", [False, True])
def test_packed_and_chunked_answers(serve: Any, three: list[bytes], packing: str, chunked: bool) -> None:
    body = (zlib.compress if packing == "deflate" else gzip.compress)(parts(three) + b"--frame--\r\n")
    more = [f"Content-Encoding: {packing}"]
    if chunked:
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:7], body[7:500], body[500:], b""))
        more.append("Transfer-Encoding: chunked")
    server = serve(lambda *_: http(body, "multipart/x-mixed-replace; boundary=frame", "200 OK", *more))
    assert numbers(read_all(source_of(f"http://{server.host}/v"))) == [0, 1, 2]


def test_a_packing_that_is_not_read_is_named(serve: Any) -> None:
    server = serve(lambda *_: http(b"", "multipart/x-mixed-replace", "200 OK", "Content-Encoding: br"))
    with pytest.raises(SourceError, match="packed by br"):
        source_of(f"http://{server.host}/v").open()


@pytest.mark.parametrize("kind", ["image/jpeg", "video/x-motion-jpeg", "application/octet-stream", ""])
@pytest.mark.parametrize("between", [b"", b"\r\n", b"noise"])
def test_bare_pictures_one_after_the_other(serve: Any, three: list[bytes], kind: str, between: bytes) -> None:
    server = serve(lambda *_: http(between.join(three), kind))
    assert numbers(read_all(source_of(f"http://{server.host}/v"))) == [0, 1, 2]


def test_a_bare_picture_is_given_before_the_next_one_comes(serve: Any, three: list[bytes]) -> None:
    server = serve(lambda *_: http(three[0], "image/jpeg"), lambda connection: time.sleep(20))
    source = source_of(f"http://{server.host}/v")
    source.open()
    started = time.monotonic()
    assert numbers([source.read()]) == [0]
    assert time.monotonic() - started < 4
    source.close()


def test_bare_pictures_with_a_thumbnail_and_damage(serve: Any, three: list[bytes]) -> None:
    thumbnail = b"\xff\xe1" + (len(three[1]) + 2).to_bytes(2, "big") + three[1]
    content = three[0][:2] + thumbnail + three[0][2:] + three[1][:-60] + three[2]
    results = read_all(source_of(f"http://{serve(lambda *_: http(content, 'image/jpeg')).host}/v"))
    assert numbers(results) == [0, 2]
    assert any(isinstance(result, Damaged) for result in results)


def test_a_single_picture_is_named(serve: Any, three: list[bytes]) -> None:
    server = serve(lambda *_: http(three[0], "image/jpeg", "200 OK", f"Content-Length: {len(three[0])}"))
    with pytest.raises(SourceError, match=r"a single picture \(image/jpeg\)"):
        source_of(f"http://{server.host}/v").open()


def drip(connection: socket.socket) -> None:
    for _ in range(400):
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["multipart/x-mixed-replace; boundary=frame", "image/jpeg"])
def test_bytes_that_never_become_a_picture_end_by_the_time_limit(serve: Any, kind: str) -> None:
    source = source_of(f"http://{serve(lambda *_: http(b'', kind), drip).host}/v", 0.5)
    source.open()
    started = time.monotonic()
    assert isinstance(result := source.read(), End)
    assert "timed out" in result.reason or "in time" in result.reason
    assert time.monotonic() - started < 4
    source.close()


def test_an_open_that_waits_can_be_interrupted(serve: Any, wait_for: Any) -> None:
    server = serve(lambda *_: b"", lambda connection: time.sleep(20))
    source = source_of(f"http://{server.host}/v", 20.0)
    problems: list[str] = []

    def opened() -> None:
        try:
            source.open()
        except SourceError as error:
            problems.append(str(error))

    thread = threading.Thread(target=opened)
    thread.start()
    wait_for(lambda: server.requests)
    source.interrupt()
    thread.join(5.0)
    assert not thread.is_alive() and problems


USER, PASSWORD = "admin", 'p"ä\\s:s'


@pytest.mark.parametrize(
    ("scheme", "answer", "words"),
    [
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "no TLS is spoken on that port"),
        ("http", b"\x15\x03\x01\x00\x02\x02\x46", "does not answer in HTTP"),
        ("http", b"", "closed the connection|does not answer in HTTP"),
        ("http", b"HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden: check that this user may see the stream"),
        ("http", b"HTTP/1.1 404 Not Found\r\n\r\n", "404 Not Found: check the path"),
        ("http", b"HTTP/1.1 503 Busy\r\n\r\n", "503 Busy: look at the camera"),
    ],
)
def test_answers_that_are_none(scheme: str, answer: bytes, words: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def once() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    threading.Thread(target=once, daemon=True).start()
    with listener, pytest.raises(SourceError, match=words):
        source_of(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/v", 3.0).open()


@pytest.mark.skipif(not FAULTS.exists(), reason="no folder ../shared")
def test_the_reported_server_gives_frames(tmp_path: Path, wait_for: Any) -> None:
    file = tmp_path / "picture.jpg"
    file.write_bytes(jpeg(4))
    process = subprocess.Popen([sys.executable, str(FAULTS / "mjpeg_wrong_boundary_server.py"), str(file)])
    try:
        source = source_of("http://127.0.0.1:18077/")

        def opens() -> bool:
            try:
                source.open()
            except SourceError:
                return False
            return True

        wait_for(opens)
        assert numbers([source.read() for _ in range(3)]) == [4, 4, 4]
        source.close()
    finally:
        process.kill()
        process.wait()
