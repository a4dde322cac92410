"""Events as HTTP POST requests with a JSON body, by default only those that people are to be told: a state and reason
that have settled, and a camera that starts, is lost, has returned, or has ended.
"""

import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...backoff import BackoffPolicy
from ...errors import ConfigurationError, SinkError
from ...settings.secret import secret_option
from ...settings.section import Section
from ...version import VERSION
from ..event import FrameEvent, record_text
from ..media.connection_words import connection_problem
from ..media.network_address import with_raw_zone
from .event_filter import PRESENCES, EventFilter, filter_options
from .protocol import Sink
from .queued import QueuedSink, QueuePolicy, RefusedError, Target, queue_options
from .reach import connected
from .registry import Planned

_AGAIN = frozenset({408, 425, 429})
_POLICY = QueuePolicy(size=256, attempts=5, backoff=BackoffPolicy(first_s=0.5, longest_s=30.0))


def plan(options: Section, name: str, folder: Path) -> Planned:
    """Options: ``url`` (also as ``url_file`` or ``url_env``), ``token`` (sent as a bearer; also ``token_file``,
    ``token_env``), ``timeout_s`` (5), ``attempts`` (5), filter and queue options; ``announced_only`` is true by
    default.
    """
    url = secret_option(options, "url", folder)
    if url is None:
        raise ConfigurationError(f"{options.path_of('url')} is missing: give the address that takes the events")
    _check_url(url, options.path_of("url"))
    url = with_raw_zone(url)
    token = secret_option(options, "token", folder)
    timeout_s = options.number("timeout_s", 5.0, low=0.1, high=300.0)
    events = filter_options(options, outcomes=("scored", *PRESENCES), announced_only=True)
    policy = queue_options(options, _POLICY, with_attempts=True)

    def open_sink() -> Sink:
        return QueuedSink(name, Webhook(url, token, timeout_s, events), policy)

    return Planned(open_sink, lambda limit_s: _reached(url, min(limit_s, timeout_s)))


def _reached(url: str, timeout_s: float) -> str:
    """The server takes connections; whether it takes events, only an event would tell."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    return connected(parts.hostname, parts.port or (443 if tls else 80), shown_url(url), timeout_s, tls)


class Webhook(Target):
    """One address. Any 2xx answer is a delivery; 408, 425, 429 and 5xx are tried again, the rest are refusals.

    Redirects are not followed: they would carry the token to another address.
    """

    def __init__(self, url: str, token: str | None, timeout_s: float, events: EventFilter) -> None:
        self._url = url
        self._shown = shown_url(url)
        self._timeout_s = timeout_s
        self._events = events
        self._headers: dict[str, Any] = {"Content-Type": "application/json", "User-Agent": f"dgiqa-edge/{VERSION}"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}".encode()  # a text would be sent as Latin-1 or not at all
        self._opener = urllib.request.build_opener(_NoRedirect())

    def select(self, event: FrameEvent) -> bytes | None:
        return record_text(event).encode("ascii") if self._events.takes(event) else None

    def deliver(self, item: bytes) -> None:
        request = urllib.request.Request(self._url, data=item, headers=self._headers, method="POST")
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                response.read(1)
        except urllib.error.HTTPError as answer:
            answer.close()
            problem = f"{self._shown} answered {answer.code}"
            if answer.code in _AGAIN or answer.code >= 500:
                raise SinkError(f"{problem}: look at the server") from None
            raise RefusedError(f"{problem}: check the address and the token") from None
        except (OSError, HTTPException) as error:  # URLError and time-outs are OSErrors
            raise SinkError(
                f"{self._shown} cannot be reached ({connection_problem(error, self._url.startswith('https'))})"
            ) from None

    def describe(self) -> dict[str, Any]:
        return {"type": "webhook", "url": self._shown, "token": "Authorization" in self._headers}


def shown_url(url: str) -> str:
    """Scheme, host and port: path and query often hold a webhook's secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{'' if parts.port is None else f':{parts.port}'}/..."


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _check_url(url: str, where: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or not url.isascii() or any(character.isspace() for character in url):
        raise ConfigurationError(f"{where} is no http:// or https:// address: give one, percent-encoded")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{where} holds a user name or password: give the credential as token instead")
