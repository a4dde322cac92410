"""Files and directories appear whole or not at all."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.ground.atomic import atomic_directory, atomic_file, write_bytes, write_result, write_text

Publisher = Callable[[Path], AbstractContextManager[Path]]


def fill(partial: Path) -> None:
    """Put something into a partial file or directory."""
    target = partial / "nested" / "inside.bin" if partial.is_dir() else partial
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"new")


@pytest.mark.parametrize("publish", [atomic_file, atomic_directory])
@pytest.mark.parametrize("failure", [ValueError("boom"), KeyboardInterrupt(), SystemExit(1)])
def test_a_failure_leaves_nothing(publish: Publisher, failure: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(failure)), publish(tmp_path / "out") as partial:
        fill(partial)
        raise failure
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("publish", [atomic_file, atomic_directory])
def test_nothing_is_visible_under_the_final_name_before_the_end(publish: Publisher, tmp_path: Path) -> None:
    target = tmp_path / "made" / "out"
    with publish(target) as partial:
        fill(partial)
        assert not target.exists()
    assert target.exists()
    assert [path.name for path in target.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("failure", [None, RuntimeError("boom"), KeyboardInterrupt()])
def test_an_existing_directory_is_replaced_only_by_a_complete_one(
    failure: BaseException | None, tmp_path: Path
) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "old.txt").write_text("old")
    try:
        with atomic_directory(target) as partial:
            fill(partial)
            if failure is not None:
                raise failure
    except (RuntimeError, KeyboardInterrupt):
        pass
    expected = ["old.txt"] if failure else ["nested"]
    assert [path.name for path in target.iterdir()] == expected
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_to_a_directory_stays_and_leads_to_the_new_one(tmp_path: Path, there: bool) -> None:
    target = tmp_path / "disk" / "bundle"
    if there:
        target.mkdir(parents=True)
        (target / "old.txt").write_text("old")
    link = tmp_path / "current"
    link.symlink_to(Path("disk", "bundle"))
    with atomic_directory(link) as partial:
        assert partial.parent == target.parent
        fill(partial)
    assert [path.name for path in target.iterdir()] == ["nested"]
    assert link.is_symlink()
    assert [path.name for path in target.parent.iterdir()] == ["bundle"]


def test_links_in_a_circle_are_said(tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to("current")
    with pytest.raises(MachineError, match="current"), atomic_directory(link):
        pass


def test_an_old_directory_comes_back_when_the_swap_itself_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "old.txt").write_text("old")

    def refuse(self: Path, destination: Path) -> Path:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(MachineError, match="input/output"), atomic_directory(target) as partial:
        fill(partial)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert (target / "old.txt").read_text() == "old"


def test_a_file_is_replaced_with_ordinary_permissions(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    write_text(target, "first")
    write_bytes(target, "zweite Fassung ä".encode())
    assert target.read_text(encoding="utf-8") == "zweite Fassung ä"
    beside = tmp_path / "ordinary"
    beside.touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(beside.stat().st_mode)


@pytest.mark.parametrize("publish", [atomic_file, atomic_directory])
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "disk full"),
        (errno.EDQUOT, "disk full"),
        (errno.EACCES, "cannot write"),
        (errno.EROFS, "cannot write"),
    ],
)
def test_disk_errors_say_what_to_do(publish: Publisher, code: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=words) as caught, publish(tmp_path / "out") as partial:
        fill(partial)
        raise OSError(code, "from the kernel")
    assert str(tmp_path / "out") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_any_other_error_of_the_system_names_the_output(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="broken device"), atomic_file(tmp_path / "out"):
        raise OSError(errno.EIO, "broken device")


def test_a_real_full_device_is_reported(tmp_path: Path, full_device: Path) -> None:
    with pytest.raises(MachineError, match="disk full"), atomic_file(tmp_path / "out") as partial:
        partial.write_bytes(b"x")
        with full_device.open("wb") as stream:
            stream.write(b"x" * 100_000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opener", [atomic_file, atomic_directory])
def test_a_failure_removes_the_parents_it_made_and_no_others(tmp_path, opener):
    kept = tmp_path / "kept"
    kept.mkdir()
    with pytest.raises(KeyboardInterrupt), opener(kept / "a" / "b" / "result"):
        raise KeyboardInterrupt
    assert list(tmp_path.rglob("*")) == [kept]


PUBLISH = """
import sys
from pathlib import Path
from dgiqa_edge.runtime.ground.atomic import atomic_directory
name, path = sys.argv[1], Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for turn in range(40):
    with atomic_directory(path) as partial:
        for index in range(5):
            (partial / f"{name}-{turn}-{index}").write_text(name)
"""


def test_processes_that_publish_at_once_leave_one_whole_directory(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    command = [sys.executable, "-c", PUBLISH]
    processes = [
        subprocess.Popen([*command, name, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("one", "two", "three")
    ]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=120)[1] for process in processes] == [None] * 3
    assert [process.returncode for process in processes] == [0, 0, 0]
    files = {tuple(path.name.split("-")[:2]) for path in target.iterdir()}
    assert len(files) == 1
    assert len(list(target.iterdir())) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_finished_result_is_kept_where_its_output_fails_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_device: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(MachineError, match="the result is kept in ") as caught:
        write_result(full_device, "an hour's work\n")
    (kept,) = tmp_path.glob("dgiqa-edge-*")
    assert str(kept) in str(caught.value)
    assert kept.read_text() == "an hour's work\n"


def test_where_nothing_takes_it_a_result_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc/none")
    with pytest.raises(MachineError):
        write_result(Path("/proc/none/out.json"), "an hour's work")
    assert "an hour's work" in capsys.readouterr().err


def test_what_is_no_file_is_written_into_and_stays(tmp_path: Path) -> None:
    """As `--json /dev/stdout`, `--json >(jq)` and `--json /dev/null` have it, also for root."""
    write_text(Path(os.devnull), "x")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(MachineError, match="cannot write"):  # nobody reads
        write_text(pipe, "x")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "through the pipe")
    assert os.read(reader, 100) == b"through the pipe"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_text_with_names_that_are_not_utf8_is_written(tmp_path: Path) -> None:
    write_text(tmp_path / "page.html", "caf\udce9.jpg")
    assert (tmp_path / "page.html").read_bytes() == rb"caf\xe9.jpg"
