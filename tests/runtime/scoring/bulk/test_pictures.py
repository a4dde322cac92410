"""Lists, folders and globs as paths."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, DgiqaEdgeError, SourceError
from dgiqa_edge.runtime.scoring.bulk.pictures import Pictures

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: extra bulk")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: extra bulk")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b/2.jpg", "b/1.PNG", "a.jpeg", "b/c/3.webp", "b/notes.txt", "b/clip.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["."], ["a.jpeg", "b/1.PNG", "b/2.jpg", "b/c/3.webp"]),
        (["b"], ["b/1.PNG", "b/2.jpg", "b/c/3.webp"]),
        (["b/*.jpg", "a.jpeg"], ["b/2.jpg", "a.jpeg"]),
        (["**/*.*p*g"], ["a.jpeg", "b/2.jpg"]),
        (["none/*.jpg", "absent.jpg"], ["none/*.jpg", "absent.jpg"]),  # reading them says what is wrong
    ],
)
def test_folders_and_globs(folder: Path, given: Sequence[str], found: Sequence[str]) -> None:
    assert sorted(os.path.normpath(path) for path in Pictures(given)) == sorted(found)


@pytest.mark.parametrize("name", ["list.txt", "list.lst", "list.csv", "list.parquet"])
def test_a_list_is_read_again_and_again(folder: Path, name: str) -> None:
    paths = ["b/2.jpg", "it's, quoted.jpg", "s3://bucket/x.jpg", "grün.jpg"]
    write_list(folder / name, paths)
    pictures = Pictures([name])
    assert list(pictures) == list(pictures) == paths


def write_list(file: Path, paths: Sequence[str]) -> None:
    if file.suffix == ".csv":
        file.write_text("score,path\n" + "".join(f'1,"{path}"\n' for path in paths), encoding="utf-8")
    elif file.suffix == ".parquet":
        pq.write_table(pa.table({"id": list(range(len(paths))), "path": list(paths)}), file)
    else:
        file.write_text("\n".join(paths) + "\n\n", encoding="utf-8")


def test_a_line_may_be_any_name(folder: Path) -> None:
    (folder / "list.txt").write_bytes(b"\xef\xbb\xbfa\xe9.jpg\r\n two.jpg\n")  # behind a mark of UTF-8
    assert list(Pictures(["list.txt"])) == [os.fsdecode(b"a\xe9.jpg"), " two.jpg"]


def test_numbers_in_a_column_of_paths_stay_text(folder: Path) -> None:
    (folder / "list.csv").write_text("file\n007\n08\n")
    assert list(Pictures(["list.csv"])) == ["007", "08"]


@pytest.mark.parametrize(
    ("name", "text", "column", "error", "words"),
    [
        ("list.csv", "one,two\na,b\n", None, ConfigurationError, "one, two"),
        ("list.csv", "path,file\na,b\n", None, ConfigurationError, "--column"),
        ("list.csv", "a.jpg\nb.jpg\n", None, ConfigurationError, "columns a.jpg"),  # a list without a head
        ("list.csv", "path\na\n", "image", ConfigurationError, "--column"),
        ("list.csv", "path,x\na,1\n,2\n", None, SourceError, "row 2"),
        ("list.csv", "path,x\na\nb,2,3\n", None, SourceError, "row 1 has no path, or other columns"),
        ("list.csv", 'path\n"a', None, SourceError, "cannot be read as a list"),
        ("list.parquet", "no parquet", None, SourceError, "cannot be read as Parquet"),
        ("list.csv", None, None, SourceError, "does not exist"),
    ],
)
def test_what_is_no_list_is_said(
    folder: Path, name: str, text: str | None, column: str | None, error: type[DgiqaEdgeError], words: str
) -> None:
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(error, match=words):
        list(Pictures([name], column))


def test_a_folder_may_have_the_name_of_a_list(folder: Path) -> None:
    (folder / "day.csv").mkdir()
    (folder / "day.csv" / "1.jpg").touch()
    assert list(Pictures(["day.csv"])) == ["day.csv/1.jpg"]


def test_a_folder_without_pictures_is_refused(folder: Path) -> None:
    (folder / "none").mkdir()
    with pytest.raises(SourceError, match="none holds no picture"):
        Pictures(["b", "none"])


def test_a_column_is_named(folder: Path) -> None:
    (folder / "list.csv").write_text("path,where\na,b\n")
    assert list(Pictures(["list.csv"], "where")) == ["b"]


def test_a_store_is_listed(folder: Path) -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: extra bulk")
    memory = fsspec.filesystem("memory")
    for name in ("/pictures/x/2.jpg", "/pictures/1.png", "/pictures/readme.md"):
        memory.pipe_file(name, b"-")
    memory.pipe_file("/lists/list.txt", b"memory://pictures/1.png\n")
    try:
        assert list(Pictures(["memory://pictures"])) == ["memory:///pictures/1.png", "memory:///pictures/x/2.jpg"]
        assert list(Pictures(["memory://pictures/*.png"])) == ["memory:///pictures/1.png"]
        assert list(Pictures(["memory://lists/list.txt"])) == ["memory://pictures/1.png"]
        with pytest.raises(SourceError, match="holds no picture"):
            Pictures(["memory://lists"])
    finally:
        memory.rm("/pictures", recursive=True)
        memory.rm("/lists", recursive=True)
