import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.settings.credentials import masked
from dgiqa_edge.runtime.settings.remote_address import (
    TOKEN_VARIABLE,
    RemotePath,
    is_remote,
    parse_address,
    remote_path,
)


@pytest.mark.parametrize(
    ("text", "http", "tls", "authority", "model"),
    [
        ("triton://server/nano", False, False, "server:8001", "nano"),
        ("tritons://server:9/nano", False, True, "server:9", "nano"),
        ("triton+http://192.0.2.7/a.b-c_1/", True, False, "192.0.2.7:8000", "a.b-c_1"),
        ("triton+https://[::1]:8443/nano", True, True, "[::1]:8443", "nano"),
    ],
)
def test_an_address_says_protocol_server_and_model(text, http, tls, authority, model):
    address = parse_address(text)
    assert (address.http, address.tls, address.authority, address.model) == (http, tls, authority, model)
    assert parse_address(str(address)) == address


def test_options_are_times_and_files(tmp_path):
    address = parse_address("tritons://server/nano?timeout=500ms&patience=2m&ca=ca.pem&cert=a.pem&key=b.pem")
    assert (address.timeout_s, address.patience_s) == (0.5, 120.0)
    assert (str(address.ca), str(address.cert), str(address.key)) == ("ca.pem", "a.pem", "b.pem")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("triton://server", "no address of a model"),
        ("triton:///nano", "no address of a model"),
        ("triton://server:0x/nano", "no address of a model"),
        ("triton://server/nano/1", "no address of a model"),
        ("triton://server/nano#x", "no address of a model"),
        ("triton://user:topsecret-xyz@server/nano", TOKEN_VARIABLE),
        ("triton://server/nano?token=topsecret-xyz", "no option"),
        ("triton://server/nano?timeout=soon", "timeout is no time"),
        ("triton://server/nano?timeout=0", "timeout is no time"),
        ("triton://server/nano?ca=ca.pem", "for TLS alone"),
        ("tritons://server/nano?cert=ca.pem", "give both"),
    ],
)
def test_a_flaw_is_named_and_a_secret_is_not(text, problem):
    with pytest.raises(ConfigurationError, match=problem) as caught:
        parse_address(text)
    assert "topsecret" not in str(caught.value)


def test_a_token_comes_from_the_environment_and_is_masked(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "topsecret-xyz")
    address = parse_address("triton://server/nano")
    assert address.token == "topsecret-xyz"
    assert "topsecret" not in repr(address)
    assert masked("the token topsecret-xyz is wrong") == "the token *** is wrong"


@pytest.mark.parametrize("text", ["tritons://server:8001/nano?ca=/etc/ca.pem", "triton+https://server/nano"])
def test_an_address_stands_where_a_folder_would(text):
    assert is_remote(text)
    path = remote_path(text)
    assert isinstance(path, RemotePath)
    assert str(path) == text
    assert is_remote(path)
    assert str(path / "bundle.json") == f"{text}/bundle.json"
    assert not path.exists()


@pytest.mark.parametrize("text", ["bundle", "/a/triton/bundle", "http://server/nano", "triton:/server/nano", "triton"])
def test_other_texts_are_folders(text):
    assert not is_remote(text)
