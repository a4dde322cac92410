"""The address of a model on a server, as ``triton://host:8001/model``, and how one asks there.

``triton`` is gRPC, ``triton+http`` HTTP; ``tritons`` and ``triton+https`` are the same over TLS. Behind ``?`` may stand
``timeout`` and ``patience`` (times), and for TLS ``ca``, ``cert`` and ``key`` (PEM files). A token stands in no
address: it is taken from the environment.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import ConfigurationError
from ..ground.limits import MOST_SECONDS
from ..ground.quantities import duration_in
from .credentials import remember, remember_address

TOKEN_VARIABLE = "DGIQA_TRITON_TOKEN"
EXAMPLE = "triton://HOST:8001/MODEL"
_PORTS = {"triton": 8001, "tritons": 8001, "triton+http": 8000, "triton+https": 8000}
_MODEL = re.compile(r"/([A-Za-z0-9][\w.-]{0,127})/?", re.ASCII)
_FILES = ("ca", "cert", "key")
_TIMES = {"timeout": "timeout_s", "patience": "patience_s"}
_PosixOrWindowsPath = type(Path())


class RemotePath(_PosixOrWindowsPath):  # type: ignore[valid-type,misc]
    """An address where a bundle's folder would stand: shown as it was written, while no file has that name."""

    def __str__(self) -> str:
        return re.sub(r"^([a-z+]+):/(?!/)", r"\1://", super().__str__())


@dataclass(frozen=True)
class RemoteAddress:
    """Where a model is served.

    ``timeout_s`` is how long one try may take, ``patience_s`` how long a frame is tried again before it fails. ``ca``
    is the authority that the server's certificate is checked by (the system's where None), ``cert`` and ``key`` are
    what a server asks of its clients.
    """

    http: bool
    tls: bool
    host: str
    port: int
    model: str
    timeout_s: float = 3.0
    patience_s: float = 5.0
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def authority(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        scheme = next(name for name in _PORTS if _kind(name) == (self.http, self.tls))
        return f"{scheme}://{self.authority}/{self.model}"


def is_remote(text: object) -> bool:
    """Whether a text, or a path, names a model on a server."""
    scheme, colon, _ = str(text).partition("://")
    return bool(colon) and scheme in _PORTS


def parse_address(text: str) -> RemoteAddress:
    """The address that a text is.

    Raises:
        ConfigurationError: it is none, or it has an option that there is none of.
    """
    shown = remember_address(text)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    model = _MODEL.fullmatch(parts.path) if host else None
    if parts.scheme not in _PORTS or not host or model is None or parts.fragment:
        raise ConfigurationError(f"{shown} is no address of a model on a server: write it as {EXAMPLE}")
    if "@" in parts.netloc:
        raise ConfigurationError(f"{shown}: a login has no place in an address: set a token in {TOKEN_VARIABLE}")
    http, tls = _kind(parts.scheme)
    token = os.environ.get(TOKEN_VARIABLE) or None
    if token is not None:
        remember(token)
    return RemoteAddress(
        http, tls, host, port or _PORTS[parts.scheme], model[1], token=token, **_options(parts.query, shown, tls)
    )


def remote_path(text: str) -> RemotePath:
    """An address as it stands where a bundle is named; raises as ``parse_address``."""
    parse_address(text)
    return RemotePath(text)


def _kind(scheme: str) -> tuple[bool, bool]:
    return "http" in scheme, scheme.endswith("s")


def _options(query: str, shown: str, tls: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in _TIMES:
            seconds = duration_in("s", value)
            if seconds is None or not 0.0 <= seconds <= MOST_SECONDS or (name == "timeout" and not seconds):
                raise ConfigurationError(f"{shown}: {name} is no time: write it as 500ms, 3s or 1m")
            found[_TIMES[name]] = seconds
        elif name in _FILES and tls and value:
            found[name] = Path(value).expanduser()
        else:
            flaw = (
                "is for TLS alone (tritons, triton+https)" if name in _FILES and not tls else "is no option, or empty"
            )
            raise ConfigurationError(f"{shown}: {name!r} {flaw}: give {', '.join((*_TIMES, *_FILES))}")
    if ("cert" in found) != ("key" in found):
        raise ConfigurationError(f"{shown}: cert and key belong together: give both")
    return found
