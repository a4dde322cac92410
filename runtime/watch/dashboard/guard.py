"""ASGI middleware: who may pass, the headers that keep the page to itself, and visitors who go away in mid-sentence."""

import contextlib
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

COOKIE = "dgiqa_edge_session"
_LOOPBACK_HOST = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?")
_PURPOSE = b"dgiqa-edge dashboard session, version 1"
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
# The page's own files and nothing else; pictures come as blobs. Styles that scripts set are not inline styles.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
PUBLIC_PREFIXES = ("/static/", "/sign-in")


class Access:
    """Compares in constant time and never stores the token in a cookie.

    The cookie's value is derived from the token, so a session outlives a restart of the program and ends when the token
    is changed.
    """

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else token.encode()
        self.session = "" if token is None else hmac.new(token.encode(), _PURPOSE, hashlib.sha256).hexdigest()

    @property
    def needs_token(self) -> bool:
        return self._token is not None

    def knows(self, token: str) -> bool:
        """Whether this is the token."""
        return self._token is not None and hmac.compare_digest(token.encode(errors="replace"), self._token)

    def permits(self, authorization: str | None, session: str | None) -> bool:
        """Whether a request with this ``Authorization`` header and this cookie may pass."""
        if self._token is None:
            return True
        if session is not None and hmac.compare_digest(session.encode(errors="replace"), self.session.encode()):
            return True
        kind, _, token = (authorization or "").partition(" ")
        return kind.lower() == "bearer" and self.knows(token.strip())

    def host_allowed(self, host: str | None) -> bool:
        """Without a token only loopback names: else a foreign page could read ours through a name of its own that it
        points to this machine (DNS rebinding).
        """
        return self._token is not None or (host is not None and _LOOPBACK_HOST.fullmatch(host.lower()) is not None)


class Guard:
    """Wraps a Starlette application."""

    def __init__(self, app: App, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no websockets here

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        from starlette.requests import ClientDisconnect

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._access.host_allowed(headers.get("host")):
            await _answer(send_with_headers, 421, "this page answers to the name localhost only: open it by that name")
        elif scope["path"].startswith(PUBLIC_PREFIXES) or self._access.permits(
            headers.get("authorization"), _session(headers.get("cookie", ""))
        ):
            if (refusal := _refusal(scope, headers)) is not None:
                await _answer(send_with_headers, *refusal)
                return
            with contextlib.suppress(ClientDisconnect):  # no fault, and nobody is left to answer
                await self._app(scope, receive, send_with_headers)
        elif scope["path"] == "/":
            await _answer(send_with_headers, 303, "", ((b"location", b"/sign-in"),))
        else:
            await _answer(send_with_headers, 401, "sign in, or send the token as: Authorization: Bearer TOKEN")


def _refusal(scope: Scope, headers: Mapping[str, str]) -> tuple[int, str] | None:
    """Why a request may change nothing here: another page's form can neither send JSON nor hide where it is from."""
    if scope["method"] in ("GET", "HEAD") or not scope["path"].startswith("/api/"):
        return None
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return 415, "send this as Content-Type: application/json"
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        return 403, "this is for the dashboard's own page, not for one from elsewhere"
    return None


def _session(cookies: str) -> str | None:
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


async def _answer(send: Send, status: int, text: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", b"text/plain; charset=utf-8"), *headers],
    }
    await send(start)
    await send({"type": "http.response.body", "body": f"{text}\n".encode() if text else b""})
