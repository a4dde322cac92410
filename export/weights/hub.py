"""Downloads published weights from the Hugging Face hub, each pinned to a revision and a SHA-256.

What is published where is data: ``published.py``. A file is checked before it takes its place; an interrupted
download is resumed. A revision without a known hash is taken on trust once: its hash goes to a lock file beside the
weights, and later downloads must agree with it.
"""

import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.commands.progress import is_quiet
from dgiqa_edge.runtime.errors import CheckpointError, ConfigurationError, DgiqaEdgeError, MachineError
from dgiqa_edge.runtime.ground.atomic import PARTIAL_PREFIX, write_text
from dgiqa_edge.runtime.ground.error_text import telling_line
from dgiqa_edge.runtime.ground.extra_packages import install_command
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.hashing import sha256_file

from .published import PUBLISHED, Published, get

if TYPE_CHECKING:
    from huggingface_hub.file_download import HfFileMetadata

__all__ = ["LOCK_FILE", "PUBLISHED", "Download", "Published", "fetch", "get"]

LOCK_FILE = "weights.lock.json"
_LOCK_SCHEMA = 1
_DISK_RESERVE_BYTES = 64 << 20


@dataclass(frozen=True)
class Download:
    """A weights file on this machine.

    Attributes:
        pinned: whether its hash was known beforehand (by the table, an option, or the lock file).
        fetched: ``False`` if the right file was there already.
    """

    path: Path
    published: Published
    revision: str
    sha256: str
    pinned: bool
    fetched: bool


@dataclass(frozen=True)
class _Pin:
    revision: str
    sha256: str | None


def fetch(
    name: str,
    folder: Path,
    *,
    revision: str | None = None,
    sha256: str | None = None,
    endpoint: str | None = None,
) -> Download:
    """Download the weights ``name`` into ``folder``, check them, and record them in its lock file.

    Args:
        revision: commit, branch or tag instead of the pinned one; its hash is then unknown unless given.
        sha256: the hash the file must have, instead of the pinned one.
        endpoint: address of the hub; by default huggingface_hub's (``HF_ENDPOINT``).

    Raises:
        CheckpointError: the file differs from its pin, or the hub does not have it.
        ConfigurationError: nothing is published under that name, or ``sha256`` is no SHA-256.
        MachineError: the hub cannot be reached, huggingface_hub is not installed, or the disk is full.
    """
    published = get(name)
    pin = _pin(published, folder, revision, sha256)
    target = folder / Path(published.file).name
    if target.exists() and pin.sha256 is not None:
        actual = sha256_file(target)
        if actual != pin.sha256:
            raise _occupied(target, actual)
        _record(folder, published, pin.revision, actual)
        return Download(target, published, pin.revision, actual, pinned=True, fetched=False)
    remote = _remote_metadata(published, pin, endpoint)
    commit = remote.commit_hash or pin.revision
    announced = remote.etag if remote.etag and len(remote.etag) == 64 else None
    if pin.sha256 and announced and announced != pin.sha256:
        raise _mismatch(published, commit, pin.sha256, announced)
    partial = folder / f"{PARTIAL_PREFIX}{published.name}.{commit[:12]}"
    _check_space(folder, remote.size, partial)
    _download(published, remote, partial)
    actual = sha256_file(partial)
    expected = pin.sha256 or announced
    if expected and actual != expected:
        partial.unlink()
        raise _mismatch(published, commit, expected, actual)
    if target.exists() and sha256_file(target) != actual:
        raise _occupied(target, sha256_file(target))
    partial.replace(target)
    _record(folder, published, commit, actual)
    return Download(target, published, commit, actual, pinned=pin.sha256 is not None, fetched=True)


def _pin(published: Published, folder: Path, revision: str | None, sha256: str | None) -> _Pin:
    """What the file must be: by the options, else by the lock file, else by the table."""
    if sha256 is not None:
        sha256 = sha256.lower()
        if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
            raise ConfigurationError(f"--sha256 {sha256!r} is not 64 hexadecimal digits")
    known = [_Pin(published.revision, published.sha256)]
    locked = _read_lock(folder).get(published.name)
    if locked is not None:
        known.insert(0, _Pin(locked["revision"], locked["sha256"]))
    if revision is None:
        return _Pin(known[0].revision, sha256 or known[0].sha256)
    recorded = next((pin.sha256 for pin in known if pin.revision == revision), None)
    return _Pin(revision, sha256 or recorded)


def _remote_metadata(published: Published, pin: _Pin, endpoint: str | None) -> "HfFileMetadata":
    """Size, hash and commit as the hub states them: one small request, so that being offline shows at once."""
    try:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
    except ImportError as error:
        raise MachineError(f"huggingface_hub is not installed: {install_command('export')}") from error
    url = hf_hub_url(
        published.repository,
        published.file,
        repo_type=published.kind,
        revision=pin.revision,
        endpoint=endpoint,
    )
    try:
        return get_hf_file_metadata(url, endpoint=endpoint)
    except Exception as error:  # the hub's and the HTTP library's errors share no root
        raise _explained(error, published, pin.revision) from error


def _download(published: Published, remote: "HfFileMetadata", partial: Path) -> None:
    """Download to ``partial``, with a progress bar; what an interrupted call left there is continued.

    ``hf_hub_download`` is not used: in huggingface_hub 2 it starts anew after an interrupt.
    """
    from urllib.parse import urlsplit

    from huggingface_hub import constants, file_download
    from huggingface_hub.utils import build_hf_headers, disable_progress_bars

    if is_quiet():
        disable_progress_bars()
    own_host = urlsplit(remote.location).netloc == urlsplit(constants.ENDPOINT).netloc
    with partial.open("ab") as stream:
        if remote.size is not None and stream.tell() > remote.size:
            stream.truncate(0)
        try:
            file_download.http_get(
                remote.location,
                stream,
                resume_size=stream.seek(0, 2),
                headers=build_hf_headers(token=None if own_host else False),
                expected_size=remote.size,
                displayed_filename=Path(published.file).name,
            )
        except Exception as error:  # as above
            raise _explained(error, published, remote.commit_hash or published.revision) from error


def _explained(error: Exception, published: Published, revision: str) -> DgiqaEdgeError:
    """The hub's failure in one line that says what to do."""
    from huggingface_hub import errors

    source = f"{published.repository} at {revision}"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, OSError) and error.errno == 28:
        return MachineError(f"disk full while downloading {published.name}: free some space and run it again")
    if isinstance(error, errors.OfflineModeIsEnabled):
        return MachineError("HF_HUB_OFFLINE is set, so nothing is downloaded: unset it, or copy the file here")
    if isinstance(error, errors.GatedRepoError) or status in (401, 403):
        return MachineError(f"the hub refuses access to {source}: log in with 'hf auth login' and run it again")
    if isinstance(error, errors.LocalEntryNotFoundError):
        return _unreachable(error.__cause__ or error, published)
    if isinstance(error, errors.RevisionNotFoundError | errors.EntryNotFoundError | errors.RepositoryNotFoundError):
        return CheckpointError(f"the hub has no {published.file} in {source}: give another --revision")
    if status is not None:
        return MachineError(f"the hub answered {status} for {source}: try again later")
    return _unreachable(error, published)


def _unreachable(error: BaseException, published: Published) -> MachineError:
    return MachineError(
        f"cannot reach the Hugging Face hub for {published.name} ({telling_line(error)}): "
        f"check the connection, proxy and HF_ENDPOINT, or download {published.file} of {published.repository} "
        "elsewhere and pass the file"
    )


def _mismatch(published: Published, revision: str, expected: str, actual: str) -> CheckpointError:
    return CheckpointError(
        f"{published.file} of {published.repository} at {revision} has SHA-256 {actual}, not the pinned {expected}: "
        "nothing was kept; if the change is known and wanted, pass --sha256 with the new value"
    )


def _occupied(target: Path, actual: str) -> CheckpointError:
    return CheckpointError(
        f"{target} exists and is another file (SHA-256 {actual}): move it away or give another --out folder"
    )


def _check_space(folder: Path, size: int | None, partial: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"cannot create {folder}: {error.strerror}; give another --out folder") from error
    if not os.access(folder, os.W_OK):
        raise MachineError(f"cannot write to {folder}: change its permissions or give another --out folder")
    received = partial.stat().st_size if partial.exists() else 0
    needed = (size or 0) - received + _DISK_RESERVE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise MachineError(
            f"{folder} has {free >> 20} MiB free and {needed >> 20} MiB are needed: free some space or give another "
            "--out folder"
        )


def _read_lock(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / LOCK_FILE
    if not path.is_file():
        return {}
    try:
        document = parse_json(path.read_text(encoding="utf-8"))
        entries = document["weights"]
        if document["schema_version"] != _LOCK_SCHEMA or not isinstance(entries, dict):
            raise ValueError("unknown layout")
        return {
            name: {"revision": entry["revision"], "sha256": entry["sha256"], **entry} for name, entry in entries.items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} is damaged or of another version ({error}): delete it to accept the next download's hash anew"
        ) from error


def _record(folder: Path, published: Published, revision: str, sha256: str) -> None:
    entries = _read_lock(folder)
    entry = {**asdict(published), "revision": revision, "sha256": sha256}
    del entry["name"]
    if entries.get(published.name) == entry:
        return
    entries[published.name] = entry
    document = {"schema_version": _LOCK_SCHEMA, "weights": dict(sorted(entries.items()))}
    write_text(folder / LOCK_FILE, json_text(document, indent=1) + "\n")
