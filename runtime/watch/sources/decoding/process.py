"""A decoder in a process of its own: started, asked, listened to, and ended when it hangs.

OpenCV's FFmpeg opens one stream at a time in a process, and a crash or hang in a decoder takes its whole process
along. So each stream has its own: ``program.py``, fed with JSON lines. Addresses go through the pipe, for arguments
are seen by every user of the machine.
"""

import contextlib
import fcntl
import json
import mmap
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ....errors import MachineError
from ....ground.limits import pixels_flaw
from .complaints import Complaints
from .printed import Printed

_PROGRAM = Path(__file__).with_name("program.py")
# Neither the working folder nor one of ours comes on the program's import path.
_START = "import sys; del sys.path[0], sys.argv[0]; import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
_START_S = 30.0  # a machine under full load
_CLOSE_S = 2.0


class DecoderGoneError(Exception):
    """The process ended or was ended; the text says why."""


class DecoderProcess:
    """One process, started by the first question and again after it has ended.

    ``interrupt`` is for any thread, the rest for one at a time. ``complaints`` is what it said on standard error.
    """

    def __init__(self) -> None:
        self.complaints = Complaints()
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: BinaryIO | None = None
        self._printed: Printed | None = None
        self._memory: int | None = None
        self._shared: mmap.mmap | None = None

    def ask(self, question: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """One question's answer.

        Raises:
            DecoderGoneError: it ended, crashed, or did not answer in time and was ended.
            MachineError: no process can be started.
        """
        deadline = time.monotonic() + timeout_s
        process = self._process
        if process is None:
            process = self._start()
            deadline += _START_S
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the end of its answers tells why
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
        line = self._listen(process, deadline)
        if line is None:
            self.end()
            raise DecoderGoneError(f"it did not answer within {timeout_s:.0f} s")
        if not line.endswith(b"\n"):
            raise DecoderGoneError(self._last_words(process))
        return dict(json.loads(line))

    def picture(self, rows: int, columns: int) -> NDArray[np.uint8]:
        """A copy of the picture that the last answer told of, uint8 [rows, columns, 3].

        Raises:
            DecoderGoneError: there is none of that size.
        """
        assert self._memory is not None
        size = rows * columns * 3
        flaw = pixels_flaw(columns, rows)
        if flaw is not None:
            raise DecoderGoneError(f"its picture {flaw}")
        if self._shared is None or len(self._shared) < size:
            if os.fstat(self._memory).st_size < size:
                raise DecoderGoneError("it told of a picture that is not there")
            self._shared = mmap.mmap(self._memory, size, access=mmap.ACCESS_READ)
        return np.frombuffer(self._shared, np.uint8, size).reshape(rows, columns, 3).copy()

    def interrupt(self) -> None:
        """End the process at once; a question that waits is answered with its end."""
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()

    def end(self) -> None:
        """End the process and free everything; further calls do nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if self._printed is not None:
            self._printed.finish(_CLOSE_S)
        for stream in (process.stdin, process.stderr, self._answers):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if self._memory is not None:
            os.close(self._memory)
        self._answers = self._memory = self._shared = None

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start it; its import path is this process's own, wherever numpy and cv2 came from."""
        self.complaints = Complaints()
        memory = os.memfd_create("dgiqa-edge-picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        # A file that shrinks under a mapping would crash this process with SIGBUS.
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        read_end, write_end = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, "-S", "-c", _START, str(_PROGRAM), str(write_end), str(memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,  # some decoders print there
                stderr=subprocess.PIPE,
                pass_fds=(write_end, memory),
                start_new_session=True,  # Ctrl-C goes to this process alone, which ends the other itself
                env=_environment(),
            )
        except OSError as error:
            os.close(read_end)
            os.close(memory)
            raise MachineError(f"no decoder process can be started ({error.strerror}): free some memory") from None
        finally:
            os.close(write_end)
        assert process.stdout is not None and process.stderr is not None
        self._printed = Printed(process.stdout, "the decoder process")  # type: ignore[arg-type]
        os.set_blocking(process.stderr.fileno(), False)
        self._process, self._memory, self._shared = process, memory, None
        self._answers = os.fdopen(read_end, "rb", buffering=0)
        return process

    def _listen(self, process: "subprocess.Popen[bytes]", deadline: float) -> bytes | None:
        """The answer's line, cut short where the process ended; None where it came not in time.

        Standard error is read all the while, for a full pipe would stop the process, and once more after the answer:
        what it said before the answer belongs to the answer.
        """
        assert self._answers is not None and process.stderr is not None
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            selector.register(process.stderr, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    return None
                for key, _ in ready:
                    if key.fileobj is process.stderr:
                        if not self._hear(process.stderr):
                            selector.unregister(process.stderr)
                        continue
                    part = os.read(key.fd, 65_536)
                    if not part:
                        self._hear(process.stderr)
                        return b""
                    line += part
        self._hear(process.stderr)
        return line

    def _hear(self, stream: Any) -> bool:
        """Take what stands in the pipe; False at its end."""
        while True:
            try:
                part = os.read(stream.fileno(), 65_536)
            except BlockingIOError:
                return True
            if not part:
                return False
            self.complaints.add(part)

    def _last_words(self, process: "subprocess.Popen[bytes]") -> str:
        try:
            code = process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            code = 0
        self.end()
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"the decoder process died by signal {-code} ({signal.Signals(-code).name})"
        return f"the decoder process ended by itself ({code}; {self.complaints.text()[-200:]})"


def _environment() -> dict[str, str]:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("OPENCV_FFMPEG_", "OPENCV_LOG_"))
    }
    # FFmpeg's and OpenCV's own levels, errors and warnings, are what `complaints.py` reads.
    options = os.environ.get("OPENCV_FFMPEG_CAPTURE_OPTIONS")
    if options is not None:
        environment["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = options
    environment["PYTHONPATH"] = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    environment["OPENBLAS_NUM_THREADS"] = environment["OMP_NUM_THREADS"] = "1"
    return environment
