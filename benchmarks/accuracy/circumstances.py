"""Under which circumstances an accuracy was measured: bundle, machine, packages, date."""

import datetime
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dgiqa_edge.runtime.engines.registry import BACKENDS
from dgiqa_edge.runtime.machine.packages import versions_of
from dgiqa_edge.runtime.machine.processor import processor
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.version import VERSION

from ..measures.measures import bundle_sha256

PACKAGES = (
    *("numpy", "scipy", "opencv-python-headless", "opencv-contrib-python-headless"),
    *(package for backend in BACKENDS for package in backend.packages),
)


@dataclass(frozen=True)
class Circumstances:
    """What a figure's reader must know: the command, the tables, the bundle, the versions."""

    argv: tuple[str, ...]
    split: str | None
    bundle: dict[str, Any]
    versions: dict[str, str | None]
    host: dict[str, Any]
    created: str


def circumstances(scorer: Scorer, argv: Sequence[str], split: str | None) -> Circumstances:
    """The circumstances of a run with this scorer, now, on this machine."""
    manifest = scorer.bundle.manifest
    return Circumstances(
        argv=tuple(argv),
        split=split,
        bundle={
            "path": str(scorer.bundle.path),
            "sha256": bundle_sha256(scorer),
            "preset": manifest.preset,
            "precision": manifest.precision.name,
            "frame": asdict(manifest.frame),
            "fit": scorer.fit,
            "engines": scorer.describe(),
            "notes": list(manifest.notes),
        },
        versions={"dgiqa-edge": VERSION, "python": platform.python_version(), **versions_of(PACKAGES)},
        host={"cpu": processor().model, "system": platform.platform()},
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )
