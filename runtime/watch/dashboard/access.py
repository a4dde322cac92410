"""Who may see the page: anybody on this machine, or whoever knows the token."""

import hashlib
import hmac
import re

COOKIE = "dgiqa_edge_session"
_LOOPBACK_HOST = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?")
_PURPOSE = b"dgiqa-edge dashboard session, version 1"


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
