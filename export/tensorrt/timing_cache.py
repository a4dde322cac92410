"""The timing cache: what a builder learned about tactics on one device with one TensorRT, kept for the next build.

One builder at a time works on a device: two that time kernels on the same GPU disturb each other's choice. The lock is
the operating system's, so a killed build leaves none behind. The file is TensorRT's own format, usable by trtexec.
"""

from pathlib import Path

from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.ground.atomic import write_bytes
from dgiqa_edge.runtime.ground.cache_folder import cache_path, word_of


def default_path(version: str, device_name: str, sm: str, work: Path) -> Path:
    """Where the cache of a TensorRT version on a device lies by default: in the user's cache folder.

    In ``work``, the folder of the build's stages, where this user has none.
    """
    name = f"tensorrt-{version}-{word_of(device_name)}-sm{sm}.cache"
    return cache_path("timing", name) or work / name


def lock_of(cache: Path) -> Path:
    """The lock that a builder holds while it uses ``cache``."""
    return cache.with_name(cache.name + ".lock")


def read(cache: Path) -> bytes:
    """The stored timings; empty where there are none yet.

    Raises:
        MachineError: the file is there and cannot be read.
    """
    try:
        return cache.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise MachineError(f"cannot read the timing cache {cache} ({error.strerror}): remove it") from error


def save(cache: Path, timings: bytes) -> None:
    """Store ``timings`` atomically.

    Raises:
        MachineError: the disk is full, or the folder cannot be written.
    """
    write_bytes(cache, timings)
