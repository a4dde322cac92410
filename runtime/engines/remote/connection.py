"""Which of the wires an address means."""

from ...settings.remote_address import RemoteAddress
from .wire import Wire


def open_wire(address: RemoteAddress) -> Wire:
    """A connection, which nothing was sent over yet.

    Raises:
        MachineError: its package is missing.
        ConfigurationError: a file for TLS cannot be read.
    """
    if address.http:
        from .http_wire import HttpWire

        return HttpWire(address)
    from .grpc_wire import GrpcWire

    return GrpcWire(address)
