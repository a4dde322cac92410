"""What stands in for the outside of this project in tests: GPUs and NVIDIA's packages, cameras, networks, time.

Everything of our own is real in tests. ``import stand_ins...`` works in every test; ``environment()`` is for the
processes that tests start.
"""

import os
import socket
from pathlib import Path


def environment(*folders: Path, **settings: str) -> dict[str, str]:
    """This process's environment with settings, where Python also finds this package and those in ``folders``."""
    paths = [*map(str, folders), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **settings}


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
