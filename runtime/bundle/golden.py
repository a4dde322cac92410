"""The golden frame: one real frame and the FP32 outputs it gave when the bundle was built.

Replaying it tells whether this device's engine still gives those outputs. The file has the form of safetensors: the
length of a JSON header (8 bytes, little-endian), the header with each array's type, shape and place, then the plain
numbers. Bundles of schema version 1 have a ``.npz`` instead, which is still read; pickled objects never are. The frames
that a build on the device is checked by lie in a file of the same form, several in each array.
"""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError
from ..ground.atomic import atomic_file
from ..ground.input_file import file_bytes
from ..ground.limits import MOST_FRAME_PIXELS
from ..ground.names import json_text
from ..ground.strict_text import parse_json
from .manifest import Tolerance

GOLDEN_NAME = "golden.safetensors"
CHECK_NAME = "check.safetensors"

OUTPUTS = ("score", "crop_scores", "depth")
FAULT_OUTPUTS = ("faults", "coverage")
"""What networks that read faults give besides."""

_FIELDS = {
    "frame": (np.uint8, 4),
    "score": (np.float32, 1),
    "crop_scores": (np.float32, 2),
    "depth": (np.uint8, 3),
    "faults": (np.float32, 2),
    "coverage": (np.float32, 4),
}

_TYPES: dict[str, np.dtype[Any]] = {"U8": np.dtype("u1"), "F32": np.dtype("<f4")}
_LENGTH_BYTES = 8
_UNREADABLE: tuple[type[Exception], ...] = (
    *(OSError, ValueError, TypeError, LookupError, MemoryError),
    *(EOFError, RuntimeError, zipfile.BadZipFile, zlib.error),  # of an .npz
)
_MOST_BYTES = 8 * MOST_FRAME_PIXELS  # the frame's three channels, a depth map that is no larger, scores


@dataclass(frozen=True, eq=False)
class Golden:
    """Arrays as the frame graph takes and gives them.

    ``frame`` uint8 [1, H, W, 3] BGR; ``score`` float32 [1]; ``crop_scores`` float32 [1, N]; ``depth`` uint8
    [1, h, w]; where the network reads K faults, ``faults`` float32 [1, K] and ``coverage`` float32 [1, rows, columns,
    K]. Of check frames the first side is their number.
    """

    frame: NDArray[np.uint8]
    score: NDArray[np.float32]
    crop_scores: NDArray[np.float32]
    depth: NDArray[np.uint8]
    faults: NDArray[np.float32] | None = None
    coverage: NDArray[np.float32] | None = None

    def each(self) -> "Iterator[Golden]":
        """The frames one by one, as views."""
        for index in range(len(self.frame)):
            yield Golden(**{name: array[index : index + 1] for name, array in self.arrays.items()})

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those that there are, by name."""
        return {name: array for name in _FIELDS if (array := getattr(self, name)) is not None}

    @property
    def outputs(self) -> dict[str, NDArray[Any]]:
        """What FP32 gave."""
        return {name: array for name, array in self.arrays.items() if name != "frame"}


@dataclass(frozen=True)
class Deviation:
    """How far outputs are from the golden ones; depth in grey levels (0..255).

    Of faults: the largest difference of a frame's probabilities, and the mean one of its cells' (a single cell says
    little, and is not what a user acts on); None where none are read.
    """

    score: float
    crop_score_max: float
    depth_mean_levels: float
    depth_max_levels: float
    faults_max: float | None = None
    coverage_mean: float | None = None

    def or_worse(self, other: "Deviation | None") -> "Deviation":
        """The larger of both, figure by figure; a NaN is the largest."""
        if other is None:
            return self
        pairs = ((one.name, getattr(self, one.name), getattr(other, one.name)) for one in fields(self))
        return replace(self, **{name: float(np.maximum(own, its)) for name, own, its in pairs if own is not None})

    def within(self, tolerance: Tolerance) -> bool:
        """Whether score, mean depth error and both of faults keep the tolerance; a NaN never does."""
        pairs = [(self.score, tolerance.score), (self.depth_mean_levels, tolerance.depth_levels)]
        if tolerance.faults is not None:
            pairs += [(off, tolerance.faults) for off in (self.faults_max, self.coverage_mean) if off is not None]
        return all(off <= allowed for off, allowed in pairs)


def save_golden(path: Path, golden: Golden) -> None:
    """Write the golden frame, or check frames, atomically.

    Raises:
        BundleError: an array has the wrong dtype or rank, or a score is not finite.
        MachineError: the disk is full or the folder cannot be written.
    """
    arrays = golden.arrays
    _check(arrays, path, len(golden.frame))
    words = {dtype: word for word, dtype in _TYPES.items()}
    header, end = {}, 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        header[name] = {"dtype": words[array.dtype], "shape": array.shape, "data_offsets": [start, end]}
    text = json_text(header).encode()
    with atomic_file(path) as partial, partial.open("wb") as stream:
        stream.write(len(text).to_bytes(_LENGTH_BYTES, "little") + text)
        for array in arrays.values():
            stream.write(array.tobytes())


def load_golden(path: Path, frames: int = 1) -> Golden:
    """Read and validate a golden frame, or so many check frames.

    Raises:
        BundleError: the file is missing, damaged, or lacks an array of the right dtype and rank.
    """
    try:
        arrays = _read_npz(path) if path.suffix == ".npz" else _read(path, frames * _MOST_BYTES)
    except _UNREADABLE as error:
        raise BundleError(f"{path} is not a golden frame ({error}): build the bundle again") from error
    _check(arrays, path, frames)
    return Golden(**arrays)


def _read(path: Path, most_bytes: int) -> dict[str, NDArray[Any]]:
    content = memoryview(file_bytes(path, most_bytes))  # a large frame is not held twice
    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    header, numbers = dict(parse_json(str(content[_LENGTH_BYTES:start], "utf-8"))), content[start:]
    arrays = {}
    for name in _FIELDS.keys() & header.keys():
        first, end = header[name]["data_offsets"]
        array = np.frombuffer(numbers[first:end], _TYPES[header[name]["dtype"]])
        arrays[name] = np.require(array.reshape(header[name]["shape"]), requirements="A")
    return arrays


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as packed:
        size = sum(entry.file_size for entry in packed.infolist())
        if size > _MOST_BYTES:
            raise ValueError(f"it unpacks to {size} bytes, no golden frame does")
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in _FIELDS if name in archive.files}


def compare(golden: Golden, outputs: Mapping[str, NDArray[Any]]) -> Deviation:
    """Deviation of an engine's outputs from the golden ones.

    Raises:
        BundleError: an output's shape is not the golden one's, or only one of the two has faults.
    """
    for name in (*OUTPUTS, *FAULT_OUTPUTS):
        expected, found = (
            None if one is None else list(one.shape) for one in (getattr(golden, name), outputs.get(name))
        )
        if expected != found:
            raise BundleError(
                f"the engine's output '{name}' is {found or 'missing'}, the golden one {expected or 'missing'}: "
                "build the bundle again"
            )
    depth_levels = np.abs(golden.depth.astype(np.int16) - outputs["depth"].astype(np.int16))
    deviation = Deviation(
        score=float(_differences(golden.score, outputs["score"]).max()),
        crop_score_max=float(_differences(golden.crop_scores, outputs["crop_scores"]).max()),
        depth_mean_levels=float(depth_levels.mean()),
        depth_max_levels=float(depth_levels.max()),
    )
    if golden.faults is None or golden.coverage is None:
        return deviation
    return replace(
        deviation,
        faults_max=float(_differences(golden.faults, outputs["faults"]).max()),
        coverage_mean=float(_differences(golden.coverage, outputs["coverage"]).mean()),
    )


def _differences(golden: NDArray[np.float32], found: NDArray[Any]) -> NDArray[np.float64]:
    return np.abs(golden.astype(np.float64) - found.astype(np.float64))


def _check(arrays: Mapping[str, NDArray[Any]], path: Path, frames: int) -> None:
    has_faults = any(name in arrays for name in FAULT_OUTPUTS)
    for name, (dtype, rank) in _FIELDS.items():
        if name not in arrays:
            if name in FAULT_OUTPUTS and not has_faults:
                continue
            raise BundleError(f"{path} lacks the array '{name}': build the bundle again")
        array = arrays[name]
        if array.dtype != dtype or array.ndim != rank or array.shape[0] != frames or array.size == 0:
            raise BundleError(
                f"{path}: the array '{name}' is {array.dtype} {list(array.shape)}, expected a non-empty "
                f"batch of {frames} of {np.dtype(dtype)} with {rank} dimensions: build the bundle again"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BundleError(f"{path}: the array '{name}' holds a non-finite value: build the bundle again")
    if arrays["frame"].shape[3] != 3:
        raise BundleError(f"{path}: the golden frame has no three colour channels: build the bundle again")
