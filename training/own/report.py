"""What a training of the user's own came to: for people, printed and as Markdown, and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dgiqa_edge.calibration.agreement import Figure
from dgiqa_edge.runtime.version import VERSION

from .fit import Candidate
from .held_out import BETTER, WITHIN_NOISE, Gain, HeldOut
from .opinions import Opinions

TITLE = "Own scores"


@dataclass(frozen=True)
class Report:
    """Everything that there is to tell.

    Attributes:
        base: preset whose network it started from; ``weights`` are its files and their SHA-256.
        final: how the layers that were written were fitted, to all photos.
        own: their scores [photos], of photos that they saw; those of ``held_out`` are of photos not seen.
        warnings: what a user must know before believing the figures.
        known: photos that the base was trained on, as far as can be told.
    """

    base: str
    weights: dict[str, str]
    frame: str
    fit: str
    table: str
    seed: int
    opinions: Opinions
    held_out: HeldOut
    gains: Sequence[Gain]
    final: Candidate
    own: np.ndarray
    warnings: Sequence[str]
    seconds: float
    known: int = 0

    @property
    def is_shown(self) -> bool:
        """Whether it is better on photos of which most are new to the base, too."""
        return self.verdict == BETTER and 2 * self.known < len(self.own)

    @property
    def verdict(self) -> str:
        """Of the figure that decides."""
        return self.gains[0].verdict

    def sentence(self) -> str:
        """The verdict with what it is about."""
        first = self.gains[0]
        lead = {
            BETTER: f"better: own scores order held-out photos better than {self.base}",
            WITHIN_NOISE: f"within noise: on held-out photos no gain over {self.base} can be told from chance",
        }.get(first.verdict, f"worse: own scores order held-out photos less well than {self.base}")
        rest = [f"{gain.name} {gain.verdict}" for gain in self.gains[1:]]
        doubt = "" if self.is_shown or first.verdict != BETTER else "; the base was trained on most of them: not shown"
        return f"{lead} ({first.name} {signed(first.change)}{''.join(f'; {one}' for one in rest)}){doubt}"

    def lines(self) -> list[str]:
        """The table, the verdict and the warnings as text."""
        rows = [("", self.base, "own", "change", ""), *map(_cells, self.gains)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        table = [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        return [*table, self._how(), *(f"warning: {one}" for one in self.warnings), self.sentence()]

    def markdown(self) -> str:
        """The same as a page."""
        rows = [("", self.base, "own", "change", ""), ("---",) * 5, *map(_cells, self.gains)]
        warnings = [f"- **Warning:** {one}" for one in self.warnings] + [f"- {one}" for one in self.opinions.notes]
        return "\n".join(
            [
                f"# {TITLE}",
                "",
                f"**{self.sentence()}**",
                "",
                *("| " + " | ".join(row) + " |" for row in rows),
                "",
                self._how(),
                "",
                *warnings,
                *([""] if warnings else []),
                f"Base {self.base}, frame {self.frame} ({self.fit}), {self.table}, seed {self.seed}; fits without a "
                f"part: {', '.join(map(named, self.held_out.chosen))}; the fit to all photos, which was written: "
                f"{named(self.final)}. Its scores of these photos are in report.json and are no evidence: it saw them. "
                f"FP32 on this machine, {self.seconds:.0f} s before the build; dgiqa-edge {VERSION}.",
                "",
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """All of it, with the scores of every photo."""
        found, opinions = self.held_out, self.opinions
        said = opinions.scores
        return {
            "tool": f"dgiqa-edge {VERSION}",
            "base": self.base,
            "weights": self.weights,
            "frame": self.frame,
            "fit": self.fit,
            "table": self.table,
            "seed": self.seed,
            "verdict": self.verdict,
            "sentence": self.sentence(),
            "figures": [{**asdict(gain), "verdict": gain.verdict} for gain in self.gains],
            "folds": len(found.chosen),
            "fits": {"held_out": list(map(named, found.chosen)), "all_photos": named(self.final)},
            "warnings": list(self.warnings),
            "notes": list(opinions.notes),
            "seconds": round(self.seconds, 1),
            "photos": [
                {
                    "image": str(photo),
                    "sha256": key,
                    **({} if said is None else {"score": float(said[number])}),
                    "fold": int(found.parts[number]),
                    "base": float(found.base[number]),
                    "own_held_out": float(found.own[number]),
                    "own": float(self.own[number]),
                }
                for number, (photo, key) in enumerate(zip(opinions.photos, opinions.keys, strict=True))
            ],
            **({} if opinions.pairs is None else {"pairs": opinions.pairs.tolist()}),
        }

    def _how(self) -> str:
        found, pairs = self.held_out, self.opinions.pairs
        told = f"{len(found.own)} photos"
        if pairs is not None:
            judged = int((found.parts[pairs[:, 0]] == found.parts[pairs[:, 1]]).sum())
            told = f"{judged} of {len(pairs)} pairs (both photos in one part) of {told}"
        return (
            f"{told}, each scored by a fit that did not see it ({len(found.chosen)} parts); 95 % bootstrap intervals, "
            "base and own drawn together"
        )


def named(candidate: Candidate) -> str:
    """A candidate in words."""
    return candidate if isinstance(candidate, str) else f"strength {candidate:.2g}"


def signed(figure: Figure) -> str:
    """A change with its interval."""
    return f"{figure.value:+.3f} [{figure.low:+.3f}, {figure.high:+.3f}]"


def _cells(gain: Gain) -> tuple[str, str, str, str, str]:
    base, own = (f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" for one in (gain.base, gain.own))
    return gain.name, base, own, signed(gain.change), gain.verdict
