"""File names are bytes, and what stands under a name need not be a file: nothing crashes, nothing is lost silently."""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.images.calibration_set import open_calibration_set
from dgiqa_edge.calibration.images.image_sources import find_files
from dgiqa_edge.runtime.errors import CalibrationError, SourceError
from dgiqa_edge.runtime.frames.depth_picture import picture_names
from dgiqa_edge.runtime.frames.images import expand_images, read_image
from dgiqa_edge.runtime.ground.names import valid
from dgiqa_edge.runtime.tuning.photos import measure_photos

PNG = cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8))[1].tobytes()
PIECES = [
    b"\n", b"\r", b"\t", b"\x1b[31m", b"\x7f", b"\x80", b"caf\xe9", b"\xff\xfe", b"-", b"--json", b" ", b"  ",
    b"*", b"?", b"[a]", b"[", b"%", b"%s", b"%05d", b"{0}", b"$(x)", b"`x`", b"'", b'"', b"\\", b"\\xe9",
    b"&", b";", b"|", b"#", b"~", b"<b>", b",", b"=", b":", "📷".encode(), "👨\u200d👩".encode(),
    "\u202egpj".encode(), "\u200f".encode(), "写真".encode(), "e\u0301".encode(), b"\xed\xa0\xbd", b"\xc3",
    b"CON", b"x" * 200,
]  # fmt: skip


def odd_names(count: int) -> list[bytes]:
    """So many different names, of any bytes but / and 0, at most 255 bytes long."""
    rng = random.Random(12)
    names: dict[bytes, None] = {}
    while len(names) < count:
        if rng.random() < 0.5:
            stem = b"".join(rng.choice(PIECES) for _ in range(rng.randint(1, 4)))
        else:
            stem = bytes(rng.choice([*range(1, 47), *range(48, 256)]) for _ in range(rng.randint(1, 240)))
        names[stem[:251] + b".png"] = None
    return list(names)


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[[int], Path]:
    def make(count: int) -> Path:
        folder = tmp_path / "odd"
        folder.mkdir()
        (tmp_path / "one.png").write_bytes(PNG)
        for name in odd_names(count):
            os.link(os.fsencode(tmp_path / "one.png"), os.fsencode(folder) + b"/" + name)
        return folder

    return make


def run(*arguments: object, ascii_only: bool = False) -> subprocess.CompletedProcess[bytes]:
    language = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"} if ascii_only else {}
    command = [sys.executable, "-m", "dgiqa_edge.runtime.commands.cli", *map(os.fsencode, map(str, arguments))]
    return subprocess.run(command, capture_output=True, env={**os.environ, **language}, check=False)


SIZES = [200, pytest.param(10_000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_name_is_scored_and_told(
    count: int, ascii_only: bool, bundle_dir: Path, folder_of: Callable[[int], Path], cache_home: Path
) -> None:
    folder = folder_of(count)
    finished = run("score", "--bundle", bundle_dir, "--json", folder, ascii_only=ascii_only)
    assert finished.returncode == 0, finished.stderr[-500:]
    records = [json.loads(line) for line in finished.stdout.decode().splitlines()]
    expected = sorted(os.fsdecode(os.fsencode(folder) + b"/" + name) for name in odd_names(count))
    assert sorted(record["image"] for record in records) == sorted(map(valid, expected))
    assert len({record["score"] for record in records}) == 1
    table = run("score", "--bundle", bundle_dir, folder, ascii_only=ascii_only)
    lines = table.stdout.decode("ascii" if ascii_only else "utf-8").splitlines()
    assert len(lines) == count + 2
    assert lines[-1] == f"{count} scored, 0 failed"


@pytest.mark.parametrize("count", SIZES)
def test_every_name_is_judged(count: int, bundle_dir: Path, folder_of: Callable[[int], Path], cache_home: Path) -> None:
    finished = run("gate", "run", "--bundle", bundle_dir, "--json", folder_of(count), ascii_only=True)
    assert finished.returncode == 0, finished.stderr[-500:]
    records = [json.loads(line) for line in finished.stdout.decode("ascii").splitlines()]
    assert [record["frame"] for record in records] == list(range(count))
    assert all(record["file"].encode() for record in records)


@pytest.mark.parametrize("count", SIZES)
def test_every_name_is_found_alone_and_in_its_folder(count: int, folder_of: Callable[[int], Path]) -> None:
    folder = folder_of(count)
    paths = [Path(os.fsdecode(os.fsencode(folder) + b"/" + name)) for name in odd_names(count)]
    assert sorted(find_files(str(folder))) == sorted(path for path in paths if not path.name.startswith("."))
    for path in paths:
        assert expand_images([str(path)]) == [path]
        assert read_image(path).shape == (48, 64, 3)
    assert len(set(picture_names(paths).values())) == count
    with pytest.raises(CalibrationError, match="same picture as"):
        open_calibration_set(folder, height=48, width=64, minimum=2)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


ODD_FILES = {
    "loop.png": lambda path: path.symlink_to(path.name),
    "dangling.png": lambda path: path.symlink_to("gone.png"),
    "pipe.png": os.mkfifo,
    "socket.png": make_socket,
    "device.png": lambda path: path.symlink_to("/dev/zero"),
    "sparse.png": lambda path: (path.touch(), os.truncate(path, 1 << 33)),
    "empty.png": Path.touch,
}


@pytest.fixture
def odd_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "o"
    folder.mkdir()
    monkeypatch.chdir(folder)  # a socket's path is short
    (folder / "a.png").write_bytes(PNG)
    for name, make in ODD_FILES.items():
        make(Path(name))
    return folder


@pytest.mark.parametrize("name", ODD_FILES)
def test_what_is_no_file_is_named(odd_files: Path, name: str) -> None:
    with pytest.raises(SourceError, match=name):
        read_image(odd_files / name)


@pytest.mark.parametrize("as_folder", [True, False])
def test_one_bad_argument_spares_the_others(
    as_folder: bool, odd_files: Path, bundle_dir: Path, cache_home: Path
) -> None:
    arguments = [odd_files] if as_folder else sorted(odd_files.iterdir())
    extra = [odd_files / "loop.png" / "deep", odd_files / ("x" * 300), "\n"]
    finished = run("score", "--bundle", bundle_dir, "--json", *arguments, *extra)
    records = {Path(record["image"]).name: record for record in map(json.loads, finished.stdout.splitlines())}
    assert finished.returncode == 3, finished.stderr
    assert {name for name, record in records.items() if "score" in record} == {"a.png"}
    assert set(records) == {"a.png", *ODD_FILES, "deep", "x" * 300, "\n"}
    judged = run("gate", "run", "--bundle", bundle_dir, "--json", odd_files)
    assert judged.returncode == 3
    assert len(judged.stdout.splitlines()) == 1 + len(ODD_FILES)


def test_one_bad_photo_spares_the_others_in_tuning_and_calibration(odd_files: Path, bundle_dir: Path) -> None:
    from dgiqa_edge.runtime.scoring.scorer import Scorer

    with Scorer(bundle_dir, verify=False) as scorer:
        measured = measure_photos(dict.fromkeys(expand_images([odd_files]), ""), scorer, lambda: None)
    assert [path.name for path in measured.readings] == ["a.png"]
    assert {path.name for path in measured.failed} == set(ODD_FILES)
    chosen = open_calibration_set(odd_files, height=48, width=64, minimum=1)
    assert [image.name for image in chosen.images] == ["a.png"]
    assert {name.partition(" ")[0] for name in chosen.skipped} == set(ODD_FILES)


WITHOUT_ROOT = """
import os, sys
from pathlib import Path
from dgiqa_edge.runtime.frames.images import decode_image, expand_images, read_image
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.calibration.images.image_sources import find_files
decode_image(Path(sys.argv[1], "a.png").read_bytes())  # everything is imported by now
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for path in expand_images([sys.argv[1] + "/locked", sys.argv[1] + "/a.png"]):
    try:
        print(path.name, read_image(path).shape[0])
    except SourceError as error:
        print(path.name, error)
print(sorted(path.name for path in find_files(sys.argv[1])))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="takes the rights of nobody")
def test_a_folder_without_permission_is_named_and_spares_the_others() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are root's alone
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "locked").mkdir()
        (folder / "a.png").write_bytes(PNG)
        (folder / "locked" / "b.png").write_bytes(PNG)
        (folder / "locked").chmod(0)
        command = [sys.executable, "-c", WITHOUT_ROOT, name]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    assert "locked cannot be read: Permission denied" in lines[0]
    assert lines[1] == "a.png 48"
    assert lines[2] == "['a.png', 'locked']"


@pytest.mark.parametrize("command", [["score"], ["gate", "run"], ["gate", "tune", "--bad", "x", "--good"], ["demo"]])
def test_an_empty_argument_is_wrong_usage(command: list[str], bundle_dir: Path, tmp_path: Path) -> None:
    more = ["--out", tmp_path / "out"] if command == ["demo"] else []
    finished = run(*command, "", "--bundle", bundle_dir, *more)
    assert finished.returncode == 2
    assert b"is empty (an unset variable?)" in finished.stderr


def test_pictures_that_are_not_read_are_counted(tmp_path: Path, bundle_dir: Path, cache_home: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.jfif", "c.heic", "d.HEIC", "e.gif", "f.dng", "notes.txt"):
        (tmp_path / "in" / name).write_bytes(PNG)
    words = b"not read: 4 files of a kind that OpenCV does not decode (.dng 1, .gif 1, .heic 2)"
    table = run("score", "--bundle", bundle_dir, tmp_path / "in")
    assert table.stdout.splitlines()[-1].startswith(b"2 scored, 0 failed; " + words)
    for command in (["score"], ["gate", "run"]):
        lines = run(*command, "--bundle", bundle_dir, tmp_path / "in", "--json")
        assert len(lines.stdout.splitlines()) == 2
        assert words in lines.stderr
