"""Durations and sizes as people write them: ``500ms``, ``5m``, ``2GiB``, ``1280x720``. One reading for all.

It knows no limits and no options: those who ask say what is too much, and in which unit a bare number is.
"""

import re

SECONDS_PER = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_MIB_PER = {"mib": 1.0, "m": 1.0, "gib": 1024.0, "g": 1024.0, "tib": 1024.0**2, "t": 1024.0**2}
_AMOUNT = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z]*)\s*", re.ASCII)
_FRAME = re.compile(r"([1-9][0-9]{0,4})[xX]([1-9][0-9]{0,4})", re.ASCII)


def duration_in(unit: str, text: str, *, bare: bool = True) -> float | None:
    """A duration in ``unit``, which is that of a number without one; None where the text is none.

    Args:
        bare: whether a number may stand without a unit.

    >>> duration_in("s", "5m"), duration_in("ms", "0.5s"), duration_in("s", "soon")
    (300.0, 500.0, None)
    """
    match = _AMOUNT.fullmatch(text)
    if match is None or not (match[2] or bare):
        return None
    scale = SECONDS_PER.get(match[2] or unit)
    return None if scale is None else float(match[1]) * (scale / SECONDS_PER[unit])


def mebibytes(text: str) -> float | None:
    """MiB, which a number without a unit is in; None where the text is no size.

    >>> mebibytes("512"), mebibytes("2GiB")
    (512.0, 2048.0)
    """
    match = _AMOUNT.fullmatch(text)
    scale = _MIB_PER.get((match[2] or "MiB").lower()) if match else None
    return float(match[1]) * scale if match and scale else None


def frame_size(text: str) -> tuple[int, int] | None:
    """``1280x720`` as (width, height) in pixels; None where it is none."""
    match = _FRAME.fullmatch(text.strip())
    return None if match is None else (int(match[1]), int(match[2]))


def remaining(seconds: float) -> str:
    """How long it takes still, for people: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"
