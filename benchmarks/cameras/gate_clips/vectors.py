"""Clips as vectors of the gate, so that both languages are held to real readings (``tests/vectors/gate/README.md``)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.ground.names import json_text

from .footage import DAY
from .readings import Measured, numbers
from .report import CLEAN, WITH, WITHOUT, judge

STEP = 3
"""Of so many frames one is kept: the gate's time goes on all the same."""


def write_vectors(folder: Path, measured: Iterable[Measured]) -> None:
    """One clip of a photo with each fault by day, and in each clean light without a reference view.

    The first that the published policy calls right, or else the first. ``tests/vectors/gate/make_vectors.py`` fills
    in the answers.
    """
    chosen: dict[tuple[str | None, str], Measured] = {}
    for clip in measured:
        place = clip.fault, clip.condition
        if clip.film or (clip.fault is not None and clip.condition != DAY):
            continue
        one = clip if clip.fault else clip.without_reference()
        if place not in chosen or (_is_right(one) and not _is_right(chosen[place])):
            chosen[place] = one
    for (fault, light), clip in chosen.items():
        document: dict[str, Any] = {
            "name": f"{fault or CLEAN}, {light}",
            "note": f"readings of {clip.name}; the fault begins at {clip.clean_s:g} s" if fault else f"of {clip.name}",
            "policy": {},
            "baseline": None,
            "steps": [
                {"t": t, **(numbers(reading) or {"score": None, "cues": None}), "expect": {}}
                for t, reading in list(clip.timed())[::STEP]
            ],
        }
        words = f"clip {fault or CLEAN} {light}".replace(",", "").replace("-", " ").split()
        write_text(folder / f"{'_'.join(words)}.json", json_text(document) + "\n")


def _is_right(clip: Measured) -> bool:
    outcome = judge(clip, GatePolicy(), WITHOUT if clip.fault is None else WITH)
    return not outcome.others and (clip.fault is None or outcome.delay_s is not None)
