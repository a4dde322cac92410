"""Corrupted pictures by the thousand: no crash, and each frame that was sent is accounted for."""

import random
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.backoff import BackoffPolicy
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.loop.capture import ConnectionSettings
from dgiqa_edge.runtime.watch.loop.intake import LineSettings, Policy
from dgiqa_edge.runtime.watch.loop.watch import Watch, WatchedCamera
from dgiqa_edge.runtime.watch.sources import create_source
from dgiqa_edge.runtime.watch.status import CameraState

EVERY = LineSettings(Policy.EVERY, places=4)
BOUNDARY = b"frame"


def corrupted(rng: random.Random, whole: bytes) -> bytes:
    """One damaged copy: cut, bytes changed, a hole, noise, nothing, or left whole."""
    content = bytearray(whole)
    kind = rng.randrange(7)
    if kind == 0:
        del content[rng.randrange(len(content)) :]
    elif kind == 1:
        for _ in range(rng.randint(1, 40)):
            content[rng.randrange(len(content))] = rng.randrange(256)
    elif kind == 2:
        at = rng.randrange(len(content))
        del content[at : at + rng.randint(1, 200)]
    elif kind == 3:
        content[2:2] = rng.randbytes(rng.randint(1, 300))
    elif kind == 4:
        content = bytearray(rng.randbytes(rng.randrange(400)))
    elif kind == 5:
        # A header that promises another size: the classic way to make a decoder allocate too much.
        at = content.find(b"\xff\xc0")
        content[at + 5 : at + 9] = rng.randbytes(4)
    return bytes(content).replace(b"--" + BOUNDARY, b"")


def photo() -> bytes:
    image = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(image, (64, 48)))[1].tobytes()


def watch_all(bundle: Path, create: Callable[[], Any], sent: Callable[[], int] | None = None) -> Any:
    connection = ConnectionSettings(20.0, 20.0, BackoffPolicy(first_s=0.01, longest_s=0.05))
    stop = threading.Event()
    with Scorer(bundle, threads=1, allow_spinning=False, verify=False) as scorer:
        watch = Watch([WatchedCamera("fuzz", create, "fuzz", EVERY, connection)], scorer)
        if sent is not None:

            def end_with_the_stream() -> None:
                while not stop.wait(0.05):
                    shown = watch.status().cameras[0]
                    if shown.captured >= sent() and shown.in_flight == 0 and shown.state is CameraState.RETRYING:
                        stop.set()

            threading.Thread(target=end_with_the_stream, daemon=True).start()
        return watch.run(stop, duration_s=500.0).cameras[0]


def fuzz_stream(bundle: Path, frames: int, seed: int) -> Any:
    """Send corrupted pictures over real HTTP; half of the parts without a length, some with a wrong one."""
    rng = random.Random(seed)
    whole = photo()
    sent = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal sent
            if sent >= frames:
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY.decode()}")
            self.end_headers()
            while sent < frames:
                body = corrupted(rng, whole)
                head = b"--" + BOUNDARY + b"\r\nContent-Type: image/jpeg\r\n"
                if rng.random() < 0.5:
                    wrong = rng.randint(-20, 20) if rng.random() < 0.2 else 0
                    head += b"Content-Length: %d\r\n" % max(0, len(body) + wrong)
                self.wfile.write(head + b"\r\n" + body + b"\r\n")
                sent += 1
            self.wfile.write(b"--" + BOUNDARY + b"--\r\n")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        return watch_all(bundle, lambda: create_source(address), lambda: frames)
    finally:
        server.shutdown()
        server.server_close()


def fuzz_folder(bundle: Path, folder: Path, frames: int, seed: int) -> Any:
    rng = random.Random(seed)
    whole = photo()
    folder.mkdir()
    for index in range(frames):
        (folder / f"{index:06d}.jpg").write_bytes(corrupted(rng, whole))
    return watch_all(bundle, lambda: create_source(str(folder)))


def check(shown: Any, frames: int) -> None:
    assert shown.captured == frames == shown.scored + shown.failed
    assert (shown.skipped, shown.in_flight) == (0, 0)
    assert shown.scored > frames // 10
    assert shown.failed > frames // 10


def test_corrupted_pictures_of_a_stream_are_all_accounted_for(bundle_dir: Path) -> None:
    check(fuzz_stream(bundle_dir, 1500, seed=1), 1500)


def test_corrupted_picture_files_are_all_accounted_for(bundle_dir: Path, tmp_path: Path) -> None:
    check(fuzz_folder(bundle_dir, tmp_path / "photos", 500, seed=2), 500)


@pytest.mark.slow
def test_ten_thousand_corrupted_pictures(bundle_dir: Path, tmp_path: Path) -> None:
    check(fuzz_stream(bundle_dir, 6000, seed=3), 6000)
    check(fuzz_folder(bundle_dir, tmp_path / "photos", 4000, seed=4), 4000)
