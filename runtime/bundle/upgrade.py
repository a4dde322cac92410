"""A bundle of an older schema version, rewritten in place to the newest; what it computes stays the same."""

import shlex
from pathlib import Path

from ..ground.atomic import write_text
from ..ground.names import json_text
from ..hashing import sha256_file
from .bundle import MANIFEST_NAME, Bundle, load_bundle
from .checks import SCHEMA_VERSION, SIGNATURE_NAME, check_document
from .golden import GOLDEN_NAME, load_golden, save_golden


def upgrade(bundle: Bundle) -> Bundle:
    """The bundle as this version writes it; one that is so already is left as it is.

    Raises:
        BundleError: its golden frame is damaged.
        MachineError: the disk is full, or the folder cannot be written.
    """
    if bundle.manifest.schema_version == SCHEMA_VERSION:
        return bundle
    old, new = bundle.file(bundle.manifest.golden.file), bundle.path / GOLDEN_NAME
    save_golden(new, load_golden(old))
    files = {**bundle.document["files"], GOLDEN_NAME: {"sha256": sha256_file(new), "bytes": new.stat().st_size}}
    del files[bundle.manifest.golden.file]
    document = {
        **bundle.document,
        "schema_version": SCHEMA_VERSION,
        "golden": {**bundle.document["golden"], "file": GOLDEN_NAME},
        "files": files,
    }
    manifest_file = bundle.path / MANIFEST_NAME
    check_document(document, manifest_file)
    write_text(manifest_file, json_text(document, indent=2) + "\n")  # from here on the new file is the bundle's
    old.unlink()
    (bundle.path / SIGNATURE_NAME).unlink(missing_ok=True)  # of the old manifest: whoever signed it signs again
    return load_bundle(bundle.path)


def upgrade_command(path: Path) -> str:
    """What a user runs to have it done."""
    return shlex.join(["dgiqa-edge", "inspect", "--bundle", str(path), "--upgrade"])
