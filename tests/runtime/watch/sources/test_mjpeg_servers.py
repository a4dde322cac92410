"""What HTTP cameras really answer: every way to ask for a login, to redirect, and to send picture after picture."""

import base64
import gzip
import hashlib
import re
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.watch.sources import Damaged, End, Frame, create_source
from dgiqa_edge.runtime.watch.sources.protocol import Surroundings

FAULTS = Path(__file__).resolve().parents[5] / "shared" / "faults"
Answer = Callable[[str, dict[str, str]], bytes]


class Server:
    """Answers each request with bytes, written as they are; then closes the connection, or goes on with ``then``."""

    def __init__(self, answer: Answer, then: Callable[[socket.socket], None] | None = None) -> None:
        self._answer, self._then = answer, then
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(4096)
            first, *lines = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            self.requests.append((first.split()[1], headers))
            try:
                connection.sendall(self._answer(first.split()[1], headers))
                if self._then is not None:
                    self._then(connection)
            except OSError:
                pass

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(answer: Answer, then: Callable[[socket.socket], None] | None = None) -> Server:
        started.append(Server(answer, then))
        return started[-1]

    yield start
    for server in started:
        server.close()


def http(
    body: bytes, kind: str = "multipart/x-mixed-replace; boundary=frame", status: str = "200 OK", *more: str
) -> bytes:
    lines = [f"HTTP/1.1 {status}", *([f"Content-Type: {kind}"] if kind else []), "Connection: close", *more]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def parts(pictures: list[bytes], boundary: bytes = b"--frame", end: bytes = b"\r\n", length: bool = True) -> bytes:
    content = b""
    for picture in pictures:
        head = [boundary, b"Content-Type: image/jpeg", *([b"Content-Length: %d" % len(picture)] if length else [])]
        content += end.join(head) + end * 2 + picture + end
    return content


def read(source: Any) -> list[Any]:
    source.open()
    results: list[Any] = []
    while not (results and isinstance(results[-1], End)):
        results.append(source.read())
    source.close()
    return results


def frames(results: list[Any]) -> list[int]:
    """The number that each picture shows."""
    return [round(float(result.image[0, 0, 0]) / 20) for result in results if isinstance(result, Frame)]


def source_of(address: str, timeout_s: float = 5.0) -> Any:
    return create_source(address, surroundings=Surroundings(timeout_s, timeout_s))


@pytest.fixture
def three(make_jpeg: Callable[[int], bytes]) -> list[bytes]:
    return [make_jpeg(number) for number in range(3)]


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
    assert frames(read(source_of(f"http://{server.host}/v"))) == [0, 1, 2]


@pytest.mark.parametrize(
    ("wrong", "found"), [(lambda size: size - 40, [1, 2]), (lambda size: 10, [1, 2]), (lambda size: 0, [1, 2])]
)
def test_lengths_that_are_too_short_cost_the_first_picture(
    serve: Any, three: list[bytes], wrong: Callable[[int], int], found: list[int]
) -> None:
    content = re.sub(rb"Length: (\d+)", lambda match: b"Length: %d" % wrong(int(match[1])), parts(three))
    server = serve(lambda *_: http(content + b"--frame--\r\n"))
    results = read(source_of(f"http://{server.host}/v"))
    assert frames(results) == found
    assert isinstance(results[0], Damaged)


def test_lengths_that_are_far_too_long_cost_no_picture(serve: Any, three: list[bytes]) -> None:
    content = re.sub(rb"Length: (\d+)", b"Length: 30000000", parts(three))
    server = serve(lambda *_: http(content + b"--frame\r\n"), lambda connection: time.sleep(20))
    source = source_of(f"http://{server.host}/v", 3.0)
    source.open()
    assert frames([source.read() for _ in range(3)]) == [0, 1, 2]
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
    assert frames(read(source_of(f"http://{server.host}/v"))) == [0, 1, 2]


def test_a_packing_that_is_not_read_is_named(serve: Any) -> None:
    server = serve(lambda *_: http(b"", "multipart/x-mixed-replace", "200 OK", "Content-Encoding: br"))
    with pytest.raises(SourceError, match="packed by br"):
        source_of(f"http://{server.host}/v").open()


@pytest.mark.parametrize("kind", ["image/jpeg", "video/x-motion-jpeg", "application/octet-stream", ""])
@pytest.mark.parametrize("between", [b"", b"\r\n", b"noise"])
def test_bare_pictures_one_after_the_other(serve: Any, three: list[bytes], kind: str, between: bytes) -> None:
    server = serve(lambda *_: http(between.join(three), kind))
    assert frames(read(source_of(f"http://{server.host}/v"))) == [0, 1, 2]


def test_a_bare_picture_is_given_before_the_next_one_comes(serve: Any, three: list[bytes]) -> None:
    server = serve(lambda *_: http(three[0], "image/jpeg"), lambda connection: time.sleep(20))
    source = source_of(f"http://{server.host}/v")
    source.open()
    started = time.monotonic()
    assert frames([source.read()]) == [0]
    assert time.monotonic() - started < 4
    source.close()


def test_bare_pictures_with_a_thumbnail_and_damage(serve: Any, three: list[bytes]) -> None:
    thumbnail = b"\xff\xe1" + (len(three[1]) + 2).to_bytes(2, "big") + three[1]
    content = three[0][:2] + thumbnail + three[0][2:] + three[1][:-60] + three[2]
    results = read(source_of(f"http://{serve(lambda *_: http(content, 'image/jpeg')).host}/v"))
    assert frames(results) == [0, 2]
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


def test_an_open_that_waits_can_be_interrupted(serve: Any, within: Any) -> None:
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
    within(lambda: server.requests)
    source.interrupt()
    thread.join(5.0)
    assert not thread.is_alive() and problems


USER, PASSWORD = "admin", 'p"ä\\s:s'


def digest_is_right(header: str, hash_name: str, target: str, charset: str) -> bool:
    """By RFC 7616's formulas, with what the client sent."""
    fields = dict(re.findall(r'(\w+)="?((?:[^",\\]|\\.)*)"?', header))
    hashed = lambda content: hashlib.new(hash_name, content).hexdigest().encode()  # noqa: E731
    first = hashed(f"{USER}:cam:{PASSWORD}".encode(charset))
    tail = f"{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}".encode()
    response = hashed(first + b":" + tail + b":" + hashed(f"GET:{target}".encode()))
    return fields["username"] == USER and fields["uri"] == target and fields["response"] == response.decode()


DIGEST = 'Digest realm="cam", nonce="n1", qop="auth", algorithm={}'
OFFERS = {
    "SHA-256 before MD5": ([DIGEST.format("SHA-256"), DIGEST.format("MD5")], "sha256", "utf-8"),
    "MD5 before SHA-256, one header": ([f"{DIGEST.format('MD5')}, {DIGEST.format('SHA-256')}"], "sha256", "utf-8"),
    "Bearer before basic": (['Bearer realm="x"', 'Basic realm="cam"'], "basic", "utf-8"),
    "Bearer and basic in one": (['Bearer realm="x", Basic realm="cam"'], "basic", "utf-8"),
    "Negotiate before digest": (["Negotiate", DIGEST.format("MD5")], "md5", "utf-8"),
    "basic before digest": (['Basic realm="cam"', DIGEST.format("MD5")], "md5", "utf-8"),
    "basic in Latin-1": (['Basic realm="cam"'], "basic", "latin-1"),
    "digest in Latin-1": ([DIGEST.format("MD5")], "md5", "latin-1"),
}


@pytest.mark.parametrize("offer", OFFERS)
def test_every_offer_of_a_login(serve: Any, three: list[bytes], offer: str) -> None:
    from urllib.parse import quote

    headers, method, charset = OFFERS[offer]

    def answer(target: str, sent: dict[str, str]) -> bytes:
        told = sent.get("authorization", "")
        if method == "basic":
            right = told == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode(charset)).decode()
        else:
            right = told.startswith("Digest ") and digest_is_right(told, method, target, charset)
        if right:
            return http(parts(three))
        return http(b"", "", "401 Unauthorized", *(f"WWW-Authenticate: {header}" for header in headers))

    server = serve(answer)
    source = source_of(f"http://{USER}:{quote(PASSWORD, safe='')}@{server.host}/vidéo?ä=1&channel=2")
    assert frames(read(source)) == [0, 1, 2]
    assert server.requests[0][0] == "/vid%C3%A9o?%C3%A4=1&channel=2"
    assert "authorization" not in server.requests[0][1]


def test_a_new_nonce_is_answered_and_a_wrong_password_is_tried_once(serve: Any, three: list[bytes]) -> None:
    offers = iter([DIGEST.format("MD5"), DIGEST.format("MD5").replace("n1", "n2") + ", stale=true"])
    server = serve(
        lambda _, sent: (
            http(parts(three))
            if 'nonce="n2"' in sent.get("authorization", "")
            else http(b"", "", "401 Unauthorized", f"WWW-Authenticate: {next(offers)}")
        )
    )
    assert frames(read(source_of(f"http://u:p@{server.host}/v"))) == [0, 1, 2]
    wrong = serve(lambda *_: http(b"", "", "401 Unauthorized", f"WWW-Authenticate: {DIGEST.format('MD5')}"))
    with pytest.raises(SourceError, match=r"401 Unauthorized to a login by digest \(md5\): check user and password"):
        source_of(f"http://u:p@{wrong.host}/v").open()
    assert len(wrong.requests) == 2


@pytest.mark.parametrize(
    ("login", "headers", "words"),
    [
        ("u:p@", ['Bearer realm="x"'], "asks for a login by bearer; known here are digest and basic"),
        ("u:p@", [], "by no scheme that it names"),
        ("u:p@", [DIGEST.format("SHA-3")], r"digest \(sha3\); known here"),
        ("", ['Basic realm="x"'], "asks for a login by basic: write user:password@"),
    ],
)
def test_a_login_that_cannot_be_is_named(serve: Any, login: str, headers: list[str], words: str) -> None:
    server = serve(lambda *_: http(b"", "", "401 No", *(f"WWW-Authenticate: {header}" for header in headers)))
    with pytest.raises(SourceError, match=words):
        source_of(f"http://{login}{server.host}/v").open()


def test_a_redirect_on_the_same_host_that_asks_for_a_login_gets_it(serve: Any, three: list[bytes]) -> None:
    def answer(target: str, sent: dict[str, str]) -> bytes:
        if target == "/v":
            return http(b"", "", "302 Found", "Location: ../li\xc3\xa9/stream?x=1")
        if "authorization" in sent:
            return http(parts(three))
        return http(b"", "", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"')

    server = serve(answer)
    assert frames(read(source_of(f"http://u:p@{server.host}/v"))) == [0, 1, 2]
    assert [target for target, _ in server.requests] == ["/v", "/li%C3%A9/stream?x=1", "/li%C3%A9/stream?x=1"]


def test_a_redirect_to_another_host_never_gets_the_login(serve: Any, three: list[bytes]) -> None:
    other = serve(lambda *_: http(b"", "", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'))
    place = other.host.replace("127.0.0.1", "localhost")
    server = serve(lambda *_: http(b"", "", "301 Moved", f"Location: http://x:secret@{place}/live?token=secret"))
    with pytest.raises(SourceError, match=rf"redirects to http://{place}/live.*are sent to no other host") as caught:
        source_of(f"http://u:p@{server.host}/v").open()
    assert "secret" not in str(caught.value)
    assert all("authorization" not in headers for _, headers in other.requests)


@pytest.mark.parametrize(
    ("location", "words"),
    [("ftp://h/x", "no http:// or https:// address"), ("http://[::", "no http"), ("/v", "more than 5 redirects")],
)
def test_redirects_that_lead_nowhere(serve: Any, location: str, words: str) -> None:
    server = serve(lambda *_: http(b"", "", "302 Found", f"Location: {location}"))
    with pytest.raises(SourceError, match=words):
        source_of(f"http://u:p@{server.host}/v").open()


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
def test_the_reported_server_gives_frames(make_jpeg: Any, tmp_path: Path, within: Any) -> None:
    file = tmp_path / "picture.jpg"
    file.write_bytes(make_jpeg(4))
    process = subprocess.Popen([sys.executable, str(FAULTS / "mjpeg_wrong_boundary_server.py"), str(file)])
    try:
        source = source_of("http://127.0.0.1:18077/")

        def opens() -> bool:
            try:
                source.open()
            except SourceError:
                return False
            return True

        within(opens)
        assert frames([source.read() for _ in range(3)]) == [4, 4, 4]
        source.close()
    finally:
        process.kill()
        process.wait()
