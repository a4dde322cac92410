"""An ``http://`` or ``https://`` address taken apart, and one that a redirect names."""

import re
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote, urljoin

from .http_login import Login

_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)(?:%(?:25)?([\w.~-]+))?\]|([^\[\]:/?#@\s]+))(?::([0-9]{1,5}))?")
_PORTS = {"http": 80, "https": 443}
_KEPT = "!$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True)
class NetworkAddress:
    """``host`` as the system resolves it (an IPv6 zone behind ``%``); ``target``: path and query, percent-encoded."""

    scheme: str
    host: str
    port: int
    target: str
    login: Login | None = field(default=None, repr=False)

    @property
    def host_header(self) -> str:
        """The ``Host`` header: no zone, for that is a name of this machine's."""
        host = self.host.partition("%")[0]
        host = f"[{host}]" if ":" in host else host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def with_raw_zone(text: str) -> str:
    """The address with an IPv6 zone as the system's resolver takes it: ``[fe80::1%eth0]`` of ``[fe80::1%25eth0]``."""
    return re.sub(r"(\[[0-9A-Fa-f:.]+%)25(?=[\w.~-]+\])", r"\1", text, count=1)


def has_place(text: str) -> bool:
    """Whether an address of any scheme with ``://`` has a host, and a port that there is where it has one."""
    authority = re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)[0]
    match = _AUTHORITY.fullmatch(authority.rpartition("@")[2])
    return match is not None and 0 < int(match[4] or 1) < 65536


def parse_address(text: str) -> NetworkAddress:
    """Take an address apart; a password may hold ``@``, unescaped.

    Raises:
        ValueError: no scheme of these, no host, or no port that there is.
    """
    scheme, mark, rest = text.partition("://")
    if not mark or scheme.lower() not in _PORTS:
        raise ValueError("neither http:// nor https://")
    rest = rest.partition("#")[0]
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    login, at, place = authority.rpartition("@")
    match = _AUTHORITY.fullmatch(place)
    if match is None or not has_place(text):
        raise ValueError("no valid host and port")
    six, zone, name, port = match.groups()
    user, _, password = login.partition(":")
    return NetworkAddress(
        scheme=scheme.lower(),
        host=f"{six}%{zone}" if zone else six or _resolvable(name),
        port=int(port or _PORTS[scheme.lower()]),
        target=_target(rest[len(authority) :]),
        login=Login(unquote(user), unquote(password)) if at else None,
    )


def redirected(address: NetworkAddress, location: str) -> NetworkAddress:
    """Where a redirect leads. The login goes along to the same host only, and never from https to http.

    Args:
        location: the header's value as ``http.client`` gives it, which is Latin-1 of whatever bytes came.

    Raises:
        ValueError: it leads to no http or https address.
    """
    text = location.encode("latin-1", "replace").decode("utf-8", "replace").strip()
    here = f"{address.scheme}://{address.host_header}{address.target}"
    new = parse_address(urljoin(here, text))
    if new.host == address.host.partition("%")[0]:
        new = replace(new, host=address.host)
    keeps = new.host.lower() == address.host.lower() and not (address.scheme == "https" and new.scheme == "http")
    return replace(new, login=address.login if keeps else None)


def _target(rest: str) -> str:
    return quote(rest if rest.startswith("/") else f"/{rest}", safe=_KEPT)


def _resolvable(name: str) -> str:
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        raise ValueError("no valid host and port") from None
