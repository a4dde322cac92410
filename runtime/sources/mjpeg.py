"""Cameras that send JPEG after JPEG over HTTP: ``http://user:password@host/video.mjpg``.

The stream is taken apart here rather than by FFmpeg, so that each damaged picture is known and counted. Login is HTTP
basic or digest; user and password leave the address before anything is sent or shown.
"""

import contextlib
import http.client
import os
import socket
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ..credentials import masked
from ..errors import ConfigurationError, SourceError
from ..images import decode_image, quiet_decoder
from ..settings_section import Section
from .multipart import MultipartError, MultipartReader, boundary_of
from .options import Surroundings
from .protocol import Damaged, End, Frame, ReadResult, Source
from .uri import SourceUri

_MULTIPART = "multipart/"


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """An HTTP stream of JPEG pictures; its URI's query belongs to the camera.

    Raises:
        ConfigurationError: the address has no host, or a port that is none.
    """
    options.finish()
    return MjpegSource(uri, surroundings.read_timeout_s)


class MjpegSource:
    """One ``multipart/x-mixed-replace`` stream."""

    live = True
    interval_s = None

    def __init__(self, uri: SourceUri, timeout_s: float) -> None:
        self._shown = uri.shown
        self._timeout_s = timeout_s
        self._address, self._login = _without_login(uri)
        self._response: Any = None
        self._parts: MultipartReader | None = None

    def open(self) -> None:
        self.close()
        quiet_decoder()
        opener = _opener(self._address, self._login)
        try:
            response = opener.open(self._address, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            hint = "check user and password" if error.code in (401, 403) else "check the path in the address"
            raise SourceError(f"{self._shown} answers {error.code} {masked(str(error.reason))}: {hint}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SourceError(f"{self._shown} does not answer ({_reason(error)}): is the camera on?") from None
        kind = response.headers.get("Content-Type", "")
        if not kind.lower().startswith(_MULTIPART):
            response.close()
            raise SourceError(
                f"{self._shown} answers with {masked(kind[:80]) or 'no content type'}, not with a stream of JPEG "
                "pictures (multipart/x-mixed-replace): look up the camera's MJPEG address"
            )
        self._response = response
        self._parts = MultipartReader(response, boundary_of(kind))

    def read(self) -> ReadResult:
        if self._parts is None:
            return End("the source is not open")
        try:
            body = self._parts.read()
        except MultipartError as error:
            return Damaged(str(error))
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            # ValueError and AttributeError: closed by another thread in the middle of a read
            return End(f"the stream broke off ({_reason(error)})")
        return End("the camera ended the stream") if body is None else _decoded(body)

    def close(self) -> None:
        response, self._response, self._parts = self._response, None, None
        if response is not None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                response.close()

    def interrupt(self) -> None:
        response = self._response
        try:
            with socket.socket(fileno=os.dup(response.fileno())) as same_connection:
                same_connection.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError, ValueError):
            return  # closed meanwhile, or not open yet

    def describe(self) -> dict[str, Any]:
        return {"family": "mjpeg", "source": self._shown, "decoder": "opencv"}


def _decoded(body: bytes) -> ReadResult:
    if not body:
        return Damaged("an empty picture arrived")
    if not body.startswith(b"\xff\xd8"):
        return Damaged(f"{len(body)} bytes arrived that are no JPEG picture")
    try:
        return Frame(decode_image(body))
    except SourceError as error:
        return Damaged(f"a picture of {len(body)} bytes {error}")


def _without_login(uri: SourceUri) -> tuple[str, tuple[str, str] | None]:
    scheme, rest = uri.address.split("://", 1)
    authority, *_ = rest.replace("?", "/").split("/", 1)
    # The last @ that can still belong to the login: a password may hold one unescaped, a path as well.
    login, at, _ = authority.rpartition("@")
    address = f"{scheme}://{rest[len(login) + len(at) :]}"
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(f"the source {uri.shown!r} has no valid host and port: correct it") from None
    if not parts.hostname:
        raise ConfigurationError(f"the source {uri.shown!r} has no host: complete it")
    user, _, password = login.partition(":")
    return urlunsplit(parts._replace(fragment="")), (unquote(user), unquote(password)) if at else None


def _opener(address: str, login: tuple[str, str] | None) -> urllib.request.OpenerDirector:
    handlers: list[Any] = [urllib.request.ProxyHandler({})]  # a camera is in reach, not behind a web proxy
    if login is not None:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, address, *login)
        handlers += [urllib.request.HTTPDigestAuthHandler(known), urllib.request.HTTPBasicAuthHandler(known)]
    return urllib.request.build_opener(*handlers)


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    if isinstance(inner, TimeoutError):
        return "timed out"
    return masked(" ".join(str(inner).split())[:200]) or type(error).__name__
