"""Only files are read: what waits for a writer, never ends or is no file is named at once, in every program."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.ground.input_file import file_bytes

NO_FILES: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path.name),
    "folder": Path.mkdir,
    "huge": lambda path: (path.touch(), os.truncate(path, 1 << 33))[0],
}
COMMANDS = {
    "policy": ["gate", "run", "photo.jpg", "--bundle", "BUNDLE", "--policy", "odd.toml"],
    "watch": ["watch", "odd.toml", "--check"],
    "compare": ["bench", "compare", "odd.json", "odd.json"],
    "table": ["bench", "table", "odd.json"],
    "report": ["bench", "report", "odd.json", "--html", "x.html"],
    "mos": ["bench", "accuracy", "--bundle", "BUNDLE", "--photos", ".", "--mos", "odd.csv", "--json", "x.json"],
    "bundle": ["inspect", "--bundle", "odd-bundle"],
}
"""Every argument that is a file of text; the odd one stands under its name."""


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_an_error_with_its_reason(kind: str, tmp_path: Path) -> None:
    NO_FILES[kind](tmp_path / "odd")
    with pytest.raises(OSError) as caught:
        file_bytes(tmp_path / "odd")
    assert caught.value.strerror


def test_a_file_as_large_as_allowed_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert file_bytes(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="more than the 4 bytes"):
        file_bytes(tmp_path / "a", 4)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_what_is_no_file_and_ends(
    command: str, kind: str, bundle_dir: Path, command_line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command == "report":
        pytest.importorskip("jinja2", reason="Jinja2 is not installed: extra bench")
    arguments = [bundle_dir if word == "BUNDLE" else word for word in COMMANDS[command]]
    place = next((tmp_path / str(word) for word in arguments if str(word).startswith("odd.")), None)
    if place is None:
        (tmp_path / "odd-bundle").mkdir()
        place = tmp_path / "odd-bundle" / "bundle.json"
    NO_FILES[kind](place)
    monkeypatch.chdir(tmp_path)
    finished = command_line(*arguments)
    assert finished.returncode in (2, 3), finished.stderr
    assert f"it is a {kind}, not a file" in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
