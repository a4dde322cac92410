"""Video files and HTTP cameras for the sources."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from stand_ins.http_camera import Answer, Camera, Server
from stand_ins.pictures import LEVEL, jpeg, picture

import dgiqa_edge.runtime


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


@pytest.fixture
def camera() -> Iterator[Camera]:
    served = Camera()
    yield served
    served.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(answer: Answer, then: Callable[[socket.socket], None] | None = None) -> Server:
        started.append(Server(answer, then))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def three() -> list[bytes]:
    return [jpeg(number) for number in range(3)]


@pytest.fixture(scope="session")
def bright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures whose upper half is bright and whose lower half is dark."""
    folder = tmp_path_factory.mktemp("bright")
    for index in range(10):
        picture = np.full((96, 128, 3), LEVEL, np.uint8)
        picture[48:] = 20
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder


@pytest.fixture
def through_gstreamer(tmp_path: Path) -> Callable[..., None]:
    """``through_gstreamer(program, *arguments)`` runs a program with an OpenCV that has GStreamer.

    The wheels have none; a system's own may (Debian: python3-opencv), and a Jetson's does.
    """
    system = "/usr/bin/python3"
    ask = "import cv2; print(cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER))"
    answer = subprocess.run([system, "-c", ask], capture_output=True, text=True, check=False)
    if answer.stdout.strip() != "True":
        pytest.skip("needs a system OpenCV with GStreamer (apt-get install python3-opencv)")
    folder = tmp_path / "packages" / "dgiqa_edge"
    folder.mkdir(parents=True)
    (folder / "runtime").symlink_to(Path(dgiqa_edge.runtime.__file__).parent)

    def run(program: str, *arguments: str) -> None:
        finished = subprocess.run(
            [system, "-c", program, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "PYTHONPATH": str(folder.parent), "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
        assert finished.returncode == 0, finished.stderr

    return run
