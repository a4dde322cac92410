"""A bundle into a tar and out again; and tars that were made to harm."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.errors import BundleError
from dgiqa_edge.runtime.update.archive import pack, read_head, unpack


@pytest.fixture
def packed(bundle_dir: Path, tmp_path: Path) -> Path:
    pack(load_bundle(bundle_dir), tmp_path / "bundle.tar")
    return tmp_path / "bundle.tar"


def contents(archive: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(archive) as tar:
        return [(member, (tar.extractfile(member) or io.BytesIO()).read()) for member in tar.getmembers()]


def written(archive: Path, members: list[tuple[tarfile.TarInfo, bytes]], format: int = tarfile.USTAR_FORMAT) -> Path:
    with tarfile.open(archive, "w", format=format) as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return archive


def named(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in fields.items():
        setattr(member, field, value)
    return member, content


def out_of(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    unpack(archive, folder)
    return folder


def test_out_comes_what_went_in_and_the_same_bytes_each_time(packed: Path, bundle_dir: Path, tmp_path: Path) -> None:
    folder = out_of(packed, tmp_path / "out")
    assert load_bundle(folder).sha256 == load_bundle(bundle_dir).sha256
    assert {file.name for file in folder.iterdir()} == {file.name for file in bundle_dir.iterdir()}
    assert read_head(packed) == ((bundle_dir / "bundle.json").read_bytes(), None)
    (bundle_dir / "notes.txt").write_text("nobody lists this")
    for file in bundle_dir.iterdir():
        file.touch()
        file.chmod(0o600)
    pack(load_bundle(bundle_dir), tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == packed.read_bytes()


def test_the_signature_comes_first_and_along(packed: Path, bundle_dir: Path, tmp_path: Path) -> None:
    (bundle_dir / "bundle.json.sig").write_bytes(b"signed")
    pack(load_bundle(bundle_dir), packed)
    assert contents(packed)[0][0].name == "bundle.json.sig"
    assert read_head(packed)[1] == b"signed"
    assert (out_of(packed, tmp_path / "out") / "bundle.json.sig").read_bytes() == b"signed"


LINK, HARD, FOLDER, DEVICE, PIPE = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE
BAD: dict[str, Callable[[list[Any]], list[Any]]] = {
    "leaves the folder": lambda files: [*files[:1], named("../evil", b"x"), *files[1:]],
    "absolute": lambda files: [*files[:1], named("/tmp/evil", b"x"), *files[1:]],
    "another system's": lambda files: [*files[:1], named("a\\..\\evil", b"x"), *files[1:]],
    "a link": lambda files: [*files[:1], named("build.log", type=LINK, linkname="/etc/passwd"), *files[1:]],
    "a hard link": lambda files: [*files[:1], named("build.log", type=HARD, linkname="bundle.json"), *files[1:]],
    "a folder": lambda files: [*files[:1], named("folder", type=FOLDER), *files[1:]],
    "a device": lambda files: [*files[:1], named("build.log", type=DEVICE), *files[1:]],
    "a pipe": lambda files: [*files[:1], named("build.log", type=PIPE), *files[1:]],
    "not listed": lambda files: [*files, named("extra.bin", b"x")],
    "twice": lambda files: [*files, files[-1]],
    "the manifest twice": lambda files: [*files, files[0]],
    "of another size": lambda files: [*files[:-1], named(files[-1][0].name, files[-1][1] + b"x")],
    "one missing": lambda files: files[:-1],
    "manifest not first": lambda files: files[::-1],
    "nothing": lambda files: [],
    "a manifest that is none": lambda files: [named("bundle.json", b"{}")],
}


@pytest.mark.parametrize("kind", BAD)
def test_what_does_not_belong_is_refused(kind: str, packed: Path, tmp_path: Path) -> None:
    spoilt = written(tmp_path / "spoilt.tar", BAD[kind](contents(packed)))
    with pytest.raises(BundleError):
        out_of(spoilt, tmp_path / "out")
    assert not list(tmp_path.rglob("evil"))
    assert not any(file.is_symlink() for file in tmp_path.rglob("*"))


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_extended_headers_are_not_read(format: int, packed: Path, tmp_path: Path) -> None:
    """They could ask for any amount of memory, or name another file than the header does."""
    files = contents(packed)
    long = written(tmp_path / "long.tar", [*files[:1], named("x" * 300, b"x"), *files[1:]], format)
    with pytest.raises(BundleError, match="no plain file inside the bundle"):
        out_of(long, tmp_path / "out")


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_half_is_refused_wherever_it_ends(kept: float, packed: Path, tmp_path: Path) -> None:
    whole = packed.read_bytes().rstrip(b"\0")
    packed.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(BundleError):
        out_of(packed, tmp_path / "out")


def test_a_compressed_one_is_named_as_no_plain_tar(packed: Path, tmp_path: Path) -> None:
    import gzip

    packed.write_bytes(gzip.compress(packed.read_bytes()))
    with pytest.raises(BundleError, match="no plain tar"):
        out_of(packed, tmp_path / "out")


def test_a_size_that_no_file_can_have_is_refused_before_it_is_read(packed: Path, tmp_path: Path) -> None:
    member, _ = named("bundle.json")
    member.size = 1 << 40
    packed.write_bytes(member.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(BundleError, match="does not begin with a"):
        read_head(packed)


@given(
    name=st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=60),
    kind=st.sampled_from([tarfile.REGTYPE, tarfile.AREGTYPE, LINK, HARD, FOLDER, tarfile.CONTTYPE]),
    place=st.integers(0, 3),
)
def test_no_name_gets_out_and_none_comes_unlisted(
    tmp_path_factory: pytest.TempPathFactory, name: str, kind: bytes, place: int
) -> None:
    from conftest import write_bundle

    tmp_path = tmp_path_factory.mktemp("names")
    bundle = load_bundle(write_bundle(tmp_path / "bundle"))
    pack(bundle, tmp_path / "bundle.tar")
    files = contents(tmp_path / "bundle.tar")
    files.insert(place, named(name, b"evil", type=kind))
    try:
        spoilt = written(tmp_path / "spoilt.tar", files)
    except ValueError:  # no tar can say it
        return
    inside = tmp_path / "around" / "out"
    inside.mkdir(parents=True)
    with pytest.raises((BundleError, OSError)):
        unpack(spoilt, inside)
    assert [path.name for path in (tmp_path / "around").iterdir()] == ["out"]
    found = {path.relative_to(inside).as_posix() for path in inside.rglob("*") if path.is_file()}
    assert found <= {*bundle.manifest.files, "bundle.json", "bundle.json.sig"}


@given(st.binary(max_size=3000))
def test_bytes_at_random_are_no_bundle(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "x.tar").write_bytes(content)
    with pytest.raises(BundleError):
        unpack(folder / "x.tar", folder)
