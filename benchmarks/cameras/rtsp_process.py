"""The RTSP server of ``rtsp_server.py`` as a process: found, started, given orders, killed."""

import contextlib
import functools
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from dgiqa_edge.runtime.errors import MachineError

_SERVER = Path(__file__).with_name("rtsp_server.py")
_NEEDS = """
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
needed = ("multifilesrc", "jpegdec", "x264enc", "rtph264pay", "breakmydata")
absent = [name for name in needed if Gst.ElementFactory.find(name) is None]
raise SystemExit(f"GStreamer lacks {', '.join(absent)}" if absent else 0)
"""
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
)


@functools.cache
def server_interpreter() -> str | None:
    """A Python that can run the server; the system's own, for its packages come with the system."""
    for candidate in (sys.executable, "/usr/bin/python3", shutil.which("python3")):
        if candidate and Path(candidate).exists():
            finished = subprocess.run([candidate, "-c", _NEEDS], capture_output=True, timeout=60, check=False)
            if finished.returncode == 0:
                return candidate
    return None


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RtspProcess:
    """One server, ready when the constructor returns.

    Args:
        frames: folder of 00000.jpg, 00001.jpg ...
        port: on loopback.
        size: WxH of the stream.
        login: ``user:password`` that the server asks for.
        stream: ``interlaced`` or ``sound`` instead of the pictures.

    Raises:
        MachineError: no interpreter has what the server needs, or it did not start.
    """

    def __init__(
        self, frames: Path, port: int, size: str = "640x480", login: str | None = None, stream: str = ""
    ) -> None:
        python = server_interpreter()
        if python is None:
            raise MachineError(f"the RTSP server needs system packages: apt-get install {PACKAGES}")
        command = [python, str(_SERVER), str(frames), "--port", str(port), "--size", size, "--fps", "8"]
        command += ["--login", login] if login else []
        command += ["--stream", stream] if stream else []
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            self.kill()
            raise MachineError(f"the RTSP server did not start on port {port}: is it taken?")

    def order(self, line: str) -> None:
        """Send one order, see ``rtsp_server.py``."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def pause(self) -> None:
        """Stop the process without closing its connections: the stream stalls."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Undo ``pause``."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL; further calls do nothing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
