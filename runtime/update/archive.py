"""A bundle as one file: a plain tar that is the same bytes each time, and is unpacked without trusting it.

First comes the signature, where there is one, then ``bundle.json``, then the files that it lists, and no other. So
whose bundle it is can be decided before anything else of it is looked at, and nothing is written that the manifest does
not name. The reader takes plain files alone: no link, device, folder, sparse file or extended header.
"""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..bundle.bundle import Bundle, read_document
from ..bundle.checks import MANIFEST_NAME, SIGNATURE_NAME, is_inside
from ..errors import BundleError
from ..ground.atomic import atomic_file
from ..ground.limits import MOST_BUNDLE_BYTES, MOST_BUNDLE_FILES, MOST_TEXT_BYTES
from ..ground.names import shown

_CHUNK_BYTES = 1 << 20
_AGAIN = "fetch it again, or make it again with dgiqa-edge bundle pack"


def pack(bundle: Bundle, archive: Path) -> int:
    """Write a verified bundle as an archive; returns its bytes.

    Raises:
        BundleError: a file's name is longer than a tar can say.
        MachineError: it cannot be written.
    """
    signature = [SIGNATURE_NAME] if (bundle.path / SIGNATURE_NAME).is_file() else []
    with atomic_file(archive) as partial:
        with tarfile.open(partial, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name in (*signature, MANIFEST_NAME, *sorted(bundle.manifest.files)):
                member = tarfile.TarInfo(name)  # dated 1970 and owned by root: the same bytes on every machine
                member.size = (bundle.path / name).stat().st_size
                try:
                    with (bundle.path / name).open("rb") as content:
                        tar.addfile(member, content)
                except ValueError:
                    raise BundleError(f"the name {name!r} is too long for an archive: shorten it") from None
        return partial.stat().st_size


def read_head(archive: Path) -> tuple[bytes, bytes | None]:
    """The bytes of an archive's ``bundle.json``, and of its signature where it has one.

    Raises:
        BundleError: it does not begin with them.
    """
    name = shown(archive.name)
    with archive.open("rb") as stream:
        return _head(stream, _members(stream, name), name)


def unpack(archive: Path, directory: Path) -> None:
    """Write an archive's files into an empty folder; what they hold is for ``load_bundle`` to check.

    Raises:
        BundleError: it is cut off, no archive of a bundle, or holds what its manifest does not list.
        OSError: they cannot be written.
    """
    name = shown(archive.name)
    with archive.open("rb") as stream:
        members = _members(stream, name)
        manifest, signature = _head(stream, members, name)
        (directory / MANIFEST_NAME).write_bytes(manifest)
        if signature is not None:
            (directory / SIGNATURE_NAME).write_bytes(signature)
        files = read_document(directory)[0]["files"]
        if sum(entry["bytes"] for entry in files.values()) > MOST_BUNDLE_BYTES or len(files) > MOST_BUNDLE_FILES:
            raise BundleError(
                f"{name} lists {len(files)} files, more than the {MOST_BUNDLE_FILES} files or the "
                f"{MOST_BUNDLE_BYTES} bytes that are unpacked: leave out engines that are for other devices"
            )
        missing = set(files)
        for member in members:
            if member.name not in missing or member.size != files[member.name]["bytes"]:
                problem = "holds twice, in another size than listed, or not listed at all,"
                raise BundleError(f"{name} {problem} the file {shown(member.name)!r}: {_AGAIN}")
            missing.remove(member.name)
            target = directory / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                for chunk in _content(stream, member, name):
                    out.write(chunk)
        if missing:
            raise BundleError(f"{name} ends before the file {min(missing)!r}: it is cut off; {_AGAIN}")


def _head(stream: BinaryIO, members: Iterator[tarfile.TarInfo], name: str) -> tuple[bytes, bytes | None]:
    signature = None
    for wanted in (SIGNATURE_NAME, MANIFEST_NAME):
        member = next(members, None)
        if member is None or member.name not in (wanted, MANIFEST_NAME) or member.size > MOST_TEXT_BYTES:
            raise BundleError(f"{name} does not begin with a {MANIFEST_NAME}: it is no archive of a bundle; {_AGAIN}")
        content = b"".join(_content(stream, member, name))
        if member.name == MANIFEST_NAME:
            return content, signature
        signature = content
    raise AssertionError("the second member is the manifest or refused")


def _members(stream: BinaryIO, name: str) -> Iterator[tarfile.TarInfo]:
    """Headers up to the end of the archive, each where its content begins."""
    at = 0
    while True:
        stream.seek(at)
        header = stream.read(tarfile.BLOCKSIZE)
        if header == bytes(tarfile.BLOCKSIZE):
            return
        try:
            member = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError):
            what = "is cut off" if len(header) < tarfile.BLOCKSIZE and at else "is damaged, or no plain tar"
            raise BundleError(f"{name} {what}: {_AGAIN}") from None
        if member.type != tarfile.REGTYPE or not is_inside(member.name) or member.size < 0:
            raise BundleError(
                f"{name} holds {shown(member.name)!r}, which is no plain file inside the bundle: {_AGAIN}"
            )
        yield member
        at += tarfile.BLOCKSIZE + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _content(stream: BinaryIO, member: tarfile.TarInfo, name: str) -> Iterator[bytes]:
    left = member.size
    while left:
        chunk = stream.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise BundleError(f"{name} ends within the file {shown(member.name)!r}: it is cut off; {_AGAIN}")
        left -= len(chunk)
        yield chunk
