"""Whose bundle it is: a detached Ed25519 signature over the bytes of ``bundle.json``, which names every file's hash.

``bundle.json.sig`` lies beside it, is JSON, and names the key by its *id*, the start of the SHA-256 of the public key.
Keys are PEM files as ``openssl genpkey -algorithm ed25519`` writes them. Whether the files beside the manifest are
those that it names is not asked here: ``load_bundle`` sees to that.
"""

import base64
import binascii
import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bundle.checks import MANIFEST_NAME, SIGNATURE_NAME
from ..errors import ConfigurationError, MachineError, SignatureError
from ..ground.atomic import write_text
from ..ground.extra_packages import watch_package
from ..ground.input_file import file_bytes
from ..ground.names import json_text, shown
from ..ground.strict_text import parse_json
from ..hashing import sha256_bytes

ALGORITHM = "ed25519"
PRIVATE_SUFFIX, PUBLIC_SUFFIX = ".key.pem", ".pub.pem"
_ID_LENGTH = 16
_MOST_KEY_BYTES = 1 << 16
_UNSIGNED = "have its maker sign it (dgiqa-edge bundle sign)"


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are checked by; ``key`` is the library's own."""

    id: str
    file: Path
    key: Any


def make_keys(name: Path) -> tuple[Path, Path, str]:
    """Write a new pair of keys, ``NAME.key.pem`` that its owner alone can read and ``NAME.pub.pem``; also its id.

    Raises:
        ConfigurationError: there is a file of one of these names.
        MachineError: they cannot be written, or the package is missing.
    """
    ed25519, serialization = _library()
    private, public = (name.with_name(name.name + suffix) for suffix in (PRIVATE_SUFFIX, PUBLIC_SUFFIX))
    for file in (private, public):
        if os.path.lexists(file):
            raise ConfigurationError(f"{shown(file)} is there already: a key is not replaced, choose another name")
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    written = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_text(public, written.decode())
    try:
        # Never readable by others, not even while it is written.
        with open(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:  # noqa: PTH123
            stream.write(pem)
    except OSError as error:
        for file in (private, public):
            file.unlink(missing_ok=True)
        raise MachineError(f"cannot write {shown(private)}: {error.strerror}; choose another place for it") from error
    return private, public, _id(key.public_key())


def sign(directory: Path, private_key: Path) -> str:
    """Write the signature of a bundle that was verified; returns the key's id.

    Raises:
        ConfigurationError: the file is no private Ed25519 key, or an encrypted one.
        MachineError: the signature cannot be written, or the package is missing.
    """
    ed25519, serialization = _library()
    with _reading(private_key, "a private Ed25519 key (PEM, not encrypted)"):
        key = serialization.load_pem_private_key(file_bytes(private_key, _MOST_KEY_BYTES), password=None)
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise TypeError(type(key).__name__)
    made = base64.b64encode(key.sign(file_bytes(directory / MANIFEST_NAME))).decode()
    document = {"algorithm": ALGORITHM, "key": _id(key.public_key()), "signature": made}
    write_text(directory / SIGNATURE_NAME, json_text(document, indent=2) + "\n")
    return document["key"]


def read_public_keys(files: Sequence[Path]) -> tuple[PublicKey, ...]:
    """The keys of PEM files, one in each.

    Raises:
        ConfigurationError: a file cannot be read, or is no public Ed25519 key.
        MachineError: the package is missing.
    """
    return tuple(_public_key(file) for file in files)


def check_signature(manifest: bytes, signature: bytes | None, keys: Sequence[PublicKey], where: str) -> str:
    """That one of the keys signed this manifest; returns the key's id.

    Args:
        manifest: the bytes of ``bundle.json``.
        signature: those of ``bundle.json.sig``; None where there is none.
        where: the bundle, for messages.

    Raises:
        SignatureError: unsigned, damaged, by another key, or of other bytes.
    """
    if signature is None:
        raise SignatureError(f"{where} is not signed (no {SIGNATURE_NAME}): {_UNSIGNED}")
    named, made = _parsed(signature, where)
    key = next((one for one in keys if one.id == named), None)
    if key is None:
        trusted = ", ".join(one.id for one in keys)
        raise SignatureError(f"{where} is signed by the key {named}, trusted is {trusted}: {_UNSIGNED} with that one")
    from cryptography.exceptions import InvalidSignature

    try:
        key.key.verify(made, manifest)
    except InvalidSignature:
        raise SignatureError(
            f"{where}: {MANIFEST_NAME} is not what the key {named} signed, it was changed since: fetch the bundle again"
        ) from None
    return named


def verify_signature(directory: Path, keys: Sequence[PublicKey]) -> str:
    """As :func:`check_signature`, of a bundle directory."""

    def content(name: str) -> bytes | None:
        try:
            return file_bytes(directory / name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SignatureError(f"{shown(directory / name)} cannot be read ({error.strerror}): check it") from error

    manifest = content(MANIFEST_NAME)
    if manifest is None:
        raise SignatureError(f"{shown(directory)} is not a bundle (no {MANIFEST_NAME}): give the folder of one")
    return check_signature(manifest, content(SIGNATURE_NAME), keys, shown(directory))


def signed_by(directory: Path) -> str | None:
    """The id of the key that the signature names, unchecked; None where there is no signature that can be read."""
    try:
        return _parsed(file_bytes(directory / SIGNATURE_NAME), "")[0]
    except (OSError, SignatureError):
        return None


def _parsed(signature: bytes, where: str) -> tuple[str, bytes]:
    try:
        document = parse_json(signature.decode())
        if document["algorithm"] != ALGORITHM:
            raise ValueError
        return str(document["key"])[:_ID_LENGTH], base64.b64decode(document["signature"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise SignatureError(
            f"{where}: {SIGNATURE_NAME} is damaged or of another kind: fetch the bundle again"
        ) from None


def _public_key(file: Path) -> PublicKey:
    ed25519, serialization = _library()
    with _reading(file, "a public Ed25519 key (PEM)"):
        key = serialization.load_pem_public_key(file_bytes(file, _MOST_KEY_BYTES))
        if not isinstance(key, ed25519.Ed25519PublicKey):
            raise TypeError(type(key).__name__)
    return PublicKey(_id(key), file, key)


@contextlib.contextmanager
def _reading(file: Path, what: str) -> Iterator[None]:
    """No message of the library is shown: it may quote the file."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{shown(file)} cannot be read ({error.strerror}): give {what}") from None
    except (ValueError, TypeError):
        raise ConfigurationError(f"{shown(file)} is not {what}: dgiqa-edge bundle keygen makes a pair") from None
    except Exception as error:  # the library's own: an algorithm that it does not know
        if type(error).__module__.partition(".")[0] != "cryptography":
            raise
        raise ConfigurationError(f"{shown(file)} is not {what}: dgiqa-edge bundle keygen makes a pair") from None


def _id(public_key: Any) -> str:
    return sha256_bytes(public_key.public_bytes_raw())[:_ID_LENGTH]


def _library() -> tuple[Any, Any]:
    package = "cryptography.hazmat.primitives"
    purpose = "signing and verifying bundles"
    return watch_package(f"{package}.asymmetric.ed25519", purpose), watch_package(f"{package}.serialization", purpose)
