"""Real sources for the tests: video files, image folders, and an HTTP camera on loopback."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest


def picture(index: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """A picture whose grey level tells its number."""
    width, height = size
    image = np.full((height, width, 3), 20 * (index % 12), np.uint8)
    cv2.circle(image, (width // 2, height // 2), height // 4, (0, 255, 255), 2)
    return image


def jpeg(index: int, size: tuple[int, int] = (64, 48)) -> bytes:
    return cv2.imencode(".jpg", picture(index, size))[1].tobytes()


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """``make_video(frames, fps=10)`` writes a real MP4 file."""

    def make(frames: int, fps: float = 10.0, name: str = "video.mp4") -> Path:
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, (64, 48))
        assert writer.isOpened()
        for index in range(frames):
            writer.write(picture(index))
        writer.release()
        return path

    return make


@pytest.fixture(scope="session")
def gst_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gstreamer") / "registry.bin"


@pytest.fixture(autouse=True)
def one_gst_registry(gst_registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a cache folder of its own, in which GStreamer would scan all its plugins anew."""
    monkeypatch.setenv("GST_REGISTRY", str(gst_registry))


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


@pytest.fixture
def camera() -> Iterator[Camera]:
    served = Camera()
    yield served
    served.close()


@pytest.fixture
def make_jpeg() -> Callable[..., bytes]:
    return jpeg


@pytest.fixture
def make_picture() -> Callable[..., np.ndarray]:
    return picture


@pytest.fixture
def within() -> Callable[..., None]:
    """``within(condition)`` waits until a condition of another thread holds; a generous limit, not a measurement."""

    def wait(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, "the condition did not come true"
            time.sleep(0.01)

    return wait
