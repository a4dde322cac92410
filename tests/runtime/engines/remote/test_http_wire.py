"""The HTTP wire against a server of the test's own, which answers as the real one rarely does, also over TLS."""

import contextlib
import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from dgiqa_edge.runtime.engines.remote.http_wire import HttpWire
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError, RemoteError
from dgiqa_edge.runtime.settings.remote_address import TOKEN_VARIABLE, parse_address

pytest.importorskip("urllib3", reason="urllib3 is not installed: extra triton")
FRAME = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)


class Server(http.server.ThreadingHTTPServer):
    """Answers every request with ``status``, ``headers`` and ``body``; keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.headers, self.body = 200, {}, b"{}"
        self.asked: list[tuple[str, dict[str, str], bytes]] = []


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.path, dict(self.headers.items()), content))
        self.send_response(self.server.status)
        for name, value in {"Content-Length": str(len(self.server.body)), **self.server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *words: object) -> None:
        pass


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with running(Server()) as one:
        yield one


def wire(server: Server, options: str = "") -> HttpWire:
    return HttpWire(parse_address(f"triton+http://127.0.0.1:{server.server_port}/nano{options}"))


def test_a_frame_goes_as_bytes_behind_a_head_and_outputs_come_so_or_as_json(server, monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "topsecret-xyz")
    score, depth = np.array([[0.25]], np.float32), np.array([[[7, 9]]], np.uint8)
    outputs = [
        {"name": "score", "datatype": "FP32", "shape": [1, 1], "parameters": {"binary_data_size": 4}},
        {"name": "crop_scores", "datatype": "FP32", "shape": [1, 2], "data": [0.5, 1]},
        {"name": "depth", "datatype": "UINT8", "shape": [1, 1, 2], "parameters": {"binary_data_size": 2}},
    ]
    head = json.dumps({"model_version": "7", "outputs": outputs}).encode()
    server.headers = {"Inference-Header-Content-Length": str(len(head))}
    server.body = head + score.tobytes() + depth.tobytes()
    answer = wire(server).infer("id", FRAME, ["score", "crop_scores", "depth"])
    assert answer.version == "7"
    assert {name: array.tolist() for name, array in answer.outputs.items()} == {
        "score": [[0.25]],
        "crop_scores": [[0.5, 1.0]],
        "depth": [[[7, 9]]],
    }
    ((path, headers, content),) = server.asked
    length = int(headers["Inference-Header-Content-Length"])
    asked = json.loads(content[:length])
    assert path == "/v2/models/nano/infer"
    assert headers["Authorization"] == "Bearer topsecret-xyz"
    assert asked["id"] == "id"
    assert asked["inputs"] == [
        {"name": "frame", "shape": [1, 2, 4, 3], "datatype": "UINT8", "parameters": {"binary_data_size": 24}}
    ]
    assert content[length:] == FRAME.tobytes()


def test_parameters_are_those_of_the_configuration(server):
    server.body = b'{"name": "nano", "parameters": {"a": {"string_value": "b"}}}'
    assert wire(server).parameters() == {"a": "b"}
    assert server.asked[0][0] == "/v2/models/nano/config"


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (400, b'{"error": "unexpected shape"}', EngineCompatibilityError, "unexpected shape"),
        (401, b"", EngineCompatibilityError, TOKEN_VARIABLE),
        (404, b'{"error": "unknown model"}', EngineCompatibilityError, "check the model's name"),
        (500, b"", RemoteError, "HTTP 500"),
        (503, b"starting", RemoteError, "starting"),
        (302, b"", RemoteError, "HTTP 302"),
        (200, b"<html>a proxy's page</html>", RemoteError, "check host and port"),
        (200, b"\xff\xfe", RemoteError, "check host and port"),
        (200, b"[]", RemoteError, "check host and port"),
        (
            200,
            b'{"outputs": [{"name": "score", "datatype": "FP16", "shape": [1]}]}',
            RemoteError,
            "check host and port",
        ),
        (
            200,
            b'{"outputs": [{"name": "score", "datatype": "FP32", "shape": [2], "data": [1]}]}',
            RemoteError,
            "check host and port",
        ),
    ],
)
def test_other_answers_are_errors_of_which_some_are_worth_another_try(server, status, body, kind, said):
    server.status, server.body = status, body
    with pytest.raises(kind, match=said):
        wire(server).infer("id", FRAME, ["score"])


def test_a_server_that_says_nothing_is_given_up_in_time(server):
    server.headers = {"Content-Length": "1000"}
    with pytest.raises(RemoteError, match="does not answer"):
        wire(server, "?timeout=200ms").parameters()


def test_tls_is_checked_by_the_authority_that_is_named(tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=localhost"
    words += " -addext subjectAltName=DNS:localhost"
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    address = f"triton+https://localhost:{server.server_port}/nano"
    with running(server):
        assert HttpWire(parse_address(f"{address}?ca={certificate}")).parameters() == {}
        with pytest.raises(RemoteError, match="certificate"):
            HttpWire(parse_address(address)).parameters()
    with pytest.raises(ConfigurationError, match="is no file"):
        HttpWire(parse_address(f"{address}?ca={tmp_path / 'absent.pem'}"))
