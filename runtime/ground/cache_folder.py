"""Where this user's caches lie: what costs time to make again, and nothing else."""

import os
import re
from pathlib import Path


def cache_path(*parts: str) -> Path | None:
    """``$XDG_CACHE_HOME/dgiqa-edge/PARTS``; ``None`` where there is none: a service's user may have no home folder.

    The XDG rules say that a relative value counts as unset.
    """
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if configured.is_absolute():
        return configured.joinpath("dgiqa-edge", *parts)
    try:
        home = Path.home()
    except RuntimeError:  # neither $HOME nor an entry for this user
        return None
    return home.joinpath(".cache", "dgiqa-edge", *parts) if home.is_absolute() else None


def word_of(device: str) -> str:
    """A device's name as a part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-") or "gpu"
