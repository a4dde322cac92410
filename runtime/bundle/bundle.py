"""The bundle on disk: reading one with every check before anything is deserialised, and writing its manifest.

Building the engines is the export room's work, executing them is ``engines/``'s. A file whose hash is off is
never opened by a parser.
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import BundleError
from ..ground.atomic import write_text
from ..ground.input_file import file_bytes
from ..ground.names import json_text
from ..ground.strict_text import KeyRuleError, parse_json
from ..hashing import sha256_file
from .checks import MANIFEST_NAME, ROLES_OF_LAYOUT, check_document
from .manifest import EngineRecord, FileRecord, Manifest, manifest_from_document


@dataclass(frozen=True)
class Bundle:
    """A bundle directory whose manifest and files have been verified.

    ``document`` is the manifest as parsed from JSON, for printing.
    """

    path: Path
    manifest: Manifest
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of the manifest, which holds that of every file: the bundle's own."""
        return sha256_file(self.path / MANIFEST_NAME)

    @property
    def roles(self) -> tuple[str, ...]:
        """The engines that one frame passes through, in order."""
        return ROLES_OF_LAYOUT[self.manifest.layout]

    def file(self, name: str) -> Path:
        """Path of a file that the manifest lists."""
        if name not in self.manifest.files:
            raise BundleError(f"{self.path}: the manifest lists no file {name!r}")
        return self.path / name

    def engines(self, role: str) -> tuple[EngineRecord, ...]:
        """The engines of one role, preferred backend first."""
        return tuple(engine for engine in self.manifest.engines if engine.role == role)


def load_bundle(path: str | Path) -> Bundle:
    """Read and verify a bundle.

    Every listed file is hashed (about a second per gigabyte), nothing is deserialised but the manifest.

    Raises:
        BundleError: the path is not a bundle, the manifest is damaged or of a newer schema, or a file is
            missing, of another size, or of another content.
    """
    directory = Path(path)
    manifest_file = directory / MANIFEST_NAME
    document = _read_document(directory, manifest_file)
    check_document(document, manifest_file)
    manifest = manifest_from_document(document)
    if "fit" not in document and "--from" not in manifest.build.argv:
        manifest = _told_its_fit(manifest)
    _check_files(directory, manifest)
    return Bundle(directory, manifest, document)


def rebuild_command(bundle: Bundle) -> str:
    """The shell command that builds the bundle again: of itself, where it was built of another one's graphs."""
    argv = list(bundle.manifest.build.argv)
    if "--from" in argv:
        for option in {"--from", "--out"}.intersection(argv[:-1]):
            argv[argv.index(option) + 1] = str(bundle.path)
    return shlex.join(argv)


def layer_hint(bundle: str | Path = "DIR", backend: str = "") -> str:
    """What every error about wrong outputs ends with: the command that says in which layer of a bundle they begin.

    ``backend``: whose outputs are wrong, where the bundle has no engine of it.
    """
    asked = ["--backend", backend] if backend else []
    return f"; which layer it is, says: {shlex.join(['dgiqa-edge', 'debug', str(bundle), *asked])}"


def build_here_command(bundle: Bundle, backend: str) -> str:
    """The shell command that builds a backend's engines here of what the bundle carries; "" if it carries nothing."""
    manifest = bundle.manifest
    if manifest.device_build is None or backend not in {graph.backend for graph in manifest.parser_graphs}:
        return ""
    return shlex.join(["dgiqa-edge", "build", "--from", str(bundle.path)])


def build_manifest_files(directory: Path) -> dict[str, dict[str, Any]]:
    """The manifest's ``files``: SHA-256 and bytes of every file under ``directory`` but the manifest."""
    return {
        name: {"sha256": sha256_file(file), "bytes": file.stat().st_size}
        for name, file in _files_beside_manifest(directory).items()
    }


def write_manifest(directory: Path, document: Mapping[str, Any]) -> Path:
    """Write ``bundle.json`` after checking that ``load_bundle`` would accept it; returns its path.

    Raises:
        BundleError: the document breaks the schema, contradicts itself, or lists other files than there are.
    """
    manifest_file = directory / MANIFEST_NAME
    try:
        text = json_text(document, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BundleError(f"{manifest_file}: the manifest cannot be written as JSON: {error}") from error
    plain = parse_json(text)
    check_document(plain, manifest_file)
    _check_listed(directory, plain["files"])
    write_text(manifest_file, text + "\n")
    return manifest_file


def _read_document(directory: Path, manifest_file: Path) -> Any:
    if not directory.is_dir():
        kind = "is a file, not a bundle directory" if directory.exists() else "does not exist"
        raise BundleError(f"{directory} {kind}: give the folder that build_engine.py wrote (--bundle)")
    try:
        text = file_bytes(manifest_file).decode()
    except FileNotFoundError:
        raise BundleError(
            f"{directory} is not a bundle (no {MANIFEST_NAME}): give the folder that build_engine.py wrote"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{manifest_file} cannot be read ({error}): copy the bundle again, or rebuild it") from error
    try:
        return parse_json(text)
    except KeyRuleError as error:
        raise BundleError(f"{manifest_file}, {error}; or copy the bundle again, or rebuild it") from None
    except ValueError as error:
        raise BundleError(
            f"{manifest_file} is not valid JSON, perhaps truncated ({error}): copy the bundle again, or rebuild it"
        ) from error


def _told_its_fit(manifest: Manifest) -> Manifest:
    """One from before --fit, when frames were stretched: the default of its commands is another today."""
    build, device, told = manifest.build, manifest.device_build, ("--fit", manifest.fit)
    return replace(
        manifest,
        build=replace(build, argv=(*build.argv, *told)),
        device_build=device and replace(device, argv=(*device.argv, *told)),
    )


def _check_files(directory: Path, manifest: Manifest) -> None:
    # As it was built: of itself it cannot be built while it is damaged.
    remedy = f"copy the bundle again, or rebuild it with: {shlex.join(manifest.build.argv)}"
    for (
        name,
        record,
    ) in manifest.files.items():  # sizes first: a cut-off copy is found without hashing gigabytes
        _check_presence(directory, name, record, remedy)
    for name, record in manifest.files.items():
        try:
            found = sha256_file(directory / name)
        except OSError as error:
            raise BundleError(f"{directory / name} cannot be read ({error.strerror}): {remedy}") from error
        if found != record.sha256:
            raise BundleError(
                f"{directory / name} has other content than when the bundle was built "
                f"(SHA-256 {found[:12]}..., expected {record.sha256[:12]}...): {remedy}"
            )


def _check_presence(directory: Path, name: str, record: FileRecord, remedy: str) -> None:
    file = directory / name
    if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(directory)):
        raise BundleError(f"{file} is a link that leaves the bundle directory: {remedy}")
    if not file.is_file():
        raise BundleError(f"{file} is missing: {remedy}")
    size_bytes = file.stat().st_size
    if size_bytes != record.size_bytes:
        raise BundleError(f"{file} has {size_bytes} bytes, expected {record.size_bytes}: {remedy}")


def _files_beside_manifest(directory: Path) -> dict[str, Path]:
    files = sorted(file for file in directory.rglob("*") if file.is_file())
    named = {file.relative_to(directory).as_posix(): file for file in files}
    return {name: file for name, file in named.items() if name != MANIFEST_NAME}


def _check_listed(directory: Path, listed: Mapping[str, Any]) -> None:
    present = {name: file.stat().st_size for name, file in _files_beside_manifest(directory).items()}
    promised = {name: entry["bytes"] for name, entry in listed.items()}
    for name in sorted({*present, *promised}):
        if name not in promised:
            raise BundleError(f"{directory / name} is not listed in the manifest's 'files'")
        if present.get(name) != promised[name]:
            raise BundleError(f"{directory / name} is absent or has changed since it was hashed")
