"""``bundle pack``, ``pull``, ``slots`` and ``rollback`` as processes; bad bundles meet ``test_watch_over_the_air``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_there_and_back(make_bundle: Callable[..., Path], command_line: Any, tmp_path: Path) -> None:
    slots = ("--slots", tmp_path / "slots")
    for day in (1, 2):
        bundle = make_bundle(edit=lambda document, at=f"2026-01-0{day}T00:00:00Z": document.update(created=at))
        packed = command_line("bundle", "pack", bundle, "--out", tmp_path / f"{day}.tar")
        assert packed.returncode == 0, packed.stderr
        assert "unsigned" in packed.stdout
        pulled = command_line("bundle", "pull", tmp_path / f"{day}.tar", *slots, "--json")
        assert pulled.returncode == 0, pulled.stderr
        assert json.loads(pulled.stdout)["switched"]
        assert json.loads(pulled.stdout)["on_trial"] is (day == 2)
    shown = command_line("bundle", "slots", *slots)
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["current", "previous"]
    assert "built 2026-01-02T00:00:00Z, on trial" in shown.stdout
    assert command_line("bundle", "rollback", *slots).returncode == 0
    told = json.loads(command_line("bundle", "slots", *slots, "--json").stdout)
    assert told["previous"] is None
    assert [it["reason"] for it in told["failed"]] == ["taken back by hand"]
    again = command_line("bundle", "rollback", *slots)
    assert again.returncode == 3
    assert "no bundle to go back to" in again.stderr
    scored = command_line("score", "--bundle", tmp_path / "slots" / "current", tmp_path / "absent.png")
    assert "absent.png" in scored.stdout, "any command takes the link for a bundle"


def test_wrong_use(command_line: Any, tmp_path: Path, bundle_dir: Path) -> None:
    for arguments, code, problem in (
        (("pull", "ftp://host/x", "--slots", tmp_path / "s"), 2, "no address of an archive"),
        (("pull", "http://127.0.0.1:9/x", "--slots", tmp_path / "s"), 2, "is not encrypted"),
        (("pull", "x.tar"), 2, "required: --slots"),
        (("slots", "--slots", bundle_dir), 2, "is no folder of slots"),
        (("rollback", "--slots", tmp_path / "absent"), 2, "is no folder of slots"),
    ):
        finished = command_line("bundle", *arguments)
        assert finished.returncode == code, finished.stderr
        assert problem in finished.stderr
    assert not (tmp_path / "s").exists()
