"""Whether a destination can be reached now, asked without leaving anything there: ``watch --check``'s half of a sink.

What is not there now but may come back is a ``SinkError``; what waiting will not mend is a ``MachineError``.
"""

import socket
import ssl
import tempfile
from pathlib import Path

from ...errors import MachineError, SinkError
from ...settings.listen_address import ListenAddress
from ..media.connection_words import connection_problem


def writable_file(path: Path) -> str:
    """A file that exists and can be written, or can be made.

    Raises:
        MachineError: neither.
    """
    if not path.exists():
        return f"{writable_folder(path.parent)}, {path.name} will be made"
    if path.is_dir():
        raise MachineError(f"{path} is a folder: name a file")
    if path.is_file():  # else a pipe or a device, whose other end may not be there yet
        try:
            path.open("ab").close()
        except OSError as error:
            raise MachineError(f"{path} cannot be written ({error.strerror}): check its rights") from None
    return f"{path} can be written"


def writable_folder(path: Path) -> str:
    """A folder in which files can be made, or which can be made itself.

    Raises:
        MachineError: neither.
    """
    there = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    if not there.is_dir():
        raise MachineError(f"{there} is a file, not a folder: choose another path")
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        raise MachineError(
            f"{there} cannot be written ({error.strerror}): check its owner and rights, or choose another path"
        ) from None
    return f"{path} can be written" if there == path.absolute() else f"{path} can be made"


def free_address(listen: ListenAddress) -> str:
    """An address that nothing else listens on.

    Raises:
        MachineError: it is taken, or not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
    except OSError as error:
        raise MachineError(
            f"{listen} cannot be listened on ({error.strerror}): choose another address or port"
        ) from None
    return f"{listen} is free"


def connected(host: str, port: int, shown: str, timeout_s: float, tls: ssl.SSLContext | None) -> str:
    """A server that takes a connection, and does the TLS handshake where ``tls`` is given; nothing is sent to it.

    Raises:
        SinkError: it does not; says why.
    """
    try:
        with socket.create_connection((host, port), timeout_s) as plain:
            if tls is not None:
                tls.wrap_socket(plain, server_hostname=host.partition("%")[0]).close()
    except (OSError, ValueError) as error:
        raise SinkError(f"{shown} cannot be reached ({connection_problem(error, tls is not None)})") from None
    return f"{shown} takes connections"
