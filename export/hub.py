"""Downloads published weights from the Hugging Face hub, each pinned to a revision and a SHA-256.

What is published where is data (``PUBLISHED``). A file is checked before it takes its place; an interrupted download
is resumed. A revision without a known hash is taken on trust once: its hash goes to a lock file beside the weights,
and later downloads must agree with it. DGIQA's weights are not on the hub: for them this only says where they are.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.atomic import PARTIAL_PREFIX, write_text
from dgiqa_edge.runtime.errors import CheckpointError, ConfigurationError, DgiqaEdgeError, MachineError
from dgiqa_edge.runtime.hashing import sha256_file

if TYPE_CHECKING:
    from huggingface_hub.file_download import HfFileMetadata

LOCK_FILE = "weights.lock.json"
_LOCK_SCHEMA = 1
_DISK_RESERVE_BYTES = 64 << 20

DGIQA_WEIGHTS = (
    "the weights of dgiqa are not on the Hugging Face hub: the authors publish KADID-10k and KonIQ-10k weights in the "
    "Dropbox folder linked under 'Pretrained Weights' at https://github.com/uf-robopi/DGIQA; download one there, then "
    "run 'dgiqa-edge weights check FILE --network dgiqa'"
)


@dataclass(frozen=True)
class Published:
    """One published weights file.

    Attributes:
        network: name that ``networks.create`` knows.
        kind: ``model`` or ``space``: the sort of hub repository.
        file: path in the repository.
        revision: commit, or ``main`` where none is known; then the SHA-256 alone pins the file.
        sha256: of the file; ``None`` where none is known.
        licence: SPDX name of the weights' licence.
    """

    name: str
    network: str
    repository: str
    kind: str
    file: str
    revision: str
    sha256: str | None
    licence: str


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


def get(name: str) -> Published:
    """The published weights of that name or of the network of that name.

    Raises:
        CheckpointError: ``dgiqa``: the message says where the authors publish its weights.
        ConfigurationError: nothing is published under that name.
    """
    key = name.lower().replace("_", "-")
    for published in PUBLISHED.values():
        if key in (published.name, published.network.replace("_", "-")):
            return published
    if key.startswith("dgiqa"):
        raise CheckpointError(DGIQA_WEIGHTS)
    raise ConfigurationError(f"no published weights {name!r}: choose one of {', '.join(PUBLISHED)}, or dgiqa")


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
    partial = folder / f"{PARTIAL_PREFIX}{published.name}"
    _check_space(folder, remote.size, partial)
    received = _download(published, commit, partial, endpoint)
    actual = sha256_file(received)
    if pin.sha256 and actual != pin.sha256:
        shutil.rmtree(partial)
        raise _mismatch(published, commit, pin.sha256, actual)
    if target.exists() and sha256_file(target) != actual:
        raise _occupied(target, sha256_file(target))
    received.replace(target)
    shutil.rmtree(partial)
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
        raise MachineError("huggingface_hub is not installed: pip install 'dgiqa-edge[export]'") from error
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


def _download(published: Published, commit: str, partial: Path, endpoint: str | None) -> Path:
    """Download into ``partial``, which stays after an interrupt so that the next call resumes."""
    from huggingface_hub import hf_hub_download

    try:
        received = hf_hub_download(
            published.repository,
            published.file,
            repo_type=published.kind,
            revision=commit,
            local_dir=partial,
            endpoint=endpoint,
        )
    except Exception as error:  # as above
        raise _explained(error, published, commit) from error
    return Path(received)


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
    reason = str(error).strip().splitlines()
    return MachineError(
        f"cannot reach the Hugging Face hub for {published.name} ({reason[0] if reason else type(error).__name__}): "
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
    received = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
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
        document = json.loads(path.read_text(encoding="utf-8"))
        entries = document["weights"]
        if document["schema_version"] != _LOCK_SCHEMA or not isinstance(entries, dict):
            raise ValueError("unknown layout")
        return {
            name: {"revision": entry["revision"], "sha256": entry["sha256"], **entry} for name, entry in entries.items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} is damaged or of another version: delete it to accept the next download's hash anew"
        ) from error


def _record(folder: Path, published: Published, revision: str, sha256: str) -> None:
    entries = _read_lock(folder)
    entry = {**asdict(published), "revision": revision, "sha256": sha256}
    del entry["name"]
    if entries.get(published.name) == entry:
        return
    entries[published.name] = entry
    document = {"schema_version": _LOCK_SCHEMA, "weights": dict(sorted(entries.items()))}
    write_text(folder / LOCK_FILE, json.dumps(document, indent=1) + "\n")


# Hashes and commits as several independent public projects pin these files (the hub itself is the authority; a file
# that differs is refused, never silently accepted). The V1 files lie in the authors' demo space, whose commit is not
# on record: there the hash alone pins. Licences: the authors' README (V2) and their answer in Depth-Anything issue 15
# (V1, all sizes).
PUBLISHED: Mapping[str, Published] = MappingProxyType(
    {
        published.name: published
        for published in (
            Published(
                name="depth-anything-v1-small",
                network="depth_anything_v1_vits",
                repository="LiheYoung/Depth-Anything",
                kind="space",
                file="checkpoints/depth_anything_vits14.pth",
                revision="main",
                sha256="59afe57cfd9f4284deaf5b753d954723d7136ae842fba3e068ba03537ca1e60e",
                licence="Apache-2.0",
            ),
            Published(
                name="depth-anything-v1-base",
                network="depth_anything_v1_vitb",
                repository="LiheYoung/Depth-Anything",
                kind="space",
                file="checkpoints/depth_anything_vitb14.pth",
                revision="main",
                sha256="64ae214ae4e27424b644c49464c0aa243016f6f753d95097c8eb9ad0b9cb2d9b",
                licence="Apache-2.0",
            ),
            Published(
                name="depth-anything-v1-large",
                network="depth_anything_v1_vitl",
                repository="LiheYoung/Depth-Anything",
                kind="space",
                file="checkpoints/depth_anything_vitl14.pth",
                revision="main",
                sha256="6c6a383e33e51c5fdfbf31e7ebcda943973a9e6a1cbef1564afe58d7f2e8fe63",
                licence="Apache-2.0",
            ),
            Published(
                name="depth-anything-v2-small",
                network="depth_anything_v2_vits",
                repository="depth-anything/Depth-Anything-V2-Small",
                kind="model",
                file="depth_anything_v2_vits.pth",
                revision="03876f8651c73a60fe4c2c48294e09fcb6838fcf",
                sha256="715fade13be8f229f8a70cc02066f656f2423a59effd0579197bbf57860e1378",
                licence="Apache-2.0",
            ),
            Published(
                name="depth-anything-v2-base",
                network="depth_anything_v2_vitb",
                repository="depth-anything/Depth-Anything-V2-Base",
                kind="model",
                file="depth_anything_v2_vitb.pth",
                revision="a4e71a6c2ce52fe50df0f212066b0d4a87be9b5e",
                sha256="0d2b7002e62d39d655571c371333340bd88f67ab95050c03591555aa05645328",
                licence="CC-BY-NC-4.0",
            ),
            Published(
                name="depth-anything-v2-large",
                network="depth_anything_v2_vitl",
                repository="depth-anything/Depth-Anything-V2-Large",
                kind="model",
                file="depth_anything_v2_vitl.pth",
                revision="cbbb86a30ce19b5684b7a05155dc7e6cbc7685b9",
                sha256="a7ea19fa0ed99244e67b624c72b8580b7e9553043245905be58796a608eb9345",
                licence="CC-BY-NC-4.0",
            ),
        )
    }
)
