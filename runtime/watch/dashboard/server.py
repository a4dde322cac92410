"""An ASGI application served from a thread of its own, on a socket that is bound before the thread starts."""

import logging
import socket
import threading

from ...errors import MachineError
from ...ground.extra_packages import watch_package
from ...settings.listen_address import ListenAddress
from .guard import App

_BACKLOG = 64
_MOST_CONNECTIONS = 128


class PageServer:
    """Serves from construction to ``close``; logs no requests, for their addresses are nobody's business.

    Raises:
        MachineError: the address cannot be had, or uvicorn is not installed.
    """

    def __init__(self, app: App, listen: ListenAddress) -> None:
        uvicorn = watch_package("uvicorn", "the dashboard")
        self._socket = _bound(listen)
        self.address = ListenAddress(listen.host, self._socket.getsockname()[1])
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="error",  # what strangers send is no news
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of visitors who went away
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="dashboard", daemon=True
        )
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Stop and free the port."""
        self._server.should_exit = True
        self._thread.join(timeout_s)
        self._socket.close()


def _bound(listen: ListenAddress) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(_BACKLOG)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        raise MachineError(
            f"the dashboard cannot listen on {listen} ({error.strerror}): choose another address or port"
        ) from None
    return bound
