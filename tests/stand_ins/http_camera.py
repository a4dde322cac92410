"""HTTP cameras on loopback: one that does it right, and one that answers with any bytes."""

import base64
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .pictures import jpeg

Answer = Callable[[str, dict[str, str]], bytes]


class Camera:
    """An HTTP camera: sends ``parts`` one after the other, then does what ``then`` says."""

    def __init__(self) -> None:
        self.parts: list[bytes] = [jpeg(index) for index in range(3)]
        self.then = "end"  # or "hang"
        self.login: str | None = None
        self.content_type = "multipart/x-mixed-replace; boundary=frame"
        self.requests = 0
        self.headers_seen: list[dict[str, str]] = []
        self.released = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.requests += 1
                camera.headers_seen.append(dict(self.headers))
                wanted = camera.login and "Basic " + base64.b64encode(camera.login.encode()).decode()
                if wanted and self.headers.get("Authorization") != wanted:
                    self.send_response(401, "Unauthorized")
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("Content-Type", camera.content_type)
                self.end_headers()
                try:
                    for part in camera.parts:
                        head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(part)
                        self.wfile.write(head + part + b"\r\n")
                    self.wfile.flush()
                    if camera.then == "hang":
                        camera.released.wait(20)
                except OSError:
                    pass

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class Server:
    """Answers each request with bytes, written as they are; then closes the connection, or goes on with ``then``."""

    def __init__(self, answer: Answer, then: Callable[[socket.socket], None] | None = None) -> None:
        self._answer, self._then = answer, then
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(4096)
            first, *lines = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            self.requests.append((first.split()[1], headers))
            try:
                connection.sendall(self._answer(first.split()[1], headers))
                if self._then is not None:
                    self._then(connection)
            except OSError:
                pass

    def close(self) -> None:
        self._socket.close()


def http(
    body: bytes, kind: str = "multipart/x-mixed-replace; boundary=frame", status: str = "200 OK", *more: str
) -> bytes:
    lines = [f"HTTP/1.1 {status}", *([f"Content-Type: {kind}"] if kind else []), "Connection: close", *more]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def parts(pictures: list[bytes], boundary: bytes = b"--frame", end: bytes = b"\r\n", length: bool = True) -> bytes:
    content = b""
    for picture in pictures:
        head = [boundary, b"Content-Type: image/jpeg", *([b"Content-Length: %d" % len(picture)] if length else [])]
        content += end.join(head) + end * 2 + picture + end
    return content
