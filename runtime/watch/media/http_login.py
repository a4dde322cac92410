"""The answer to a server that asks for a login: HTTP digest (RFC 7616 and what came before it) and basic (RFC 7617).

Of several offers the strongest is taken: digest by SHA-512-256, SHA-256, MD5, then basic. Nothing here sends anything.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

# One after the other: a scheme that no "=" follows, a parameter, or what stands between.
_PIECE = re.compile(r'\s*(?:([\w!#$%&\'*+.^`|~-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]*)|([\w!#$%&\'*+.^`|~/=-]+)|,)')
_STRENGTH = ("sha512256", "sha256", "md5")
_HASHLIB = {"sha512256": "sha512_256"}


class Login(NamedTuple):
    """Of the address, decoded; both may be empty."""

    user: str
    password: str


@dataclass(frozen=True)
class Challenge:
    """One offer of a server: ``scheme`` in small letters, its parameters by name in small letters."""

    scheme: str
    parameters: dict[str, str]

    @property
    def algorithm(self) -> str:
        """Of a digest, in one spelling: ``sha256``, ``md5``."""
        return self.parameters.get("algorithm", "MD5").lower().removesuffix("-sess").replace("-", "")


def challenges(headers: Iterable[str]) -> list[Challenge]:
    """The offers of all ``WWW-Authenticate`` headers; one header may hold several."""
    found: list[Challenge] = []
    for header in headers:
        for match in _PIECE.finditer(header):
            name, value, word = match.groups()
            if word is not None:
                found.append(Challenge(word.lower(), {}))
            elif name is not None and found:
                found[-1].parameters.setdefault(name.lower(), _unquoted(value))
    return found


def best(offered: Iterable[Challenge]) -> Challenge | None:
    """The strongest offer that can be answered; None where there is none."""
    digests = [one for one in offered if one.scheme == "digest" and _can_answer(one)]
    if digests:
        return min(digests, key=lambda one: _STRENGTH.index(one.algorithm))
    return next((one for one in offered if one.scheme == "basic"), None)


def answer(challenge: Challenge, login: Login, method: str, target: str, charset: str) -> bytes:
    """The value of the ``Authorization`` header.

    Args:
        challenge: what :func:`best` gave.
        target: of the request line, with its query.
        charset: in which user and password become bytes; the standard has UTF-8, old cameras Latin-1.

    Raises:
        UnicodeEncodeError: the login has characters that the charset lacks.
    """
    user, password = login.user.encode(charset), login.password.encode(charset)
    if challenge.scheme == "basic":
        return b"Basic " + base64.b64encode(user + b":" + password)
    return _digest(challenge, user, password, method.encode(), target.encode())


def _digest(challenge: Challenge, user: bytes, password: bytes, method: bytes, target: bytes) -> bytes:
    given = {name: value.encode("latin-1", "replace") for name, value in challenge.parameters.items()}
    hashed = _hash_of(challenge.algorithm)
    realm, nonce, cnonce = given.get("realm", b""), given.get("nonce", b""), secrets.token_hex(8).encode()
    first = hashed(b":".join((user, realm, password)))
    if given.get("algorithm", b"").lower().endswith(b"-sess"):
        first = hashed(b":".join((first, nonce, cnonce)))
    kinds = [kind.strip() for kind in given.get("qop", b"").lower().split(b",")]
    qop = next((kind for kind in (b"auth", b"auth-int") if kind in kinds), b"")
    second = hashed(method + b":" + target + (b":" + hashed(b"") if qop == b"auth-int" else b""))
    middle = (nonce, b"00000001", cnonce, qop) if qop else (nonce,)
    if given.get("userhash", b"").lower() == b"true":
        user = hashed(user + b":" + realm)
    fields = [
        b'username="%s"' % _escaped(user),
        b'realm="%s"' % _escaped(realm),
        b'nonce="%s"' % _escaped(nonce),
        b'uri="%s"' % target,
        b'response="%s"' % hashed(b":".join((first, *middle, second))),
    ]
    fields += [b'opaque="%s"' % _escaped(given["opaque"])] if "opaque" in given else []
    fields += [b"algorithm=%s" % given["algorithm"]] if "algorithm" in given else []
    fields += [b"userhash=true"] if given.get("userhash", b"").lower() == b"true" else []
    fields += [b'qop=%s, nc=00000001, cnonce="%s"' % (qop, cnonce)] if qop else []
    return b"Digest " + b", ".join(fields)


def _can_answer(challenge: Challenge) -> bool:
    if challenge.algorithm not in _STRENGTH or not challenge.parameters.get("nonce"):
        return False
    kinds = {kind.strip() for kind in challenge.parameters.get("qop", "").lower().split(",")}
    return bool(kinds & {"", "auth", "auth-int"}) and _HASHLIB.get(challenge.algorithm, "md5") in (
        hashlib.algorithms_available
    )


def _hash_of(algorithm: str) -> Callable[[bytes], bytes]:
    name = _HASHLIB.get(algorithm, algorithm)
    return lambda content: hashlib.new(name, content, usedforsecurity=False).hexdigest().encode()


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _escaped(value: bytes) -> bytes:
    return value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
