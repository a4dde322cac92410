"""One file from a server, whole or not at all: broken off, it goes on where it was, or starts again where the server
cannot do that (``Range`` with ``If-Range``, by the ETag).
"""

import base64
import http.client
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit, urlunsplit

from ..errors import ConfigurationError, MachineError, UpdateError
from ..ground.error_text import one_line
from ..ground.limits import MOST_BUNDLE_BYTES
from ..ground.names import shown
from ..settings.credentials import shown_address
from ..version import VERSION

log = logging.getLogger("dgiqa_edge.update")

SCHEMES = ("https", "http", "file")
_PAUSES_S = (1.0, 2.0, 4.0, 8.0)
_TIMEOUT_S = 30.0
_CHUNK_BYTES = 1 << 18
_UNCHANGED = 304
_PARTIAL = 206


class _BrokenOffError(Exception):
    """What another attempt may mend."""


@dataclass(frozen=True)
class Address:
    """Where a file is fetched from; ``shown`` is without what may be secret."""

    url: str
    scheme: str
    shown: str


def address_of(text: str) -> Address:
    """A URL, or the path of a file on this machine.

    Raises:
        ConfigurationError: it is of another scheme, has no host, or is no URL.
    """
    scheme = text.partition("://")[0].lower() if "://" in text else "file"
    known = shown_address(text)
    if scheme not in SCHEMES or (scheme != "file" and not _is_url(text)):
        raise ConfigurationError(
            f"{known} is no address of an archive: give https://HOST/FILE, http:// or a file; in a URL, spaces and "
            "letters beyond ASCII are written as %20 and the like"
        )
    return Address(text, scheme, known)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0 and re.fullmatch(r"[!-~]+", text) is not None
    except ValueError:
        return False


def fetch(
    address: Address,
    out: Path,
    etag: str | None = None,
    most_bytes: int = MOST_BUNDLE_BYTES,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[bool, str | None]:
    """Write what stands at an address into ``out``; whether there was anything new, and its ETag where it has one.

    Args:
        etag: of what is here already, which is then not sent again.
        most_bytes: more is refused.
        sleep: waits before another attempt.

    Raises:
        UpdateError: it is not there, too large, refused, or broke off at each of five attempts.
        MachineError: the disk is full.
    """
    with out.open("wb") as stream:
        if address.scheme == "file":
            _copy(address, stream, most_bytes)
            return True, None
        transfer = _Transfer(address, stream, etag, most_bytes)
        for pause_s in (*_PAUSES_S, None):
            try:
                return transfer.attempt()
            except (_BrokenOffError, OSError, http.client.HTTPException) as error:
                problem = one_line(getattr(error, "reason", None) or error)
                if pause_s is None:
                    raise UpdateError(
                        f"{address.shown} cannot be fetched whole ({problem}), nor at {len(_PAUSES_S)} further "
                        "attempts: nothing was changed, run it again"
                    ) from None
                log.warning("%s: %s; next attempt in %g s", address.shown, problem, pause_s)
                sleep(pause_s)
    raise AssertionError("the last attempt returns or raises")


class _Transfer:
    """What is known from one attempt to the next."""

    def __init__(self, address: Address, stream: BinaryIO, etag: str | None, most_bytes: int) -> None:
        self._address = address
        self._stream = stream
        self._known = etag
        self._most_bytes = most_bytes
        self._etag: str | None = None
        parts = urlsplit(address.url)
        self._url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
        self._login = "" if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        self._opener = urllib.request.build_opener(_Redirects)

    def attempt(self) -> tuple[bool, str | None]:
        """As ``fetch``; what has come stays in the stream.

        Raises:
            UpdateError: another attempt will not mend it.
            _BrokenOffError, OSError, HTTPException: it may.
        """
        have = self._stream.tell() if self._etag is not None else 0
        try:
            with self._opener.open(self._request(have), timeout=_TIMEOUT_S) as answer:
                self._take(answer, have)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == _UNCHANGED:
                return False, self._known
            if error.code < 500 and error.code not in (408, 416, 429):
                said = f"{error.code} {error.reason}"
                raise UpdateError(
                    f"{self._address.shown} is not given out ({said}): check the address and its login"
                ) from None
            self._etag = None
            raise _BrokenOffError(f"{error.code} {error.reason}") from None
        except ValueError:  # raised by urllib, of a redirect: the address itself was looked at
            raise UpdateError(f"{self._address.shown} sends on to what is no address: have the server mended") from None
        return True, self._etag

    def _request(self, have: int) -> urllib.request.Request:
        request = urllib.request.Request(self._url, headers={"User-Agent": f"dgiqa-edge/{VERSION}"})
        if self._login:  # not sent along to where the server may send us
            request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(self._login.encode()).decode()}")
        if have and self._etag:
            request.add_header("Range", f"bytes={have}-")
            request.add_header("If-Range", self._etag)
        elif self._known:
            request.add_header("If-None-Match", self._known)
        return request

    def _take(self, answer: Any, have: int) -> None:
        continued = answer.status == _PARTIAL and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        self._stream.seek(have if continued else 0)
        self._stream.truncate()
        tag = answer.headers.get("ETag", "")
        self._etag = tag if tag.startswith('"') else None  # a weak one may be of other bytes
        length = answer.headers.get("Content-Length", "")
        whole = self._stream.tell() + int(length) if length.isdecimal() else None
        self._refuse_too_much(whole or 0)
        while chunk := answer.read(_CHUNK_BYTES):
            _append(self._stream, chunk)
            self._refuse_too_much(self._stream.tell())
        if whole is not None and self._stream.tell() != whole:
            raise _BrokenOffError(f"it broke off after {self._stream.tell()} of {whole} bytes")

    def _refuse_too_much(self, size: int) -> None:
        if size > self._most_bytes:
            raise UpdateError(
                f"{self._address.shown} has more than the {self._most_bytes} bytes that a bundle may have"
            )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to HTTP and HTTPS, never from the second to the first."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        scheme = urlsplit(newurl).scheme.lower()
        if scheme != "https" and (scheme != "http" or req.type == "https"):
            raise UpdateError(
                f"{shown_address(req.full_url)} sends on to {scheme}://, which is not followed from there"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _append(stream: BinaryIO, chunk: bytes) -> None:
    try:
        stream.write(chunk)
        stream.flush()
    except OSError as error:
        raise MachineError(f"the archive cannot be kept: {error.strerror}; free some space and run it again") from error


def _copy(address: Address, stream: BinaryIO, most_bytes: int) -> None:
    path = Path(unquote(urlsplit(address.url).path) if "://" in address.url else address.url)
    try:
        if not path.is_file():
            raise UpdateError(f"{shown(path)} is no file: give an archive made by dgiqa-edge bundle pack")
        if path.stat().st_size > most_bytes:
            raise UpdateError(f"{shown(path)} has more than the {most_bytes} bytes that a bundle may have")
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                _append(stream, chunk)
    except OSError as error:
        raise UpdateError(f"{shown(path)} cannot be read ({error.strerror}): check its rights") from error
