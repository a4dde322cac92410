"""Implicit INT8: TensorRT's own calibrators, and their cache keyed by what it depends on.

Only for TensorRT 8.5 to 10 and needed only where Q/DQ cannot be used (the DLA of old JetPacks). Frames are always real;
where there are none left the calibration ends. Sources: IInt8EntropyCalibrator2, IInt8MinMaxCalibrator (Python API).
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dgiqa_edge.runtime.errors import CalibrationError, DgiqaEdgeError
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.hashing import sha256_bytes, sha256_json

SCHEMA_VERSION = 1
BASE_CLASSES = {"entropy": "IInt8EntropyCalibrator2", "minmax": "IInt8MinMaxCalibrator"}


class DeviceBuffer(Protocol):
    """Device memory for one frame."""

    @property
    def address(self) -> int:
        """Device address."""
        ...

    def upload(self, array: np.ndarray) -> None:
        """Copy ``array`` to the device and wait until it is there."""
        ...


@dataclass(frozen=True)
class CacheKey:
    """What a calibration depends on: graph, images, calibrator, and the TensorRT that ran it."""

    graph_sha256: str
    image_set_sha256: str
    calibrator: str
    tensorrt: str

    @property
    def sha256(self) -> str:
        return sha256_json(asdict(self))

    def difference(self, other: "CacheKey") -> str:
        """In words, what the two keys differ in."""
        words = {
            "graph_sha256": "another graph",
            "image_set_sha256": "another image set",
            "calibrator": "another calibrator",
            "tensorrt": f"TensorRT {other.tensorrt}",
        }
        mine, theirs = asdict(self), asdict(other)
        return ", ".join(text for name, text in words.items() if mine[name] != theirs[name])


def save_cache(path: Path, key: CacheKey, scales: bytes) -> None:
    """Store what a calibrator found, atomically."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "key": asdict(key),
        "scales": base64.b64encode(scales).decode(),
        "scales_sha256": sha256_bytes(scales),
    }
    write_text(path, json_text(content, indent=1) + "\n")


def load_cache(path: Path, key: CacheKey) -> bytes | None:
    """The scales stored at ``path``, or None where there is no file.

    Raises:
        CalibrationError: the file is damaged, or belongs to another graph, image set, calibrator or TensorRT.
    """
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        if content["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema {content['schema_version']}, not {SCHEMA_VERSION}")
        stored = CacheKey(**content["key"])
        scales = base64.b64decode(content["scales"], validate=True)
        if sha256_bytes(scales) != content["scales_sha256"]:
            raise ValueError("its hash does not fit its content")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise CalibrationError(f"the calibration cache {path} is damaged ({error}): remove it") from error
    if stored != key:
        raise CalibrationError(f"the calibration cache {path} belongs to {key.difference(stored)}: remove it")
    return scales


def create_calibrator(
    trt: Any, kind: str, frames: Iterable[np.ndarray], buffer: DeviceBuffer, cache: Path, key: CacheKey
) -> Any:
    """A calibrator for ``IBuilderConfig.int8_calibrator``.

    TensorRT calls it from C++ and swallows exceptions, so one is kept in ``failure`` for the builder to raise.

    Args:
        kind: ``entropy`` or ``minmax``.
        frames: uint8 [1, H, W, 3], each given once.
        buffer: device memory of one frame's size; it must live until the build ends.

    Raises:
        CalibrationError: the cache at ``cache`` belongs to something else.
    """
    stored = load_cache(cache, key)
    base = getattr(trt, BASE_CLASSES[kind])

    class Calibrator(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            base.__init__(self)
            self.frames: Iterator[np.ndarray] = iter(frames)
            self.seen = 0
            self.failure: Exception | None = None

        def get_batch_size(self) -> int:
            return 1

        def get_batch(self, names: list[str]) -> list[int] | None:
            try:
                if list(names) != ["frame"]:
                    raise CalibrationError(f"the calibrator was asked for {list(names)}, a frame graph takes 'frame'")
                frame = next(self.frames, None)
                if frame is None:
                    return None
                buffer.upload(np.ascontiguousarray(frame))
            except Exception as error:
                self.failure = error if isinstance(error, DgiqaEdgeError) else CalibrationError(str(error))
                return None
            self.seen += 1
            return [buffer.address]

        def read_calibration_cache(self) -> bytes | None:
            return stored

        def write_calibration_cache(self, scales: Any) -> None:
            try:
                if self.failure is None:
                    save_cache(cache, key, bytes(scales))
            except Exception as error:
                self.failure = error if isinstance(error, DgiqaEdgeError) else CalibrationError(str(error))

    return Calibrator()
