"""A real Triton Inference Server on this machine's CPU, for the tests: ``python tests/triton_server.py REPOSITORY``.

The program comes from NVIDIA's wheel nvidia-pytriton, which has the Python backend and no other. It embeds the system's
Python, so both live in an environment of their own below ``build/triton``, which is made once and kept.
"""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from places import ROOT
from stand_ins import free_port

import dgiqa_edge.runtime

FOLDER = ROOT / "build" / "triton"
PYTHON = "/usr/bin/python3"
SERVER = ("nvidia-pytriton==0.7.0",)
# The server's stubs were built for NumPy 1.
RUNTIME = ("numpy<2", "onnxruntime>=1.17", "opencv-python-headless>=4.8,<4.12")
READY_S = 60.0


@functools.cache
def absent() -> str:
    """Why there can be no server here; empty where there can, or already is."""
    if not (sys.platform == "linux" and Path(PYTHON).exists()):
        return "no system Python that a Triton server could embed"
    probe = "import ensurepip, sys, sysconfig, pathlib; v = sysconfig.get_config_vars(); "
    probe += "sys.exit(not any(pathlib.Path(v['LIBDIR']).glob('**/' + v['INSTSONAME'])))"
    done = subprocess.run([PYTHON, "-c", probe], capture_output=True, check=False)
    return "" if done.returncode == 0 else f"{PYTHON} has no shared library or no venv: apt-get install libpython3-dev"


def installation() -> Path:
    """The environment's packages; made where it is not there yet (two minutes, 0.5 GB)."""
    home = FOLDER / "env"
    ready = home / ".ready"
    if not ready.exists():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([PYTHON, "-m", "venv", home], check=True)
        pip = [home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", *SERVER], check=True)
        subprocess.run([*pip, *RUNTIME], check=True)
        packages = next(home.glob("lib/python3*/site-packages"))
        triton = packages / "pytriton" / "tritonserver"
        version = packages.parent.name.removeprefix("python")
        stub = "triton_python_backend_stub"
        shutil.copy2(triton / "python_backend_stubs" / version / stub, triton / "backends" / "python" / stub)
        ready.touch()
    return next(home.glob("lib/python3*/site-packages"))


@dataclass
class TritonServer:
    """A server of one repository; ``start`` and ``kill`` it as often as wanted, always on the same ports."""

    repository: Path
    log: Path
    options: Sequence[str] = ()
    http: int = field(default_factory=free_port)
    grpc: int = field(default_factory=free_port)
    metrics: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self, wait: bool = True) -> None:
        """Run it, and wait until its models are served.

        Raises:
            RuntimeError: it ended, or is not ready in time; with the end of its log.
        """
        packages = installation()
        triton = packages / "pytriton" / "tritonserver"
        # As a wheel that was installed there: the embedded Python heeds no PYTHONPATH.
        imports = Path(next(iter(dgiqa_edge.runtime.__path__))).parents[1]
        (packages / "dgiqa_edge.pth").write_text(f"{imports}\n")
        words = {
            "model-repository": self.repository,
            "backend-directory": triton / "backends",
            "http-port": self.http,
            "grpc-port": self.grpc,
            "metrics-port": self.metrics,
            "backend-config": f"python,shm-region-prefix-name=dgiqa{os.getpid()}-{self.grpc}",
        }
        environment = {
            **os.environ,
            "PATH": f"{FOLDER / 'env' / 'bin'}:/usr/bin:/bin",  # whose Python is embedded
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    triton / "bin" / "tritonserver",
                    *(f"--{name}={value}" for name, value in words.items()),
                    *self.options,
                ],
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Until its models are served."""
        assert self.process is not None
        limit = time.monotonic() + READY_S
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                if self.read("/v2/health/ready") is not None:
                    return
            time.sleep(0.1)
        tail = self.log.read_text(errors="replace")[-3000:]
        raise RuntimeError(f"the server is not ready: {tail}")

    def read(self, path: str, port: int | None = None) -> str:
        """What it answers by HTTP."""
        with urllib.request.urlopen(f"http://127.0.0.1:{port or self.http}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def kill(self) -> None:
        """End it and the processes of its models at once, as a power cut would."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
            for left in Path("/dev/shm").glob(f"dgiqa{os.getpid()}-{self.grpc}*"):
                left.unlink(missing_ok=True)


@contextlib.contextmanager
def serving(repository: Path, log: Path, options: Sequence[str] = ()) -> Iterator[TritonServer]:
    """A server that is ready, killed at the end."""
    server = TritonServer(repository, log, options)
    try:
        server.start()
        yield server
    finally:
        server.kill()


if __name__ == "__main__":
    with serving(Path(sys.argv[1]), FOLDER / "server.log") as running:
        print(f"gRPC {running.grpc}, HTTP {running.http}, metrics {running.metrics}; Ctrl-C ends it", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
