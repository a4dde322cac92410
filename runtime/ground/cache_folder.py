"""Where this user's caches lie: what costs time to make again, and nothing else."""

import os
import re
from pathlib import Path


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/dgiqa-edge``; the XDG rules say that a relative value counts as unset."""
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = configured if configured.is_absolute() else Path.home() / ".cache"
    return base / "dgiqa-edge"


def word_of(device: str) -> str:
    """A device's name as a part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-") or "gpu"
