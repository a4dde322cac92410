"""SHA-256 of files and of plain values: the keys by which stages, caches, and bundles recognise each other."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]

_CHUNK_BYTES = 1 << 20


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's content, read in chunks so that a large engine needs no memory."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_bytes(content: bytes) -> str:
    """Hex SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def sha256_json(value: Json) -> str:
    """Hex SHA-256 of a JSON value's canonical text: equal values give equal keys, whatever their key order."""
    return sha256_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
