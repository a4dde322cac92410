"""Addresses as people and redirects write them."""

import pytest

from dgiqa_edge.runtime.watch.media.http_login import Login
from dgiqa_edge.runtime.watch.media.network_address import parse_address, redirected
from dgiqa_edge.runtime.watch.sources.uri import parse_uri


@pytest.mark.parametrize(
    ("text", "host", "port", "target", "host_header"),
    [
        ("http://camera/v.mjpg?x=1#y", "camera", 80, "/v.mjpg?x=1", "camera"),
        ("HTTPS://camera", "camera", 443, "/", "camera"),
        ("http://camera:8080?x", "camera", 8080, "/?x", "camera:8080"),
        ("http://[::1]:81/a", "::1", 81, "/a", "[::1]:81"),
        ("http://[fe80::1%25eth0]/a", "fe80::1%eth0", 80, "/a", "[fe80::1]"),
        ("http://[fe80::1%eth0]:8080/a", "fe80::1%eth0", 8080, "/a", "[fe80::1]:8080"),
        (
            "http://k\u00e4mera.example/\u00e4/%C3%A4?\u00f6=1",
            "xn--kmera-gra.example",
            80,
            "/%C3%A4/%C3%A4?%C3%B6=1",
            None,
        ),
    ],
)
def test_what_an_address_says(text: str, host: str, port: int, target: str, host_header: str | None) -> None:
    address = parse_address(text)
    assert (address.host, address.port, address.target, address.login) == (host, port, target, None)
    assert address.host_header == (host_header or host)


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("http://u:p@h/", Login("u", "p")),
        ("http://u:p@ss:w@h/", Login("u", "p@ss:w")),
        ("http://u%40:%2F%C3%A4@h/", Login("u@", "/\u00e4")),
        ("http://u@h/", Login("u", "")),
    ],
)
def test_a_login(text: str, login: Login) -> None:
    assert parse_address(text).login == login
    assert "p" not in repr(parse_address(text)).replace("port", "").replace("http", "").replace("scheme", "")


@pytest.mark.parametrize(
    "text", ["ftp://h/", "h/v", "http://", "http://:80/", "http://h:99999/", "http://h:0/", "http://[::1/"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        parse_address(text)


@pytest.mark.parametrize(
    ("location", "place", "keeps"),
    [
        ("/b?c", ("http", "h", 80, "/b?c"), True),
        ("b", ("http", "h", 80, "/a/b"), True),
        ("https://H/b", ("https", "H", 443, "/b"), True),
        ("http://h:81/", ("http", "h", 81, "/"), True),
        ("//other/b", ("http", "other", 80, "/b"), False),
        ("http://h.evil/", ("http", "h.evil", 80, "/"), False),
        ("http://x:y@other/", ("http", "other", 80, "/"), False),
        ("http://h@other/", ("http", "other", 80, "/"), False),
    ],
)
def test_where_a_redirect_leads_and_whether_the_login_goes_along(
    location: str, place: tuple[str, str, int, str], keeps: bool
) -> None:
    new = redirected(parse_address("http://u:p@h/a/v"), location)
    assert (new.scheme, new.host, new.port, new.target) == place
    assert new.login == (Login("u", "p") if keeps else None)


def test_a_login_does_not_go_from_https_to_http() -> None:
    assert redirected(parse_address("https://u:p@h/a"), "http://h/a").login is None


def test_an_ipv6_zone_is_given_to_decoders_as_the_resolver_takes_it() -> None:
    uri = parse_uri("rtsp://u:p@[fe80::1%25eth0]:554/live")
    assert uri.address == "rtsp://u:p@[fe80::1%eth0]:554/live"
    assert uri.shown == "rtsp://***@[fe80::1%25eth0]:554/live"
