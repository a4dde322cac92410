"""Where a page is served: what people may write, and who can reach it."""

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.settings.listen_address import ListenAddress, parse_listen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":8080", ListenAddress("127.0.0.1", 8080)),
        ("8080", ListenAddress("127.0.0.1", 8080)),
        ("[::1]:80", ListenAddress("::1", 80)),
        ("[fe80::1%eth0]:80", ListenAddress("fe80::1%eth0", 80)),
        ("0.0.0.0:1", ListenAddress("0.0.0.0", 1)),
        ("nvr-2.local:443", ListenAddress("nvr-2.local", 443)),
    ],
)
def test_listen_addresses(text: str, expected: ListenAddress) -> None:
    assert parse_listen(text, "x") == expected


@pytest.mark.parametrize("text", ["", ":", "host", "host:70000", "::1:80", "a b:1", "http://x:1", ":-1"])
def test_what_is_no_listen_address(text: str) -> None:
    with pytest.raises(ConfigurationError, match="give HOST:PORT"):
        parse_listen(text, "dashboard.listen")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.4", False),
        ("localhost.example.com", False),
        ("nvr", False),
    ],
)
def test_what_is_loopback(host: str, loopback: bool) -> None:
    assert ListenAddress(host, 1).is_loopback is loopback
