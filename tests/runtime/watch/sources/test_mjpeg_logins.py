"""Every way in which an HTTP camera asks for a login, and where it redirects to."""

import base64
import hashlib
import re
from typing import Any

import pytest
from stand_ins.http_camera import http, parts
from stand_ins.pictures import numbers, read_all

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.watch.sources import create_source
from dgiqa_edge.runtime.watch.sources.protocol import Surroundings


def source_of(address: str, timeout_s: float = 5.0) -> Any:
    return create_source(address, surroundings=Surroundings(timeout_s, timeout_s))


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
    assert numbers(read_all(source)) == [0, 1, 2]
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
    assert numbers(read_all(source_of(f"http://u:p@{server.host}/v"))) == [0, 1, 2]
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
    assert numbers(read_all(source_of(f"http://u:p@{server.host}/v"))) == [0, 1, 2]
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
