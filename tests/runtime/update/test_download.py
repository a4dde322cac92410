"""From a real HTTP server on loopback: one that breaks off, forgets, changes its mind, redirects, or refuses."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, MachineError, UpdateError
from dgiqa_edge.runtime.update.download import address_of, fetch

CONTENT = bytes(range(256)) * 4000


class Server(http.server.ThreadingHTTPServer):
    """Plays ``script``: what to do with each request, the last for all further ones. ``seen`` has their headers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[str] = ["whole"]
        self.seen: list[dict[str, str]] = []
        self.etag = '"one"'
        self.content = CONTENT
        self.to = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/bundle.tar"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append(dict(self.headers))
        script = self.server.script
        step = script.pop(0) if len(script) > 1 else script[0]
        if step.isdecimal():
            self.send_error(int(step))
            return
        if step == "redirect":
            self.send_response(302)
            self.send_header("Location", self.server.to)
            self.end_headers()
            return
        if self.headers.get("If-None-Match") == self.server.etag:
            self.send_response(304)
            self.end_headers()
            return
        content, start = self.server.content, 0
        asked = self.headers.get("Range", "")
        if asked and self.headers.get("If-Range") == self.server.etag and step != "no ranges":
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        if step != "endless":
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        part = content[start:]
        if step == "half":
            part = part[: len(part) // 2]
        for _ in range(1000 if step == "endless" else 1):
            try:
                self.wfile.write(part)
            except OSError:
                return

    def log_message(self, *_: Any) -> None:
        """Nothing on the console."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def get(server: Server, tmp_path: Path) -> Callable[..., Any]:
    """``get()``: what ``fetch`` says, with the bytes that came."""

    def run(url: str = "", **options: Any) -> tuple[bool, str | None, bytes]:
        out = tmp_path / "out"
        new, etag = fetch(address_of(url or server.url), out, **{"sleep": lambda seconds: None, **options})
        return new, etag, out.read_bytes()

    return run


def test_whole_at_once(server: Server, get: Callable[..., Any]) -> None:
    assert get() == (True, '"one"', CONTENT)


def test_what_breaks_off_goes_on_where_it_was(server: Server, get: Callable[..., Any]) -> None:
    server.script = ["half", "half", "whole"]
    assert get() == (True, '"one"', CONTENT)
    ranges = [headers.get("Range") for headers in server.seen]
    half = len(CONTENT) // 2
    assert ranges == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]


def test_what_has_changed_meanwhile_starts_again(server: Server, get: Callable[..., Any]) -> None:
    server.script = ["half", "whole"]

    def change(seconds: float) -> None:
        server.content, server.etag = b"another" * 1000, '"two"'

    assert get(sleep=change) == (True, '"two"', b"another" * 1000)


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_etag_it_starts_again(server: Server, get: Callable[..., Any], etag: str) -> None:
    server.etag = etag
    server.script = ["half", "whole"]
    assert get() == (True, None, CONTENT)
    assert [headers.get("Range") for headers in server.seen] == [None, None]


def test_a_server_that_ignores_the_range_starts_again(server: Server, get: Callable[..., Any]) -> None:
    server.script = ["half", "no ranges"]
    assert get() == (True, '"one"', CONTENT)


def test_what_is_here_already_is_not_sent(server: Server, get: Callable[..., Any]) -> None:
    assert get(etag='"one"') == (False, '"one"', b"")
    assert get(etag='"older"') == (True, '"one"', CONTENT)


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(server: Server, get: Callable[..., Any]) -> None:
    server.script = ["503", "429", "500", "whole"]
    assert get()[2] == CONTENT
    server.script, server.seen = ["404"], []
    with pytest.raises(UpdateError, match="404 Not Found"):
        get()
    assert len(server.seen) == 1
    server.script, server.seen = ["503"], []
    with pytest.raises(UpdateError, match=r"503 Service Unavailable.*4 further attempts"):
        get()
    assert len(server.seen) == 5


def test_always_half_is_an_error_in_the_end(server: Server, get: Callable[..., Any]) -> None:
    server.script, server.etag = ["half"], ""
    with pytest.raises(UpdateError, match="broke off after"):
        get()


def test_too_much_is_refused_by_what_is_said_and_by_what_comes(server: Server, get: Callable[..., Any]) -> None:
    with pytest.raises(UpdateError, match="more than the 1000 bytes"):
        get(most_bytes=1000)
    server.script = ["endless"]
    with pytest.raises(UpdateError, match="more than the 2000000 bytes"):
        get(most_bytes=2_000_000)


def test_nobody_there(get: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(UpdateError, match="cannot be fetched whole"):
        get("http://127.0.0.1:9/bundle.tar")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://[::1/x"])
def test_no_redirect_leads_elsewhere(server: Server, get: Callable[..., Any], to: str) -> None:
    server.script, server.to = ["redirect"], to
    with pytest.raises(UpdateError, match=r"sends on to|is not allowed"):
        get()


def test_a_login_is_sent_to_its_own_server_alone_and_never_shown(server: Server, get: Callable[..., Any]) -> None:
    with Server() as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        server.script, server.to = ["redirect"], other.url
        url = server.url.replace("http://", "http://joe:hunter%402@")
        assert get(url)[2] == CONTENT
        assert server.seen[0]["Authorization"] == "Basic am9lOmh1bnRlckAy"
        assert "Authorization" not in other.seen[0]
        server.script = ["403"]
        with pytest.raises(UpdateError) as caught:
            get(url + "?token=geheim")
        assert not any(secret in str(caught.value) for secret in ("hunter", "geheim"))
        other.shutdown()


def test_a_file_of_this_machine(tmp_path: Path, get: Callable[..., Any]) -> None:
    file = tmp_path / "a b.tar"
    file.write_bytes(CONTENT)
    for url in (str(file), f"file://{str(file).replace(' ', '%20')}"):
        assert get(url) == (True, None, CONTENT)
    with pytest.raises(UpdateError, match="is no file"):
        get(str(tmp_path))
    with pytest.raises(UpdateError, match="more than the 10 bytes"):
        get(str(file), most_bytes=10)


def test_a_full_disk_is_no_matter_of_the_server(tmp_path: Path, full_device: Path) -> None:
    file = tmp_path / "x.tar"
    file.write_bytes(CONTENT)
    with pytest.raises(MachineError, match="No space left"):
        fetch(address_of(str(file)), full_device)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://h/x",
        "https:///x",
        "mqtt://h",
        "rtsp://u:secret@h/x",
        "https://[::1/x",
        "https://u:secret@h:port/x",
        "https://h/bündle.tar",
        "https://h/a b",
    ],
)
def test_no_address(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no address of an archive") as caught:
        address_of(text)
    assert "secret" not in str(caught.value)
