"""Files on a disk and in a store: the same words for both, and what is not there told from what does not answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, DgiqaEdgeError, MachineError, SourceError
from dgiqa_edge.runtime.scoring.bulk.store import Store, read_picture, within

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: extra bulk")


@pytest.fixture(params=["disk", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "disk":
        yield str(tmp_path / "out")
        return
    yield "memory://out"
    memory = fsspec.filesystem("memory")
    if memory.exists("/out"):
        memory.rm("/out", recursive=True)


def test_files_come_and_go(place: str) -> None:
    store = Store(place)
    assert store.names() == set()
    assert store.read("a") is None
    store.remove("a")
    store.write("a", b"1")
    store.write("a", b"22")
    store.write("_work/b", b"3")
    assert (store.read("a"), store.read("_work/b")) == (b"22", b"3")
    assert store.names() == {"a", "_work"}
    with store.stream("_work/grown", "wb") as stream:
        stream.write(b"0123")
    with store.stream("_work/grown", "rb") as stream:
        stream.seek(2)
        assert stream.read() == b"23"
    store.remove("a")
    assert store.names() == {"_work"}


@pytest.mark.parametrize("content", [b"", b"picture"])
def test_a_picture_is_read(place: str, content: bytes) -> None:
    Store(place).write("p.jpg", content)
    if content:
        assert read_picture(f"{place}/p.jpg") == content
    else:
        with pytest.raises(SourceError, match=r"p\.jpg is empty \(0 bytes\)"):
            read_picture(f"{place}/p.jpg")
    with pytest.raises(SourceError, match=r"q\.jpg does not exist: check the name"):
        read_picture(f"{place}/q.jpg")


@pytest.mark.parametrize(
    ("root", "path", "found"),
    [
        ("/data", "a/b.jpg", "/data/a/b.jpg"),
        ("/data", "/x.jpg", "/x.jpg"),
        ("/data", "s3://bucket/x.jpg", "s3://bucket/x.jpg"),
        ("s3://bucket/", "a.jpg", "s3://bucket/a.jpg"),
    ],
)
def test_a_path_is_named_from_the_root_on(root: str, path: str, found: str) -> None:
    assert within(root, path) == found


class Down(fsspec.AbstractFileSystem):
    """A store whose every answer is one error."""

    protocol = "down"
    error: Any = None

    def _open(self, path: str, *_: Any, **__: Any) -> Any:
        raise Down.error

    def ls(self, path: str, detail: bool = True, **_: Any) -> Any:
        raise Down.error


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (PermissionError("Access Denied"), SourceError, "cannot be read: Access Denied"),
        (FileNotFoundError(), SourceError, "does not exist"),
        (TimeoutError("too slow"), MachineError, "cannot be reached .TimeoutError: too slow"),
        (RuntimeError("endpoint"), MachineError, "run the command again"),
    ],
)
def test_a_picture_fails_only_of_itself(error: Exception, raised: type[DgiqaEdgeError], words: str) -> None:
    fsspec.register_implementation("down", Down, clobber=True)
    Down.error = error
    with pytest.raises(raised, match=words):
        read_picture("down://bucket/p.jpg")


def test_a_store_of_no_known_kind_is_said() -> None:
    with pytest.raises(ConfigurationError, match="nosuch://x"):
        read_picture("nosuch://x/p.jpg")


def test_a_store_whose_package_is_missing_is_said() -> None:
    fsspec.register_implementation("lacking", "no_such_package.Files", errtxt="Install no_such_package", clobber=True)
    with pytest.raises(MachineError, match=r"lacking://x/p.jpg needs a package: Install no_such_package, pip .*stores"):
        read_picture("lacking://x/p.jpg")
