"""One HTTP answer that does not end: login, redirects, compression, time limits; what its bytes mean is not known here.

Written over ``http.client``: ``urllib``'s handlers know no SHA-256, give up before a scheme they do not know, and send
no UTF-8. A camera is in reach, not behind a web proxy, so none is asked.
"""

import contextlib
import http.client
import os
import re
import socket
import ssl
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import SourceError
from ...settings.credentials import masked, remember_address, shown_address
from ...version import VERSION
from .connection_words import connection_problem
from .http_login import Challenge, answer, best, challenges
from .network_address import NetworkAddress, redirected

_MOST_REDIRECTS = 5
_MOST_REQUESTS = 12
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_PLAIN_BYTES = 1 << 16  # of one step of decompression


@dataclass(frozen=True)
class _Attempt:
    """How the login was sent: ``None`` before the server has asked."""

    challenge: Challenge | None = None
    charset: str = "utf-8"
    renewed: bool = False


class HttpStream:
    """Opens an address and reads its answer. ``interrupt`` is for any thread, the rest for one at a time.

    Args:
        address: with the login, which goes to no other host.
        shown: the address as it may be shown.
        open_timeout_s: for connecting and for each answer's head.
        read_timeout_s: without a byte for so long, a read ends.
    """

    def __init__(self, address: NetworkAddress, shown: str, open_timeout_s: float, read_timeout_s: float) -> None:
        self._address = address
        self._shown = shown
        self._timeouts = (open_timeout_s, read_timeout_s)
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        self._unpacker: Any = None
        self.content_type = ""
        self.content_length: int | None = None
        self.deadline = float("inf")
        """Monotonic seconds, after which a read raises ``TimeoutError`` however many bytes still trickle in."""

    def open(self) -> None:
        """Ask, log in, follow redirects, until an answer of 200.

        Raises:
            SourceError: there is none; says what the server answered and what to do.
        """
        self.close()
        address, shown, attempt, redirects = self._address, self._shown, _Attempt(), 0
        for _ in range(_MOST_REQUESTS):
            try:
                response = self._ask(address, attempt)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.close()
                problem = connection_problem(error, address.scheme == "https")
                raise SourceError(f"{shown} does not answer ({problem}): is the camera on?") from None
            if response.status == 200:
                return self._accept(response, shown)
            self.close()
            if response.status == 401:
                attempt = self._next_attempt(response, address, attempt, shown)
            elif response.status in _REDIRECTS and redirects < _MOST_REDIRECTS:
                redirects += 1
                address, shown = self._follow(response, address, shown)
                attempt = _Attempt()
            else:
                raise SourceError(f"{shown} answers {response.status} {_words(response.reason)}: {_hint(response)}")
        raise SourceError(f"{shown} asks for login or redirects without end: look up the camera's MJPEG address")

    def read1(self, size: int, /) -> bytes:
        """Some bytes, at most about ``size``; none at the end.

        Raises:
            TimeoutError: no byte came in time, or the deadline is over.
            OSError, HTTPException, ValueError, AttributeError: broken off, or closed by another thread.
        """
        while True:
            if time.monotonic() > self.deadline:
                raise TimeoutError("no whole picture came in time")
            assert self._response is not None
            if self._unpacker is None:
                return self._response.read1(size)
            packed = self._unpacker.unconsumed_tail or self._response.read1(size)
            try:
                plain = self._unpacker.decompress(packed, _MOST_PLAIN_BYTES)
            except zlib.error as error:
                raise OSError(f"its compression is damaged ({error})") from None
            if plain or not packed:
                return bytes(plain)

    def close(self) -> None:
        """Free everything; further calls do nothing."""
        response, self._response = self._response, None
        connection, self._connection = self._connection, None
        for held in (response, connection):
            if held is not None:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    held.close()

    def interrupt(self) -> None:
        """Wake a read, or the wait for an answer."""
        for descriptor in self._descriptors():
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as same_connection:
                same_connection.shutdown(socket.SHUT_RDWR)

    def _descriptors(self) -> Iterator[int]:
        response, connection = self._response, self._connection
        with contextlib.suppress(OSError, AttributeError, ValueError):  # closed meanwhile
            if response is not None:
                yield response.fileno()
            elif connection is not None and connection.sock is not None:
                yield connection.sock.fileno()

    def _ask(self, address: NetworkAddress, attempt: _Attempt) -> http.client.HTTPResponse:
        connection: http.client.HTTPConnection
        if address.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                address.host, address.port, timeout=self._timeouts[0], context=context
            )
        else:
            connection = http.client.HTTPConnection(address.host, address.port, timeout=self._timeouts[0])
        self._connection = connection
        connection.connect()
        line = connection.sock
        connection.putrequest("GET", address.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", address.host_header)
        connection.putheader("User-Agent", f"dgiqa-edge/{VERSION}")
        connection.putheader("Accept", "multipart/x-mixed-replace, image/jpeg, */*")
        connection.putheader("Accept-Encoding", "identity")
        if attempt.challenge is not None and address.login is not None:
            told = answer(attempt.challenge, address.login, "GET", address.target, attempt.charset)
            connection.putheader("Authorization", told)
        connection.endheaders()
        self._response = response = connection.getresponse()
        line.settimeout(self._timeouts[1])
        return response

    def _accept(self, response: http.client.HTTPResponse, shown: str) -> None:
        packing = response.headers.get("Content-Encoding", "identity").strip().lower()
        if packing not in ("", "identity", "gzip", "x-gzip", "deflate"):
            self.close()
            raise SourceError(f"{shown} sends its pictures packed by {_words(packing)}, which is not read: turn it off")
        self._unpacker = None if packing in ("", "identity") else zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        self.content_type = response.headers.get("Content-Type", "")
        self.content_length = response.length
        self.deadline = float("inf")

    def _next_attempt(
        self, response: http.client.HTTPResponse, address: NetworkAddress, before: _Attempt, shown: str
    ) -> _Attempt:
        """How to send the login next; a password is not tried twice in the same way, for that can lock the user out."""
        offered = challenges(response.headers.get_all("WWW-Authenticate", []))
        kinds = " or ".join(dict.fromkeys(_kind(one) for one in offered)) or "no scheme that it names"
        chosen = best(offered)
        if chosen is None:
            raise SourceError(
                f"{shown} asks for a login by {kinds}; known here are digest and basic: allow one in the camera"
            )
        if address.login is None and self._address.login is not None:
            raise SourceError(
                f"{self._shown} redirects to {shown}, which asks for a login; user and password are sent to no other "
                "host and not from https to http: write that address into the source"
            )
        if address.login is None:
            raise SourceError(f"{shown} answers 401 and asks for a login by {kinds}: write user:password@ before host")
        if before.challenge is None:
            return _Attempt(chosen)
        if chosen.parameters.get("stale", "").lower() == "true" and not before.renewed:  # right, but for the nonce
            return _Attempt(chosen, before.charset, renewed=True)
        if before.charset == "utf-8" and _is_old_text("".join(address.login)):
            return _Attempt(chosen, "latin-1")
        raise SourceError(
            f"{shown} answers 401 {_words(response.reason)} to a login by {kinds}: check user and password"
        )

    def _follow(
        self, response: http.client.HTTPResponse, address: NetworkAddress, shown: str
    ) -> tuple[NetworkAddress, str]:
        location = response.headers.get("Location", "")
        remember_address(location)
        try:
            new = redirected(address, location)
        except ValueError:
            raise SourceError(
                f"{shown} redirects to {shown_address(location)[:200]!r}, which is no http:// or https:// address: "
                "look up the camera's MJPEG address"
            ) from None
        return new, shown_address(f"{new.scheme}://{new.host_header}{new.target}")


def _is_old_text(text: str) -> bool:
    try:
        return not text.isascii() and bool(text.encode("latin-1"))
    except UnicodeEncodeError:
        return False


def _hint(response: http.client.HTTPResponse) -> str:
    if response.status == 403:
        return "check that this user may see the stream"
    if response.status in _REDIRECTS:
        return f"more than {_MOST_REDIRECTS} redirects, look up the camera's MJPEG address"
    if response.status == 400:
        return "check the path, and whether the port wants https"
    return "check the path in the address" if response.status < 500 else "look at the camera, then try again"


def _kind(challenge: Challenge) -> str:
    name = _words(challenge.scheme) or "?"
    return f"{name} ({_words(challenge.algorithm)})" if challenge.scheme == "digest" else name


def _words(text: str | None) -> str:
    """What a server calls something: short, and nothing that a terminal would obey."""
    return masked(re.sub(r"[^\w .,()/-]+", " ", text or "").strip()[:60])
