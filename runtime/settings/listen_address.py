"""Where a page of ours listens: loopback unless the settings say otherwise."""

import ipaddress
import re
from dataclasses import dataclass

from ..errors import ConfigurationError
from .credentials import shown_address
from .section import Section

_FORM = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+(?:%[\w.~-]+)?)\]|(?P<host>[A-Za-z0-9.-]*)):(?P<port>[0-9]{1,5})")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ListenAddress:
    """``host``: a name or address; ``port``: 0 lets the system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False  # some other name: nobody knows where it will lead


def parse_listen(text: str, where: str) -> ListenAddress:
    """``127.0.0.1:8080``, ``[::1]:8080``, ``0.0.0.0:8080``; ``:8080`` and ``8080`` mean loopback.

    Raises:
        ConfigurationError: another form; ``where`` names the setting.
    """
    match = _FORM.fullmatch(text if ":" in text else f":{text}")
    if match is None or int(match["port"]) > 65535:
        raise ConfigurationError(
            f"{where} is {shown_address(text)[:60]!r}: give HOST:PORT, such as 127.0.0.1:8080 or :8080"
        )
    return ListenAddress(match["six"] or match["host"] or LOOPBACK, int(match["port"]))


def listen_option(options: Section, default: str, key: str = "listen") -> ListenAddress:
    """The option ``listen`` of a settings section."""
    return parse_listen(options.text(key, default), options.path_of(key))
