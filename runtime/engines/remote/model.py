"""A bundle that lies on a server: its manifest travels in the model's configuration, under the names below."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...bundle.bundle import Bundle, load_bundle
from ...bundle.checks import MANIFEST_NAME, check_document
from ...bundle.manifest import manifest_from_document
from ...errors import BundleError, EngineCompatibilityError
from ...ground.strict_text import parse_json
from ...hashing import sha256_bytes
from ...settings.remote_address import RemoteAddress, RemotePath, is_remote, parse_address
from .connection import open_wire

HASH = "dgiqa_edge_bundle_sha256"
"""Parameter of the configuration, and of answers where Triton can give any: the SHA-256 of the bundle's manifest."""
MANIFEST = "dgiqa_edge_manifest"
"""Parameter of the configuration: ``bundle.json``, byte for byte."""


@dataclass(frozen=True)
class RemoteBundle(Bundle):
    """A bundle whose engines run on the server at ``address``, as one; no file of it is here.

    ``sha256`` is the hash of the bundle that the server must have.
    """

    address: RemoteAddress = field(kw_only=True)

    def file(self, name: str) -> Path:
        raise BundleError(f"{self.address} is on a server, and this needs its file {name}: give the bundle's folder")


def open_bundle(source: str | Path) -> Bundle:
    """The bundle in a folder, or on the server of an address.

    Raises:
        BundleError: as ``load_bundle``.
        ConfigurationError, RemoteError, EngineCompatibilityError: as ``remote_bundle``.
    """
    return remote_bundle(parse_address(str(source))) if is_remote(source) else load_bundle(source)


def remote_bundle(address: RemoteAddress) -> RemoteBundle:
    """The bundle that a server has, asked for once.

    Raises:
        ConfigurationError: a file for TLS cannot be read.
        MachineError: the package for the protocol is missing.
        RemoteError: the server does not answer.
        EngineCompatibilityError: it has no such model, or none that was exported from a bundle.
        BundleError: the manifest is damaged, or of a newer version.
    """
    wire = open_wire(address)
    try:
        parameters = wire.parameters()
    finally:
        wire.close()
    digest = served_hash(address, parameters)
    text = parameters.get(MANIFEST, "")
    if sha256_bytes(text.encode()) != digest:
        raise BundleError(f"{address}: the model's manifest has another hash than it names: export the model again")
    document, where = parse_json(text), address_path(address)
    check_document(document, where / MANIFEST_NAME)
    return _remote(Bundle(where, manifest_from_document(document), document, digest), address)


def served(bundle: Bundle, address: RemoteAddress) -> RemoteBundle:
    """A bundle that is here, as a server is to have it; the server is not asked."""
    return _remote(replace(bundle, path=address_path(address)), address)


def served_hash(address: RemoteAddress, parameters: Mapping[str, str]) -> str:
    """The hash of the bundle that a model's configuration names.

    Raises:
        EngineCompatibilityError: it names none.
    """
    if HASH not in parameters:
        raise EngineCompatibilityError(
            f"{address} is no model that was exported from a bundle: make one with dgiqa-edge export triton"
        )
    return parameters[HASH]


def version_of(digest: str) -> int:
    """The version of the model that serves the bundle of a hash, and no other: the first 32 bits of it."""
    return int(digest[:8], 16) or 1


def address_path(address: RemoteAddress) -> RemotePath:
    """The address where a bundle's folder stands in messages."""
    return RemotePath(str(address))


def _remote(bundle: Bundle, address: RemoteAddress) -> RemoteBundle:
    files = {record.file: bundle.manifest.files[record.file] for record in bundle.manifest.engines}
    # A request is one frame, of which batches are made there; and depth of an earlier frame stays there.
    document = {name: value for name, value in bundle.document.items() if name != "batch"}
    manifest = replace(manifest_from_document(document), layout="fused", files=files)
    return RemoteBundle(bundle.path, manifest, bundle.document, bundle.sha256, address=address)
