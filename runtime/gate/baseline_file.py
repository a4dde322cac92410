"""A camera's baseline on disk: one JSON file, versioned, written whole or not at all, refused when it does not fit."""

import math
from pathlib import Path
from typing import Any

from ..errors import GateError
from ..ground.atomic import write_text
from ..settings.own_file import UnusableError, own_document, own_text
from .baseline import QUANTITIES, Baseline, Spread

VERSION = 1
_KIND = "dgiqa-edge camera baseline"


def save_baseline(path: Path, baseline: Baseline, scorer_id: str) -> None:
    """Write the baseline; a crash at any moment leaves the old file or the new one.

    Args:
        scorer_id: what the scores came from (the SHA-256 of the bundle's manifest, say): scores of two networks do not
            compare.

    Raises:
        MachineError: the disk is full, or the folder cannot be written.
    """
    content = {
        "scorer_id": scorer_id,
        "samples": baseline.samples,
        "spreads": {
            name: {"low": spread.low, "median": spread.median, "high": spread.high}
            for name, spread in baseline.spreads.items()
        },
    }
    write_text(path, own_text(_KIND, VERSION, content, indent=1))


def load_baseline(path: Path, scorer_id: str, on_unusable: str = "refuse") -> Baseline | None:
    """The baseline in the file; ``None`` where there is no file yet.

    Args:
        scorer_id: as it was saved.
        on_unusable: ``refuse`` raises, ``relearn`` gives None for a file that is damaged, foreign or newer.

    Raises:
        GateError: the file cannot be used; the message says why and what to do.
    """
    try:
        return _baseline(own_document(path, _KIND, VERSION), scorer_id)
    except FileNotFoundError:
        return None
    except UnusableError as error:
        problem = str(error)
    if on_unusable == "relearn":
        return None
    raise GateError(
        f"{path}: this camera's baseline cannot be used ({problem}): take it anew ('gate reference'), delete the file "
        "to learn it anew, or set baseline.on_unusable to 'relearn'"
    )


def _baseline(document: dict[str, Any], scorer_id: str) -> Baseline:
    if document.get("scorer_id") != scorer_id:
        raise UnusableError("it was learned with another bundle, whose scores do not compare")
    samples, spreads = document.get("samples"), document.get("spreads")
    if not isinstance(samples, int) or isinstance(samples, bool) or samples < 1 or not isinstance(spreads, dict):
        raise UnusableError("it is damaged: no samples or spreads")
    unknown = sorted(set(spreads) - set(QUANTITIES))
    if unknown:
        raise UnusableError(f"it is damaged: no quantity is called {unknown[0]!r}")
    return Baseline(samples, {name: _spread(name, value) for name, value in spreads.items()})


def _spread(name: str, value: Any) -> Spread:
    if not isinstance(value, dict) or set(value) != {"low", "median", "high"}:
        raise UnusableError(f"it is damaged: {name} has not the three quantiles")
    numbers = [value[key] for key in ("low", "median", "high")]
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        raise UnusableError(f"it is damaged: a quantile of {name} is no number")
    low, median, high = map(float, numbers)
    if not (math.isfinite(low) and math.isfinite(high) and low <= median <= high):
        raise UnusableError(f"it is damaged: the quantiles of {name} are not in order")
    return Spread(low, median, high)
