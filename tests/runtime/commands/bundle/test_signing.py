"""``bundle keygen``, ``sign`` and ``verify`` as processes."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def keys(tmp_path: Path, command_line: Any) -> Path:
    """The name of a pair, ``NAME.key.pem`` and ``NAME.pub.pem``."""
    made = command_line("bundle", "keygen", "--out", tmp_path / "release")
    assert made.returncode == 0, made.stderr
    secret = (tmp_path / "release.key.pem").read_text().splitlines()[1]
    assert secret not in made.stdout + made.stderr
    return tmp_path / "release"


def test_signed_and_verified_in_the_order_signature_files_replay(
    keys: Path, bundle_dir: Path, command_line: Any
) -> None:
    signed = command_line("bundle", "sign", bundle_dir, "--key", f"{keys}.key.pem")
    assert signed.returncode == 0, signed.stderr
    verify = ("bundle", "verify", bundle_dir, "--key", f"{keys}.pub.pem", "--replay")
    good = command_line(*verify)
    assert [line.split()[0] for line in good.stdout.splitlines()] == ["signature", "files", "replay", "bundle"]
    told = json.loads(command_line(*verify, "--json").stdout)
    assert (told["version"], told["replayed"]) == ("2026-01-31T12:00:00Z", True)
    (bundle_dir / "build.log").write_text("build\n")
    damaged = command_line(*verify)
    assert damaged.returncode == 3
    assert damaged.stdout.startswith("signature")
    assert "build.log has other content" in damaged.stderr
    (bundle_dir / "bundle.json").write_text((bundle_dir / "bundle.json").read_text() + "\n")
    assert "it was changed since" in command_line(*verify).stderr
    assert command_line("bundle", "sign", bundle_dir, "--key", f"{keys}.key.pem").returncode == 3, "what is damaged"


def test_a_replay_that_fails_is_said(keys: Path, make_bundle: Any, command_line: Any) -> None:
    bundle = make_bundle(golden_shift=0.1)
    assert command_line("bundle", "sign", bundle, "--key", f"{keys}.key.pem").returncode == 0
    verify = ("bundle", "verify", bundle, "--key", f"{keys}.pub.pem")
    assert command_line(*verify).returncode == 0
    failed = command_line(*verify, "--replay")
    assert failed.returncode == 3
    assert "#fidelityerror" in failed.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        ("verify {bundle} --key {keys}.pub.pem", 3, "is not signed"),
        ("verify {bundle} --key {keys}.key.pem", 2, "a public Ed25519 key"),
        ("sign {bundle} --key {keys}.pub.pem", 2, "a private Ed25519 key"),
        ("sign {bundle} --key absent.pem", 2, "absent.pem cannot be read"),
        ("keygen --out {keys}", 2, "is there already"),
        ("verify {bundle}", 2, "required: --key"),
        ("", 2, "required: ACTION"),
    ],
)
def test_wrong_use(keys: Path, bundle_dir: Path, command_line: Any, arguments: str, code: int, problem: str) -> None:
    finished = command_line("bundle", *arguments.format(bundle=bundle_dir, keys=keys).split())
    assert finished.returncode == code, finished.stderr
    assert problem in finished.stderr
