"""Keys, signatures, and everything that is none."""

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, MachineError, SignatureError
from dgiqa_edge.runtime.update.signature import (
    check_signature,
    make_keys,
    read_public_keys,
    sign,
    signed_by,
    verify_signature,
)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, str]:
    return make_keys(tmp_path / "release")


def test_a_signed_bundle_verifies_by_its_key_and_by_that_alone(
    bundle_dir: Path, pair: tuple[Path, Path, str], tmp_path: Path
) -> None:
    private, public, key = pair
    other = make_keys(tmp_path / "other")
    assert signed_by(bundle_dir) is None
    assert sign(bundle_dir, private) == key == signed_by(bundle_dir)
    assert verify_signature(bundle_dir, read_public_keys([other[1], public])) == key
    with pytest.raises(SignatureError, match=f"signed by the key {key}, trusted is {other[2]}"):
        verify_signature(bundle_dir, read_public_keys([other[1]]))


def test_the_private_key_is_its_owners_alone_and_nothing_is_replaced(
    pair: tuple[Path, Path, str], tmp_path: Path
) -> None:
    private, public, _ = pair
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    before = private.read_bytes(), public.read_bytes()
    with pytest.raises(ConfigurationError, match="is there already"):
        make_keys(tmp_path / "release")
    public.unlink()
    with pytest.raises(ConfigurationError, match=r"release\.key\.pem is there already"):
        make_keys(tmp_path / "release")
    assert private.read_bytes() == before[0]
    assert not public.exists()


@pytest.mark.parametrize("change", ["one byte", "a space", "the end"])
def test_any_other_byte_of_the_manifest_is_seen(bundle_dir: Path, pair: tuple[Path, Path, str], change: str) -> None:
    private, public, _ = pair
    sign(bundle_dir, private)
    manifest = bundle_dir / "bundle.json"
    content = manifest.read_bytes()
    changed = {"one byte": content.replace(b"test", b"tesT", 1), "a space": b" " + content, "the end": content[:-1]}
    manifest.write_bytes(changed[change])
    with pytest.raises(SignatureError, match="it was changed since"):
        verify_signature(bundle_dir, read_public_keys([public]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"algorithm": "rsa", "key": "KEY", "signature": "MADE"}',
        b'{"algorithm": "ed25519", "key": "KEY", "signature": "no base64!"}',
        b'{"algorithm": "ed25519", "key": "KEY", "signature": 7}',
        b'{"algorithm": "ed25519", "key": "KEY", "signature": "AAAA"}',
        b'{"algorithm": "ed25519", "key": ["KEY"], "signature": "MADE"}',
    ],
)
def test_no_other_content_of_the_signature_passes_or_crashes(
    bundle_dir: Path, pair: tuple[Path, Path, str], content: bytes
) -> None:
    private, public, key = pair
    sign(bundle_dir, private)
    file = bundle_dir / "bundle.json.sig"
    made = json.loads(file.read_text())["signature"]
    file.write_bytes(content.replace(b"KEY", key.encode()).replace(b"MADE", made.encode()))
    with pytest.raises(SignatureError):
        verify_signature(bundle_dir, read_public_keys([public]))


def test_unsigned_and_no_bundle(tmp_path: Path, bundle_dir: Path, pair: tuple[Path, Path, str]) -> None:
    keys = read_public_keys([pair[1]])
    with pytest.raises(SignatureError, match="is not signed"):
        verify_signature(bundle_dir, keys)
    with pytest.raises(SignatureError, match="is not a bundle"):
        verify_signature(tmp_path, keys)
    with pytest.raises(SignatureError, match="it is not signed"):
        check_signature(b"{}", None, keys, "it")


@pytest.mark.parametrize("name", ["absent.pem", "folder", "release.key.pem", "text.pem", "rsa.pem"])
def test_what_is_no_key_is_said_without_showing_it(tmp_path: Path, pair: tuple[Path, Path, str], name: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    (tmp_path / "folder").mkdir()
    (tmp_path / "text.pem").write_text("-----BEGIN PUBLIC KEY-----\nc2VjcmV0\n-----END PUBLIC KEY-----\n")
    other = ec.generate_private_key(ec.SECP256R1())
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    (tmp_path / "rsa.pem").write_bytes(other.public_key().public_bytes(serialization.Encoding.PEM, kind))
    with pytest.raises(ConfigurationError, match="a public Ed25519 key") as caught:
        read_public_keys([tmp_path / name])
    assert "c2VjcmV0" not in str(caught.value)


def test_a_public_or_encrypted_key_does_not_sign(
    bundle_dir: Path, tmp_path: Path, pair: tuple[Path, Path, str]
) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    locked = tmp_path / "locked.pem"
    password = serialization.BestAvailableEncryption(b"hunter2")
    key = ed25519.Ed25519PrivateKey.generate()
    pkcs8 = serialization.PrivateFormat.PKCS8
    locked.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, password))
    for file in (pair[1], locked):
        with pytest.raises(ConfigurationError, match="not encrypted"):
            sign(bundle_dir, file)
    assert not (bundle_dir / "bundle.json.sig").exists()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl: apt-get install openssl")
def test_a_pair_of_openssl_does_as_well(bundle_dir: Path, tmp_path: Path) -> None:
    private, public = tmp_path / "a.pem", tmp_path / "b.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    assert sign(bundle_dir, private) == verify_signature(bundle_dir, read_public_keys([public]))


def test_a_folder_that_takes_no_key_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    def refused(path: Path, *_: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", lambda path, *rest: refused(path) if str(path).endswith(".key.pem") else 1 / 0)
        patch.setattr("dgiqa_edge.runtime.update.signature.write_text", lambda path, text: path.write_text(text))
        with pytest.raises((MachineError, ZeroDivisionError)):
            make_keys(tmp_path / "release")
    assert not list(tmp_path.glob("release*"))
