"""Reads weights files: safetensors, and PyTorch's own format without ever running code from it.

What comes out is a plain state dict in float32, freed of training wrappers. Which set of weights is taken of a file
with several is for ``weight_sets.py`` to say, whether it fits a network for ``checkpoints.py``.
"""

import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgiqa_edge.runtime.errors import CheckpointError
from dgiqa_edge.runtime.ground.error_text import telling_line

from .weight_numbers import plain_problem
from .weight_sets import StateDict, Wish, take

if TYPE_CHECKING:
    import torch

_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
_LFS_POINTER = b"version https://git-lfs"
_MAX_HEADER_BYTES = 100_000_000
_AS_SAVED = "give the file as torch.save wrote it"
AS_IT_COMES = Wish()


@dataclass(frozen=True)
class CheckpointFile:
    """A weights file as read.

    Attributes:
        state: keys without prefixes; floating-point tensors in float32, on the CPU.
        file_format: ``safetensors`` or ``pytorch``.
        stored_types: PyTorch's names of the stored number types, e.g. ``("float16",)``.
        metadata: the file's own text entries (safetensors only).
        taken: the set's place in the file, ``.`` for the file's own entries.
        note: what was taken where the file left a choice, and why.
    """

    state: StateDict
    file_format: str
    stored_types: tuple[str, ...]
    metadata: Mapping[str, str]
    taken: str
    note: str | None


def read_checkpoint(
    path: Path, wish: Wish = AS_IT_COMES, fits: Callable[[StateDict], bool] = lambda state: False
) -> CheckpointFile:
    """Read a .safetensors, .pth, .pt or .bin file; the content decides the format, not the name.

    Args:
        wish: which set of weights to take where the file holds several.
        fits: whether a state dict has the keys and shapes of the network it is read for.

    Raises:
        CheckpointError: no such file, an empty, truncated or damaged one, one that needs its code to be run, or one
            without weights, or with weights that are no plain arrays. The message says which and what to do.
    """
    file_format = _sniff(path)
    metadata: Mapping[str, str] = {}
    if file_format == "safetensors":
        content, metadata = _read_safetensors(path)
    else:
        content = _read_torch(path)
    if not isinstance(content, Mapping):
        kind = type(content).__name__
        raise CheckpointError(f"{path} holds a {kind}, not a state dict: save model.state_dict() and give that")
    taken = take(content, path, wish, fits)
    stored = taken.chosen.state
    types = sorted({str(tensor.dtype).removeprefix("torch.") for tensor in stored.values()})
    state = {key: _as_float32(key, tensor, path) for key, tensor in stored.items()}
    return CheckpointFile(state, file_format, tuple(types), metadata, taken.chosen.key, taken.note)


def metadata_of(path: Path) -> Mapping[str, str]:
    """Text entries in a safetensors file's header; empty for other files."""
    if not path.is_file() or _sniff(path) != "safetensors":
        return {}
    from safetensors import safe_open

    with safe_open(str(path), framework="numpy") as file:
        return dict(file.metadata() or {})


def _sniff(path: Path) -> str:
    if path.is_dir():
        raise CheckpointError(f"{path} is a directory: give the .pth or .safetensors file in it")
    if not path.exists():
        raise CheckpointError(f"{path} does not exist: give a .pth or .safetensors file, or see 'weights fetch'")
    size = path.stat().st_size
    if not size:
        raise CheckpointError(f"{path} is empty: download it again")
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    if head.startswith(_LFS_POINTER):
        raise CheckpointError(f"{path} is a Git LFS pointer, not the weights: run 'git lfs pull' where it came from")
    # First, because a header's length may begin like a pickle; a pickle never passes for so short a header.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _MAX_HEADER_BYTES:
        return "safetensors"
    if head.startswith((_ZIP, _PICKLE)):
        return "pytorch"
    start = head[:16].decode("ascii", "replace")
    raise CheckpointError(
        f"{path} is not a checkpoint (it begins with {start!r}): give a PyTorch .pth or a .safetensors file"
    )


def _read_safetensors(path: Path) -> tuple[StateDict, Mapping[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            metadata = dict(file.metadata() or {})
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is truncated or damaged: download it again ({telling_line(error)[:120]})"
        ) from error
    if not state:
        raise CheckpointError(f"{path} holds no tensors: give a file with a network's weights")
    return state, metadata


def _read_torch(path: Path) -> Any:
    import torch

    zipped = _check_zip(path)
    try:
        if path.suffix == ".safetensors":  # torch.load would believe the name, not the content
            with path.open("rb") as stream:
                return torch.load(stream, map_location="cpu", weights_only=True)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        code = _refused_code(str(error))
        if code is None:
            raise CheckpointError(f"{path} is truncated or damaged: download it again") from error
        raise CheckpointError(
            f"{path} needs {code} to be loaded, and code in checkpoints is never run: where you trust the file, save "
            "its state dict alone with torch.save(model.state_dict(), FILE) and give that"
        ) from error
    except Exception as error:  # PyTorch's reader says of a damaged file whatever it stumbles over
        raise CheckpointError(
            f"{path} is truncated or damaged: download it again ({telling_line(error)[:120]})"
        ) from error


def _check_zip(path: Path) -> bool:
    """Whether the file is PyTorch's zip archive (and not its older format); refuses other archives by name."""
    with path.open("rb") as stream:
        if stream.read(len(_ZIP)) != _ZIP:
            return False
    try:
        if not zipfile.is_zipfile(path):
            raise CheckpointError(f"{path} is truncated: its end is missing; download it again")
        with zipfile.ZipFile(path) as archive:
            members = {name.rsplit("/", 1)[-1] for name in archive.namelist()}
            if "constants.pkl" in members:
                raise CheckpointError(
                    f"{path} is a TorchScript program, not a checkpoint: save the state dict with "
                    "torch.save(model.state_dict(), FILE) and give that"
                )
            if "data.pkl" not in members:
                raise CheckpointError(
                    f"{path} is a zip archive without weights: unpack it, or give the checkpoint itself"
                )
            _check_members(archive, path)
    except CheckpointError:
        raise
    except Exception as error:  # of a damaged archive zipfile, too, says whatever it stumbles over
        raise CheckpointError(f"{path} is damaged: download it again ({telling_line(error)[:120]})") from error
    return True


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    """Hold the archive to what ``torch.save`` writes: entries as they are, side by side, each with its checksum.

    PyTorch reads past a wrong checksum, maps compressed entries as if they were not, and believes any size.
    """
    entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise CheckpointError(f"{path} claims more than it holds (compressed, or entries over each other): {_AS_SAVED}")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise CheckpointError(f"{path} is compressed, which torch.save never does: {_AS_SAVED}")
    if any(entry.CRC for entry in entries):  # PyTorch can leave all of them out: torch.serialization.set_crc32_options
        damaged = archive.testzip()
        if damaged is not None:
            raise CheckpointError(f"{path} is damaged: its entry {damaged} fails the checksum; download it again")


def _refused_code(message: str) -> str | None:
    """What the file wanted to import, from PyTorch's refusal; ``None`` if it was not a refusal."""
    named = re.search(r"GLOBAL ([\w.]+)", message)
    if named:
        return named.group(1)
    return "pickled code" if "Unsupported operand" in message or "Unsupported class" in message else None


def _as_float32(key: str, tensor: "torch.Tensor", path: Path) -> "torch.Tensor":
    problem = plain_problem(key, tensor)
    if problem is not None:
        raise CheckpointError(f"{path}: {problem}")
    try:
        return tensor.float() if tensor.is_floating_point() else tensor
    except (RuntimeError, TypeError) as error:  # a number type that this PyTorch names and cannot convert
        kind = str(tensor.dtype).removeprefix("torch.")
        raise CheckpointError(f"{path}: {key} holds {kind} numbers: save it as float32 or float16") from error
