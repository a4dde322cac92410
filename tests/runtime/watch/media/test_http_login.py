"""The examples of RFC 7616 and RFC 7617, and what servers really write into their headers."""

import base64

import pytest

from dgiqa_edge.runtime.watch.media import http_login
from dgiqa_edge.runtime.watch.media.http_login import Challenge, Login, answer, best, challenges

# RFC 7616, 3.9.1: one server, two offers.
MUFASA = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
# RFC 7616, 3.9.2, as corrected by its erratum 4897.
JASON = (
    'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, '
    'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", '
    "charset=UTF-8, userhash=true"
)


def told(header: str, login: Login, target: str, cnonce: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(http_login.secrets, "token_hex", lambda _: cnonce)
    (challenge,) = challenges([header])
    return answer(challenge, login, "GET", target, "utf-8").decode("ascii")


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_standards_first_example(algorithm: str, response: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    header = told(MUFASA.format(algorithm), Login("Mufasa", "Circle of Life"), "/dir/index.html", cnonce, monkeypatch)
    assert header.startswith('Digest username="Mufasa", realm="http-auth@example.org"')
    assert f'response="{response}"' in header
    assert f"algorithm={algorithm}, qop=auth, nc=00000001" in header


def test_the_standards_example_of_a_hashed_name(monkeypatch: pytest.MonkeyPatch) -> None:
    login = Login("J\u00e4s\u00f8n Doe", "Secret, or not?")
    header = told(JASON, login, "/doe.json", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", monkeypatch)
    assert 'username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"' in header
    assert 'response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"' in header


def test_the_old_digest_without_qop() -> None:
    """RFC 2069, 2.4, with the response of its erratum 749."""
    header = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    login = Login("Mufasa", "CircleOfLife")
    assert b'response="1949323746fe6a43ef61f9606e7febea"' in answer(
        challenges([header])[0], login, "GET", "/dir/index.html", "utf-8"
    )


def test_basic_in_either_charset() -> None:
    """RFC 7617, 2.1."""
    challenge = Challenge("basic", {})
    assert answer(challenge, Login("test", "123\u00a3"), "GET", "/", "utf-8") == b"Basic dGVzdDoxMjPCow=="
    assert answer(challenge, Login("test", "123\u00a3"), "GET", "/", "latin-1") == b"Basic " + base64.b64encode(
        b"test:123\xa3"
    )


@pytest.mark.parametrize(
    ("headers", "scheme", "algorithm"),
    [
        ([MUFASA.format("SHA-256"), MUFASA.format("MD5")], "digest", "sha256"),
        ([MUFASA.format("MD5"), MUFASA.format("SHA-256")], "digest", "sha256"),
        ([f"{MUFASA.format('SHA-256')}, {MUFASA.format('MD5')}"], "digest", "sha256"),
        ([f"Basic realm=x, {MUFASA.format('md5')}"], "digest", "md5"),
        (['Bearer realm="a, Basic", error="invalid_token"', 'Basic realm="b"'], "basic", "md5"),
        (['Negotiate, NTLM dG9rZW4=, Basic realm="a"'], "basic", "md5"),
        (['Digest realm="a", nonce="n", algorithm=SHA-3, Digest realm=a, nonce=n'], "digest", "md5"),
        (['Digest realm="a", nonce="n", qop="auth-int"'], "digest", "md5"),
        (['BASIC Realm="a"'], "basic", "md5"),
    ],
)
def test_the_strongest_offer_is_taken(headers: list[str], scheme: str, algorithm: str) -> None:
    chosen = best(challenges(headers))
    assert chosen is not None
    assert (chosen.scheme, chosen.algorithm) == (scheme, algorithm)


@pytest.mark.parametrize(
    "header", ["", "Bearer", 'Digest realm="a"', 'Digest realm=a, nonce=n, algorithm=SHA-3, qop="auth"', ',,"', "=a"]
)
def test_what_cannot_be_answered(header: str) -> None:
    assert best(challenges([header])) is None


def test_quotes_in_a_header_are_taken_off_and_put_back() -> None:
    (challenge,) = challenges([r'Digest realm="a \"b\" \\c", nonce="n"'])
    assert challenge.parameters["realm"] == r'a "b" \c'
    assert rb'username="q\"u", realm="a \"b\" \\c"' in answer(challenge, Login('q"u', "p"), "GET", "/", "utf-8")
